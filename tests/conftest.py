"""What the tests share: the committed parameters, made small, and made-up digits."""

from pathlib import Path
from typing import Any

import pytest
import torch

from replicate import params
from replicate.params import Params

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def config() -> Params:
    """The committed params.yaml."""
    return params.load(ROOT / "params.yaml")


def change(config: Params, group: str, **values: Any) -> Params:
    """`config` with other `values` in a group of its parameters."""
    return config.model_copy(update={group: getattr(config, group).model_copy(update=values)})


@pytest.fixture(scope="session")
def small(config: Params) -> Params:
    """The committed parameters at a length that a test can afford."""
    train = {"iterations": 4, "batch_size": 8, "training_images": 40, "log_every": 1, "checkpoint_every": 2, "device": "cpu"}
    return change(config, "train", **train)


@pytest.fixture(scope="session")
def digits() -> torch.Tensor:
    """(40, 28, 28) uint8: bars of different places and lengths."""
    images = torch.zeros(40, 28, 28, dtype=torch.uint8)
    for i, image in enumerate(images):
        image[4 + i % 5 : 24 - i % 3, 8 + i % 11 : 12 + i % 11] = 255 - i
    return images
