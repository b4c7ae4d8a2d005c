"""What became of the hypotheses of claims.yaml: what their runs show, and whether that is what was expected."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from scipy import stats

from replicate.findings import claims, comparisons, intervals
from replicate.findings.claims import HOLDS, NOT_JUDGED, Claim, Limit, Measured
from replicate.findings.comparisons import CONFIRMED, REFUTED, UNDECIDED
from replicate.findings.hypotheses import Choices, Difference, Hypothesis
from replicate.findings.intervals import Interval
from replicate.findings.results import Metrics, Results

OPEN = "open"  # the verdict on a hypothesis while a run is missing
SELECTIONS = {  # what each selection among trainings without labels is judged by
    "neighbours": "rank correlation of error and agreement of neighbours",
    "chosen": "error of the training with the highest agreement of neighbours",
    "consensus": "error of the checked consensus",
    "splits": "part of the error of pairs that a style divides",
}


class Diverged(dict):
    """The metrics of a training that diverged: its error is that of chance, and nothing else has a value."""

    def __init__(self) -> None:
        super().__init__({"classification.error_one_to_one": 0.9})

    def __missing__(self, metric: str) -> None:
        return None


def with_diverged(measured: Results, names: Iterable[str]) -> Results:
    """The results with the trainings that diverged, named as "infogan-0"."""
    runs = {variant: dict(of_seed) for variant, of_seed in measured.runs.items()}
    for name in names:
        variant, _, seed = name.rpartition("-")
        runs.setdefault(variant, {})[int(seed)] = Diverged()
    return measured._replace(runs=runs)


class Part(NamedTuple):
    """One thing that a hypothesis asks, beside what was found."""

    asks: str  # a metric, the id of a claim, or what a selection is judged by
    asked: str  # empty for a claim, which is asked to hold
    # Means, a difference, a count of runs, a verdict; None where nothing is there yet.
    found: Measured | float | str | None
    interval: Interval | None  # of the difference
    met: bool | None  # None where the runs do not tell
    at_best: bool | None  # whether it would be met if each limit that a mean's interval straddles were
    at_worst: bool | None  # and if none of these were


class Outcome(NamedTuple):
    """A hypothesis and what became of it."""

    verdict: str
    borderline: bool  # whether limits that are straddled could turn it
    made: int  # runs, of so many that are planned
    planned: int
    parts: list[Part]


def difference(asked: Difference, ours: Sequence[Metrics], theirs: Sequence[Metrics]) -> Part:
    """The difference of two means beside its limit: met where its interval lies within, not met where it lies beyond."""
    text = f"less than {asked.than} by {-asked.at_most:g}" if asked.at_most < 0 else f"at most {asked.at_most:g} more"
    us, them = ([run[asked.metric] for run in runs] for runs in (ours, theirs))
    if min(len(us), len(them)) < 2 or None in [*us, *them]:
        return Part(asked.metric, text, None, None, None, None, None)
    low, high = intervals.difference_interval(us, them)
    met = True if high <= asked.at_most else False if low > asked.at_most else None
    return Part(asked.metric, text, fmean(us) - fmean(them), Interval(low, high), met, met, met)


def parts(
    hypothesis: Hypothesis, all_claims: Mapping[str, Claim], runs: Sequence[Metrics], measured: Results
) -> list[Part]:
    """What a hypothesis asks, beside what one run or more show."""
    control = measured.of(hypothesis.of.control) if hypothesis.of.control else []
    found = []
    for condition in hypothesis.conditions or []:
        finding = claims.find(condition, runs, control)
        text, value = ", ".join(map(str, finding.limits)), finding.measured
        if condition.share is not None:
            text, value = f"{text} in {100 * condition.share:.0f} %", f"in {sum(finding.holding)} of {len(runs)}"
        met = finding.passed, finding.at_best, finding.at_worst
        found.append(Part(condition.metric, text, value, None, *met))
    for name in hypothesis.claims or []:
        claim = all_claims[name].model_copy(update={"variant": hypothesis.of.variant})
        assessment = claims.assess(claim, runs, measured.of(claim.control) if claim.control else [])
        verdicts = assessment.verdict, assessment.best, assessment.worst
        met = (None if verdict == NOT_JUDGED else verdict == HOLDS for verdict in verdicts)
        found.append(Part(name, "", claims.in_words(assessment), None, *met))
    if hypothesis.difference:
        found.append(difference(hypothesis.difference, runs, measured.of(hypothesis.difference.than)))
    return found


def judge(
    hypothesis: Hypothesis,
    all_claims: Mapping[str, Claim],
    measured: Results,
    planned: Collection[int],
    selected: float | None = None,
) -> Outcome:
    """The outcome of a hypothesis; `planned` are the seeds of its runs. It is open while one of these is missing.

    `selected` is what a selection without labels came to, of a hypothesis that asks for one.
    """
    wanted = hypothesis.of.seeds or planned
    runs = [run for seed, run in sorted(measured.runs.get(hypothesis.of.variant, {}).items()) if seed in wanted]
    # Without a control `of` gives the metrics of no run, which are always there.
    found = parts(hypothesis, all_claims, runs, measured) if runs and measured.of(hypothesis.of.control) else []
    if selected is not None:
        at_least = hypothesis.at_most is None
        limit = Limit(at_least, hypothesis.at_least if at_least else hypothesis.at_most)
        found.append(Part(SELECTIONS[hypothesis.selection], str(limit), selected, None, *[limit.met(selected)] * 3))
    if len(runs) < len(wanted) or not found:
        return Outcome(OPEN, False, len(runs), len(wanted), found)

    def verdict(met: str) -> str:
        of_parts = [getattr(part, met) for part in found]
        return REFUTED if False in of_parts else UNDECIDED if None in of_parts else CONFIRMED

    borderline = verdict("at_best") != verdict("at_worst")
    return Outcome(verdict("met"), borderline, len(runs), len(wanted), found)


class Choice(NamedTuple):
    """A variant beside the one that it is compared with: the difference of the mean metrics."""

    difference: float
    interval: Interval
    p: float  # two-sided, by Welch's t, corrected by Holm over the variants that are there


def compare(choices: Choices, measured: Results) -> dict[str, Choice]:
    """Each variant of which there are two runs or more, beside the one they are compared with."""

    def values(variant: str) -> list[float]:
        return [run[choices.metric] for run in measured.of(variant)]

    theirs = values(choices.than)
    if len(theirs) < 2:
        return {}
    of_variants = {variant: values(variant) for variant in choices.variants if len(measured.of(variant)) > 1}
    tests = {variant: stats.ttest_ind(ours, theirs, equal_var=False) for variant, ours in of_variants.items()}
    p = comparisons.holm({variant: float(test.pvalue) for variant, test in tests.items()})
    return {
        variant: Choice(
            fmean(ours) - fmean(theirs),
            intervals.difference_interval(ours, theirs),
            p[variant],
        )
        for variant, ours in of_variants.items()
    }
