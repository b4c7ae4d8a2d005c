"""What further trainings are to decide (`hypotheses`, `choices`, `selection` in claims.yaml), as checked, frozen objects."""

from typing import Annotated, Literal

from annotated_types import Ge, Le, Len
from pydantic import model_validator

from replicate.base.checked import Checked, Positive, Seed
from replicate.findings.comparisons import Condition, Text, Threshold


class Runs(Checked):
    """The runs that a hypothesis is about: all that are planned of a variant, or those of `seeds`."""

    variant: Text
    control: Text = None
    seeds: Annotated[list[Seed], Len(2)] = None


class Difference(Checked):
    """The mean of a metric over a hypothesis's runs less that over the runs of `than`, which lies within the limit."""

    metric: Text
    than: Text
    at_most: Threshold


class Hypothesis(Checked):
    """What is expected, and what was known when it was written. All that it asks must be true."""

    statement: Text
    known: Text
    of: Runs
    conditions: Annotated[list[Condition], Len(1)] = None
    claims: Annotated[list[Text], Len(1)] = None
    difference: Difference = None
    selection: Literal["neighbours", "chosen", "consensus", "splits"] = None
    at_most: Threshold = None
    at_least: Threshold = None

    @model_validator(mode="after")
    def something_is_asked(self) -> "Hypothesis":
        if self.of.control is None and any(condition.needs_control for condition in self.conditions or []):
            raise ValueError("of.control: missing, expected the variant that above_control, below_control compare with")
        asked = [key for key in ("conditions", "claims", "difference", "selection") if getattr(self, key) is not None]
        if not asked or (self.selection is not None) != ((self.at_most is None) != (self.at_least is None)):
            raise ValueError(f"got {', '.join(asked) or 'nothing'}, expected what is asked; a selection with one limit")
        if self.selection is not None and len(self.of.seeds or []) < 3:
            raise ValueError(f"of.seeds: got {self.of.seeds}, expected three or more for a selection")
        return self


class Registered(Checked):
    """A hypothesis that waits for its runs, by variant the seeds that test it: plain conditions, or a criterion in words."""

    statement: Text
    known: Text
    runs: Annotated[dict[Text, Annotated[list[Seed], Len(1)]], Len(1)]
    conditions: Annotated[list[Condition], Len(1)] = None
    claims: Annotated[list[Text], Len(1)] = None
    criterion: Text = None


class Choices(Checked):
    """Whether the mean of `metric` of each of `variants` differs from that of `than`."""

    metric: Text
    than: Text
    variants: Annotated[list[Text], Len(1)]


class Selection(Checked):
    """How trainings are chosen without a label, and how their error is divided."""

    neighbours: Positive
    images: Positive
    consensuses: Positive
    fewest: Annotated[int, Ge(2)]
    most: Positive
    seed: Seed
    split: Annotated[float, Ge(0.5), Le(1)]

    @model_validator(mode="after")
    def fewest_is_not_above_most(self) -> "Selection":
        if self.fewest > self.most:
            raise ValueError(f"fewest: got {self.fewest}, expected at most most ({self.most})")
        return self
