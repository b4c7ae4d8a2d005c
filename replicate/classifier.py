"""Stage classifier: a supervised digit classifier, trained on MNIST's labels and only ever used to measure.

    python -m replicate.classifier

It says which digit a generated image shows. Nothing that it knows reaches the training of a GAN.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate import parameters
from replicate.base import files, machine, mnist, stage
from replicate.base.stage import BadInput, Progress
from replicate.measures.classifier import WEIGHTS, build, probabilities, save
from replicate.parameters import Classifier


def fit(images: Tensor, labels: Tensor, settings: Classifier) -> nn.Sequential:
    """Train on images uint8 (N, 28, 28) and labels (N,), by Adam under a one-cycle schedule.

    Raises BadInput when it diverges.
    """
    torch.manual_seed(settings.seed)  # initial weights and dropout
    order = torch.Generator().manual_seed(settings.seed)
    classifier = build()
    optimiser = torch.optim.Adam(classifier.parameters(), lr=settings.learning_rate, fused=True)
    batches = len(images) // settings.batch_size
    steps = batches * settings.epochs
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.learning_rate, total_steps=steps)
    with Progress(desc="classifier", total=steps, unit="batch") as progress:
        for _ in range(settings.epochs):
            for batch in torch.randperm(len(images), generator=order).split(settings.batch_size)[:batches]:
                loss = F.cross_entropy(classifier(mnist.as_input(images[batch])), labels[batch])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
                progress.update()
            if not loss.isfinite():
                raise BadInput(
                    f"the classifier's training diverged: its loss is {loss.item()}; lower classifier.learning_rate"
                )
    return classifier.eval()


def main() -> None:
    params = parameters.load()
    machine.prepare("cpu")
    classifier = fit(*mnist.load("train", params.mnist), params.classifier)
    images, labels = mnist.load("t10k", params.mnist)
    predicted = probabilities(classifier, mnist.as_input(images)).argmax(dim=1)
    save(WEIGHTS, classifier)
    files.write_json("metrics/classifier.json", {"test_accuracy": predicted.eq(labels).double().mean().item()})


if __name__ == "__main__":
    stage.run(main)
