"""Stage report: REPORT.md, from claims.yaml and what was measured, by the template report.md.j2.

    python -m replicate.report

Every number of a result comes from metrics/results.csv or a table beside it; one that is missing is an error, never a
blank.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined, UndefinedError

from replicate import claims, parameters, results, run, stage, tables
from replicate.claims import Assessment, Claim, Finding, Measured
from replicate.results import Results
from replicate.run import Run
from replicate.stage import BadInput

CONFUSIONS = 3  # the largest ones of a run that are named
ERROR = "classification.error_one_to_one"


class Row(NamedTuple):
    """A claim as the report's first table shows it; texts in Markdown."""

    id: str
    statement: str
    where: str
    published: str
    here: str
    control: str
    verdict: str


class Confusion(NamedTuple):
    """What the errors of a run's c1 are made of."""

    run: str
    error: float | None
    errors: int  # of the test images that have a matched category
    largest: list[tuple[int, int, int]]  # digit, the digit that c1 gives it, test images; the most first
    share: float  # of the errors that lie in these


def number(value: float | str | None) -> str:
    """Three decimals (one from 100 on), a whole number whole, text as it is; "none" for a metric without a value."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    decimals = 3 if -100 < value < 100 else 1
    return (str(value) if isinstance(value, int) else f"{value:.{decimals}f}").replace("-", "−")


def spread(measured: Measured) -> str:
    """The mean with its 95 % interval; of a single run its value; in how many runs there is none."""
    if measured.mean is None:
        without = measured.values.count(None)
        return "none" if len(measured.values) == 1 else f"none in {without} of {len(measured.values)} runs"
    if measured.interval is None:
        return number(measured.values[0])
    low, high = measured.interval
    return f"{number(measured.mean)} [{number(low)}, {number(high)}]"


def asked(finding: Finding) -> str:
    """The limits of a condition: "≥ 0.95, control + 0.5"."""
    condition = finding.condition
    parts = []
    if condition.at_least is not None:
        parts.append(f"≥ {condition.at_least:g}")
    if condition.at_most is not None:
        parts.append(f"≤ {condition.at_most:g}")
    if condition.above_control is not None:
        parts.append(f"≥ control + {condition.above_control:g}")
    if condition.below_control is not None:
        parts.append(f"≤ control − {condition.below_control:g}")
    return ", ".join(parts).replace("-", "−")


def row(name: str, claim: Claim, assessment: Assessment, measured: Results) -> Row:
    """A claim's row of the first table."""
    here = [
        f"`{each.condition.metric}` {spread(each.measured)} ({asked(each)}){'' if each.passed else ' ✗'}"
        for each in assessment.findings
    ]
    if assessment.reason and claim.variant in measured.runs:  # measured, but not judged
        runs = measured.of(claim.variant)
        names = dict.fromkeys(condition.metric for condition in claim.holds)
        here = [f"`{metric}` {spread(claims.measure(metric, runs))}" for metric in names]
    if assessment.reason:
        here.append(f"not judged: {assessment.reason}")
    if assessment.beside:
        beside = (f"`{metric}` {spread(value)}" for metric, value in assessment.beside.items())
        here.append(f"beside: {', '.join(beside)}")
    control = measured.of(claim.control) if claim.control else []
    of_control = [spread(claims.measure(each.condition.metric, control)) for each in assessment.findings if control]
    return Row(
        name,
        claim.statement,
        claim.where,
        claim.published,
        "<br>".join(here),
        "<br>".join(of_control) or "–",
        claims.in_words(assessment),
    )


def confusion(this: Run, error: float | None) -> Confusion:
    """What the errors of a run's c1, an `error` of all images, are made of, by its confusion table.

    Raises BadInput (see `tables.read`).
    """
    columns = tables.read(this.csv("confusion"), **{str(digit): int for digit in range(10)})
    wrong = np.stack(list(columns.values()), axis=1)
    np.fill_diagonal(wrong, 0)
    places = np.argsort(wrong, axis=None, kind="stable")[::-1][:CONFUSIONS]
    counted = [(*np.unravel_index(place, wrong.shape), wrong.flat[place]) for place in places if wrong.flat[place]]
    largest = [(int(digit), int(given), int(count)) for digit, given, count in counted]
    total = int(wrong.sum())
    return Confusion(this.name, error, total, largest, sum(count for *_, count in largest) / max(total, 1))


def gather() -> dict[str, Any]:
    """Everything the template reads. Raises BadInput when a file is missing or broken, or a claim lacks a metric."""
    params = parameters.load()
    measured, all_claims = results.read("metrics/results.csv"), claims.load()
    claims.check_variants(all_claims, params.variants)
    assessments = claims.assess_all(all_claims, measured)
    runs = run.of_pipeline(params)
    if missing := [each.name for each in runs if each.seed not in measured.runs.get(each.variant, {})]:
        rows = f"expected rows of every run of params.yaml, got none of {', '.join(missing)}"
        raise BadInput(f"metrics/results.csv: {rows}")
    metrics = {each.name: measured.runs[each.variant][each.seed] for each in runs}
    return {
        "params": params,
        "runs": runs,
        "metrics": metrics,
        "of_no_run": measured.of_no_run,
        "rows": [row(name, all_claims[name], assessments[name], measured) for name in all_claims],
        "counts": {verdict: [a.verdict for a in assessments.values()].count(verdict) for verdict in claims.VERDICTS},
        "error": claims.measure(ERROR, measured.of("infogan")) if measured.of("infogan") else None,
        "confusions": [confusion(each, metrics[each.name][ERROR]) for each in runs if each.settings.objective != "gan"],
        "milestones": {
            each.name: tables.read(each.csv("milestones"), iteration=int, error=tables.number) for each in runs
        },
        "environments": {each.name: stage.read_json(each.json("environment")) for each in runs},
    }


def render(context: Mapping[str, Any]) -> str:
    """The report in Markdown. Raises BadInput when the template asks for a number that is not there."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"number": number, "spread": spread, "cell": lambda text: str(text).replace("|", "\\|")}
    try:
        return environment.get_template("report.md.j2").render(context)
    except (UndefinedError, KeyError) as error:
        raise BadInput(f"the report needs a metric that was not measured: {error}") from error


def main() -> None:
    report = render(gather())
    with stage.whole_file("REPORT.md") as path:
        path.write_text(report, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    stage.run(main)
