"""A run: one training, of a variant and a seed. Every stage about one run builds it here, and its files are named here."""

import argparse
import shutil
from pathlib import Path
from typing import NamedTuple

from replicate.base import parameters
from replicate.base.parameters import Parameters, Settings
from replicate.base.stage import BadInput
from replicate.gan import model
from replicate.gan.model import Model


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
        """The folder of its models: one for each snapshot, the last after the whole training."""
        return Path("runs", self.name)

    def file(self, name: str) -> Path:
        """Where a stage writes what it measured, "evaluation.json": each kind has a folder, on which a stage can depend."""
        kind, ending = name.split(".")
        return Path("metrics", kind, f"{self.name}.{ending}")

    @property
    def evidence(self) -> Path:
        """The folder of what stays in git when its weights do not."""
        return Path("metrics", "evidence", self.name)

    @property
    def checkpoints(self) -> Path:
        """The folder that an unfinished training goes on from."""
        return Path("checkpoints", self.name)

    def load(self, iteration: int | None = None) -> Model:
        """Its model after `iteration` iterations, a snapshot; after all of them by default. Raises BadInput."""
        return model.load(self.weights / snapshot(iteration or self.settings.train.iterations), self.settings)


def snapshot(iteration: int) -> str:
    """The name of the file with the weights after `iteration` iterations."""
    return f"weights-{iteration:06}.safetensors"


def of(variant: str, seed: int, params: Parameters) -> Run:
    """The run of a variant and a seed. Raises BadInput when there is no such variant, or the seed is negative."""
    if variant not in params.variants:
        raise BadInput(
            f"variant: got {variant!r}, expected one of {', '.join(params.variants)} (variants in params.yaml)"
        )
    if seed < 0:
        raise BadInput(f"seed: got {seed}, expected 0 or more")
    return Run(variant, seed, params.settings(variant))


def of_pipeline(params: Parameters) -> list[Run]:
    """The runs that the pipeline makes, variant by variant."""
    return [of(variant, seed, params) for variant in params.runs.variants for seed in params.runs.seeds]


def remove_others(params: Parameters) -> None:
    """Remove the files of runs that the pipeline does not make, and say which: DVC takes a folder's every file for an input,
    so that the results would depend on what was tried before."""
    names = {this.name for this in of_pipeline(params)}
    for path in [*Path().glob("runs/*-*"), *Path().glob("metrics/*/*-*")]:
        if (path.name if path.is_dir() else path.stem) not in names:
            print(f"{path} is of no run in params.yaml: removed")
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def from_command_line(description: str | None) -> tuple[Run, Parameters]:
    """The run that VARIANT and SEED on a stage's command line name; `description` is the stage's docstring, None where
    Python leaves these out (PYTHONOPTIMIZE=2)."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("variant")
    parser.add_argument("seed", type=int)
    arguments = parser.parse_args()
    params = parameters.load()
    return of(arguments.variant, arguments.seed, params), params
