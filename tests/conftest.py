"""What the tests share: the committed parameters, made small, made-up digits, and files as MNIST has them."""

import gzip
import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from replicate import parameters
from replicate.base import machine
from replicate.base.mnist import Mnist
from replicate.parameters import Parameters

os.environ["MPLBACKEND"] = "agg"  # as in replicate.figures_studies, for tests that import matplotlib first
ROOT = Path(__file__).parent.parent
CPU = torch.device("cpu")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no GPU with CUDA")
DEVICES = [CPU, pytest.param(torch.device("cuda"), marks=needs_gpu)]


def change(of: Any, **groups: Any) -> Any:
    """Parameters or settings with other values in some groups, unchecked:
    `change(small, train={"batch_size": 16}, objective="gan")`."""
    changes = {
        name: getattr(of, name).model_copy(update=values) if isinstance(values, dict) else values
        for name, values in groups.items()
    }
    return of.model_copy(update=changes)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The pipeline's file takes longest: it comes first, and other cores work through the rest beside it."""
    items.sort(key=lambda item: item.path.name != "test_pipeline.py")


@pytest.fixture(scope="session", autouse=True)
def prepared() -> None:
    """PyTorch as every stage sets it up."""
    machine.prepare("auto")


@pytest.fixture(scope="session")
def params() -> Parameters:
    """The committed params.yaml and variants.yaml."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return parameters.load()


@pytest.fixture(scope="session")
def small(params: Parameters) -> Parameters:
    """The committed parameters at a length that a test can afford."""
    sizes = {"iterations": 4, "batch_size": 16, "training_images": 128, "batchnorm_images": 16}
    train = {**sizes, "log_every": 1, "milestones": [2]}
    return change(params, train=train, machine={"device": "cpu", "checkpoint_seconds": 0})


@pytest.fixture(scope="session")
def digits() -> torch.Tensor:
    """(40, 28, 28) uint8: bars of different places and lengths."""
    images = torch.zeros(40, 28, 28, dtype=torch.uint8)
    for i, image in enumerate(images):
        image[4 + i % 5 : 24 - i % 3, 8 + i % 11 : 12 + i % 11] = 255 - i
    return images


def labelled_bars(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images uint8 (n, 28, 28) of a bar on noise, whose place is the label (n,)."""
    labels = torch.arange(n) % 10
    images = torch.randint(0, 60, (n, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(n))
    for image, label in zip(images, labels):
        image[4:24, 4 + 2 * label : 6 + 2 * label] = 255
    return images, labels


def made_up_mnist(train: int, test: int) -> tuple[dict[str, bytes], Mnist]:
    """The four files of so many training and test images, and their checksums."""
    files = {}
    for split, n in (("train", train), ("t10k", test)):
        for kind, array in zip(("images-idx3", "labels-idx1"), labelled_bars(n)):
            header = bytes([0, 0, 8, array.dim()]) + np.array(array.shape, ">i4").tobytes()
            files[f"{split}-{kind}-ubyte"] = header + array.byte().numpy().tobytes()
    return files, Mnist(sha256={name: hashlib.sha256(content).hexdigest() for name, content in files.items()})


@pytest.fixture(scope="session")
def mnist_files() -> dict[str, bytes]:
    return made_up_mnist(13, 11)[0]


@pytest.fixture(scope="session")
def pinned_mnist() -> Mnist:
    return made_up_mnist(13, 11)[1]


def write(folder: Path, files: dict[str, bytes], compress: bool = False) -> None:
    """Put files into a new folder."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        path = folder / (f"{name}.gz" if compress else name)
        path.write_bytes(gzip.compress(content) if compress else content)
