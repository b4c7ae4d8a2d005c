"""Numbers by name, as the texts place them: most of them are texts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import truediv
from statistics import fmean
from typing import Any

import jinja2

from replicate.analysis import statistics
from replicate.analysis.claims import Assessment, Claims, Limit, assess
from replicate.analysis.table import Metric, Table
from replicate.parameters import Variant

ENOUGH = 5  # runs that have an interval; of fewer the values are shown
STEP = "time of a step, relative to one without Q"
OF_MACHINE = Metric.model_validate({"from": "cost.ratio", "label": STEP, "definition": STEP})  # no run's


def require(condition: bool, claim: str = "") -> str:
    """Nothing, where the results say what the text beside it says, of a claim if one is named. Raises TemplateRuntimeError
    where they do not."""
    if not condition:
        of = f" of {claim}" if claim else ""
        raise jinja2.TemplateRuntimeError(f"the results no longer say this{of}: rewrite it, or undo what changed them")
    return ""


def write(value: float | str | None, unit: str = "", decimals: int | None = None) -> str:
    """A number with its unit: shares in percent with one decimal; two decimals, three below 0.1, one from 100 on."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    if unit == "%":
        value, decimals = 100 * value, 1 if decimals is None else decimals
    elif decimals is None:
        decimals = 0 if isinstance(value, int) else 1 if abs(value) >= 100 else 3 if 0 < abs(value) < 0.1 else 2
    return f"{value:z.{decimals}f} {unit}".strip().replace("-", "−")


def threshold(limit: Limit, unit: str, share: float | None) -> str:
    """Such as "≤ 5.5 %" or "≥ 10 in 90 % of runs", where it applies to each run."""
    number = f"{100 * limit.value:.3g} %" if unit == "%" else f"{limit.value:.3g} {unit}".strip()
    runs = "" if share is None else f" in {100 * share:.0f} % of runs"
    return f"{'≥' if limit.sign > 0 else '≤'} {number}{runs}".replace("-", "−")


def bare(value: float | None, unit: str, decimals: int | None = None) -> str:
    """As `write`, without the unit."""
    return write(value, unit, decimals).removesuffix(f" {unit}")


def within(middle: float, interval: statistics.Interval, unit: str) -> str:
    """A number with its interval: "18.8 [15.7, 21.9] %". Other units have two decimals, in an interval below 0.1 three."""
    decimals = None if unit == "%" else 3 if interval.high - interval.low < 0.1 else 2
    middle, low, high = (bare(value, unit, decimals) for value in (middle, *interval))
    return f"{middle} [{low},\u00a0{high}] {unit}".strip()


def estimate(values: Sequence[Any], unit: str, bounds: Sequence[float] = (-math.inf, math.inf)) -> str:
    """The mean over runs with its 95 % interval, cut at `bounds`; of fewer runs than ENOUGH their values."""
    if not values:
        return "–"
    if set(values) == {None}:
        return "none"
    if len(values) < ENOUGH:
        return f"{', '.join(bare(value, unit) for value in values)} {unit}".strip()
    if None in values:
        return f"none in {values.count(None)} of {len(values)}"
    low, high = statistics.mean_interval(values)
    return within(fmean(values), statistics.Interval(max(low, bounds[0]), min(high, bounds[1])), unit)


@dataclass
class Numbers:
    """What the templates call, over the table of the studies."""

    table: Table
    variants: Mapping[str, Variant]
    metrics: dict[str, Metric]
    asked: Claims
    assessments: dict[str, Assessment]
    ablations: dict[str, float]  # p by variant

    def n(self, variant: str, seeds: Sequence[int] | None = None) -> int:
        """How many runs there are."""
        return len(self.table.seeds(self.known(variant), seeds))

    def known(self, variant: str) -> str:
        """The variant itself. Raises KeyError for one that variants.yaml lacks, of which nothing would be known."""
        if variant not in self.variants:
            raise KeyError(variant)
        return variant

    def values(self, variant: str, metric: str, seeds: Sequence[int] | None = None) -> list[Any]:
        """A metric seed by seed, of all or of some seeds; None where a run has no value."""
        return self.table.values(self.known(variant), metric, seeds)

    def value(self, variant: str, metric: str, seeds: Sequence[int] | None = None) -> float | None:
        """The mean over runs, to be compared: a share, not percent."""
        return self.table.mean(self.known(variant), metric, seeds)

    def count(self, variant: str, metric: str, at_most=math.inf, at_least=-math.inf, seeds=None) -> int:
        """How many runs have a value within the limits."""
        found = self.values(variant, metric, seeds)
        return sum(value is not None and at_least <= value <= at_most for value in found)

    def mean(self, variant: str, metric: str, seeds: Sequence[int] | None = None, decimals: int | None = None) -> str:
        """The mean over runs, with its unit."""
        values = self.values(variant, metric, seeds)
        return write(self.value(variant, metric, seeds), self.metrics[metric].unit, decimals) if values else "–"

    def estimate(self, variant: str, metric: str, seeds: Sequence[int] | None = None) -> str:
        """The mean over runs with its 95 % interval, or the values of fewer than ENOUGH."""
        return estimate(self.values(variant, metric, seeds), self.metrics[metric].unit, self.metrics[metric].bounds)

    def run(self, variant: str, seed: int, metric: str) -> str:
        """A metric of one run; – where it was not measured."""
        found = self.values(variant, metric, [seed])
        return write(found[0], self.metrics[metric].unit) if found else "–"

    def difference(self, variant: str, than: str, metric: str, seeds: Sequence[int] | None = None) -> str:
        """The difference of two means, of shares in percentage points, with Welch's interval; – for fewer than ENOUGH."""
        ours, theirs = self.values(variant, metric, seeds), self.values(than, metric)
        if min(len(ours), len(theirs)) < ENOUGH or None in [*ours, *theirs]:
            return "–"
        found = statistics.welch(ours, theirs)
        return within(found.mean, found.interval, self.metrics[metric].unit).replace(" %", " points")

    def p_value(self, variant: str, seeds: Sequence[int] | None = None) -> str:
        """Of a variant's error beside infogan's: two-sided, by Welch's t, corrected by Holm over the registered family."""
        if variant not in self.ablations or self.n(variant, seeds) < ENOUGH:
            return "–"
        p = self.ablations[variant]
        return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"

    def ratio(self, variant: str) -> float:
        """The gradient RMS of c2 and c3 over that of the adversarial term, a mean over runs."""
        continuous, adversarial = (self.values(variant, f"gradient_{term}") for term in ("continuous", "adversarial"))
        return fmean(map(truediv, continuous, adversarial))

    def thicker(self, variant: str) -> int:
        """In how many runs the width code changes thickness by more SD than width."""
        changes = zip(self.values(variant, "thickness_change"), self.values(variant, "width_change"))
        return sum(abs(thickness) > abs(width) for thickness, width in changes)

    def separable(self, variant: str) -> int:
        """How many merged pairs of all runs are separable by slant (AUC of 0.8 or more)."""
        styles = " ".join(self.values(variant, "merged_styles")).split()
        # AUCs have two decimals here, and 0.80 may be less.
        return sum(style == "slant" and float(auc) > 0.8 for style, auc in (each.split(":") for each in styles))

    def neighbours_agree(
        self, runs: Mapping[str, Sequence[int]], consistency: float, error: float
    ) -> tuple[list[bool], list[bool]]:
        """Whether each of some runs, by variant their seeds, reaches a k-NN consistency: of those with at most a test error,
        and of the others."""
        low, high = [], []
        for variant, seeds in runs.items():
            measured = (self.values(variant, metric, seeds) for metric in ("error", "knn_consistency"))
            for of_run, found in zip(*measured, strict=True):
                (low if of_run <= error else high).append(found >= consistency)
        return low, high

    def verdict(self, claim: str, variant: str | None = None, control: str | None = None) -> str:
        """That on a claim, or what it would be of another variant or beside another control."""
        if not variant and not control:
            return self.assessments[claim].verdict
        of = self.asked.claims[claim]
        beside = of.model_copy(update={"control": control or of.control})
        return assess(beside, variant or of.variant, self.table, {}, self.asked.draws_digits).verdict

    def meets(self, claim: str) -> str:
        """How many runs meet every condition, and whether the verdict is borderline: "13 of 20, borderline"."""
        found = self.assessments[claim]
        return f"{found.met} of {found.runs}{', borderline' if found.borderline else ''}"
