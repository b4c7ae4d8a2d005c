"""Verdicts at and around limits, over seeds and beside a control; and claims.yaml broken on purpose."""

import math
from statistics import mean, stdev

import pytest
from conftest import ROOT
from scipy import stats

from replicate.base.stage import BadInput
from replicate.findings import claims, comparisons
from replicate.findings.claims import FAILS, HOLDS, PARTLY, Claim, Condition
from replicate.findings.results import Results

GOOD = """
version: 2
revised: when the sixty runs were in
claims:
  good:
    {brief: in brief, statement: It works, where: §1, published: by eye, variant: infogan, control: gan,
    why_changed: "it was 0.4, which a run without it passes", beside: [a.d],
    holds: [{metric: a.b, at_least: 0.5, above_control: 0.2}, {metric: a.c, at_most: 3}],
    partly: [{metric: a.b, below_control: 0}]}
  alone:
    {brief: in brief, statement: It costs nothing, where: §2, published: negligible,
    holds: [{metric: cost.ratio, at_most: 1.05}]}
  open: {brief: in brief, statement: It leaks, where: a note, published: argued, study: leak}
"""
COMMITTED = (ROOT / "claims.yaml").read_text(encoding="utf-8")
_, OF_STUDIES = COMMITTED.split("\nhypotheses:")[0].split("\nstudies:")
OTHERS = (
    f"\nstudies:{OF_STUDIES}\nhypotheses: {{}}\nchoices:" + COMMITTED.split("\nchoices:")[1]
)  # what else the file holds


def claim(*holds: dict, **others) -> Claim:
    of_claim = {"variant": "infogan", "holds": list(holds)} | others
    return Claim(brief="b", statement="s", where="w", published="p", **of_claim)


def runs(*values: float | None) -> list[dict]:
    return [{"m": value} for value in values]


def words(criterion: Claim, of_variant: list[dict], of_control: list[dict] = ()) -> str:
    return claims.in_words(claims.assess(criterion, of_variant, of_control))


HIGH = claim({"metric": "m", "at_least": 0.9}, partly=[{"metric": "m", "at_least": 0.5}])
LOW = claim({"metric": "m", "at_most": 0.055}, partly=[{"metric": "m", "at_most": 0.1}])
ABOVE = claim({"metric": "m", "above_control": 0.25}, control="gan")
BELOW = claim({"metric": "m", "below_control": 0.25}, control="gan")


@pytest.mark.parametrize(
    ("criterion", "value", "expected"),
    [
        (HIGH, 0.9, "holds"),
        (HIGH, math.nextafter(0.9, 0), "holds partly"),
        (HIGH, 0.5, "holds partly"),
        (HIGH, math.nextafter(0.5, 0), "does not hold"),
        (LOW, 0.055, "holds"),
        (LOW, math.nextafter(0.055, 1), "holds partly"),
        (LOW, 0.1, "holds partly"),
        (LOW, math.nextafter(0.1, 1), "does not hold"),
        (HIGH, None, "does not hold"),
    ],
)
def test_one_run_at_and_beyond_each_limit(criterion, value, expected):
    assert words(criterion, runs(value)) == expected
    assert not claims.assess(criterion, runs(value)).borderline


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.95, 0.96, 0.97], "holds (3 of 3)"),  # from 0.935 to 0.985
        ([0.89, 0.99, 0.99], "holds (2 of 3, borderline)"),  # from 0.81 to 1.10
        ([0.87, 0.90, 0.92], "holds partly (2 of 3, borderline)"),  # from 0.83 to 0.96
        ([0.50, 0.55, 0.47], "holds partly (0 of 3, borderline)"),  # from 0.41 to 0.61
        ([0.95, 0.10, 0.11], "does not hold (1 of 3, borderline)"),  # from −0.8 to 1.6
        ([0.90, 0.90, 0.90], "holds (3 of 3)"),  # on the limit, and no run differs
        ([0.95, 0.96, None], "does not hold (2 of 3)"),
    ],
)
def test_over_seeds_the_means_give_the_verdict_and_their_intervals_whether_it_is_borderline(values, expected):
    assert words(HIGH, runs(*values)) == expected


def test_it_is_borderline_where_the_interval_lies_on_both_sides_of_the_limit():
    values = [0.88, 0.92, 0.95]
    reach = stats.t.ppf(0.975, 2) * stdev(values) / math.sqrt(3)
    near, far = (claim({"metric": "m", "at_least": mean(values) - k * reach}) for k in (0.999, 1.001))
    assert claims.assess(near, runs(*values)).borderline
    assert not claims.assess(far, runs(*values)).borderline


def test_a_condition_on_which_the_verdict_does_not_rest_leaves_it_clear():
    both = claim({"metric": "a", "at_least": 0}, {"metric": "b", "at_least": 0})
    close, far = (-0.1, 0.2), (-1.0, -1.1)
    assert words(both, [{"a": a, "b": b} for a, b in zip(close, far)]) == "does not hold (0 of 2)"
    assert words(both, [{"a": a, "b": 1.0} for a in close]) == "holds (1 of 2, borderline)"
    assert words(both, [{"a": -a, "b": 1.0} for a in close]) == "does not hold (1 of 2, borderline)"
    assert words(both, [{"a": a, "b": None} for a in close]) == "does not hold (0 of 2)"


def test_a_run_counts_when_it_meets_all_conditions():
    both = claim({"metric": "a", "at_least": 1}, {"metric": "b", "at_least": 1})
    found = claims.assess(both, [{"a": 2, "b": 0}, {"a": 0, "b": 2}, {"a": 3, "b": 3}, {"a": None, "b": 3}])
    assert (found.holding, found.runs) == (1, 4)
    assert [finding.holding for finding in found.findings] == [[True, False, True, False], [False, True, True, True]]


@pytest.mark.parametrize(
    ("criterion", "values", "control", "expected"),
    [
        (ABOVE, [0.75], [0.5], "holds"),
        (ABOVE, [math.nextafter(0.75, 0)], [0.5], "does not hold"),
        (BELOW, [0.25], [0.5], "holds"),
        (BELOW, [math.nextafter(0.25, 1)], [0.5], "does not hold"),
        (ABOVE, [0.7, 0.9], [0.4, 0.6], "holds (1 of 2, borderline)"),  # 0.3 ± 0.61
        (ABOVE, [1.5, 1.6], [0.4, 0.5], "holds (2 of 2)"),  # 1.1 ± 0.30
        (ABOVE, [0.3, 0.3], [0.4, 0.6], "does not hold (0 of 2, borderline)"),  # −0.2 ± 1.27
        (ABOVE, [0.8, 1.0], [0.5], "holds (2 of 2, borderline)"),  # 0.9 ± 1.27
        (ABOVE, [0.9], [0.4, 0.6], "holds"),
        (ABOVE, [0.9, None], [0.4, 0.6], "does not hold (1 of 2)"),
        (ABOVE, [0.9, 0.9], [0.4, None], "does not hold (0 of 2)"),
    ],
)
def test_a_margin_compares_with_the_mean_of_the_control(criterion, values, control, expected):
    assert words(criterion, runs(*values), runs(*control)) == expected


def test_a_number_and_a_margin_must_both_be_reached():
    criterion = claim({"metric": "m", "at_least": 0.5, "above_control": 0.25}, control="gan")
    for value, control, expected in [(0.5, 0.25, HOLDS), (0.5, 0.26, FAILS), (0.49, 0.1, FAILS)]:
        assert claims.assess(criterion, runs(value), runs(control)).verdict == expected


def test_without_a_run_there_is_no_verdict_and_without_one_of_the_control_only_that_a_limit_is_missed():
    partly = [{"metric": "m", "at_least": 0.8}]
    criterion = claim({"metric": "m", "at_least": 0.9, "above_control": 0.3}, partly=partly, control="gan")
    assert claims.assess(criterion, []) == claims.not_judged("there is no run of infogan")
    for reached in (0.95, 0.85):
        assert claims.assess(criterion, runs(reached)) == claims.not_judged("there is no run of gan, its control")
    assert claims.assess(criterion, runs(0.7)).verdict == FAILS


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "claims.yaml"
    path.write_text(GOOD + OTHERS, encoding="utf-8")
    return path


def results(**changes) -> Results:
    own, control = {"a.b": 0.8, "a.c": 2, "a.d": None, "rotation.code": "c2"}, {"a.b": 0.3, "a.c": 2}
    return Results({"infogan": {0: own | changes, 1: own}, "gan": {0: control, 1: control}}, {"cost.ratio": 1.01})


def test_a_good_file_is_read_and_assessed(path):
    loaded = claims.load(path).claims
    assert list(loaded) == ["good", "alone", "open"]
    assert loaded["good"].holds[0] == Condition(metric="a.b", at_least=0.5, above_control=0.2)
    assert loaded["good"].why_changed.startswith("it was 0.4")
    compared = {(variant, metric) for variant in ("infogan", "gan") for metric in ("a.b", "a.c")}
    assert set(loaded["good"].metrics()) == compared | {("infogan", "a.d")}
    assessments = claims.assess_all(loaded, results(), {"leak": None})
    assert [claims.in_words(each) for each in assessments.values()] == ["holds (2 of 2)", "holds", "not judged"]
    assert assessments["alone"].runs == 0 and "too few trainings" in assessments["open"].reason
    assert claims.assess_all(loaded, results(), {"leak": comparisons.CODE_ONLY})["open"].verdict == PARTLY


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("version: 2", "version: 1", ["version: got 1", "2"]),
        ("where: §1", "were: §1", ["claims.good.were", "unknown key"]),
        ("at_least: 0.5", "at_least: null", ["claims.good.holds.0.at_least", "None", "number"]),
        ("control: gan", "control: null", ["claims.good.control", "None", "string"]),
        (", at_least: 0.5, above_control: 0.2", "", ["claims.good.holds.0", "no limit", "at_least or at_most"]),
        ("at_least: 0.5", "at_least: 0.5, at_most: 1", ["claims.good.holds.0", "got at_least, at_most, above_control"]),
        ("above_control: 0.2", "above_control: 0.2, below_control: 1", ["good.holds.0", "above_control, below"]),
        ("above_control: 0.2", "above_control: -0.2", ["good.holds.0.above_control", "-0.2", "greater than or equal"]),
        ("above_control: 0.2", "above_control: .inf", ["claims.good.holds.0.above_control", "finite"]),
        (", control: gan", "", ["claims.good", "control: missing"]),
        ("control: gan", "control: infogan", ["claims.good", "'infogan'", "another variant"]),
        (", variant: infogan", "", ["claims.good", "'gan'", "another variant than variant (None)"]),
        ("variant: infogan", "variant: infogan, study: leak", ["good", "study, expected"]),
        (",\n    holds: [{metric: cost.ratio, at_most: 1.05}]", "", ["claims.alone", "got neither"]),
        ("[{metric: cost.ratio, at_most: 1.05}]", "[]", ["claims.alone.holds", "at least 1"]),
        (GOOD[GOOD.index("claims:") :], "claims: {}\n", ["claims: ", "at least 1"]),
        ("control: gan", "control: gan, same_as: open", ["claims.good.same_as: got open, expected", "good"]),
    ],
)
def test_a_broken_file_is_refused_naming_the_key(path, old, new, said):
    assert GOOD.count(old) == 1
    path.write_text(GOOD.replace(old, new) + OTHERS, encoding="utf-8")
    with pytest.raises(BadInput) as refusal:
        claims.load(path)
    for text in said:
        assert text in str(refusal.value)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (results(**{"a.b": "0.8?"}), r"good needs 'a\.b', which is no number of infogan; like it: a\.b"),
        (Results({"infogan": results().runs["infogan"], "gan": {0: {"x": 1}}}, {}), r"of gan; like it: none$"),
        (Results({}, {"cost.rate": 1}), r"'cost\.ratio', .* that belongs to no run; like it: cost\.rate$"),
    ],
)
def test_a_metric_that_is_not_there_is_refused_naming_what_is_like_it(path, found: Results, said: str):
    with pytest.raises(BadInput, match=said):
        claims.assess_all(claims.load(path).claims, found, {"leak": None})
