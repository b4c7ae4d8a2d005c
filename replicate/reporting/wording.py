"""Numbers, spreads and verdicts as the reports write them."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import fmean

from replicate.findings import claims
from replicate.findings.claims import Assessment, Claim, Finding, Measured
from replicate.findings.comparisons import Condition
from replicate.findings.results import Metrics

VERBS = {  # of a verdict, for one claim and for several
    claims.HOLDS: ("holds", "hold"),
    claims.PARTLY: ("holds partly", "hold partly"),
    claims.FAILS: ("does not hold", "do not hold"),
    claims.UNDECIDED: ("is undecided", "are undecided"),
    claims.NOT_JUDGED: ("is not judged", "are not judged"),
}
NOTE = "reading note, 2020"  # where a claim is from that is not the paper's
METRICS = {  # in words, of those that claims, hypotheses and studies ask for
    "information.share_at_1000": "L_I / H(c1) at iteration 1000",
    "information.share_at_end": "L_I / H(c1) after training",
    "yardstick.share_c1": "c1 in the images, over H(c1)",
    "yardstick.lower_bound_c2": "c2 in the images, nats",
    "yardstick.lower_bound_c3": "c3 in the images, nats",
    "training.loss_discriminator": "D's loss at the end, nats",
    "yardstick.gap_c1": "a fresh network's bound less Q's",
    "purity.mean": "images of the category's digit",
    "purity.one_to_one": "images of the digit that is the category's alone",
    "purity.digits_reached": "digits that categories show",
    "switching.switched": "categories that differ in digit",
    "switching.digits_in_a_row": "digits among ten categories",
    "rotation.slant_correlation": "correlation of code and slant",
    "rotation.slant_change": "change of slant, spreads",
    "width.width_correlation": "correlation of code and width",
    "width.width_change": "change of width, spreads",
    "disentanglement.specificity_lowest": "own change, of own and other's",
    "disentanglement.specificity_within_lowest": "own change, in spreads of a digit",
    "disentanglement.digit_kept_lowest": "digit kept from −1 to 1",
    "classification.error_one_to_one": "classification error",
    "classification.error_majority": "error by the most frequent digit",
    "classification.ami": "AMI of c1 and digit",
    "representation.head_hidden.probe_error_100": "error on Q's layer, 100 labels",
    "extrapolation.kept_lowest": "digit kept at ±2",
    "extrapolation.further_lowest": "change beyond ±1, over that within",
    "extrapolation.moved_lowest": "change up to ±2, spreads",
    "naturalness.adjusted_lowest": "images unlike a plain change",
    "naturalness.lead_lowest": "share more natural, minus less natural",
    "cost.ratio": "time of a step, over one without Q",
    "speed.distance_ratio": "Fréchet distance by then, over the last",
}
NAMES = {
    "infogan": "InfoGAN",
    "gan": "the regular GAN",
    "infomax": "InfoMax",
    "views": "InfoGAN with views",
    "k5": "K = 5",
    "k20": "K = 20",
    "k40": "K = 40",
    "five": "five digits, K = 10",
    "five_k5": "five digits, K = 5",
    "infogan_c1": "InfoGAN for c1",
    "infonce_c1": "InfoNCE for c1",
    "jensen_shannon_c1": "Jensen–Shannon for c1",
    "described": "σ learned",
    "as_printed": "layers as printed",
    "official": "slope as released",
    "minimax": "minimax loss",
    "gan_detached": "the regular GAN without L_I in D",
    "views_c1": "view of c1 alone",
    "views_double": "views, twice the amounts",
    "views_shear": "c1 sheared and stretched",
    "infomax_pull": "InfoMax, pull near Q's",
    "infomax_views": "InfoMax with views",
    "q_with_g": "Q in G's step",
    "learned_std_01": "σ learned, λ = 0.1",
    "lambda_01": "λ = 0.1",
    "lambda_03": "λ = 0.3",
    "lambda_05": "λ = 0.5",
    "long": "25,000 iterations",
}


def in_words(metric: str) -> str:
    """What a metric is called in the reports."""
    return METRICS.get(metric, f"`{metric}`")


def named(variant: str) -> str:
    """A variant as headings name it."""
    return NAMES.get(variant, variant).removeprefix("the ")


def number(value: float | str | None, width: float | None = None) -> str:
    """Two decimals, three of what is below 0.1 (or of an interval whose width is), one from 100 on.

    A whole number whole, text as it is; "none" for a metric without a value. What rounds to zero has no sign.
    """
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    decimals = 1 if abs(value) >= 100 else 3 if abs(value if width is None else width) < 0.1 else 2
    return (str(value) if isinstance(value, int) else f"{value:z.{decimals}f}").replace("-", "−")


def bracket(low: float, high: float, write: Callable[[float], str] | None = None) -> str:
    """An interval, which no line break divides."""
    write = write or partial(number, width=high - low)
    return f"[{write(low)},\u00a0{write(high)}]"


def estimate(middle: float, low: float, high: float, write: Callable[[float], str] | None = None) -> str:
    """A value with its interval."""
    write = write or partial(number, width=high - low)
    return f"{write(middle)} {bracket(low, high, write)}"


def probability(p: float) -> str:
    """A probability by the level that it is below, or as it is."""
    return "< 0.001" if p < 0.001 else number(p)


def percent(value: float | None, decimals: int = 1) -> str:
    """A share in percent, a dash for none: 0.1234 -> "12.3 %"."""
    return "–" if value is None else f"{100 * value:z.{decimals}f} %".replace("-", "−")


def points(share: float) -> str:
    """A share in points of a hundred, as a bare number: 0.123 -> "12.3"."""
    return percent(share).removesuffix(" %")


def spread(measured: Measured, unit: str = "") -> str:
    """The mean with its 95 % interval; of one run or two the values; where some have none, how many, and the others' mean.

    In percent where that is the unit.
    """
    write = points if unit == "%" else None
    if measured.mean is None:
        values = [value for value in measured.values if value is not None]
        others = f", {(write or number)(fmean(values))} {unit}".rstrip() + " in the others" if values else ""
        without = len(measured.values) - len(values)
        return "none" if len(measured.values) == 1 else f"none in {without} of {len(measured.values)}{others}"

    if len(measured.values) < 3:
        found = " and ".join(map(write or number, measured.values))
    else:
        found = estimate(measured.mean, *measured.interval, write)
    return f"{found} {unit}".rstrip()


def count(n: int, thing: str) -> str:
    """ "1 training", "3 trainings", "no training"."""
    return f"{n or 'no'} {thing}{'s' if n > 1 else ''}"


def listed(parts: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def machine(run: Metrics) -> str:
    """What a training ran on (see `environment.write`): a GPU, or a processor and its threads."""
    device, processor, instructions, threads = (
        run[f"environment.{name}"] for name in ("device", "processor", "instructions", "threads")
    )
    return f"{processor} with {instructions} and {count(threads, 'thread')}" if device == "cpu" else device


def summary(all_claims: Mapping[str, Claim], assessments: Mapping[str, Assessment]) -> str:
    """How many claims there are of each verdict, of the paper and of the note; those of one number count once."""
    by_source: dict[str, list[str]] = {}
    for name, assessment in assessments.items():
        if all_claims[name].same_as is None:
            source = "the note's" if all_claims[name].where == NOTE else "the paper's"
            by_source.setdefault(source, []).append(assessment.verdict)
    counted = []
    for source, verdicts in by_source.items():
        counts = [(verdicts.count(verdict), VERBS[verdict]) for verdict in claims.VERDICTS if verdict in verdicts]
        counted.append(f"of {source} {len(verdicts)} claims {listed([f'{n} {verbs[n != 1]}' for n, verbs in counts])}")
    return f"{'; '.join(counted).capitalize()}."


def in_share(condition: Condition) -> str:
    """In how many trainings a condition is asked to be met: "in all", "in 90 % of"."""
    return "in all" if condition.share == 1 else f"in {percent(condition.share, 0)} of"


def asked(finding: Finding) -> str:
    """The limits of a condition: "≥ 0.95, ≥ control + 0.5"; where a share of the runs is asked, how many meet them."""
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
    limits = ", ".join(parts).replace("-", "−")
    if condition.share is None:
        return limits
    met = "" if all(finding.holding) else f", met by {sum(finding.holding)} of {len(finding.holding)}"
    return f"{limits} {in_share(condition)} trainings{met}"
