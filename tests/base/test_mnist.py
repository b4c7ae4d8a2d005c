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
    assert bytes(images.numpy().tobytes()) == mnist_files["train-images-idx3-ubyte"][16:]
    inputs = mnist.as_input(images)
    assert inputs.shape == (7, 1, 28, 28) and inputs.max() <= 1
    assert torch.equal((inputs[:, 0] * 255).round().to(torch.uint8), images)


def test_one_flipped_bit_is_refused(mnist_files, pinned_mnist, tmp_path):
    write(tmp_path / "data", mnist_files)
    path = tmp_path / "data" / "train-labels-idx1-ubyte"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadInput, match="train-labels-idx1-ubyte is not as expected .*dvc repro --force download"):
        mnist.load("train", pinned_mnist, tmp_path / "data")
    path.unlink()
    with pytest.raises(BadInput, match="train-labels-idx1-ubyte"):
        mnist.load("train", pinned_mnist, tmp_path / "data")


def test_a_run_sees_the_last_images_and_of_its_digits_alone(mnist_files, pinned_mnist, small, tmp_path, monkeypatch):
    write(tmp_path / mnist.FOLDER, mnist_files)
    monkeypatch.chdir(tmp_path)
    images, labels = mnist.load("train", pinned_mnist)
    digits = labels[[2, 5]].tolist()
    train = small.train.model_copy(update={"training_images": 5, "digits": digits})
    expected = [i for i in range(2, 7) if labels[i] in digits]
    found_images, found_labels = mnist.training_images(pinned_mnist, train)
    assert torch.equal(found_images, images[expected]) and torch.equal(found_labels, labels[expected])
    held_out_images, held_out_labels = mnist.held_out_images(pinned_mnist, train)
    before = [i for i in range(2) if labels[i] in digits]
    assert torch.equal(held_out_images, images[before]) and torch.equal(held_out_labels, labels[before])
    for whole in (7, 12):
        train_on_all = train.model_copy(update={"training_images": whole})
        assert mnist.held_out_images(pinned_mnist, train_on_all)[0].shape == (0, 28, 28)
    test_labels = mnist.load("t10k", pinned_mnist)[1].tolist()
    assert mnist.test_images(pinned_mnist, train)[1].tolist() == [label for label in test_labels if label in digits]
