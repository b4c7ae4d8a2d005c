"""What a run depends on besides its seed: the settings of the latent code, the networks and the training."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le, Len
from pydantic import AfterValidator, model_validator

from replicate.base.checked import Amount, Checked, Decay, Positive, Rate, ascending

Objective = Literal["infogan", "gan", "infomax"]


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
    """What Table 1 of the paper and the official implementation do differently in D, G and Q."""

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
    batch_size: Annotated[int, Ge(4)]  # batchnorm needs two, and views of c2 and c3 have a half each
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
        if 100 % self.log_every:  # over so many iterations L_I is averaged, where its convergence is measured
            raise ValueError(f"log_every: got {self.log_every}, expected a divisor of 100")
        if not self.batch_size <= self.batchnorm_images <= self.training_images:
            limits = f"batch_size ({self.batch_size}) to training_images ({self.training_images})"
            raise ValueError(f"batchnorm_images: got {self.batchnorm_images}, expected {limits}")
        # A twentieth or more of MNIST's images show each digit; a batch of the 10,000 test images is read too.
        most = min(self.training_images, 10_000) * len(self.digits) // 20
        if self.batch_size > most:
            expected = f"at most {most}: as many training and test images show one of the digits for sure"
            raise ValueError(f"batch_size: got {self.batch_size}, expected {expected}")
        return self

    def snapshots(self) -> list[int]:
        """The iterations after which a run's weights are kept: the milestones that it reaches, and its end."""
        return [*(each for each in self.milestones if each < self.iterations), self.iterations]


class Critic(Checked):
    """What the objective `infomax` puts in Q's place."""

    estimator: Literal["infonce", "jensen_shannon"]
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
        """Whether the bounds that a run reports are in nats: a Jensen–Shannon estimate is not."""
        return self.critic is None or self.critic.estimator != "jensen_shannon"


def merge(defaults: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`defaults` with `changes`; where both hold a group, the group's keys are merged likewise."""
    merged = dict(defaults)
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(defaults.get(key), Mapping)
        merged[key] = merge(defaults[key], value) if both else value
    return merged
