"""params.yaml and variants.yaml as checked, frozen objects. Every stage but `code` loads both whole.

    python -m replicate.parameters

says what is wrong in them, if anything is, before DVC reads them.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Len
from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from replicate.base import checked, stage
from replicate.base.checked import Amount, Checked, Decay, Positive, Rate, Seed, Seeds, Text, once
from replicate.base.mnist import Mnist
from replicate.base.stage import BadInput
from replicate.gan.settings import Latent, Networks, Objective, Settings, Train, merge


class Variant(Checked):
    """A named change of the default settings, and the seeds that the studies have of it.

    `found`: those on which something was found that the others test; no table or figure pools the two.
    """

    label: Text
    group: Literal["paper", "control", "lambda", "views", "critic", "k"]
    seeds: Seeds
    found: list[Seed] = Field(default_factory=list)
    settings: dict[str, Any]

    def pooled(self, seeds: Iterable[Seed]) -> list[Seed]:
        """Those of some seeds that enter a mean: all but the found ones, or all where there are no others."""
        return [seed for seed in seeds if seed not in self.found] or list(seeds)

    def parts(self) -> dict[str, list[Seed] | None]:
        """The seeds whose results may be pooled, by label; None for all."""
        if not self.found:
            return {self.label: None}
        tested = [seed for seed in self.seeds if seed not in self.found]
        return {f"{self.label}, exploratory seeds": list(self.found), f"{self.label}, test seeds": tested}


class Runs(Checked):
    """Which runs the pipeline makes: every variant of the list with every seed."""

    variants: Annotated[list[str], Len(1), AfterValidator(once)]
    seeds: Seeds


class Machine(Checked):
    """How a machine works; no result depends on it but for rounding."""

    device: Literal["auto", "cpu", "cuda", "mps"]
    checkpoint_seconds: Annotated[int, Ge(0)]


class Classifier(Checked):
    seed: Seed
    epochs: Positive
    batch_size: Annotated[int, Gt(0), Le(60_000)]  # MNIST has no more training images
    learning_rate: Rate


class Classification(Checked):
    matching_images: Positive
    neighbours: Positive
    neighbour_images: Positive
    merged_share: Annotated[float, Gt(0), Le(1)]
    separable_auc: Annotated[float, Ge(0.5), Le(1)]


class Codes(Checked):
    seed: Seed
    samples_per_category: Annotated[int, Ge(2)]
    bound_samples: Positive
    real_images: Annotated[int, Ge(10), Le(10_000)]
    traversal_values: Annotated[list[Annotated[float, Ge(-2), Le(2)]], Len(5)]
    traversals_per_category: Positive

    @field_validator("traversal_values")
    @classmethod
    def from_minus_2_to_2(cls, values: list[float]) -> list[float]:
        if values != sorted({-value for value in values} | {-2.0, -1.0, 0.0, 1.0, 2.0}):
            raise ValueError(f"got {values}, expected ascending values, symmetric about 0, with 0, 1 and 2 among them")
        return values


class Milestones(Checked):
    seed: Seed
    matching_images: Positive
    samples: Annotated[int, Gt(128)]  # a Fréchet distance needs more images than features
    gradient_images: Positive


class PosthocQ(Checked):
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


class Probes(Checked):
    seed: Seed
    labels_per_digit: Annotated[int, Ge(5)]  # a fifth of them is held out
    label_draws: Positive
    penalties: Annotated[list[Annotated[float, Gt(0)]], Len(1)]
    probe_iterations: Positive
    style_images: Positive

    @model_validator(mode="after")
    def enough_of_each_style(self) -> "Probes":
        needed = 4 * self.labels_per_digit  # a third has the labels, and some more where values are equal
        if self.style_images < needed:
            raise ValueError(f"style_images: got {self.style_images}, expected {needed} or more for labels_per_digit")
        return self


class KMeans(Checked):
    images: Annotated[int, Ge(10)]
    restarts: Positive


class Cost(Checked):
    pairs: Positive


class Explorer(Checked):
    seed: Seed
    draws: Annotated[int, Gt(0), Le(100)]
    rank: Positive
    milestones: list[Positive]
    grid_values: Annotated[int, Ge(2), Le(100)]


class Parameters(Checked):
    """The whole of params.yaml, and variants.yaml under `variants`."""

    runs: Runs
    variants: dict[Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")], Variant]
    machine: Machine
    mnist: Mnist
    objective: Objective
    latent: Latent
    networks: Networks
    train: Train
    classifier: Classifier
    classification: Classification
    codes: Codes
    milestones: Milestones
    posthoc_q: PosthocQ
    probes: Probes
    kmeans: KMeans
    cost: Cost
    explorer: Explorer

    @model_validator(mode="after")
    def variants_are_possible(self) -> "Parameters":
        if unknown := [variant for variant in self.runs.variants if variant not in self.variants]:
            raise ValueError(f"runs.variants: got {unknown}, expected names among {', '.join(self.variants)}")
        for variant in self.variants:
            most = self.settings(variant).train.training_images // 20  # every digit has a twelfth of MNIST or more
            if (got := self.probes.labels_per_digit) > most:
                expected = f"at most {most}, a twentieth of the training images of {variant}"
                raise ValueError(f"probes.labels_per_digit: got {got}, expected {expected}")
        return self

    def settings(self, variant: str) -> Settings:
        """The settings of a variant's runs. Raises ValueError when its changes do not give settings that are possible."""
        defaults = self.model_dump(include=set(Settings.model_fields))
        try:
            return Settings.model_validate(merge(defaults, self.variants[variant].settings))
        except ValidationError as error:
            raise ValueError(f"variants.yaml: {variant}: {error}") from error


def load() -> Parameters:
    """The parameters in the working folder. Raises BadInput (see `checked.check`)."""
    content = checked.read("params.yaml")
    if isinstance(content, dict):
        if "variants" in content:
            raise BadInput("params.yaml: variants stand in variants.yaml")
        content |= {"variants": checked.read("variants.yaml")}
    return checked.check("params.yaml or variants.yaml", content, Parameters)


if __name__ == "__main__":
    stage.run(load)
