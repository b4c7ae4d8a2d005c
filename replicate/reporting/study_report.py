"""What STUDIES.md says: what each study asks, what its runs answer, and the numbers that the answer rests on."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from scipy import stats

from replicate.findings import claims, comparisons, ways
from replicate.findings.claims import HOLDS, Claims
from replicate.findings.comparisons import INFOMAX, LEAK, SEEDS
from replicate.findings.results import Metrics, Results
from replicate.parameters import Parameters
from replicate.reporting import study_tables
from replicate.reporting.study_tables import VIEWS
from replicate.reporting.wording import number, percent
from replicate.studies import plan
from replicate.studies.plan import Studies

PAIRS = 3  # of digits that share a category are named, the most frequent ones


class Made(NamedTuple):
    """How many of a study's runs are there."""

    made: int
    planned: int


def made(name: str, planned: Studies, theirs: Parameters, measured: Results) -> Made:
    """How many runs of a study there are, and how many there will be; `planned` and `theirs` as `plan.load` has them."""
    wanted = plan.runs(name, planned, theirs)
    return Made(sum(each.seed in measured.runs.get(each.variant, {}) for each in wanted), len(wanted))


class Divided(NamedTuple):
    """How many pairs of digits share a category, over some runs, and how many of them the commonest style divides."""

    pairs: int
    style: str
    by_style: int


def divided(runs: Sequence[Metrics], least: float) -> Divided:
    """By which style pairs are divided: one that tells their two categories apart with an area of `least` or more."""
    pairs = [each.split(":") for run in runs for each in (run["sharing.styles"] or "").split()]
    styles = Counter(style for style, area in pairs if float(area) >= least)
    return Divided(len(pairs), *next(iter(styles.most_common(1)), ("no style", 0)))


def thickening(runs: Sequence[Metrics]) -> int:
    """In how many runs the width code moves the thickness of strokes further than the width of digits, both in spreads."""
    return sum(abs(run["width.thickness_change"]) > abs(run["width.width_change"]) for run in runs)


def against(runs: Sequence[Metrics]) -> str:
    """In how many runs the rotation code leans a digit against the others: "10 of 20 (most often the 1, in 6)"."""
    of_each = [{each.split(":")[0] for each in (run["rotation.against"] or "").split()} for run in runs]
    found = sum(map(bool, of_each))
    if not found:
        return f"0 of {len(runs)}"
    ((digit, n),) = Counter(digit for digits in of_each for digit in digits).most_common(1)
    said = f"always the {digit}" if n == found else f"most often the {digit}, in {n}"
    return f"{found} of {len(runs)} ({said})"


def held(asked: Claims, measured: Results) -> dict[str, int]:
    """How many of the claims about InfoGAN hold for it, with Q and with a critic, and with views; by variant that has runs.

    Claims that rest on the same number count once.
    """
    counted = {name: claim for name, claim in asked.claims.items() if claim.same_as is None}
    return {
        variant: sum(each.verdict == HOLDS for each in claims.assess_for(variant, counted, measured).values())
        for variant in ("infogan", "infomax_pull", "views", "infomax_views")
        if measured.of(variant)
    }


def reach(leak: Mapping[str, Any]) -> float | None:
    """Half of the width of the 90 % interval by which Q's layer at K = 20 is compared with that at K = 10."""
    return next(
        ((each["high_90"] - each["low_90"]) / 2 for each in leak["comparisons"]["B"] if each["variant"] == "k20"), None
    )


def on_seeds(asked: Claims, measured: Results) -> dict[str, Any]:
    """What the trainings of InfoGAN tell, those on which a hypothesis is tested apart from those that were known."""
    of_infogan, metric = measured.runs.get("infogan", {}), asked.studies.seeds.metric
    runs = list(of_infogan.values())
    tested = {
        seed for each in asked.hypotheses.values() if each.of.variant == "infogan" for seed in each.of.seeds or []
    }
    known, unseen = ([run for seed, run in of_infogan.items() if (seed in tested) == test] for test in (False, True))
    of_both = [[run[metric] for run in theirs] for theirs in (known, unseen)]
    shared_by = Counter(pair.replace("-", "–") for run in runs for pair in (run["sharing.which"] or "").split())
    return {
        "shared": percent(asked.studies.seeds.shared, 0),
        "shared_by": [f"{pair} in {n}" for pair, n in shared_by.most_common(PAIRS)],
        "divided": divided(runs, asked.selection.split),
        "known": study_tables.mean(metric, known, "%"),
        "unseen": study_tables.mean(metric, unseen, "%"),
        "least_unseen": min(of_both[1], default=None),
        "alike": float(stats.ttest_ind(*of_both, equal_var=False).pvalue) if min(map(len, of_both)) > 1 else None,
        "spread_of_errors": [run[metric] for run in runs],
        "rises": None not in [run["milestones.error_rise_at_end"] for run in runs],
        "seeds": study_tables.by_seed(metric, measured),
    }


def gather(params: Parameters, asked: Claims, answers: Mapping[str, Any], measured: Results) -> dict[str, Any]:
    """What the template of STUDIES.md places, of the studies' runs alone; `answers` are metrics/studies.json.

    Raises BadInput (see `plan.load`).
    """
    planned, theirs = plan.load(params)
    leak = answers[LEAK]
    return {
        "questions": asked.studies,
        "failed": answers["failed"],
        "trained": sum(map(len, measured.runs.values())),
        "made": {name: made(name, planned, theirs, measured) for name in planned.studies},
        "luck": answers[SEEDS],
        **on_seeds(asked, measured),
        "ways": list(map(study_tables.way, ways.to_a_lower_error(answers, asked, measured))),
        "views": study_tables.of_study(VIEWS, ["infogan", *planned.studies.get(VIEWS, {})], measured),
        "thickening": {variant: thickening(measured.of(variant)) for variant in ("infogan", "views")},
        "against": {variant: against(measured.of(variant)) for variant in ("infogan", "views")},
        "choices": study_tables.choices(asked.choices, measured),
        "held": held(asked, measured),
        "about_infogan": sum(claim.variant == "infogan" and not claim.same_as for claim in asked.claims.values()),
        "judged": study_tables.judged(asked.claims, measured),
        "expected": study_tables.expected(planned, theirs, asked, answers, measured),
        "answer_on_leak": leak,
        "level": comparisons.LEVEL,
        "reach": leak and reach(leak),
        "hypotheses": study_tables.leak(asked, leak, measured),
        "leak": study_tables.of_study(LEAK, ["infogan", *planned.studies[LEAK], "gan"], measured),
        "pairs": study_tables.infomax(asked, answers[INFOMAX], measured),
        "lambda_pull": measured.of("infomax_pull") and theirs.settings("infomax_pull").train.lambda_continuous,
        "margin": number(asked.studies.infomax.margin),
        "infomax": study_tables.of_study(INFOMAX, ["infogan", "gan", *planned.studies[INFOMAX]], measured),
        "made_on": study_tables.made_on(measured),
    }
