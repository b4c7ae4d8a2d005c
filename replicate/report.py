"""Stage report: REPORT.md and the answer in README.md, from claims.yaml and what was measured, by the templates beside it.

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
MARKERS = "<!-- answer -->", "<!-- /answer -->"  # what stands between them in README.md is written here
# The claims of the answer, each with the metric that stands for it there, its name and its unit.
ANSWER = {
    "error": (ERROR, "error", "%"),
    "mi-infogan": ("information.share_at_end", "L_I / H(c1)", ""),
    "mi-gan": ("yardstick.share_c1", "a fresh network's bound / H(c1)", ""),
    "fig2a": ("purity.mean", "images that show the category's digit", "%"),
    "fig2c": ("rotation.slant_correlation", "rank correlation of code and slant", ""),
    "fig2d": ("width.width_correlation", "rank correlation of code and width", ""),
    "natural": ("naturalness.lead_lowest", "images more natural than plain transforms, less those less so", "%"),
    "infomax": ("purity.mean", "images that show the category's digit", "%"),
}
VERBS = {  # of a verdict, for one claim and for several
    claims.HOLDS: ("holds", "hold"),
    claims.PARTLY: ("holds partly", "hold partly"),
    claims.FAILS: ("does not hold", "do not hold"),
    claims.NOT_MEASURED: ("is not measured", "are not measured"),
}


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


def summary(assessments: Mapping[str, Assessment]) -> str:
    """How many claims there are of each verdict, as a sentence."""
    verdicts = [assessment.verdict for assessment in assessments.values()]
    counts = [(verdicts.count(verdict), VERBS[verdict]) for verdict in claims.VERDICTS]
    *parts, last = (f"{n} {verbs[n != 1]}" for n, verbs in counts)
    return f"Of {len(verdicts)} claims {', '.join(parts)}, and {last}."


def in_unit(measured: Measured, unit: str) -> str:
    """`spread`, in percent where that is the unit."""
    if unit != "%" or measured.mean is None:
        return f"{spread(measured)} {unit}".rstrip()
    interval = measured.interval and f" [{100 * measured.interval.low:.1f}, {100 * measured.interval.high:.1f}]"
    return f"{100 * measured.mean:.1f}{interval or ''} %".replace("-", "−")


def answer(all_claims: Mapping[str, Claim], assessments: Mapping[str, Assessment], measured: Results) -> dict[str, Any]:
    """What the template of README's answer places."""
    rows = []
    for name, (metric, label, unit) in ANSWER.items():
        claim = all_claims[name]
        runs = measured.of(claim.variant) if claim.variant in measured.runs else []
        here = f"{label} {in_unit(claims.measure(metric, runs), unit)}" if runs else "–"
        assessment = assessments[name]
        verdict = claims.in_words(assessment) if assessment.runs > 1 else assessment.verdict
        rows.append(Row(name, claim.statement, claim.where, claim.published, here, "", verdict))
    infogan = measured.of("infogan")
    return {
        "error": in_unit(claims.measure(ERROR, infogan), "%") if infogan else "not measured",
        "trainings": len(infogan),
        "summary": summary(assessments),
        "rows": rows,
    }


def between_markers(text: str, content: str) -> str:
    """`text` with `content` between the MARKERS. Raises BadInput when they are not there, each once."""
    first, last = MARKERS
    if text.count(first) != 1 or text.count(last) != 1 or text.index(first) > text.index(last):
        raise BadInput(f"README.md: expected {first} and after it {last}, each once")
    return f"{text[: text.index(first)]}{first}\n{content}{text[text.index(last) :]}"


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
        "summary": summary(assessments),
        "answer": answer(all_claims, assessments, measured),
        "error": claims.measure(ERROR, measured.of("infogan")) if measured.of("infogan") else None,
        "confusions": [confusion(each, metrics[each.name][ERROR]) for each in runs if each.settings.objective != "gan"],
        "milestones": {
            each.name: tables.read(each.csv("milestones"), iteration=int, error=tables.number) for each in runs
        },
        "environments": {each.name: stage.read_json(each.json("environment")) for each in runs},
    }


def render(template: str, context: Mapping[str, Any]) -> str:
    """A template, filled in. Raises BadInput when the template asks for a number that is not there."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"number": number, "spread": spread, "cell": lambda text: str(text).replace("|", "\\|")}
    try:
        return environment.get_template(template).render(context)
    except (UndefinedError, KeyError) as error:
        raise BadInput(f"the report needs a metric that was not measured: {error}") from error


def main() -> None:
    context, readme = gather(), Path("README.md")
    texts = {
        Path("REPORT.md"): render("report.md.j2", context),
        readme: between_markers(readme.read_text(encoding="utf-8"), render("answer.md.j2", context["answer"])),
    }
    for path, text in texts.items():
        with stage.whole_file(path) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    stage.run(main)
