"""MNIST as the stage download has put it into data/mnist: the four IDX files of its two splits."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from replicate.base.checked import Checked
from replicate.base.stage import BadInput

FOLDER = Path("data/mnist")
SIDE = 28  # pixels of an image


class Mnist(Checked):
    """The SHA-256 of each uncompressed file."""

    sha256: dict[
        Literal[
            "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
        ],
        Annotated[str, Field(pattern="^[0-9a-f]{64}$")],
    ] = Field(min_length=4)


def verified(name: str, content: bytes, mnist: Mnist) -> bytes:
    """`content`, when it is the file `name` to the bit. Raises BadInput with both checksums when not."""
    found, expected = hashlib.sha256(content).hexdigest(), mnist.sha256[name]
    if found != expected:
        raise BadInput(f"{name}: SHA-256 of its content is {found}, expected {expected}")
    return content


def load(split: str, mnist: Mnist, folder: str | Path = FOLDER) -> tuple[Tensor, Tensor]:
    """Images uint8 (N, 28, 28) and labels int64 (N,) of the split "train" or "t10k".

    Raises BadInput when a file is missing or is not to the bit what params.yaml pins.
    """
    parts = []
    for name in (f"{split}-images-idx3-ubyte", f"{split}-labels-idx1-ubyte"):
        path = Path(folder, name)
        try:
            content = verified(name, path.read_bytes(), mnist)
        except (OSError, BadInput) as error:
            advice = "to get it anew: dvc repro --force download"
            raise BadInput(f"{path} is not as expected ({error}); {advice}") from error
        # IDX: two zeros, the type (8: unsigned byte), the number of axes, a big-endian length an axis, the data.
        axes = content[3]
        shape = np.frombuffer(content, ">i4", axes, offset=4)
        parts.append(torch.from_numpy(np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape).copy()))
    return parts[0], parts[1].long()


def select(images: Tensor, labels: Tensor, digits: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Those of the images (N, 28, 28) and labels (N,) that are of `digits`."""
    chosen = torch.isin(labels, torch.tensor(digits))
    return images[chosen], labels[chosen]


def as_input(images: Tensor) -> Tensor:
    """What the networks read: images uint8 (N, 28, 28) -> float32 (N, 1, 28, 28) in [0, 1]."""
    return images.unsqueeze(1).float() / 255
