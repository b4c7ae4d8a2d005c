"""params.yaml as checked, frozen objects. Every stage loads the whole file, so a mistake stops it before any computing."""

import argparse
from pathlib import Path
from typing import Annotated, Literal, TypeVar, get_args

from annotated_types import Ge, Gt, Le, Len, Lt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from replicate.stage import BadInput

Objective = Literal["infogan", "gan", "infomax"]
Positive = Annotated[int, Gt(0)]
Seed = Annotated[int, Ge(0), Le(2**31 - 1)]
Rate = Annotated[float, Gt(0), Le(1)]
Weight = Annotated[float, Ge(0), Field(allow_inf_nan=False)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Checked(BaseModel):
    """A group of keys: none may be missing, none may be unknown, none is converted from another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Mnist(Checked):
    sha256: dict[
        Literal["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"],
        Sha256,
    ] = Field(min_length=4)


class Latent(Checked):
    noise_variables: Annotated[int, Ge(0)]
    noise: Literal["uniform", "normal"]
    categories: Annotated[int, Ge(2)]
    continuous_codes: Annotated[int, Ge(2), Le(2)]  # the paper's c2 and c3, told apart by what they do

    @property
    def size(self) -> int:
        """Number of inputs of the generator: noise variables, one-hot categories, continuous codes."""
        return self.noise_variables + self.categories + self.continuous_codes


class Networks(Checked):
    leaky_slope: Annotated[float, Ge(0), Le(1)]
    code_std: Literal["fixed", "learned"]


class Train(Checked):
    iterations: Positive
    batch_size: Annotated[int, Ge(2)]  # batchnorm needs two
    training_images: Annotated[int, Ge(2), Le(60_000)]
    learning_rate_discriminator: Rate
    learning_rate_generator: Rate
    adam_beta1: Annotated[float, Ge(0), Le(0.9999)]
    adam_beta2: Annotated[float, Ge(0), Le(0.9999)]
    lambda_discrete: Weight
    lambda_continuous: Weight
    new_codes_for_generator: bool
    infomax_estimator: Literal["infonce", "jensen_shannon", "donsker_varadhan"]
    critic_dimensions: Positive
    log_every: Positive
    checkpoint_every: Positive
    device: Literal["auto", "cpu", "cuda", "mps"]

    @model_validator(mode="after")
    def consistent(self) -> "Train":
        for key in ("iterations", "checkpoint_every"):
            if getattr(self, key) % self.log_every:
                raise ValueError(f"{key}: got {getattr(self, key)}, expected a multiple of log_every ({self.log_every})")
        if self.batch_size > self.training_images:
            raise ValueError(f"batch_size: got {self.batch_size}, expected at most training_images ({self.training_images})")
        return self


class Judge(Checked):
    seed: Seed
    epochs: Positive
    batch_size: Annotated[int, Gt(0), Le(60_000)]
    learning_rate: Rate


class Evaluate(Checked):
    seed: Seed
    samples_per_category: Annotated[int, Ge(2)]
    traversal_values: Annotated[list[Annotated[float, Ge(-2), Le(2)]], Len(3)]
    traversals_per_category: Positive


class Yardstick(Checked):
    seed: Seed
    iterations: Positive
    batch_size: Annotated[int, Ge(2)]  # batchnorm needs two
    learning_rate: Rate
    averaging: Annotated[float, Ge(0), Lt(1)]
    bins: Annotated[int, Ge(2)]
    validation_samples: Annotated[int, Ge(2)]
    validate_every: Positive
    least_rise: Annotated[float, Ge(0), Field(allow_inf_nan=False)]
    patience: Positive
    test_samples: Annotated[int, Ge(2)]  # a standard error needs two


class Represent(Checked):
    seed: Seed
    labels_per_digit: list[Annotated[int, Ge(5)]]  # a fifth of them is held out
    label_draws: Positive
    penalties: Annotated[list[Annotated[float, Gt(0), Field(allow_inf_nan=False)]], Len(1)]
    probe_iterations: Positive
    kmeans_restarts: Positive


class Cost(Checked):
    pairs: Annotated[int, Ge(2)]  # quartiles need two


class Figures(Checked):
    seed: Seed


class Params(Checked):
    objectives: Annotated[list[Objective], Len(1)]
    seeds: Annotated[list[Seed], Len(1)]
    mnist: Mnist
    latent: Latent
    networks: Networks
    train: Train
    judge: Judge
    evaluate: Evaluate
    yardstick: Yardstick
    represent: Represent
    cost: Cost
    figures: Figures

    def in_nats(self, objective: Objective) -> bool:
        """Whether the L_I that a training of `objective` reports is in nats: a Jensen–Shannon estimate is not."""
        return objective != "infomax" or self.train.infomax_estimator != "jensen_shannon"


Model = TypeVar("Model", bound=BaseModel)


def read(path: str | Path, model: type[Model]) -> Model:
    """The YAML file at `path`, checked against `model`.

    Raises BadInput, naming each key that is wrong, what it is and what was expected.
    """
    try:
        content = YAML(typ="safe").load(Path(path))  # YAML 1.2, as DVC reads it: 2e-4 is a number
    except (OSError, YAMLError) as error:
        raise BadInput(f"{path} cannot be read: {error}") from error
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise BadInput("\n  ".join([f"{path} is not as expected:", *map(_explain, error.errors())])) from error


def load(path: str | Path = "params.yaml") -> Params:
    """The parameters of the pipeline. Raises BadInput (see `read`)."""
    return read(path, Params)


def run_arguments(description: str) -> tuple[Objective, int]:
    """OBJECTIVE and SEED from the command line of a stage about one run; `description` is the stage's docstring."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("objective", choices=get_args(Objective))
    parser.add_argument("seed", type=int)
    arguments = parser.parse_args()
    return arguments.objective, arguments.seed


def _explain(problem: dict) -> str:
    key = ".".join(map(str, problem["loc"])) or "the file"
    if problem["type"] == "missing":
        return f"{key}: missing"
    if problem["type"] == "extra_forbidden":
        return f"{key}: unknown key (got {problem['input']!r}, expected no such key)"
    if problem["type"] == "value_error":
        return f"{key}: {problem['msg'].removeprefix('Value error, ')}"
    expected = problem["msg"].replace("Input should", "expected to", 1)
    return f"{key}: got {problem['input']!r}, {expected}"
