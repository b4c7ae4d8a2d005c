"""A run: a variant and a seed. Every stage about one run builds it here, and its files are named here."""

import argparse
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from replicate import parameters
from replicate.base import mnist
from replicate.base.mnist import Mnist
from replicate.base.stage import BadInput
from replicate.gan import model
from replicate.gan.model import Model
from replicate.gan.settings import Settings
from replicate.parameters import Parameters, Variant

RUNS = Path("metrics/runs")  # of the pipeline


class Run(NamedTuple):
    """A variant with a seed, its settings, and the places of its files."""

    variant: str
    seed: int
    settings: Settings

    @property
    def name(self) -> str:
        return f"{self.variant}-{self.seed}"

    @property
    def weights(self) -> Path:
        """The folder of its models: one for each snapshot, the last after the whole run."""
        return Path("runs", self.name)

    @property
    def folder(self) -> Path:
        """The folder of all that is measured of it."""
        return RUNS / self.name

    @property
    def checkpoints(self) -> Path:
        """The folder that an unfinished run goes on from."""
        return Path("checkpoints", self.name)

    def load(self, iteration: int | None = None) -> Model:
        """Its model after `iteration` iterations, a snapshot; after all of them by default. Raises BadInput."""
        return model.load(self.weights / snapshot(iteration or self.settings.train.iterations), self.settings)

    def training_images(self, files: Mnist) -> tuple[Tensor, Tensor]:
        """The images uint8 (N, 28, 28) and labels (N,) that it is trained on: of the last `train.training_images` those of
        `train.digits`. The official implementation trains on the last 55,000: TensorFlow's helper keeps the first 5,000 for
        validation."""
        images, labels = mnist.load("train", files)
        last = self.settings.train.training_images
        return mnist.select(images[-last:], labels[-last:], self.settings.train.digits)

    def held_out_images(self, files: Mnist) -> tuple[Tensor, Tensor]:
        """Those of the training split before them, which it never sees; none where it is trained on the whole split."""
        images, labels = mnist.load("train", files)
        first = len(images) - self.settings.train.training_images
        return mnist.select(images[:first], labels[:first], self.settings.train.digits)

    def test_images(self, files: Mnist) -> tuple[Tensor, Tensor]:
        """Those that it is scored on: of the test split, of `train.digits`."""
        return mnist.select(*mnist.load("t10k", files), self.settings.train.digits)


def snapshot(iteration: int) -> str:
    """The name of the file with the weights after `iteration` iterations."""
    return f"weights-{iteration:06}.safetensors"


def variant(name: str, params: Parameters) -> Variant:
    """The record of a variant. Raises BadInput when there is none."""
    if name not in params.variants:
        raise BadInput(f"variant: got {name!r}, expected one of variants.yaml: {', '.join(params.variants)}")
    return params.variants[name]


def of(name: str, seed: int, params: Parameters) -> Run:
    """The run of a variant and a seed. Raises BadInput when there is no such variant, or the seed is negative."""
    variant(name, params)
    if seed < 0:
        raise BadInput(f"seed: got {seed}, expected 0 or more")
    return Run(name, seed, params.settings(name))


def record(this: Run, files: Mnist) -> dict[str, Any]:
    """What is kept of how a run is made: settings and data."""
    return {
        "variant": this.variant,
        "seed": this.seed,
        "settings": this.settings.model_dump(mode="json"),
        "mnist": files.model_dump(mode="json")["sha256"],
    }


def of_pipeline(params: Parameters) -> list[Run]:
    """The runs that the pipeline makes, variant by variant."""
    return [of(variant, seed, params) for variant in params.runs.variants for seed in params.runs.seeds]


def from_command_line(description: str | None) -> tuple[Run, Parameters]:
    """The run that VARIANT and SEED on a stage's command line name; `description` is the stage's docstring, None where
    Python leaves these out (PYTHONOPTIMIZE=2)."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("variant")
    parser.add_argument("seed", type=int)
    arguments = parser.parse_args()
    params = parameters.load()
    return of(arguments.variant, arguments.seed, params), params
