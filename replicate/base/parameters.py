"""params.yaml as checked, frozen objects. Every stage loads the whole file, so a mistake stops it before any computing.

    python -m replicate.base.parameters

says what is wrong in it, if anything is, before DVC reads it.
The file holds the default settings of a run and, under `variants`, named changes to them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from annotated_types import Ge, Gt, Le, Len, Lt
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from replicate.base import stage
from replicate.base.stage import BadInput


def ascending(values: list) -> list:
    if values != sorted(set(values)):
        raise ValueError(f"got {values}, expected ascending values, each once")
    return values


def each_once(values: list) -> list:
    if len(set(values)) < len(values):
        raise ValueError(f"got {values}, expected each once")
    return values


Objective = Literal["infogan", "gan", "infomax"]
Positive = Annotated[int, Gt(0)]
Seed = Annotated[int, Ge(0)]
Rate = Annotated[float, Gt(0), Le(1)]
Decay = Annotated[float, Ge(0), Lt(1)]
Amount = Annotated[float, Ge(0)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Checked(BaseModel):
    """A group of keys: none may be missing, none may be unknown, none is converted from another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Mnist(Checked):
    sha256: dict[
        Literal[
            "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
        ],
        Sha256,
    ] = Field(min_length=4)


class Latent(Checked):
    """The generator's input: noise z, the category c1, and the continuous codes c2 and c3."""

    noise_variables: Annotated[int, Ge(0)]
    noise: Literal["uniform", "normal"]
    categories: Annotated[int, Ge(2), Le(256)]  # git keeps the categories of images as bytes
    continuous_codes: Literal[2]  # the paper's c2 and c3, told apart by what they do

    @property
    def size(self) -> int:
        """Number of inputs of the generator: noise variables, one-hot categories, continuous codes."""
        return self.noise_variables + self.categories + self.continuous_codes


class Networks(Checked):
    """What Table 1 of the paper and its released code do differently in D, G and Q."""

    leaky_slope: Annotated[float, Ge(0), Le(1)]
    layer_order: Literal["batchnorm_first", "as_printed"]
    code_std: Literal["fixed", "learned"]


class View(Checked):
    """How an image is changed before a code is read from it: each amount but `blur` is the end of an interval around 0."""

    rotation: Amount = 0.0  # radians
    shear: Amount = 0.0  # pixels to the side for each pixel up
    stretch_x: Amount = 0.0  # logarithm of the factor
    stretch_y: Amount = 0.0
    shift: Amount = 0.0  # pixels along each axis
    blur: Amount = 0.0  # pixels: the standard deviation of a Gaussian
    brightness: Amount = 0.0  # logarithm of the factor


class RecognitionViews(Checked):
    """The view that each code is read from; None stands for the image itself."""

    c1: View | None = None
    c2: View | None = None
    c3: View | None = None

    def by_code(self) -> dict[int, View]:
        """The views by the index of their code."""
        views = (self.c1, self.c2, self.c3)
        return {code: view for code, view in enumerate(views) if view is not None}


class Train(Checked):
    """The data, the game's two steps and how long they are taken in turn."""

    iterations: Positive
    batch_size: Annotated[int, Ge(2)]  # batchnorm needs two
    training_images: Annotated[int, Ge(2), Le(60_000)]
    digits: Annotated[list[Annotated[int, Ge(0), Le(9)]], Len(2), AfterValidator(ascending)]
    learning_rate_discriminator: Rate
    learning_rate_generator: Rate
    adam_beta1: Decay
    adam_beta2: Decay
    lambda_discrete: Amount
    lambda_continuous: Amount
    generator_loss: Literal["non_saturating", "minimax"]
    recognition_step: Literal["discriminator", "generator"]
    recognition_trunk: Literal["shared", "detached"]
    recognition_views: RecognitionViews
    new_codes_for_generator: bool
    log_every: Positive
    milestones: Annotated[list[Positive], AfterValidator(ascending)]
    batchnorm_images: Positive

    @model_validator(mode="after")
    def consistent(self) -> "Train":
        for key, value in [("iterations", self.iterations), *(("milestones", each) for each in self.milestones)]:
            if value % self.log_every:
                raise ValueError(f"{key}: got {value}, expected a multiple of log_every ({self.log_every})")
        if not self.batch_size <= self.batchnorm_images <= self.training_images:
            limits = f"batch_size ({self.batch_size}) to training_images ({self.training_images})"
            raise ValueError(f"batchnorm_images: got {self.batchnorm_images}, expected {limits}")
        if {1, 2} <= self.recognition_views.by_code().keys() and self.batch_size < 4:
            raise ValueError(
                f"batch_size: got {self.batch_size}, expected 4 or more: views of c2 and c3 have a half each"
            )
        return self

    def snapshots(self) -> list[int]:
        """The iterations after which a training's weights are kept: the milestones that it reaches, and its end."""
        return [*(each for each in self.milestones if each < self.iterations), self.iterations]


class Critic(Checked):
    """What the objective `infomax` puts in Q's place."""

    estimator: Literal["infonce", "jensen_shannon", "donsker_varadhan"]
    dimensions: Positive


class Settings(Checked):
    """Everything that a run depends on besides its seed: the defaults of params.yaml, changed as its variant says."""

    objective: Objective
    latent: Latent
    networks: Networks
    train: Train
    critic: Critic | None = None

    @model_validator(mode="after")
    def consistent(self) -> "Settings":
        if (self.critic is not None) != (self.objective == "infomax"):
            raise ValueError(f"critic: got {self.critic!r}, expected one for the objective infomax, and for no other")
        if self.objective == "gan" and self.train.recognition_step == "generator":
            raise ValueError(
                "train.recognition_step: got 'generator', expected 'discriminator': a regular GAN's G step knows of no code"
            )
        return self

    @property
    def in_nats(self) -> bool:
        """Whether the bounds that a training reports are in nats: a Jensen–Shannon estimate is not."""
        return self.critic is None or self.critic.estimator != "jensen_shannon"


class Runs(Checked):
    """Which runs the pipeline makes: every variant of the list with every seed."""

    variants: Annotated[list[str], Len(1), AfterValidator(each_once)]
    seeds: Annotated[list[Seed], Len(1), AfterValidator(each_once)]


class Machine(Checked):
    """How a machine works; no result depends on it but for rounding."""

    device: Literal["auto", "cpu", "cuda", "mps"]
    checkpoint_seconds: Annotated[int, Ge(0)]


class Judge(Checked):
    seed: Seed
    epochs: Positive
    batch_size: Positive
    learning_rate: Rate


class Evaluate(Checked):
    seed: Seed
    matching_images: Positive
    samples_per_category: Annotated[int, Ge(2)]
    bound_samples: Positive
    real_images: Annotated[int, Ge(10), Le(10_000)]
    traversal_values: Annotated[list[Annotated[float, Ge(-2), Le(2)]], Len(5)]
    traversals_per_category: Positive

    @field_validator("traversal_values")
    @classmethod
    def from_minus_2_to_2(cls, values: list[float]) -> list[float]:
        needed = {-2.0, -1.0, 0.0, 1.0, 2.0}
        symmetric = values == [-value for value in reversed(values)]
        if values != sorted(set(values)) or not symmetric or not needed <= set(values):
            raise ValueError(f"got {values}, expected ascending values, symmetric about 0, with 0, 1 and 2 among them")
        return values


class Milestones(Checked):
    seed: Seed
    matching_images: Positive
    samples: Annotated[int, Gt(128)]  # a Fréchet distance needs more images than features
    pull_images: Positive


class Yardstick(Checked):
    seed: Seed
    training_samples: Positive
    least_epochs: Positive
    most_epochs: Positive
    batch_size: Annotated[int, Ge(2)]  # batchnorm needs two
    learning_rate: Rate
    averaging: Decay
    components: Positive
    validation_samples: Positive
    validate_every: Positive
    least_rise: Amount
    patience: Positive
    test_samples: Annotated[int, Ge(2)]  # a standard error needs two

    @model_validator(mode="after")
    def no_more_than_the_most(self) -> "Yardstick":
        if self.least_epochs > self.most_epochs:
            raise ValueError(
                f"least_epochs: got {self.least_epochs}, expected at most most_epochs ({self.most_epochs})"
            )
        return self


class Represent(Checked):
    seed: Seed
    labels_per_digit: Annotated[list[Annotated[int, Ge(5)]], Len(1)]  # a fifth of them is held out
    label_draws: Positive
    penalties: Annotated[list[Annotated[float, Gt(0)]], Len(1)]
    probe_iterations: Positive
    kmeans_images: Annotated[int, Ge(10)]
    kmeans_restarts: Positive
    style_images: Positive

    @model_validator(mode="after")
    def enough_of_each_style(self) -> "Represent":
        needed = 4 * max(self.labels_per_digit)  # a third has the labels, and some more where values are equal
        if self.style_images < needed:
            raise ValueError(f"style_images: got {self.style_images}, expected {needed} or more for labels_per_digit")
        return self


class Cost(Checked):
    pairs: Annotated[int, Ge(2)]  # quartiles need two


class Figures(Checked):
    seed: Seed


class Explorer(Checked):
    seed: Seed
    draws: Annotated[int, Gt(0), Le(100)]
    rank: Positive
    milestones: list[Positive]
    grid_values: Annotated[int, Ge(2), Le(100)]


class Parameters(Checked):
    """The whole of params.yaml. `variants` are the changes as they stand in the file; `settings` applies them."""

    runs: Runs
    variants: dict[Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")], dict[str, Any]]
    machine: Machine
    mnist: Mnist
    objective: Objective
    latent: Latent
    networks: Networks
    train: Train
    judge: Judge
    evaluate: Evaluate
    milestones: Milestones
    yardstick: Yardstick
    represent: Represent
    cost: Cost
    figures: Figures
    explorer: Explorer

    @model_validator(mode="after")
    def variants_are_settings(self) -> "Parameters":
        for variant in self.variants:
            self.settings(variant)
        if unknown := [variant for variant in self.runs.variants if variant not in self.variants]:
            raise ValueError(f"runs.variants: got {unknown}, expected names of variants: {', '.join(self.variants)}")
        for variant in set(self.variants) & set(get_args(Objective)):  # by which the claims and the reports know it
            if (objective := self.settings(variant).objective) != variant:
                raise ValueError(f"variants.{variant}.objective: got {objective!r}, expected {variant!r}")
        return self

    @model_validator(mode="after")
    def milestones_to_explore_are_kept(self) -> "Parameters":
        for variant in self.runs.variants:
            train = self.settings(variant).train
            unkept = [n for n in self.explorer.milestones if n < train.iterations and n not in train.milestones]
            if unkept:
                expected = f"some of train.milestones of {variant} ({train.milestones})"
                raise ValueError(f"explorer.milestones: got {unkept}, expected {expected}")
        return self

    @model_validator(mode="after")
    def as_many_images_as_labels(self) -> "Parameters":
        for variant in self.runs.variants:
            most = self.settings(variant).train.training_images // 20  # every digit has a twelfth of MNIST or more
            if too_many := [n for n in self.represent.labels_per_digit if n > most]:
                expected = f"at most {most}, a twentieth of the training images of {variant}"
                raise ValueError(f"represent.labels_per_digit: got {too_many[0]}, expected {expected}")
        return self

    def settings(self, variant: str) -> Settings:
        """The settings of a variant's runs. Raises ValueError when its changes do not give settings that are possible."""
        defaults = {name: self.model_dump()[name] for name in Settings.model_fields if name in type(self).model_fields}
        try:
            return Settings.model_validate(merge(defaults, self.variants[variant]))
        except ValidationError as error:
            mistakes = (f"variants.{variant}.{explain(problem)}" for problem in error.errors())
            raise ValueError("\n  ".join(mistakes)) from error


def merge(defaults: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`defaults` with `changes`; where both hold a group, the group's keys are merged likewise."""
    merged = dict(defaults)
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(defaults.get(key), Mapping)
        merged[key] = merge(defaults[key], value) if both else value
    return merged


Model = TypeVar("Model", bound=BaseModel)


def read(path: str | Path, model: type[Model]) -> Model:
    """The YAML file at `path`, checked against `model`.

    Raises BadInput, naming each key that is wrong, what it is and what was expected.
    """
    try:
        content = YAML(typ="safe").load(Path(path))  # YAML 1.2, as DVC reads it: 2e-4 is a number
    except (OSError, YAMLError) as error:
        raise BadInput(f"{path} cannot be read: {error}") from error
    return check(path, content, model)


def check(path: str | Path, content: Any, model: type[Model]) -> Model:
    """What a file at `path` holds, checked against `model`. Raises BadInput as `read` does."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise BadInput("\n  ".join([f"{path} is not as expected:", *map(explain, error.errors())])) from error


def load(path: str | Path = "params.yaml") -> Parameters:
    """The parameters of the pipeline. Raises BadInput (see `read`)."""
    return read(path, Parameters)


def explain(problem: Mapping[str, Any]) -> str:
    """One of pydantic's errors in plain words: which key, what it is, what was expected."""
    key = ".".join(map(str, problem["loc"])) or "the file"
    if problem["type"] == "missing":
        return f"{key}: missing"
    if problem["type"] == "extra_forbidden":
        return f"{key}: unknown key"
    if problem["type"] == "value_error":
        message = problem["msg"].removeprefix("Value error, ")
        return f"{key}: {message}" if problem["loc"] else message
    expected = problem["msg"].replace("Input should", "expected to", 1)
    return f"{key}: got {problem['input']!r}, {expected}"


if __name__ == "__main__":
    stage.run(load)
