"""The classifier: a supervised network that tells MNIST's digits apart, only ever used to measure."""

from pathlib import Path

import torch
from torch import Tensor, nn

from replicate.base import files

WEIGHTS = Path("classifier/weights.safetensors")


def build() -> nn.Sequential:
    """A small convolutional network: images (N, 1, 28, 28) -> logits (N, 10)."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, stride=2, padding=2), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 128, 3, padding=1), nn.BatchNorm2d(128), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.25), nn.Linear(128 * 3 * 3, 10),
    ).to(memory_format=torch.channels_last)  # fmt: skip


def save(path: Path, classifier: nn.Sequential) -> None:
    """Write the weights, whole or not at all."""
    tensors = {name: tensor.contiguous() for name, tensor in classifier.state_dict().items()}
    files.save_tensors(path, tensors, "the classifier")


def load(path: str | Path = WEIGHTS) -> nn.Sequential:
    """The trained classifier, in evaluation mode. Raises BadInput when the file is missing or damaged."""
    classifier = build()
    classifier.load_state_dict(files.load_tensors(path)[0])
    return classifier.eval()


@torch.no_grad()
def probabilities(classifier: nn.Module, images: Tensor, batch_size: int = 1000) -> Tensor:
    """The classifier's probabilities (N, 10) of the ten digits, of images (N, 1, 28, 28) in [0, 1]."""
    return torch.cat([classifier(batch).softmax(dim=1) for batch in images.split(batch_size)])


@torch.no_grad()
def features(classifier: nn.Sequential, images: Tensor, batch_size: int = 1000) -> Tensor:
    """The classifier's last 128 maps, each averaged over the image: (N, 1, 28, 28) -> (N, 128)."""
    seeing = classifier[: next(i for i, layer in enumerate(classifier) if isinstance(layer, nn.Flatten))]
    return torch.cat([seeing(batch).mean(dim=(2, 3)) for batch in images.split(batch_size)])
