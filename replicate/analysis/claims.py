"""claims.yaml as checked, frozen objects, and the verdict that each criterion gives for the table of runs."""

import math
from collections.abc import Mapping
from typing import Annotated, NamedTuple

from annotated_types import Gt, Le, Len
from pydantic import Field, model_validator

from replicate.analysis import statistics
from replicate.analysis.statistics import Interval
from replicate.analysis.table import Table
from replicate.base import checked
from replicate.base.checked import Amount, Checked, Seeds, Text
from replicate.base.stage import BadInput

HOLDS, PARTLY, FAILS, NOT_JUDGED = "holds", "holds partly", "does not hold", "not judged"
ROUNDING = 1e-9  # a mean of 5.6 / 7 comes out below a threshold of 0.8


class Condition(Checked):
    """The limits of a metric's mean over runs: beyond a threshold, beyond the control's mean by a margin, or both.

    With a `share` they apply to each run, and at least this share of the runs has to be within them.
    """

    metric: Text
    at_least: float | None = None
    at_most: float | None = None
    above_control: Amount | None = None
    below_control: Amount | None = None
    share: Annotated[float, Gt(0), Le(1)] | None = None

    @model_validator(mode="after")
    def limited(self) -> "Condition":
        above, below = (self.at_least, self.above_control), (self.at_most, self.below_control)
        if (above == (None, None)) == (below == (None, None)):
            raise ValueError("expected at_least or above_control or both, or at_most or below_control or both")
        return self


class Claim(Checked):
    """A claim and its criterion. `variant` names the runs that it is about, without one it is about the machine."""

    label: Text
    statement: Text
    where: Text
    published: Text = "by eye"
    holds: Annotated[list[Condition], Len(1)]
    partly: list[Condition] = Field(default_factory=list)
    variant: Text | None = None
    control: Text | None = None
    same_as: Text | None = None


class Registered(Checked):
    """A hypothesis that waits for its runs, by variant the seeds that test it: conditions on the runs of one variant, or a
    criterion in words."""

    statement: Text
    known: Text
    runs: Annotated[dict[Text, Seeds], Len(1)]
    conditions: list[Condition] = Field(default_factory=list)
    claims: list[Text] = Field(default_factory=list)
    criterion: Text | None = None

    @model_validator(mode="after")
    def one_rule(self) -> "Registered":
        conditions = bool(self.conditions or self.claims)
        if conditions == bool(self.criterion) or (conditions and len(self.runs) > 1):
            raise ValueError("expected conditions or claims on runs of one variant, or a criterion in words")
        if any((each.above_control, each.below_control) != (None, None) for each in self.conditions):
            raise ValueError("conditions: there is no control, so expected at_least or at_most")
        return self


class Claims(Checked):
    """The whole of claims.yaml."""

    draws_digits: Condition
    claims: dict[Text, Claim]
    ablations: list[Text]  # the variants whose mean error is compared with that of infogan: a family of tests
    registered: dict[Text, Registered]

    def number(self, name: str) -> str:
        """That of a claim in REPORT.md; – where it says the same as another one."""
        counted = [each for each, claim in self.claims.items() if not claim.same_as]
        return str(counted.index(name) + 1) if name in counted else "–"

    def variants(self) -> set[str]:
        """All that are named."""
        named = {each for claim in self.claims.values() for each in (claim.variant, claim.control) if each}
        tested = {variant for hypothesis in self.registered.values() for variant in hypothesis.runs}
        return named | tested | {*self.ablations, "infogan"}

    def metrics(self) -> set[str]:
        """All that are named, but those of the machine."""
        conditions = [each for claim in self.claims.values() if claim.variant for each in (*claim.holds, *claim.partly)]
        conditions += [each for hypothesis in self.registered.values() for each in hypothesis.conditions]
        return {each.metric for each in conditions} | {self.draws_digits.metric}


def load(variants: Mapping[str, object], metrics: Mapping[str, object]) -> Claims:
    """All that claims.yaml asks. Raises BadInput, also where it names what is not there."""
    asked = checked.check("claims.yaml", checked.read("claims.yaml"), Claims)
    of = [("variants", asked.variants() - variants.keys()), ("metrics", asked.metrics() - metrics.keys())]
    of += [("claims", {name for h in asked.registered.values() for name in h.claims} - asked.claims.keys())]
    for what, unknown in of:
        if unknown:
            raise BadInput(f"claims.yaml: got {what} that are not there: {', '.join(sorted(unknown))}")
    return asked


class Limit(NamedTuple):
    """A number that a metric is asked to reach (sign 1), or not to exceed (sign −1)."""

    sign: int
    value: float  # NaN, which nothing meets, where the control's metric has no value
    control: list[float | None] | None = None  # from whose mean the value is a margin away

    def met(self, value: float | None) -> bool:
        """Whether `value` is within the limit, or at it but for rounding; nothing is that has no value."""
        return value is not None and self.sign * (value - self.value) >= -ROUNDING

    def straddled(self, values: list[float]) -> bool:
        """Whether the 95 % interval of the mean, or of its difference to the control's, lies on both sides."""
        if len(values) < 2 or math.isnan(self.value):
            return False
        interval = statistics.mean_interval(values)
        if self.control and len(self.control) > 1:
            of_control = statistics.mean(self.control)
            interval = Interval(*(of_control + end for end in statistics.welch(values, self.control).interval))
        return interval.low < self.value < interval.high


class Finding(NamedTuple):
    """A condition beside what was measured."""

    condition: Condition
    values: list[float | None]
    control: float | None  # mean
    limits: list[Limit]
    met: list[bool]  # run by run

    def passed(self, in_doubt: bool | None = None) -> bool:
        """Whether the mean meets every limit, or with a share enough runs do. `in_doubt`, if given, replaces
        the outcome of limits that an interval straddles."""
        if self.condition.share is not None:
            return bool(self.met) and sum(self.met) >= self.condition.share * len(self.met)
        mean = statistics.mean(self.values)
        if mean is None:
            return False
        straddled = [in_doubt is not None and limit.straddled(self.values) for limit in self.limits]
        return all(in_doubt if unsure else limit.met(mean) for limit, unsure in zip(self.limits, straddled))


class Assessment(NamedTuple):
    """A claim's verdict, and what it rests on."""

    verdict: str
    borderline: bool  # whether limits that an interval straddles could turn it
    met: int  # how many runs meet every condition of `holds`
    runs: int  # in which all that it asks was measured; all where it is not judged
    findings: list[Finding]  # of the conditions of `holds`


def find(condition: Condition, values: list[float | None], control: list[float | None]) -> Finding:
    """A metric over runs beside the limits of its condition; `control` is the metric over the runs of the control."""
    of_control, limits = statistics.mean(control), []
    for sign, threshold, margin in (
        (1, condition.at_least, condition.above_control),
        (-1, condition.at_most, condition.below_control),
    ):
        if threshold is not None:
            limits.append(Limit(sign, threshold))
        if margin is not None:
            limits.append(Limit(sign, math.nan if of_control is None else of_control + sign * margin, control))
    met = [all(limit.met(value) for limit in limits) for value in values]
    return Finding(condition, values, of_control, limits, met)


def assess(
    claim: Claim, variant: str | None, table: Table, machine: Mapping[str, float], draws: Condition
) -> Assessment:
    """The verdict on `claim` for the runs of `variant`, or of the machine where it is None.

    It is not judged where a metric is absent, where there are no runs of the variant or of the control, and, if it has a
    control, where the variant's generators draw no digits (`draws`).
    """

    def findings(conditions: list[Condition], seeds: list[int] | None = None) -> list[Finding]:
        if variant is None:
            return [find(each, [machine[each.metric]], []) for each in conditions]
        names = [each.metric for each in conditions]
        controls = [table.values(claim.control, name) if claim.control else [] for name in names]
        values = [table.values(variant, name, seeds) for name in names]
        return [find(*each) for each in zip(conditions, values, controls)]

    holds, partly = findings(claim.holds), findings(claim.partly)
    judged = all(each.values and not any(math.isnan(limit.value) for limit in each.limits) for each in holds)
    if judged and claim.control not in (None, variant):
        judged = find(draws, table.values(variant, draws.metric), []).passed()
    if not judged:
        return Assessment(NOT_JUDGED, False, 0, len(table.seeds(variant)), holds)

    def verdict(in_doubt: bool | None = None) -> str:
        if all(each.passed(in_doubt) for each in holds):
            return HOLDS
        return PARTLY if partly and all(each.passed(in_doubt) for each in partly) else FAILS

    seeds = table.complete(variant, [each.metric for each in claim.holds]) if variant else None
    met = [all(run) for run in zip(*(each.met for each in findings(claim.holds, seeds)))]
    return Assessment(verdict(), verdict(True) != verdict(False), sum(met), len(met), holds)


def assess_all(asked: Claims, table: Table, machine: Mapping[str, float]) -> dict[str, Assessment]:
    """The verdict on every claim."""
    return {
        name: assess(claim, claim.variant, table, machine, asked.draws_digits) for name, claim in asked.claims.items()
    }


def judge(hypothesis: Registered, asked: Claims, table: Table) -> tuple[int, int, bool | None]:
    """How many runs of a hypothesis are complete, how many are planned, and whether they meet it.

    None while one is missing, and for a criterion in words, which a person has to judge.
    """
    conditions = [*hypothesis.conditions, *(each for name in hypothesis.claims for each in asked.claims[name].holds)]
    metrics = [each.metric for each in conditions]
    there = {
        variant: [seed for seed in table.complete(variant, metrics) if seed in seeds]
        for variant, seeds in hypothesis.runs.items()
    }
    made, planned = sum(map(len, there.values())), sum(map(len, hypothesis.runs.values()))
    if made < planned or hypothesis.criterion:
        return made, planned, None
    (variant, seeds), *_ = there.items()
    only = table.only(variant, seeds)
    met = [find(each, only.values(variant, each.metric), []).passed() for each in hypothesis.conditions]
    for name in hypothesis.claims:
        met.append(assess(asked.claims[name], variant, only, {}, asked.draws_digits).verdict == HOLDS)
    return made, planned, all(met)


def ablations(variants: list[str], table: Table, found: Mapping[str, list[int]]) -> dict[str, float]:
    """The corrected p of each variant with two runs or more: whether its mean error differs from that of infogan. Seeds on
    which something was `found` are left out."""
    theirs = table.values("infogan", "error")
    tested = {name: [seed for seed in table.seeds(name) if seed not in found.get(name, [])] for name in variants}
    of = {variant: table.values(variant, "error", seeds) for variant, seeds in tested.items()}
    p = {variant: statistics.welch(ours, theirs).p for variant, ours in of.items() if len(ours) > 1}
    return statistics.holm(p, len(variants))
