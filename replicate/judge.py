"""Stage judge: a supervised digit classifier, trained on MNIST's labels and only ever used to measure.

    python -m replicate.judge

It says which digit a generated image shows. Nothing that it knows reaches the training of a GAN.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate import environment, mnist, parameters, stage, tensor_file
from replicate.parameters import Judge
from replicate.progress import Progress
from replicate.stage import BadInput

WEIGHTS = Path("judge/weights.safetensors")
ORIGIN = "the judge"


def build() -> nn.Sequential:
    """A small convolutional network: images (N, 1, 28, 28) -> logits (N, 10)."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, stride=2, padding=2), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 128, 3, padding=1), nn.BatchNorm2d(128), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.25), nn.Linear(128 * 3 * 3, 10),
    ).to(memory_format=torch.channels_last)  # fmt: skip


def fit(images: Tensor, labels: Tensor, settings: Judge) -> nn.Sequential:
    """Train on images uint8 (N, 28, 28) and labels (N,), by Adam under a one-cycle schedule.

    Raises BadInput when it diverges.
    """
    torch.manual_seed(settings.seed)  # initial weights and dropout
    order = torch.Generator().manual_seed(settings.seed)
    judge = build()
    optimiser = torch.optim.Adam(judge.parameters(), lr=settings.learning_rate, fused=True)
    steps = len(images) // settings.batch_size * settings.epochs
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.learning_rate, total_steps=steps)
    with Progress(desc="judge", total=steps, unit="batch") as progress:
        for _ in range(settings.epochs):
            for batch in torch.randperm(len(images), generator=order).split(settings.batch_size):
                if len(batch) < settings.batch_size:
                    continue
                loss = F.cross_entropy(judge(mnist.as_input(images[batch])), labels[batch])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
                progress.update()
            if not loss.isfinite():
                raise BadInput(f"the judge's training diverged: its loss is {loss.item()}; lower judge.learning_rate")
    return judge.eval()


def save(path: Path, judge: nn.Sequential) -> None:
    """Write the weights, whole or not at all."""
    tensors = {name: tensor.contiguous() for name, tensor in judge.state_dict().items()}
    tensor_file.save(path, tensors, ORIGIN)


def load(path: str | Path = WEIGHTS) -> nn.Sequential:
    """The trained judge, in evaluation mode. Raises BadInput when the file is missing, damaged or of other layers."""
    judge = build()
    try:
        tensors, found = tensor_file.load(path)
        if found != ORIGIN:
            raise BadInput(f"they are of {found}")
        judge.load_state_dict(tensors)
    except (BadInput, RuntimeError) as error:
        advice = "to train it anew: dvc repro --force judge"
        raise BadInput(f"{path}: not the weights of a judge ({error}); {advice}") from error
    return judge.eval()


@torch.no_grad()
def probabilities(judge: nn.Module, images: Tensor, batch_size: int = 1000) -> Tensor:
    """The judge's probabilities (N, 10) of the ten digits, of images (N, 1, 28, 28) in [0, 1]."""
    return torch.cat([judge(batch).softmax(dim=1) for batch in images.split(batch_size)])


@torch.no_grad()
def features(judge: nn.Sequential, images: Tensor, batch_size: int = 1000) -> Tensor:
    """What the judge sees before it names a digit: its last 128 maps, each averaged over the image: (N, 128)."""
    seeing = judge[: next(i for i, layer in enumerate(judge) if isinstance(layer, nn.Flatten))]
    return torch.cat([seeing(batch).mean(dim=(2, 3)) for batch in images.split(batch_size)])


def main() -> None:
    params = parameters.load()
    environment.prepare("cpu")
    judge = fit(*mnist.load("train", params.mnist), params.judge)
    images, labels = mnist.load("t10k", params.mnist)
    predicted = probabilities(judge, mnist.as_input(images)).argmax(dim=1)
    save(WEIGHTS, judge)
    stage.write_json("metrics/judge.json", {"test_accuracy": predicted.eq(labels).double().mean().item()})


if __name__ == "__main__":
    stage.run(main)
