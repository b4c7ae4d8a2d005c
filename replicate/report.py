"""Stage report: REPORT.md, STUDIES.md and the answer in README.md, by the templates beside it.

    python -m replicate.report

Every number of a result comes from metrics/results.csv, metrics/studies.csv or a file beside them; one that is missing is
an error, never a blank. A claim is judged by the runs of the studies where these have some of its variant, else by the
pipeline's own.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from replicate.base import parameters, stage
from replicate.base.stage import BadInput
from replicate.findings import claims, intervals, results
from replicate.findings.claims import Assessment, Claim, Finding
from replicate.findings.comparisons import LEAK
from replicate.findings.results import Metrics, Results
from replicate.gan import run
from replicate.gan.run import Run
from replicate.reporting import study_report, study_tables
from replicate.reporting.wording import (
    NAMES,
    VERBS,
    asked,
    bracket,
    count,
    in_words,
    listed,
    machine,
    number,
    percent,
    probability,
    spread,
    summary,
)

FEWEST = 3  # runs of a study among which another run is placed
ERROR = "classification.error_one_to_one"
AGREEMENT = "neighbours.agreement"
MARKERS = "<!-- answer -->", "<!-- /answer -->"  # what stands between them in README.md is written here
# The claims of README's table, each with the metric that stands for it there and its unit.
ANSWER = {
    "classification": (ERROR, "%"),
    "mi-infogan": ("information.share_at_end", ""),
    "fig2a": ("purity.mean", "%"),
    "fig2c": ("rotation.slant_correlation", ""),
    "fig2d": ("width.width_correlation", ""),
    "one-kind": ("disentanglement.specificity_lowest", ""),
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


class Placed(NamedTuple):
    """A metric of one run of the pipeline among the runs of a study."""

    run: str
    metric: str  # in words
    value: str
    others: str  # the interval in which 95 of 100 further runs would lie
    inside: bool


def answer(
    all_claims: Mapping[str, Claim], assessments: Mapping[str, Assessment], evidence: Results
) -> list[list[str]]:
    """README's table: a line for each claim of ANSWER, with a cell for InfoGAN, and one for InfoGAN with views."""

    def cell(name: str, variant: str, assessment: Assessment) -> str:
        metric, unit = ANSWER[name]
        mean = claims.measure(metric, evidence.of(variant)).mean
        value = "none" if mean is None else percent(mean, 0) if unit else f"{mean:.2f}".replace("-", "−")
        return f"{value}, **{claims.in_words(assessment)}**"

    shown = [variant for variant in ("infogan", "views") if evidence.of(variant)]
    of_shown = {"infogan": assessments, "views": claims.assess_for("views", all_claims, evidence)}
    return [
        ["claim", "published", *(f"{NAMES[variant]} ({len(evidence.of(variant))})" for variant in shown)],
        *(
            [
                f"{all_claims[name].brief}: {in_words(ANSWER[name][0])}",
                all_claims[name].published,
                *(cell(name, variant, of_shown[variant][name]) for variant in shown),
            ]
            for name in ANSWER
        ),
    ]


def over(measured: Results, variant: str, metric: str, unit: str = "") -> str:
    """A metric over a variant's runs, as `spread` writes it."""
    return study_tables.mean(metric, measured.of(variant), unit)


def verdicts(all_claims: Mapping[str, Claim], assessments: Mapping[str, Assessment]) -> dict[str, list[str]]:
    """The claims that are counted by their verdict, each in brief."""
    found = {verdict: [] for verdict in claims.VERDICTS}
    for name, assessment in assessments.items():
        if all_claims[name].same_as is None:
            found[assessment.verdict].append(all_claims[name].brief)
    return found


def between_markers(text: str, content: str) -> str:
    """`text` with `content` between the MARKERS. Raises BadInput when they are not there, each once."""
    first, last = MARKERS
    if text.count(first) != 1 or text.count(last) != 1 or text.index(first) > text.index(last):
        raise BadInput(f"README.md: expected {first} and after it {last}, each once")
    return f"{text[: text.index(first)]}{first}\n{content}{text[text.index(last) :]}"


def row(name: str, claim: Claim, assessment: Assessment, evidence: Results) -> Row:
    """A claim's row of the first table."""
    findings: dict[str, list[Finding]] = {}  # by metric, of which a claim may ask two things
    for each in assessment.findings:
        findings.setdefault(each.condition.metric, []).append(each)
    here = [
        f"{in_words(metric)} {spread(of_metric[0].measured)} ({', '.join(map(asked, of_metric))})"
        f"{'' if all(each.passed for each in of_metric) else ' ✗'}"
        for metric, of_metric in findings.items()
    ]
    if assessment.reason and claim.variant in evidence.runs:  # measured, but not judged
        runs = evidence.of(claim.variant)
        names = dict.fromkeys(condition.metric for condition in claim.holds)
        here = [f"{in_words(metric)} {spread(claims.measure(metric, runs))}" for metric in names]
    if assessment.reason:
        here.append(f"not judged: {assessment.reason}")
    if claim.study:
        here.append("[STUDIES.md](STUDIES.md#does-k--10-leak-the-downstream-task)")
    control = evidence.of(claim.control) if claim.control else []
    of_control = [number(claims.measure(metric, control).mean) for metric in findings if control]
    return Row(
        name,
        claim.statement,
        claim.where,
        claim.published,
        "<br>".join(here),
        "<br>".join(of_control) or "–",
        claims.in_words(assessment),
    )


def place(metric: str, this: Run, metrics: Metrics, of_study: Sequence[Metrics]) -> Placed | None:
    """Where a run lies among those of a study by a metric; None where one has no value."""
    values = [each[metric] for each in of_study]
    if metrics[metric] is None or None in values:
        return None
    low, high = intervals.prediction_interval(values)
    value = metrics[metric]
    here, inside = number(value, high - low), low <= value <= high
    return Placed(this.name, in_words(metric), here, bracket(low, high), inside)


def placed(
    all_claims: Mapping[str, Claim], runs: Sequence[Run], measured: Results, of_studies: Results
) -> list[Placed]:
    """Each run of the pipeline among the runs of other seeds of the studies, by each metric that a claim about its objective
    asks for."""
    found = []
    for this in runs:
        of_study = [run for seed, run in of_studies.runs.get(this.variant, {}).items() if seed != this.seed]
        about = [claim for claim in all_claims.values() if claim.variant == this.settings.objective]
        asked = dict.fromkeys(condition.metric for claim in about for condition in claim.holds)
        for metric in asked if len(of_study) >= FEWEST else ():
            found.append(place(metric, this, measured.runs[this.variant][this.seed], of_study))
    return [each for each in found if each]


def chosen(runs: Sequence[Run], measured: Results) -> list[tuple[int, str]]:
    """Of each variant of which the pipeline has several seeds, how many, and the run whose neighbours agree most."""
    found = []
    for variant in dict.fromkeys(this.variant for this in runs):
        agreement = {
            this.name: measured.runs[variant][this.seed][AGREEMENT] for this in runs if this.variant == variant
        }
        if len(agreement) > 1:
            found.append((len(agreement), max(agreement, key=agreement.get)))
    return found


def machines(runs: Sequence[Run], measured: Results) -> str:
    """What the runs were made on."""
    names: dict[str, list[str]] = {}
    for this in runs:
        names.setdefault(machine(measured.runs[this.variant][this.seed]), []).append(this.name)
    return listed([f"{name} ({', '.join(theirs)})" for name, theirs in names.items()])


def gather() -> dict[str, Any]:
    """Everything the templates place. Raises BadInput when claims.yaml lacks a claim, or a claim its metric."""
    params, asked = parameters.load(), claims.load()
    all_claims, questions = asked.claims, asked.studies
    measured, of_studies = results.read("metrics/results.csv"), results.read("metrics/studies.csv")
    if absent := [name for name in ANSWER if name not in all_claims]:
        raise BadInput(f"claims.yaml: expected the claims of README's answer, got none of {', '.join(absent)}")
    runs = run.of_pipeline(params)
    claims.check(all_claims, measured)
    answers = stage.read_json("metrics/studies.json")
    evidence = claims.evidence(measured, of_studies)
    leak = answers[LEAK]
    assessments = claims.assess_all(all_claims, evidence, {"leak": leak and leak["verdict"]})
    maximising = [this for this in runs if this.settings.objective != "gan"]
    places = placed(all_claims, runs, measured, of_studies)
    named = dict.fromkeys(each for claim in all_claims.values() for each in (claim.variant, claim.control))
    basis = {variant: len(evidence.of(variant)) for variant in named if variant in evidence.runs}
    limit = questions.seeds.limit
    return {
        "error": ERROR,
        "limit": limit,
        "within": sum(run[ERROR] is not None and run[ERROR] <= limit for run in evidence.of("infogan")),
        "trainings": lambda variant: len(evidence.of(variant)),
        "over": partial(over, evidence),
        "iterations": params.train.iterations,
        "mean": lambda variant, metric: claims.measure(metric, evidence.of(variant)).mean,
        "of_no_run": measured.of_no_run,
        "summary": summary(all_claims, assessments),
        "basis": [f"{n} of {NAMES.get(variant, variant)}" for variant, n in basis.items()],
        "most": max(basis.values(), default=0),
        "borderline": any(assessment.borderline for assessment in assessments.values()),
        "said": {name: VERBS[assessment.verdict][0] for name, assessment in assessments.items()},
        "verdicts": verdicts(all_claims, assessments),
        "answer": answer(all_claims, assessments, evidence),
        "one": [all_claims[name].brief for name, claim in all_claims.items() if claim.same_as],
        "apart": claims.assess_for("views", all_claims, evidence)["disentangle"].verdict == claims.HOLDS,
        "figures": {  # first those of InfoGAN, with views and without
            this.variant: NAMES.get(this.variant, this.variant)
            for this in sorted(maximising, key=lambda this: this.settings.objective != "infogan")
            if this.seed == params.runs.seeds[0]
        },
        "ceiling": params.train.batch_size if any(this.settings.critic for this in runs) else None,
        "errors": {this.name: measured.runs[this.variant][this.seed][ERROR] for this in runs},
        "chosen_unseen": answers["selections"].get("neighbours-choose"),
        "first": params.runs.seeds[0],
        "labels": max(params.represent.labels_per_digit),
        "machines": machines(runs, measured),
        **study_report.gather(params, asked, answers, of_studies),
        "rows": [row(name, all_claims[name], assessments[name], evidence) for name in all_claims],
        "placed": places,
        "chosen": chosen(runs, measured),
        "by_chance": (1 - intervals.CONFIDENCE) * len(places),
    }


def render(template: str, context: Mapping[str, Any]) -> str:
    """A template, filled in. Raises BadInput when the template asks for what is not there."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "reporting"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"cell": lambda text: str(text).replace("|", "\\|")}
    environment.filters |= {"count": count, "listed": listed, "number": number, "percent": percent}
    environment.filters |= {"in_words": in_words, "probability": probability}
    return environment.get_template(template).render(context)


def main() -> None:
    try:
        context, readme = gather(), Path("README.md")
        texts = {
            Path("REPORT.md"): render("report.md.j2", context),
            Path("STUDIES.md"): render("studies.md.j2", context),
            readme: between_markers(readme.read_text(encoding="utf-8"), render("answer.md.j2", context)),
        }
    except UnicodeDecodeError as error:
        raise BadInput(f"{readme} cannot be read: {error}") from error
    except KeyError as error:
        raise BadInput(f"the report needs a metric that was not measured: {error}") from error
    for path, text in texts.items():
        with stage.whole_file(path) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    stage.run(main)
