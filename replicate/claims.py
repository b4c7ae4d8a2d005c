"""claims.yaml as checked, frozen objects, and the verdict that each claim's criterion gives for measured metrics."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from annotated_types import Len
from pydantic import Field, RootModel, model_validator

from replicate import params
from replicate.params import Checked, Objective
from replicate.stage import BadInput

HOLDS, PARTLY, FAILS, NOT_MEASURED = "holds", "holds partly", "does not hold", "not measured"
VERDICTS = (HOLDS, PARTLY, FAILS, NOT_MEASURED)

Text = Annotated[str, Len(1)]
Threshold = Annotated[float, Field(allow_inf_nan=False)]
Metrics = Mapping[str, Any]  # of one run, by dotted name: "purity.mean"; None where it has no value


class Condition(Checked):
    """A metric against one limit: a number, or another metric of the same run."""

    metric: Text
    at_least: Threshold | None = None
    at_most: Threshold | None = None
    at_most_metric: Text | None = None

    @model_validator(mode="after")
    def one_limit(self) -> "Condition":
        limits = self.model_fields_set - {"metric"}
        if len(limits) != 1:
            raise ValueError(f"got {sorted(limits) or 'no limit'}, expected one of at_least, at_most, at_most_metric")
        return self


class Claim(Checked):
    """A claim with the criterion it is judged by, or with the reason why it is not measured.

    All conditions of `holds` must be true for the claim to hold, all of `partly` for it to hold partly. `beside` names
    metrics that are reported with it and judge nothing.
    """

    statement: Text
    where: Text
    published: Text
    run: Objective | None = None
    holds: Annotated[list[Condition], Len(1)] | None = None
    partly: Annotated[list[Condition], Len(1)] | None = None
    beside: Annotated[list[Text], Len(1)] | None = None
    not_measured: Text | None = None

    @model_validator(mode="after")
    def measured_or_not(self) -> "Claim":
        got = self.model_fields_set - {"statement", "where", "published"}
        if got != {"not_measured"} and not ({"run", "holds"} <= got and "not_measured" not in got):
            raise ValueError(f"got {sorted(got)}, expected either run and holds (with partly, beside) or not_measured")
        return self

    def metrics(self) -> Iterator[str]:
        """The names of all metrics that the claim needs."""
        for condition in [*(self.holds or []), *(self.partly or [])]:
            yield condition.metric
            if condition.at_most_metric:
                yield condition.at_most_metric
        yield from self.beside or []


class Claims(RootModel[Annotated[dict[Text, Claim], Len(1)]]):
    """Every claim by its id."""


class Measured(NamedTuple):
    """A metric over the seeds of an objective."""

    mean: float | None  # None when it has no value in one seed or more
    spread: float | None  # sample standard deviation; None for a single seed
    seeds: int
    without_value: int  # number of seeds


class Finding(NamedTuple):
    """A condition beside what was measured. `limit` is None when the metric compared with has no value."""

    condition: Condition
    measured: Measured
    limit: float | None
    passed: bool


class Assessment(NamedTuple):
    """A claim's verdict (one of VERDICTS), the conditions of `holds` that it rests on, and the metrics beside them."""

    verdict: str
    findings: list[Finding]
    beside: dict[str, Measured]
    reason: str | None  # why it was not measured


def load(path: str | Path = "claims.yaml") -> dict[str, Claim]:
    """The claims by id, in the file's order. Raises BadInput (see `params.read`)."""
    return params.read(path, Claims).root


def measure(metric: str, runs: Sequence[Metrics]) -> Measured:
    """Mean and spread of `metric` over the runs of an objective, one a seed."""
    values = [run[metric] for run in runs]
    without_value = values.count(None)
    if without_value:
        return Measured(None, None, len(runs), without_value)
    return Measured(statistics.mean(values), statistics.stdev(values) if len(runs) > 1 else None, len(runs), 0)


def find(condition: Condition, runs: Sequence[Metrics]) -> Finding:
    """Compare the mean over the seeds with the limit.

    A metric without a value, in any seed, fails its condition: it never got there. For the same reason any value is at
    most a metric without one.
    """
    measured = measure(condition.metric, runs)
    if condition.at_least is not None:
        limit = condition.at_least
    elif condition.at_most is not None:
        limit = condition.at_most
    else:
        limit = measure(condition.at_most_metric, runs).mean
    if measured.mean is None or limit is None:
        passed = measured.mean is not None
    elif condition.at_least is not None:
        passed = measured.mean >= limit
    else:
        passed = measured.mean <= limit
    return Finding(condition, measured, limit, passed)


def assess(claim: Claim, runs: Sequence[Metrics]) -> Assessment:
    """The verdict on `claim` from the metrics of its objective's runs, one a seed; no runs leave it not measured."""
    if claim.not_measured:
        return Assessment(NOT_MEASURED, [], {}, claim.not_measured)
    if not runs:
        return Assessment(NOT_MEASURED, [], {}, f"params.yaml asks for no run of {claim.run}")
    findings = [find(condition, runs) for condition in claim.holds]
    if all(finding.passed for finding in findings):
        verdict = HOLDS
    elif claim.partly and all(find(condition, runs).passed for condition in claim.partly):
        verdict = PARTLY
    else:
        verdict = FAILS
    return Assessment(verdict, findings, {name: measure(name, runs) for name in claim.beside or []}, None)


def assess_all(claims: Mapping[str, Claim], runs: Mapping[str, Sequence[Metrics]]) -> dict[str, Assessment]:
    """The verdict on every claim; `runs` are the metrics of each objective's runs, one a seed.

    Raises BadInput when a claim names a metric that one of its runs does not have, or that is not a number.
    """
    for name, claim in claims.items():
        for metric in claim.metrics():
            for run in runs.get(claim.run, []):
                if metric not in run:
                    missing = f"{metric!r}, which {claim.run} does not have; it has {', '.join(sorted(run))}"
                    raise BadInput(f"claims.yaml: {name} needs {missing}")
                if not isinstance(run[metric], int | float | None):
                    got = f"{metric!r} of {claim.run} is {run[metric]!r}"
                    raise BadInput(f"claims.yaml: {name} needs a number, and {got}")
    return {name: assess(claim, runs.get(claim.run, [])) for name, claim in claims.items()}
