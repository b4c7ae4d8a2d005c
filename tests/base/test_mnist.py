"""Loading, of made-up files."""

import pytest
import torch
from conftest import write

from replicate.base import mnist
from replicate.base.stage import BadInput


def test_loading(mnist_files, pinned_mnist, tmp_path):
    write(tmp_path / "data", mnist_files)
    images, labels = mnist.load("train", pinned_mnist, tmp_path / "data")
    assert images.shape == (7, 28, 28) and images.dtype == torch.uint8
    assert labels.shape == (7,) and labels.dtype == torch.int64
    assert images.numpy().tobytes() == mnist_files["train-images-idx3-ubyte"][16:]
    assert bytes(labels.tolist()) == mnist_files["train-labels-idx1-ubyte"][8:]
    inputs = mnist.as_input(images)
    assert inputs.shape == (7, 1, 28, 28) and 0.9 < inputs.max() <= 1
    assert torch.equal((inputs[:, 0] * 255).round().to(torch.uint8), images)


def test_one_flipped_bit_is_refused(mnist_files, pinned_mnist, tmp_path):
    write(tmp_path / "data", mnist_files)
    path = tmp_path / "data" / "train-labels-idx1-ubyte"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadInput, match="train-labels-idx1-ubyte is not as expected .*dvc repro --force download"):
        mnist.load("train", pinned_mnist, tmp_path / "data")
