"""The runs that there are, what they are trained and scored on, and how the command line names one."""

import sys
from pathlib import Path

import pytest
import torch
from conftest import ROOT, change, write

from replicate.base import mnist
from replicate.base.stage import BadInput
from replicate.gan import model, run
from replicate.parameters import Parameters


def test_weights_are_kept_at_the_milestones_that_are_reached_and_at_the_end(params: Parameters, monkeypatch):
    settings = change(params.settings("gan"), train={"iterations": 500, "milestones": [100, 250, 500, 1000]})
    assert settings.train.snapshots() == [100, 250, 500]
    monkeypatch.setattr(model, "load", lambda path, of: (path, of))
    this = run.Run("gan", 7, settings)
    assert this.load() == (Path("runs/gan-7/weights-000500.safetensors"), settings)
    assert this.load(100) == (Path("runs/gan-7/weights-000100.safetensors"), settings)


def test_a_run_sees_the_last_images_and_of_its_digits_alone(mnist_files, pinned_mnist, small, tmp_path, monkeypatch):
    write(tmp_path / mnist.FOLDER, mnist_files)
    monkeypatch.chdir(tmp_path)
    images, labels = mnist.load("train", pinned_mnist)
    digits = labels[[2, 5]].tolist()

    def of(training_images: int) -> run.Run:
        train = {"training_images": training_images, "digits": digits}
        return run.Run("infogan", 0, change(small.settings("infogan"), train=train))

    for found, seen in (
        (of(5).training_images(pinned_mnist), range(2, 7)),
        (of(5).held_out_images(pinned_mnist), range(2)),
        (of(7).held_out_images(pinned_mnist), ()),
    ):
        expected = [i for i in seen if labels[i] in digits]
        assert torch.equal(found[0], images[expected]) and torch.equal(found[1], labels[expected])
    tested = mnist.load("t10k", pinned_mnist)[1].tolist()
    assert of(5).test_images(pinned_mnist)[1].tolist() == [label for label in tested if label in digits]


def test_a_run_that_there_cannot_be_is_named(monkeypatch):
    monkeypatch.chdir(ROOT)
    for *given, message in (("wgan", "0", "variant: got 'wgan', expected one of"), ("infogan", "-5", "seed: got -5")):
        monkeypatch.setattr(sys, "argv", ["train", *given])
        with pytest.raises(BadInput, match=message):
            run.from_command_line(None)
