"""claims.yaml as checked, frozen objects, and the verdict that each claim's criterion gives for measured metrics."""

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Annotated, Literal, NamedTuple

from annotated_types import Len
from pydantic import model_validator

from replicate.base import parameters
from replicate.base.checked import Checked
from replicate.base.stage import BadInput
from replicate.findings import comparisons, intervals
from replicate.findings.comparisons import Condition, Infomax, Leak, Questions, Seeds, Text
from replicate.findings.hypotheses import Choices, Hypothesis, Registered, Selection
from replicate.findings.intervals import Interval
from replicate.findings.results import Metrics, Results

HOLDS, PARTLY, FAILS = "holds", "holds partly", "does not hold"
UNDECIDED, NOT_JUDGED = "undecided", "not judged"
VERDICTS = (HOLDS, PARTLY, FAILS, UNDECIDED, NOT_JUDGED)
# What a study's verdict makes of the claim that it answers.
STUDY_VERDICTS = {
    comparisons.CONFIRMED: HOLDS,
    comparisons.CODE_ONLY: PARTLY,
    comparisons.REFUTED: FAILS,
    comparisons.UNDECIDED: UNDECIDED,
}


class Claim(Checked):
    """A claim with the criterion it is judged by, or with the study that answers it.

    All conditions of `holds` must be true for the claim to hold, all of `partly` for it to hold partly. `variant` names
    the runs that it is about, without one it is about no run; `control` names the runs that they are compared with.
    `beside` names metrics that are kept with it and judge nothing. `same_as` names a claim that says the same, or rests on
    the same number, so that both count as one. `why_changed` tells what the criterion was before, and why it is another now.
    """

    brief: Text
    statement: Text
    where: Text
    published: Text
    # None as in Condition.
    why_changed: Text = None
    variant: Text = None
    control: Text = None
    holds: Annotated[list[Condition], Len(1)] = None
    partly: Annotated[list[Condition], Len(1)] = None
    beside: Annotated[list[Text], Len(1)] = None
    study: Literal["leak"] = None
    same_as: Text = None

    @model_validator(mode="after")
    def judged_by_one(self) -> "Claim":
        keys = "variant", "control", "holds", "partly", "beside", "study"
        got = [key for key in keys if getattr(self, key) is not None]
        if got != ["study"] and ("holds" not in got or "study" in got):
            raise ValueError(f"got {', '.join(got) or 'neither'}, expected either holds (and variant) or study")
        return self

    @model_validator(mode="after")
    def a_control_where_one_is_needed(self) -> "Claim":
        if self.control is None and any(condition.needs_control for condition in self.conditions()):
            raise ValueError("control: missing, expected the variant that above_control, below_control compare with")
        if self.control is not None and self.variant in (None, self.control):
            raise ValueError(f"control: got {self.control!r}, expected another variant than variant ({self.variant})")
        return self

    def conditions(self) -> list[Condition]:
        """Those of `holds`, then those of `partly`."""
        return [*(self.holds or []), *(self.partly or [])]

    def metrics(self) -> Iterator[tuple[str | None, str]]:
        """(variant, metric) of all that the claim needs, its control's included; a metric may come more than once."""
        judged = [condition.metric for condition in self.conditions()]
        yield from ((self.variant, metric) for metric in [*judged, *(self.beside or [])])
        if self.control is not None:
            yield from ((self.control, metric) for metric in judged)


class Claims(Checked):
    """The whole of claims.yaml: every claim by its id."""

    version: Literal[2]
    revised: Text
    claims: Annotated[dict[Text, Claim], Len(1)]
    studies: Questions
    hypotheses: dict[Text, Hypothesis]
    registered: dict[Text, Registered]
    choices: Choices
    selection: Selection

    @model_validator(mode="after")
    def claims_that_are_named_are_there(self) -> "Claims":
        named = {f"claims.{name}.same_as": [claim.same_as] for name, claim in self.claims.items() if claim.same_as}
        named |= {f"hypotheses.{name}.claims": asked.claims or [] for name, asked in self.hypotheses.items()}
        judged = [name for name, claim in self.claims.items() if claim.variant]
        for key, names in named.items():
            if unknown := [name for name in names if name not in judged]:
                raise ValueError(f"{key}: got {', '.join(unknown)}, expected claims about runs: {', '.join(judged)}")
        return self

    def variants(self) -> Iterator[tuple[str, str]]:
        """(key, variant) of the variants that claims, hypotheses and choices name."""
        for name, claim in self.claims.items():
            yield from ((f"{name}.{key}", getattr(claim, key)) for key in ("variant", "control"))
        for name, asked in self.hypotheses.items():
            key = f"hypotheses.{name}"
            yield from ((f"{key}.of.{which}", getattr(asked.of, which)) for which in ("variant", "control"))
            yield f"{key}.difference.than", asked.difference and asked.difference.than
        yield "choices.than", self.choices.than
        yield from (("choices.variants", variant) for variant in self.choices.variants)


class Measured(NamedTuple):
    """A metric over runs, one a seed. All but the values are None when it has no value in one or more."""

    values: list[float | None]
    mean: float | None
    interval: Interval | None  # that the mean lies in, 95 %; None for a single run


class Limit(NamedTuple):
    """A number that a metric is asked to reach, or not to exceed."""

    at_least: bool  # else at most
    value: float | None  # None where the control's metric has no value
    control: Measured | None = None  # from whose mean the value is a margin away; None for a number of claims.yaml

    def __str__(self) -> str:
        value = "none" if self.value is None else f"{self.value:.3g}".replace("-", "−")
        return f"{'≥' if self.at_least else '≤'} {value}"

    def met(self, value: float | None) -> bool:
        """Whether `value` is within the limit; nothing is that has no value."""
        if value is None or self.value is None:
            return False
        return value >= self.value if self.at_least else value <= self.value

    def straddled(self, measured: Measured) -> bool:
        """Whether the 95 % interval of the mean, or of how far it is from the control's, lies on both sides of the limit."""
        if measured.interval is None or self.value is None:
            return False
        low, high = measured.interval
        if self.control and self.control.interval:
            difference = intervals.difference_interval(measured.values, self.control.values)
            low, high = (self.control.mean + end for end in difference)
        return low < self.value < high


class Finding(NamedTuple):
    """A condition beside what was measured."""

    condition: Condition
    measured: Measured
    control: Measured | None  # the same metric over the control's runs; None where the claim has no control
    limits: list[Limit]
    passed: bool  # by the mean, or by the share of the runs that is asked
    at_best: bool  # whether it would be passed if each limit that is straddled were met
    at_worst: bool  # and if none of these were
    holding: list[bool]  # run by run, whether its value is within the limits


class Assessment(NamedTuple):
    """A claim's verdict, and what it rests on."""

    verdict: str  # one of VERDICTS, by the means
    best: str  # if each limit that is straddled were met
    worst: str  # and if none of these were
    holding: int  # how many runs are within the limits of all conditions of `holds`
    runs: int  # of so many; 0 for a claim that is about no run, or not judged
    findings: list[Finding]  # of the conditions of `holds`
    reason: str | None  # why it is not judged

    @property
    def borderline(self) -> bool:
        """Whether limits that are straddled could turn the verdict."""
        return self.best != self.worst


def load(path: str | Path = "claims.yaml") -> Claims:
    """All that claims.yaml asks. Raises BadInput (see `parameters.read`)."""
    return parameters.read(path, Claims)


def evidence(measured: Results, of_studies: Results) -> Results:
    """What claims are judged by: a variant's runs of the studies where there are some, else those of the pipeline."""
    return measured._replace(runs=measured.runs | of_studies.runs)


def check_variants(asked: Claims, variants: Collection[str]) -> None:
    """Raise BadInput when claims.yaml names another variant than one of `variants`."""
    for key, variant in asked.variants():
        if variant not in (None, *variants):
            expected = f"expected a variant of params.yaml or studies.yaml: {', '.join(variants)}"
            raise BadInput(f"claims.yaml: {key}: got {variant!r}, {expected}")


def measure(metric: str, runs: Sequence[Metrics]) -> Measured:
    """`metric` over runs of the same variant, one or more."""
    values = [run[metric] for run in runs]
    if None in values:
        return Measured(values, None, None)
    return Measured(values, mean(values), intervals.mean_interval(values))


def _means(metrics: Iterable[str], runs: Sequence[Metrics]) -> dict[str, float]:
    """The means of metrics over runs; what has no value is left out."""
    found = {metric: measure(metric, runs).mean for metric in metrics}
    return {metric: value for metric, value in found.items() if value is not None}


def means(claims: Mapping[str, Claim], results: Results) -> dict[str, dict[str, float]]:
    """By claim about a variant that has runs, the mean over these of every metric that its conditions name.

    A claim about no run is left out, whose numbers are of the machine: unchanged results give unchanged means. Raises
    BadInput (see `check`).
    """
    of_runs = {name: claim for name, claim in claims.items() if claim.variant in results.runs}
    check(of_runs, results)
    return {
        name: _means((each.metric for each in claim.conditions()), results.of(claim.variant))
        for name, claim in of_runs.items()
    }


def means_of_others(claims: Mapping[str, Claim], results: Results) -> dict[str, dict[str, float]]:
    """By variant that no claim is about, such as one that somebody tries, the means of what claims about InfoGAN name."""
    about = {claim.variant for claim in claims.values()}
    names = {each.metric for claim in claims.values() if claim.variant == "infogan" for each in claim.conditions()}
    return {variant: _means(sorted(names), results.of(variant)) for variant in results.runs if variant not in about}


def limits(condition: Condition, control: Measured | None) -> list[Limit]:
    """The limits of a condition; `control` is its metric over the runs of the control, without which no margin counts."""
    found = []
    if condition.at_least is not None:
        found.append(Limit(True, condition.at_least))
    if condition.at_most is not None:
        found.append(Limit(False, condition.at_most))
    if control and condition.above_control is not None:
        found.append(Limit(True, None if control.mean is None else control.mean + condition.above_control, control))
    if control and condition.below_control is not None:
        found.append(Limit(False, None if control.mean is None else control.mean - condition.below_control, control))
    return found


def find(condition: Condition, runs: Sequence[Metrics], control: Sequence[Metrics] = ()) -> Finding:
    """Compare the mean of a metric over `runs` with the limits of its condition; `control` are the runs of the claim's
    control, if it has one.

    A metric without a value, in any of the runs that are compared, fails a condition on the mean: it never got there.
    Where a share of the runs is asked, such a run is one that misses it.
    """
    measured = measure(condition.metric, runs)
    compared = measure(condition.metric, control) if control else None
    asked = limits(condition, compared)
    holding = [all(limit.met(value) for limit in asked) for value in measured.values]
    if condition.share is not None:
        passed = [sum(holding) >= condition.share * len(holding)] * 3
    else:
        passed = [
            all(limit.met(measured.mean) for limit in asked),
            all(limit.met(measured.mean) or limit.straddled(measured) for limit in asked),
            all(limit.met(measured.mean) and not limit.straddled(measured) for limit in asked),
        ]
    return Finding(condition, measured, compared, asked, *passed, holding)


def not_judged(reason: str) -> Assessment:
    """The assessment of a claim that cannot be judged."""
    return Assessment(*[NOT_JUDGED] * 3, 0, 0, [], reason)


def assess(claim: Claim, runs: Sequence[Metrics], control: Sequence[Metrics] = ()) -> Assessment:
    """The verdict on `claim` from the metrics of its variant's runs, one a seed, and of its control's.

    The means are compared with the limits. A claim that misses a limit does not hold, even where its control has no run.
    """
    if not runs:
        return not_judged(f"there is no run of {claim.variant}")
    holds = [find(condition, runs, control) for condition in claim.holds]
    partly = [find(condition, runs, control) for condition in claim.partly or []]

    def verdict(passed: str) -> str:
        if all(getattr(each, passed) for each in holds):
            return HOLDS
        return PARTLY if partly and all(getattr(each, passed) for each in partly) else FAILS

    if claim.control and not control and verdict("passed") != FAILS:
        return not_judged(f"there is no run of {claim.control}, its control")
    met = [all(run) for run in zip(*(each.holding for each in holds))] if claim.variant else []
    return Assessment(*map(verdict, ("passed", "at_best", "at_worst")), sum(met), len(met), holds, None)


def assess_for(variant: str, claims: Mapping[str, Claim], results: Results) -> dict[str, Assessment]:
    """The claims about InfoGAN, judged for another variant by the same criteria."""
    return {
        name: assess(claim, results.of(variant), results.of(claim.control) if claim.control else [])
        for name, claim in claims.items()
        if claim.variant == "infogan"
    }


def in_words(assessment: Assessment) -> str:
    """The verdict, and how many of the runs meet all conditions: "does not hold (3 of 10, borderline)"."""
    beside = [f"{assessment.holding} of {assessment.runs}"] if assessment.runs > 1 else []
    if assessment.borderline:
        beside.append("borderline")
    return f"{assessment.verdict} ({', '.join(beside)})" if beside else assessment.verdict


def check_questions(
    questions: Questions, studies: Collection[str], variants: Collection[str], results: Results
) -> None:
    """Raise BadInput when another study than one of `studies` is asked, or about another variant than one of `variants`, or
    for a metric (see `check`)."""
    if missing := [name for name in Questions.model_fields if name not in studies]:
        raise BadInput(f"studies/studies.yaml: studies: missing {', '.join(missing)}, of which claims.yaml asks")
    asked = {f"studies.{name}": question for name, question in questions}
    for name, question in asked.items():
        for variant, _ in question.metrics():
            if variant not in variants:
                raise BadInput(f"claims.yaml: {name}: got {variant!r}, expected a variant: {', '.join(variants)}")
    check(asked, results)


def check(asked: Mapping[str, Claim | Seeds | Leak | Infomax], results: Results) -> None:
    """Raise BadInput when a claim, or what a study is asked, names a metric that its runs do not have as a number."""
    for name, asking in asked.items():
        for variant, metric in asking.metrics():
            for run in results.of(variant):
                if not isinstance(run.get(metric, ""), int | float | None):
                    near = ", ".join(difflib.get_close_matches(metric, run)) or "none"
                    owner = f"of {variant}" if variant else "that belongs to no run"
                    raise BadInput(f"claims.yaml: {name} needs {metric!r}, which is no number {owner}; like it: {near}")


def assess_all(
    claims: Mapping[str, Claim], results: Results, of_studies: Mapping[str, str | None]
) -> dict[str, Assessment]:
    """The verdict on every claim, by results or by the verdicts of studies. Raises BadInput (see `check`)."""
    check(claims, results)
    found = {}
    for name, claim in claims.items():
        if not claim.study:
            control = results.of(claim.control) if claim.control else []
            found[name] = assess(claim, results.of(claim.variant), control)
        elif verdict := of_studies[claim.study]:
            found[name] = Assessment(*[STUDY_VERDICTS[verdict]] * 3, 0, 0, [], None)
        else:
            found[name] = not_judged("its study has too few trainings")
    return found
