"""Verdicts at and around thresholds, over seeds and beside a control; each statistic by hand."""

import math

import pandas as pd
import pytest
from scipy import stats

from replicate.analysis import claims, statistics
from replicate.analysis.claims import FAILS, HOLDS, NOT_JUDGED, PARTLY, Assessment, Claim, Condition
from replicate.analysis.table import ABSENT, NULL, Table

DRAWS = Condition(metric="frechet", at_most=3.0)


def runs(**of: list[dict]) -> Table:
    """The table of each variant's runs; None stands for null, and what a run lacks is absent."""
    index = [(variant, seed) for variant, rows in of.items() for seed in range(len(rows))]
    rows = [{"frechet": 1.0} | row for of_variant in of.values() for row in of_variant]
    names = dict.fromkeys(name for row in rows for name in row)
    cells = [{name: NULL if row.get(name, 0) is None else row.get(name, ABSENT) for name in names} for row in rows]
    return Table(pd.DataFrame(cells, pd.MultiIndex.from_tuples(index, names=["variant", "seed"]), dtype=object))


def ms(*values: float | None) -> list[dict]:
    return [{"m": value} for value in values]


def claim(*holds: dict, variant: str | None = "infogan", **others) -> Claim:
    conditions = {"holds": [Condition(**each) for each in holds]}
    conditions["partly"] = [Condition(**each) for each in others.pop("partly", [])]
    return Claim(label="l", statement="s", where="w", published="p", variant=variant, **conditions, **others)


def assess(criterion: Claim, of_variant: list[dict], of_control: list[dict] = ()) -> Assessment:
    return claims.assess(criterion, "infogan", runs(infogan=of_variant, gan=of_control), {}, DRAWS)


HIGH = claim({"metric": "m", "at_least": 0.9}, partly=[{"metric": "m", "at_least": 0.5}])
LOW = claim({"metric": "m", "at_most": 0.055}, partly=[{"metric": "m", "at_most": 0.1}])
ABOVE = claim({"metric": "m", "above_control": 0.25}, control="gan")
BOTH = claim({"metric": "m", "at_least": 0.9, "above_control": 0.25}, control="gan")
PARTLY_ABOVE = claim({"metric": "m", "at_least": 0.9}, control="gan", partly=[{"metric": "m", "above_control": 0.25}])
BELOW = claim({"metric": "m", "below_control": 0.25}, control="gan")


@pytest.mark.parametrize(
    ("criterion", "values", "verdict", "met", "borderline"),
    [
        (HIGH, [0.9], HOLDS, 1, False),
        (HIGH, [0.9 - 1e-6], PARTLY, 0, False),
        (HIGH, [math.nextafter(0.9, 0)], HOLDS, 1, False),  # rounding decides nothing
        (HIGH, [0.5], PARTLY, 0, False),
        (HIGH, [0.5 - 1e-6], FAILS, 0, False),
        (LOW, [0.055], HOLDS, 1, False),
        (LOW, [0.055 + 1e-6], PARTLY, 0, False),
        (HIGH, [0.95, 0.96, 0.97], HOLDS, 3, False),  # the mean's interval is from 0.935 to 0.985
        (HIGH, [0.89, 0.99, 0.99], HOLDS, 2, True),  # from 0.81 to 1.10
        (HIGH, [0.87, 0.90, 0.92], PARTLY, 2, True),  # from 0.83 to 0.96
        (HIGH, [0.95, 0.10, 0.11], FAILS, 1, True),  # from −0.8 to 1.6
        (HIGH, [0.90, 0.90, 0.90], HOLDS, 3, False),  # on the threshold, and no run differs
        (HIGH, [0.95, 0.96, None], FAILS, 2, False),  # a run without a value misses
    ],
)
def test_the_mean_gives_the_verdict_and_its_interval_whether_it_is_borderline(
    criterion, values, verdict, met, borderline
):
    found = assess(criterion, ms(*values))
    assert (found.verdict, found.met, found.runs, found.borderline) == (verdict, met, len(values), borderline)


def test_a_condition_on_which_the_verdict_does_not_rest_leaves_it_clear():
    both = claim({"metric": "a", "at_least": 0}, {"metric": "b", "at_least": 0})
    for of_b, expected in (((-1.0, -1.1), (FAILS, False)), ((1.0, 1.0), (HOLDS, True)), ((None, 1.0), (FAILS, False))):
        found = assess(both, [{"a": a, "b": b} for a, b in zip((-0.1, 0.2), of_b)])
        assert (found.verdict, found.borderline) == expected


def test_a_run_counts_when_it_meets_all_conditions_and_only_where_all_were_measured():
    both = claim({"metric": "a", "at_least": 1}, {"metric": "b", "at_least": 1})
    measured = [{"a": 2, "b": 0}, {"a": 0, "b": 2}, {"a": 3, "b": 3}, {"a": None, "b": 3}]
    assert [assess(both, measured)[2:4], assess(both, [{"b": 0}, {"a": 3}, *measured])[2:4]] == [(1, 4)] * 2
    assert assess(HIGH, [*ms(0.96), {"other": 1}, *ms(0.85)]).verdict == HOLDS  # the mean is of what was measured


@pytest.mark.parametrize(
    ("criterion", "values", "control", "expected"),
    [
        (ABOVE, [0.75], [0.5], (HOLDS, False)),
        (ABOVE, [0.75 - 1e-6], [0.5], (FAILS, False)),
        (BELOW, [0.25], [0.5], (HOLDS, False)),
        (BELOW, [0.25 + 1e-6], [0.5], (FAILS, False)),
        (ABOVE, [0.7, 0.9], [0.4, 0.6], (HOLDS, True)),  # 0.3 ± 0.61
        (ABOVE, [1.5, 1.6], [0.4, 0.5], (HOLDS, False)),  # 1.1 ± 0.30
        (ABOVE, [0.8, 1.0], [0.5], (HOLDS, True)),  # 0.9 ± 1.27, beside a single run
        (BOTH, [0.85], [0.1], (FAILS, False)),  # far enough above the control, and below the threshold
        (BOTH, [0.95], [0.8], (FAILS, False)),
        (ABOVE, [0.9, 0.9], [0.4, None], (NOT_JUDGED, False)),  # a margin from no value
        (PARTLY_ABOVE, [0.8, 0.81], [0.4, None], (FAILS, False)),
    ],
)
def test_a_margin_compares_with_the_mean_of_the_control(criterion, values, control, expected):
    found = assess(criterion, ms(*values), ms(*control))
    assert (found.verdict, found.borderline) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0.1, 0.1, 0.1, 9], HOLDS), ([0.1, 0.1, 9, 9], FAILS), ([0.1, 0.1, 0.1, None], HOLDS), ([0.1, None], FAILS)],
)
def test_a_share_asks_each_run_and_never_its_mean(values, expected):
    found = assess(claim({"metric": "m", "at_most": 0.2, "share": 0.75}), ms(*values))
    assert (found.verdict, found.borderline) == (expected, False)


def test_without_runs_of_the_variant_or_of_its_control_it_is_not_judged():
    assert assess(HIGH, [], ms(1.0))[:4] == (NOT_JUDGED, False, 0, 0)
    assert assess(HIGH, [{"other": 1.0}], ms(1.0))[:4] == (NOT_JUDGED, False, 0, 1)  # nobody measured it
    assert assess(ABOVE, ms(9.0)).verdict == NOT_JUDGED
    in_part = claim({"metric": "m", "at_least": 0.9}, {"metric": "n", "above_control": 0}, control="gan")
    assert assess(in_part, [{"m": 0.5, "n": 1}], ms(1.0)).verdict == NOT_JUDGED


@pytest.mark.parametrize(("distances", "expected"), [([3.0, 3.0], HOLDS), ([2.9, 3.2], NOT_JUDGED)])
def test_a_claim_beside_a_control_is_judged_only_where_digits_are_drawn(distances, expected):
    drawn = [{"m": 0.95, "frechet": distance} for distance in distances]
    assert assess(ABOVE, drawn, [{"m": 0.1, "frechet": 99.0}]).verdict == expected
    assert assess(HIGH, drawn).verdict == HOLDS  # one without a control is judged


def test_claims_about_the_machine_and_about_another_variant():
    every = {"high": HIGH, "of_gan": claim({"metric": "m", "at_most": 1}, variant="gan")}
    every["alone"] = claim({"metric": "ratio", "at_most": 1.05}, variant=None)
    asked = claims.Claims(draws_digits=DRAWS, claims=every, ablations=[], registered={})
    measured = runs(infogan=ms(0.95), gan=ms(0.4))
    found = claims.assess_all(asked, measured, {"ratio": 1.2})
    assert {name: each.verdict for name, each in found.items()} == {"high": HOLDS, "of_gan": HOLDS, "alone": FAILS}


def test_ablations_leave_out_seeds_on_which_something_was_found():
    base, other, found = [0.30, 0.31, 0.33], [0.10, 0.14, 0.12], [0.9, 0.8, 0.31, 0.30, 0.35]
    errors = {"infogan": base, "other": other, "part_found": found, "single": [0.1]}
    table = runs(**{variant: [{"error": each} for each in of] for variant, of in errors.items()})
    asked = ["other", "part_found", "single", "none"]
    compared = claims.ablations(asked, table, {"part_found": [0, 1], "other": []})
    least, larger = statistics.welch(other, base).p, statistics.welch(found[2:], base).p  # Holm, of four
    assert compared == pytest.approx({"other": 4 * least, "part_found": min(1, 3 * larger)})


def test_the_mean_interval_is_students_and_the_prediction_interval_that_of_one_more_value():
    values = [float(value) for value in range(10)]  # mean 4.5, standard deviation 3.02765
    reach = 2.262157 * 3.0276504 / math.sqrt(10)  # t of 9 degrees of freedom and 97.5 %
    assert statistics.mean_interval(values) == pytest.approx((4.5 - reach, 4.5 + reach), abs=1e-5)
    assert statistics.mean_interval([0.1] * 7) == (0.1, 0.1)
    reach = 4.302653 * math.sqrt(1 + 1 / 3)  # t of 2 degrees of freedom; the standard deviation is 1
    assert statistics.prediction_interval([1, 2, 3]) == pytest.approx((2 - reach, 2 + reach), abs=1e-5)


def test_a_difference_of_means_is_welchs():
    ours, theirs = [1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0]  # variances of their means: 5/12 and 4/3
    error, freedom = math.sqrt(1.75), 1.75**2 / ((5 / 12) ** 2 / 3 + (4 / 3) ** 2 / 2)
    found = statistics.welch(ours, theirs)
    reach = stats.t.ppf(0.975, freedom) * error
    assert found.mean == -1.5 and found.interval == pytest.approx((-1.5 - reach, -1.5 + reach))
    assert found.p == pytest.approx(2 * stats.t.sf(1.5 / error, freedom))
    assert statistics.welch([0.5, 0.5], [0.25, 0.25]) == (0.25, (0.25, 0.25), 0)
    assert statistics.welch([0.5, 0.5], [0.5, 0.5, 0.5]).p == 1


def test_holm_corrects_by_rank_and_stays_in_order():
    assert statistics.holm({"x": 0.02, "y": 0.01, "z": 0.03}, 3) == pytest.approx({"x": 0.04, "y": 0.03, "z": 0.04})
    assert statistics.holm({"x": 0.9, "y": 0.01}, 3) == pytest.approx({"x": 1.0, "y": 0.03})  # a third is not there


def test_a_hypothesis_is_judged_on_its_own_runs_once_all_are_there():
    limit, table = Condition(metric="m", at_most=0.1), runs(new=ms(0.9, 0.05, 0.12))
    of = {"statement": "a", "known": "b", "runs": {"new": [1, 2]}}
    hypothesis = claims.Registered(**of, conditions=[limit])
    assert claims.judge(hypothesis, None, table) == (2, 2, True)
    assert claims.judge(hypothesis, None, table.only("new", [0, 1])) == (1, 2, None)
    assert claims.judge(claims.Registered(**of, criterion="in words"), None, table) == (2, 2, None)
    asked = claims.Claims(claims={"high": HIGH}, draws_digits=DRAWS, ablations=[], registered={})
    by_claim = claims.Registered(**of, claims=["high"])  # of its own variant, and of the named seeds alone
    found = [claims.judge(by_claim, asked, runs(new=ms(*values))) for values in ((0.1, 0.95, 0.92), (1.0, 0.95, 0.6))]
    assert found == [(2, 2, True), (2, 2, False)]
    for rule in ({}, {"conditions": [limit], "criterion": "c"}, {"claims": ["c"], "runs": {"new": [1], "old": [1]}}):
        with pytest.raises(ValueError, match="expected conditions or claims on runs of one variant"):
            claims.Registered(**of | rule)
    with pytest.raises(ValueError, match="there is no control"):
        claims.Registered(**of, conditions=[Condition(metric="m", above_control=0.1)])
