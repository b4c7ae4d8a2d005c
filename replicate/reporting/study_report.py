"""What STUDIES.md says: what each study asks, what its runs answer, and the numbers that the answer rests on."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

from replicate.base.parameters import Parameters
from replicate.findings import claims, comparisons, expectations, intervals, ways
from replicate.findings.claims import Claim, Claims, Measured
from replicate.findings.comparisons import INFOMAX, LEAK, SEEDS, Pair
from replicate.findings.expectations import Part
from replicate.findings.hypotheses import Choices
from replicate.findings.results import Metrics, Results
from replicate.findings.ways import Way
from replicate.reporting.wording import count, listed, machine, number, percent, spread
from replicate.studies import plan

RECORDED = ("device", "processor", "instructions", "threads", "torch")  # of what a training ran on
PAIRS = 3  # of digits that share a category are named, the most frequent ones
OF_LEAK = {  # what a verdict on the leak says of the hypotheses
    comparisons.CONFIRMED: "A, B and C are accepted",
    comparisons.CODE_ONLY: "A and C are accepted, and Q's hidden layer serves as well with other K",
    comparisons.REFUTED: "C is not accepted, and Q's hidden layer serves as well at K = 20",
    comparisons.UNDECIDED: "the trainings support neither the leak nor its refutation",
}
VIEWS = "views"  # a study
OF_CHOICES = (  # what a choice does besides to the error
    "information.share_at_end",
    "training.loss_discriminator",
    "rotation.slant_correlation",
    "width.width_correlation",
)
SETTINGS = ("released", "described", "as_printed", "minimax", "views")  # that each claim is judged for beside infogan's
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


class OfSeed(NamedTuple):
    """A run of InfoGAN in the table of seeds."""

    seed: int
    error: str
    without: str
    which: str
    ami: str
    purity: str
    share: str


class Made(NamedTuple):
    """How many of a study's runs are there."""

    made: int
    planned: int


def made(name: str, params: Parameters, measured: Results) -> Made:
    """How many runs of a study there are, and how many there will be. Raises BadInput."""
    planned, theirs = plan.load(params)
    wanted = plan.runs(name, planned, theirs)
    return Made(sum(each.seed in measured.runs.get(each.variant, {}) for each in wanted), len(wanted))


def mean(metric: str, runs: Sequence[Metrics], unit: str) -> str:
    """A metric's mean over runs, with its interval; a dash where there is no run, or none has a value."""
    if not runs or all(run[metric] is None for run in runs):
        return "–"
    return spread(claims.measure(metric, runs), unit)


def commonest_style(runs: Sequence[Metrics]) -> str:
    """The style that divides most pairs of digits that share a category."""
    styles = Counter(each.split(":")[0] for run in runs for each in (run["sharing.styles"] or "").split())
    return next((style for style, _ in styles.most_common(1)), "none")


def sharing(answer: Mapping[str, Any], measured: Results) -> str | None:
    """What the errors over seeds are made of, in two sentences; None where there is no run of InfoGAN."""
    runs = measured.of("infogan")
    if not answer["runs"]:
        return None
    pairs = Counter(pair.replace("-", "–") for run in runs for pair in (run["sharing.which"] or "").split())
    which = listed([f"{pair} in {n}" for pair, n in pairs.most_common(PAIRS)])
    without = spread(claims.measure("sharing.error_without", runs), "%")
    by_style = spread(claims.measure("sharing.error_by_style", runs), "%")
    most_often = commonest_style(runs)
    return (
        f"Digits share a category in {answer['runs'] - answer['without_sharing']} of {count(answer['runs'], 'training')}"
        f"{f' (most often {which})' if which else ''}. With their confusions counted as right, the error is {without}. "
        f"Confusions within pairs that a style divides, most often {most_often}, are {by_style} of all images."
    )


def medoid(answer: Mapping[str, Any]) -> str | None:
    """What the choice of one training without a label gives, as a sentence; None where there are too few to choose."""
    chosen = answer.get("medoid")
    return chosen and (
        f"The training that agrees most with the others, a choice that needs no label, is seed {chosen['seed']}; its error "
        f"is {percent(chosen['error'])}."
    )


def of_seeds(answer: Mapping[str, Any], question: comparisons.Seeds, measured: Results) -> list[str]:
    """The answer of the study of seeds, a sentence or two each; none where there is no run."""
    runs = measured.of("infogan")
    if not answer["runs"]:
        return []
    errors = claims.measure(question.metric, runs)
    low, high = (percent(answer[key], 0) for key in ("share_low", "share_high"))
    trainings = count(answer["runs"], "training")
    found = [
        f"The error is {spread(errors, '%')}, from {percent(min(errors.values))} to {percent(max(errors.values))}.",
        f"It is at most {percent(question.limit)}, which rounds to the published number, in {answer['within']} of "
        f"{trainings}. Of many trainings that would be {low} to {high} (Wilson's interval, 95 %).",
        sharing(answer, measured),
    ]
    rises = [run["milestones.error_rise_at_end"] for run in runs]
    if None not in rises:
        rise = spread(claims.measure("milestones.error_rise_at_end", runs), "%")
        found.append(f"From the last milestone before the end to the end, it changes by {rise} (of all images).")
    return found


def way_errors(way: Way) -> str:
    """The error of a way: with its interval where several trainings go it, else as it is."""
    return spread(Measured(way.errors, fmean(way.errors), intervals.mean_interval(way.errors)), "%")


def choices(asked: Choices, measured: Results) -> dict[str, list[str]]:
    """What the variants do that change one choice of the paper or its code, as cells by variant; first `asked.than`."""
    compared = expectations.compare(asked, measured)

    def cells(variant: str) -> list[str]:
        runs, found = measured.of(variant), compared.get(variant)
        difference = ["–", "–"]
        if found:
            low, high = (percent(end).removesuffix(" %") for end in found.interval)
            difference = [f"{percent(found.difference).removesuffix(' %')} [{low}, {high}]", number(found.p)]
        return [str(len(runs)), mean(asked.metric, runs, "%"), *difference] + [
            mean(metric, runs, "") for metric in OF_CHOICES
        ]

    return {variant: cells(variant) for variant in (asked.than, *asked.variants) if measured.of(variant)}


def verdicts(all_claims: Mapping[str, Claim], measured: Results) -> list[list[str]]:
    """Each claim about InfoGAN, judged for other settings as it is for InfoGAN's: lines of cells, the first its heading."""
    shown = [variant for variant in ("infogan", *SETTINGS) if measured.of(variant)]
    judged = {variant: claims.assess_for(variant, all_claims, measured) for variant in shown}
    about = [name for name, claim in all_claims.items() if claim.variant == "infogan"]
    return [
        ["claim", *(f"{variant} ({len(measured.of(variant))})" for variant in shown)],
        *([all_claims[name].brief, *(claims.in_words(judged[variant][name]) for variant in shown)] for name in about),
    ]


def of_leak(answer: Mapping[str, Any] | None) -> str:
    """The verdict of the study of K."""
    if answer is None:
        return "Not answered: a hypothesis needs two seeds or more of each of its variants."
    p = listed([f"{name} {number(value)}" for name, value in answer["p"].items()])
    return (
        f"**{answer['verdict'].capitalize()}**: {OF_LEAK[answer['verdict']]} (p after Holm's correction: {p}; accepted "
        f"below {comparisons.LEVEL:g})."
    )


def power(found: Mapping[str, Any] | None, hypothesis: str, equivalent: float) -> str | None:
    """How well a hypothesis on the layer could have been refuted, as a sentence; None while there is no answer."""
    if found is None:
        return None
    reach = max(each["high_90"] - each["low_90"] for each in found["comparisons"][hypothesis]) / 2
    return (
        f"To show that another K serves the layer as well, a 90 % interval had to lie within ±{percent(equivalent)}; those "
        f"of hypothesis {hypothesis} reach {percent(reach)} to either side of their means."
    )


def difference(pair: Pair, found: Mapping[str, Any] | None) -> list[str]:
    """A paired difference as cells: the pair, its seeds, the mean with its interval; dashes while there is no answer."""
    name = f"{pair.variant} less {pair.than}{', beyond that of k-means' if pair.beyond else ''}"
    if found is None:
        return [name, "–", "–"]
    interval = f"[{number(found['low'])}, {number(found['high'])}]"
    return [name, str(len(found["differences"])), f"{number(found['mean'])} {interval}"]


def of_infomax(question: comparisons.Infomax, answers: Sequence[Mapping[str, Any] | None]) -> str | None:
    """The paired differences of the study of InfoMax, as a sentence; None while there is no answer."""
    found = []
    for pair, answer in zip(question.pairs, answers):
        name, _, mean_difference = difference(pair, answer and answer["comparisons"][question.metric][0])
        if answer:
            found.append(f"{name} {mean_difference}, {answer['verdict']}")
    return f"Paired by seed, `{question.metric}` differs: {'; '.join(found)}." if found else None


def table(study: str, variants: Sequence[str], measured: Results) -> list[list[str]]:
    """A row for each of MEASURES and a column for each of `variants` that has a run; the first row is the heading."""
    shown = [variant for variant in variants if measured.of(variant)]
    heading = ["", *(f"{variant} ({len(measured.of(variant))})" for variant in shown)]
    rows = [
        [label, *(mean(metric, measured.of(variant), unit) for variant in shown)]
        for label, (metric, unit) in MEASURES[study].items()
    ]
    return [heading, *rows]


def part(found: Part) -> str:
    """What one thing that a hypothesis asks was found to be: "`m` 0.91 [0.88, 0.94] (≥ 0.8)"; ✗: not met."""
    interval = f" [{number(found.interval.low)}, {number(found.interval.high)}]" if found.interval else ""
    asked = f" ({found.asked})" if found.asked else ""
    name = found.metric if " " in found.metric else f"`{found.metric}`"
    return f"{name} {number(found.found)}{interval}{asked}{' ✗' if found.met is False else ''}"


def expected(
    params: Parameters, asked: Claims, choices: Mapping[str, float | None], measured: Results
) -> dict[str, Any]:
    """The hypotheses of which a training is there, each with its verdict and what was found, and how many wait for their
    first; `choices` are what those on choices without labels came to."""
    planned, theirs = plan.load(params)
    failed = plan.failed(params)
    measured = expectations.with_diverged(measured, (name for of_study in failed.values() for name in of_study))
    seeds = Counter()
    for study in planned.studies:
        for this in plan.runs(study, planned, theirs):
            seeds[this.variant] = max(seeds[this.variant], this.seed + 1)
    begun, waiting = [], 0
    for name, hypothesis in asked.hypotheses.items():
        planned_seeds = range(seeds[hypothesis.of.variant])
        outcome = expectations.judge(hypothesis, asked.claims, measured, planned_seeds, choices.get(name))
        if not outcome.parts:
            waiting += 1
            continue
        begun.append(
            [
                outcome.verdict,
                hypothesis.statement,
                hypothesis.known,
                f"{outcome.made} of {outcome.planned}",
                "<br>".join(map(part, outcome.parts)),
            ]
        )
    return {"begun": begun, "waiting": waiting}


def made_on(measured: Results) -> list[list[str]]:
    """What the trainings ran on, as cells: machine, version of PyTorch, how many, and which (variant: seeds)."""
    groups: dict[tuple[str, str], dict[str, list[str]]] = {}
    for variant, of_seed in measured.runs.items():
        for seed, run in sorted(of_seed.items()):
            record = {name: run[f"environment.{name}"] for name in RECORDED}
            theirs = groups.setdefault((machine(record), record["torch"]), {})
            theirs.setdefault(variant, []).append(str(seed))
    return [
        [
            *of_machine,
            str(sum(map(len, theirs.values()))),
            "; ".join(f"{variant} {', '.join(seeds)}" for variant, seeds in theirs.items()),
        ]
        for of_machine, theirs in groups.items()
    ]


def gather(params: Parameters, asked: Claims, answers: Mapping[str, Any], measured: Results) -> dict[str, Any]:
    """What the template of STUDIES.md places, of the studies' runs alone; `answers` are metrics/studies.json.

    Raises BadInput (see `plan.load`).
    """
    questions, leak, infomax = asked.studies, answers[LEAK], answers[INFOMAX]
    hypotheses = [
        (name, hypothesis, difference(pair, leak and leak["comparisons"][name][i]))
        for name, hypothesis in questions.leak.hypotheses.items()
        for i, pair in enumerate(hypothesis.more)
    ]
    pairs = [
        [
            *difference(pair, found and found["comparisons"][questions.infomax.metric][0]),
            found["verdict"] if found else "–",
        ]
        for pair, found in zip(questions.infomax.pairs, infomax)
    ]
    seeds = [
        OfSeed(
            seed,
            percent(run[questions.seeds.metric]),
            percent(run["sharing.error_without"]),
            ", ".join((run["sharing.which"] or "none").split()).replace("-", "–"),
            number(run["classification.ami"]),
            percent(run["purity.mean"]),
            number(run["information.share_at_end"]),
        )
        for seed, run in sorted(measured.runs.get("infogan", {}).items())
    ]
    planned, _ = plan.load(params)
    return {
        "questions": questions,
        "made": {name: made(name, params, measured) for name in planned.studies},
        "of_seeds": of_seeds(answers[SEEDS], questions.seeds, measured),
        "seeds": seeds,
        "ways": [
            [way.name, "yes" if way.with_labels else "no", str(way.price), str(len(way.errors)), way_errors(way)]
            for way in ways.to_a_lower_error(answers[SEEDS], questions.seeds, measured)
        ],
        "of_leak": of_leak(leak),
        "power": power(leak, list(questions.leak.hypotheses)[1], questions.leak.equivalent),
        "hypotheses": hypotheses,
        "leak": table(LEAK, ["infogan", *planned.studies[LEAK], "gan"], measured),
        "pairs": pairs,
        "infomax": table(INFOMAX, ["infogan", "gan", *planned.studies[INFOMAX]], measured),
        "choices": choices(asked.choices, measured),
        "split": answers[SEEDS].get("splits"),
        "settings": verdicts(asked.claims, measured),
        "expected": expected(params, asked, answers["choices"], measured),
        "views": table(VIEWS, ["infogan", *planned.studies.get(VIEWS, {})], measured),
        "margin": number(questions.infomax.margin),
        "shared": percent(questions.seeds.shared, 0),
        "made_on": made_on(measured),
    }
