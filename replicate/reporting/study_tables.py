"""The tables of STUDIES.md, as cells: what the runs of the studies measured, by seed, by variant and by hypothesis."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from replicate.findings import claims, comparisons, expectations, intervals
from replicate.findings.claims import Claim, Claims, Measured
from replicate.findings.comparisons import INFOMAX, LEAK, Pair
from replicate.findings.expectations import Part
from replicate.findings.hypotheses import Choices
from replicate.findings.results import Metrics, Results
from replicate.findings.ways import Way
from replicate.parameters import Parameters
from replicate.reporting.wording import (
    METRICS,
    estimate,
    machine,
    named,
    number,
    percent,
    points,
    probability,
    spread,
)
from replicate.studies import plan
from replicate.studies.plan import Studies

VIEWS = "views"  # a study
OF_CHOICES = (  # what a choice does besides to the error
    "information.share_at_end",
    "training.loss_discriminator",
    "speed.distance_at_end",
    "rotation.slant_correlation",
    "width.width_correlation",
)
JUDGED = {  # what each claim about InfoGAN is judged for besides, by the section that shows it
    "choices": ("official", "described", "as_printed", "minimax", "views"),
    "infomax": ("infomax", "infomax_pull", "infomax_views"),
}
MEASURES = {  # of a variant, by study: the table's column, the metric and its unit
    LEAK: {
        "AMI of c1 and digit": ("classification.ami", ""),
        "AMI of a perfect clustering": ("classification.ami_ceiling", ""),
        "information about the digit": ("representation.code.information_share", ""),
        "error, each category with its most frequent digit": ("classification.error_majority", "%"),
        "homogeneity": ("classification.homogeneity", ""),
        "completeness": ("classification.completeness", ""),
        "AMI of k-means and digit": ("kmeans.ami", ""),
        "information of k-means": ("kmeans.information_share", ""),
        "hidden layer, 10 labels": ("representation.head_hidden.probe_error_10", "%"),
        "hidden layer, 100 labels": ("representation.head_hidden.probe_error_100", "%"),
        "hidden layer, all labels": ("representation.head_hidden.probe_error_all", "%"),
        "D's trunk, 100 labels": ("representation.trunk.probe_error_100", "%"),
        "slant, hidden layer": ("representation.head_hidden.error_slant", "%"),
        "thickness, hidden layer": ("representation.head_hidden.error_thickness", "%"),
        "c1 read by the yardstick": ("yardstick.share_c1", ""),
    },
    INFOMAX: {
        "error": ("classification.error_one_to_one", "%"),
        "error, confusions of digits that share a category left out": ("sharing.error_without", "%"),
        "purity": ("purity.mean", "%"),
        "purity, each digit given to one category": ("purity.one_to_one", "%"),
        "AMI of c1 and digit": ("classification.ami", ""),
        "c1 read by the yardstick": ("yardstick.share_c1", ""),
        "style codes' specificity": ("disentanglement.specificity_lowest", ""),
        "Fréchet distance": ("speed.distance_at_end", ""),
        "pull of D": ("pull.adversarial", ""),
        "pull of c1": ("pull.c1", ""),
        "pull of c2, c3": ("pull.continuous", ""),
    },
    VIEWS: {
        "error": ("classification.error_one_to_one", "%"),
        "purity": ("purity.mean", "%"),
        "switched": ("switching.switched", "%"),
        "slant, correlation with its code": ("rotation.slant_correlation", ""),
        "slant, change in spreads": ("rotation.slant_change", ""),
        "width, correlation with its code": ("width.width_correlation", ""),
        "width, change in spreads": ("width.width_change", ""),
        "style codes' specificity": ("disentanglement.specificity_lowest", ""),
        "digit kept at ±1": ("disentanglement.digit_kept_lowest", "%"),
        "digit kept at ±2": ("extrapolation.kept_lowest", "%"),
        "share more natural than a plain change, minus share less so": ("naturalness.lead_lowest", "%"),
        "L_I / H(c1) after training": ("information.share_at_end", ""),
        "Fréchet distance": ("speed.distance_at_end", ""),
        "Q's hidden layer, 100 labels": ("representation.head_hidden.probe_error_100", "%"),
    },
}


def mean(metric: str, runs: Sequence[Metrics], unit: str) -> str:
    """A metric's mean over runs, with its interval; a dash where there is no run, or none has a value."""
    if not runs or all(run[metric] is None for run in runs):
        return "–"
    return spread(claims.measure(metric, runs), unit)


def by_seed(error: str, measured: Results) -> list[list[str]]:
    """Each training of InfoGAN: the seed, its `error`, and what digits share."""
    return [
        [
            str(seed),
            percent(run[error]),
            percent(run["sharing.error_without"]),
            ", ".join((run["sharing.which"] or "none").split()).replace("-", "–"),
            number(run["classification.ami"]),
            percent(run["purity.mean"]),
            number(run["information.share_at_end"]),
        ]
        for seed, run in sorted(measured.runs.get("infogan", {}).items())
    ]


def way(found: Way) -> list[str]:
    """A way to a lower error: its price, and its error, with an interval where several trainings go it."""
    error = spread(Measured(found.errors, fmean(found.errors), intervals.mean_interval(found.errors)), "%")
    return [found.name, "yes" if found.with_labels else "no", str(found.price), str(len(found.errors)), error]


def choices(asked: Choices, measured: Results) -> dict[str, list[str]]:
    """What the variants do that change one choice of the paper or its code, as cells by variant; first `asked.than`."""
    compared = expectations.compare(asked, measured)

    def cells(variant: str) -> list[str]:
        runs, found = measured.of(variant), compared.get(variant)
        difference = ["–", "–"]
        if found:
            difference = [estimate(found.difference, *found.interval, points), probability(found.p)]
        return [str(len(runs)), mean(asked.metric, runs, "%"), *difference] + [
            mean(metric, runs, "") for metric in OF_CHOICES
        ]

    return {variant: cells(variant) for variant in (asked.than, *asked.variants) if measured.of(variant)}


def judged(all_claims: Mapping[str, Claim], measured: Results) -> dict[str, list[list[str]]]:
    """By section, each claim about InfoGAN, judged for other variants by the same criteria: lines of cells, the first
    their heading."""
    about = [name for name, claim in all_claims.items() if claim.variant == "infogan"]
    tables = {}
    for section, variants in JUDGED.items():
        shown = [variant for variant in ("infogan", *variants) if measured.of(variant)]
        verdicts = {variant: claims.assess_for(variant, all_claims, measured) for variant in shown}
        tables[section] = [
            ["claim", *(f"{named(variant)} ({len(measured.of(variant))})" for variant in shown)],
            *(
                [all_claims[name].brief, *(claims.in_words(verdicts[variant][name]) for variant in shown)]
                for name in about
            ),
        ]
    return tables


def difference(pair: Pair, metric: str, found: Mapping[str, Any] | None, measured: Results) -> list[str]:
    """A difference as cells: the pair, its seeds, the mean of pairs with its interval, and that over all seeds of both by
    Welch's t; dashes while there is no answer."""
    name = f"{named(pair.variant)} less {named(pair.than)}{', beyond that of k-means' if pair.beyond else ''}"
    if found is None:
        return [name, "–", "–", "–"]

    ours, theirs = (
        [run[metric] - (run[pair.beyond] if pair.beyond else 0) for run in measured.of(variant)]
        for variant in (pair.variant, pair.than)
    )
    unpaired = estimate(fmean(ours) - fmean(theirs), *intervals.difference_interval(ours, theirs))
    return [name, str(len(found["differences"])), estimate(found["mean"], found["low"], found["high"]), unpaired]


def leak(asked: Claims, found: Mapping[str, Any] | None, measured: Results) -> list[tuple[str, Any, list[str]]]:
    """The hypotheses on K, each with the name and what is asked, a line for each difference; `found` is their answer."""
    counted = comparisons.maximised(asked.studies.leak, measured)
    return [
        (name, hypothesis, difference(pair, hypothesis.metric, found and found["comparisons"][name][i], counted))
        for name, hypothesis in asked.studies.leak.hypotheses.items()
        for i, pair in enumerate(hypothesis.more)
    ]


def infomax(asked: Claims, answers: Sequence[Mapping[str, Any] | None], measured: Results) -> list[list[str]]:
    """The pairs of a critic and Q, each with its verdict; `answers` are theirs."""
    metric = asked.studies.infomax.metric
    return [
        [
            *difference(pair, metric, found and found["comparisons"][metric][0], measured),
            found["verdict"] if found else "–",
        ]
        for pair, found in zip(asked.studies.infomax.pairs, answers)
    ]


def of_study(study: str, variants: Sequence[str], measured: Results) -> list[list[str]]:
    """A row for each of MEASURES and a column for each of `variants` that has a run; the first row is the heading."""
    shown = [variant for variant in variants if measured.of(variant)]
    heading = ["", *(f"{named(variant)} ({len(measured.of(variant))})" for variant in shown)]
    rows = [
        [label, *(mean(metric, measured.of(variant), unit) for variant in shown)]
        for label, (metric, unit) in MEASURES[study].items()
    ]
    return [heading, *rows]


def part(found: Part, all_claims: Mapping[str, Claim]) -> str:
    """What one thing that a hypothesis asks was found to be: "purity 0.91 [0.88, 0.94] (≥ 0.8)"; ✗: not met."""
    if isinstance(found.found, Measured):
        value = spread(found.found)
    else:
        value = estimate(found.found, *found.interval) if found.interval else number(found.found)
    asked = f" ({found.asked})" if found.asked else ""
    name = f"{all_claims[found.asks].brief}:" if found.asks in all_claims else METRICS.get(found.asks, found.asks)
    return f"{name} {value}{asked}{' ✗' if found.met is False else ''}"


def expected(
    planned: Studies, theirs: Parameters, asked: Claims, answers: Mapping[str, Any], measured: Results
) -> dict[str, Any]:
    """The hypotheses of which a training is there, each with its verdict and what was found, how many wait for their first,
    and the verdicts by name; `planned` and `theirs` as `plan.load` has them, `answers` are metrics/studies.json."""
    measured = expectations.with_diverged(measured, answers["failed"])
    seeds = Counter()
    for study in planned.studies:
        for this in plan.runs(study, planned, theirs):
            seeds[this.variant] = max(seeds[this.variant], this.seed + 1)
    begun, waiting, verdict = [], 0, {}
    for name, hypothesis in asked.hypotheses.items():
        planned_seeds = range(seeds[hypothesis.of.variant])
        outcome = expectations.judge(hypothesis, asked.claims, measured, planned_seeds, answers["selections"].get(name))
        verdict[name] = f"{outcome.verdict}{' (borderline)' if outcome.borderline else ''}"
        if not outcome.parts:
            waiting += 1
            continue
        begun.append(
            [
                verdict[name],
                hypothesis.statement,
                hypothesis.known,
                f"{outcome.made} of {outcome.planned}",
                "<br>".join(part(each, asked.claims) for each in outcome.parts),
            ]
        )
    return {"begun": begun, "waiting": waiting, "verdict": verdict}


def made_on(measured: Results) -> list[list[str]]:
    """What the trainings ran on, as cells: machine, version of PyTorch, how many, and which (variant: seeds)."""
    groups: dict[tuple[str, str], dict[str, list[str]]] = {}
    for variant, of_seed in measured.runs.items():
        for seed, run in sorted(of_seed.items()):
            theirs = groups.setdefault((machine(run), run["environment.torch"]), {})
            theirs.setdefault(variant, []).append(str(seed))
    return [
        [
            *of_machine,
            str(sum(map(len, theirs.values()))),
            "; ".join(f"{variant} {', '.join(seeds)}" for variant, seeds in theirs.items()),
        ]
        for of_machine, theirs in groups.items()
    ]
