"""What the studies are asked (`studies` in claims.yaml), and what paired runs answer.

Runs are paired by seed, and only seeds that both variants have are compared. A mean difference is tested by Student's t.
"""

from collections.abc import Iterator, Mapping
from statistics import mean
from typing import Annotated, Literal, NamedTuple

import numpy as np
from annotated_types import Ge, Gt, Le, Len
from pydantic import Field, model_validator
from scipy import stats

from replicate.base.checked import Checked, Positive
from replicate.findings import intervals
from replicate.findings.intervals import Interval
from replicate.findings.results import Results

SEEDS, LEAK, INFOMAX = "seeds", "leak", "infomax"  # the studies
LEVEL = 0.025  # of a one-sided test: p is below it where the 95 % interval lies above the margin
EQUIVALENCE = 0.90  # confidence of an interval that shows equivalence
CONFIRMED, CODE_ONLY, REFUTED, UNDECIDED = "confirmed", "only of the code", "refuted", "undecided"
SHARE = "yardstick.share_c1"  # of H(c1) that images carry, as far as a fresh network finds it
NON_INFERIOR, INFERIOR = "non-inferior", "inferior"

Text = Annotated[str, Len(1)]
Margin = Annotated[float, Ge(0), Field(allow_inf_nan=False)]
Threshold = Annotated[float, Field(allow_inf_nan=False)]


class Condition(Checked):
    """What a metric's mean is asked to be: beyond a number, beyond the control's mean by a margin, or both.

    With a `share`, each run is asked by itself, and at least this share of them must be so.
    """

    metric: Text
    # None stands for a key that is not there; a null in the file is refused, lest a limit be lost.
    at_least: Threshold = None
    at_most: Threshold = None
    above_control: Margin = None
    below_control: Margin = None
    share: Annotated[float, Gt(0), Le(1)] = None

    @property
    def needs_control(self) -> bool:
        return self.above_control is not None or self.below_control is not None

    @model_validator(mode="after")
    def limited(self) -> "Condition":
        pairs = ("at_least", "at_most"), ("above_control", "below_control")
        got = [[key for key in pair if getattr(self, key) is not None] for pair in pairs]
        if got == [[], []] or max(map(len, got)) > 1:
            keys = ", ".join(key for pair in got for key in pair) or "no limit"
            raise ValueError(f"got {keys}, expected at_least or at_most, above_ or below_control, or one of each")
        return self


class Pair(Checked):
    """The metric of `variant` less that of `than`; where `beyond` names another metric, less the same difference of it."""

    variant: Text
    than: Text
    beyond: Text = None


class Seeds(Checked):
    """How often the error is at most `limit`, and what the best of `best_of` runs would have shown.

    Two digits share a category where at least `shared` of either's images lie in the category of the other.
    """

    question: Text
    metric: Text
    limit: Annotated[float, Gt(0), Le(1)]
    best_of: Positive
    shared: Annotated[float, Gt(0), Le(1)]

    def metrics(self) -> Iterator[tuple[str, str]]:
        """(variant, metric) of all that the question needs, here and below."""
        yield "infogan", self.metric


class Hypothesis(Checked):
    """Each difference exceeds `margin`, beyond doubt, and its mean is at least `mean_at_least`."""

    statement: Text
    metric: Text
    margin: Margin
    mean_at_least: Margin = 0
    more: Annotated[list[Pair], Len(1)]


class Leak(Checked):
    """Of runs whose images carry at least `maximised` of H(c1)."""

    question: Text
    hypotheses: Annotated[dict[Literal["A", "B", "C"], Hypothesis], Len(3)]
    equivalent: Margin
    maximised: Annotated[float, Ge(0), Le(1)]

    def metrics(self) -> Iterator[tuple[str, str]]:
        for hypothesis in self.hypotheses.values():
            for pair in hypothesis.more:
                for variant in (pair.variant, pair.than):
                    needed = (hypothesis.metric, SHARE, pair.beyond)
                    yield from ((variant, metric) for metric in needed if metric is not None)


class Infomax(Checked):
    """No difference is below −`margin`."""

    question: Text
    metric: Text
    margin: Margin
    pairs: Annotated[list[Pair], Len(1)]

    def metrics(self) -> Iterator[tuple[str, str]]:
        for pair in self.pairs:
            yield from ((variant, self.metric) for variant in (pair.variant, pair.than))


class Questions(Checked):
    """The group `studies` of claims.yaml."""

    seeds: Seeds
    leak: Leak
    infomax: Infomax


class Comparison(NamedTuple):
    """Paired differences of a metric."""

    pair: Pair
    differences: np.ndarray  # (n,), one for each seed that both have, two or more
    mean: float
    wide: Interval  # 95 %
    narrow: Interval  # 90 %


class Answer(NamedTuple):
    verdict: str
    comparisons: dict[str, list[Comparison]]  # by hypothesis, or by the metric
    p: dict[str, float]  # of each hypothesis, corrected; empty where nothing was corrected


def compare(pair: Pair, metric: str, measured: Results) -> Comparison | None:
    """The metric's paired differences; None when fewer than two seeds have a value of both."""

    def values(variant: str) -> dict[int, float]:
        runs = {seed: run for seed, run in measured.runs.get(variant, {}).items() if run[metric] is not None}
        return {seed: run[metric] - (run[pair.beyond] if pair.beyond else 0) for seed, run in runs.items()}

    ours, theirs = values(pair.variant), values(pair.than)
    differences = [ours[seed] - theirs[seed] for seed in sorted(ours.keys() & theirs.keys())]
    if len(differences) < 2:
        return None
    wide, narrow = intervals.mean_interval(differences), intervals.mean_interval(differences, EQUIVALENCE)
    return Comparison(pair, np.array(differences), mean(differences), wide, narrow)


def exceeds(comparison: Comparison, margin: float) -> float:
    """p of the one-sided t test that the mean difference exceeds `margin`."""
    if np.ptp(comparison.differences) == 0:  # for which the test is not defined
        return 0.0 if comparison.mean > margin else 1.0
    return float(stats.ttest_1samp(comparison.differences, margin, alternative="greater").pvalue)


def holm(p: Mapping[str, float]) -> dict[str, float]:
    """p values corrected for their number, by Holm (1979): each is below α where its hypothesis is accepted at α."""
    corrected, least = {}, 0.0
    for rank, name in enumerate(sorted(p, key=p.get)):
        least = max(least, min((len(p) - rank) * p[name], 1.0))
        corrected[name] = least
    return {name: corrected[name] for name in p}


def maximised(question: Leak, measured: Results) -> Results:
    """The runs whose images carry as much of c1 as the question of the leak asks for."""
    return measured._replace(
        runs={
            variant: {seed: run for seed, run in of_seed.items() if run[SHARE] >= question.maximised}
            for variant, of_seed in measured.runs.items()
        }
    )


def leak(question: Leak, measured: Results) -> Answer | None:
    """The verdict on the note's claim that K = 10 leaks the downstream task; None while runs of it are missing."""
    counted = maximised(question, measured)
    found = {
        name: [compare(pair, hypothesis.metric, counted) for pair in hypothesis.more]
        for name, hypothesis in question.hypotheses.items()
    }
    if any(comparison is None for each in found.values() for comparison in each):
        return None
    # A hypothesis is accepted when all of its differences are: its p is the largest of theirs.
    p = holm({name: max(exceeds(each, question.hypotheses[name].margin) for each in found[name]) for name in found})
    a, b, c = (
        p[name] < LEVEL and all(each.mean >= question.hypotheses[name].mean_at_least for each in found[name])
        for name in ("A", "B", "C")
    )
    equivalent = all(max(-each.narrow.low, each.narrow.high) < question.equivalent for each in found["B"])
    no_worse_at_20 = any(each.pair.variant == "k20" and each.narrow.high < question.equivalent for each in found["B"])
    verdict = UNDECIDED
    if a and b and c:
        verdict = CONFIRMED
    elif a and c and equivalent:
        verdict = CODE_ONLY
    elif not c and no_worse_at_20:
        verdict = REFUTED
    return Answer(verdict, found, p)


def infomax(question: Infomax, measured: Results) -> list[Answer | None]:
    """For each pair whether the InfoMax estimate is non-inferior; None while its runs are missing."""

    def answer(found: Comparison | None) -> Answer | None:
        if found is None:
            return None
        low, high = found.wide
        verdict = NON_INFERIOR if low > -question.margin else INFERIOR if high < -question.margin else UNDECIDED
        return Answer(verdict, {question.metric: [found]}, {})

    return [answer(compare(pair, question.metric, measured)) for pair in question.pairs]
