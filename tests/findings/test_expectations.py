import pytest
from scipy import stats

from replicate.findings import expectations
from replicate.findings.claims import Claim
from replicate.findings.comparisons import Condition
from replicate.findings.expectations import CONFIRMED, OPEN, REFUTED, UNDECIDED, Outcome
from replicate.findings.hypotheses import Choices, Difference, Hypothesis, Runs
from replicate.findings.results import Results

MEASURED = Results(
    {
        "new": {seed: {"m": value} for seed, value in enumerate([0.10, 0.12, 0.14, 0.50])},
        "old": {seed: {"m": value} for seed, value in enumerate([0.30, 0.31, 0.33])},
        "near": {seed: {"m": value} for seed, value in enumerate([0.10, 0.30, 0.45])},
    },
    {},
)


def hypothesis(variant: str = "new", **asked) -> Hypothesis:
    chosen = {key: asked.pop(key) for key in ("seeds", "control") if key in asked}
    return Hypothesis(statement="s", known="k", of=Runs(variant=variant, **chosen), **asked)


def outcome(asked: Hypothesis, planned: int = 3) -> Outcome:
    claim = Claim(
        brief="b", statement="s", where="w", published="p", variant="old", holds=[Condition(metric="m", at_most=0.2)]
    )
    return expectations.judge(asked, {"low": claim}, MEASURED, range(planned))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"conditions": [Condition(metric="m", at_most=0.121)]}, CONFIRMED),
        ({"conditions": [Condition(metric="m", at_most=0.12), Condition(metric="m", at_least=0.13)]}, REFUTED),
        ({"conditions": [Condition(metric="m", at_most=0.13, share=0.66)]}, CONFIRMED),
        ({"conditions": [Condition(metric="m", at_most=0.13, share=0.67)]}, REFUTED),
        ({"claims": ["low"]}, CONFIRMED),
        ({"claims": ["low"], "variant": "old"}, REFUTED),
        ({"difference": Difference(metric="m", than="old", at_most=-0.1)}, CONFIRMED),
        ({"difference": Difference(metric="m", than="old", at_most=-0.25)}, REFUTED),
        ({"difference": Difference(metric="m", than="old", at_most=-0.19)}, UNDECIDED),
        ({"conditions": [Condition(metric="m", at_most=0.3)], "seeds": [2, 3]}, REFUTED),
        ({"selection": "chosen", "at_most": 0.1, "seeds": [0, 1, 2]}, OPEN),
        ({"conditions": [Condition(metric="m", at_most=1)], "variant": "none"}, OPEN),
        ({"conditions": [Condition(metric="m", below_control=0.1)], "control": "old"}, CONFIRMED),
        ({"conditions": [Condition(metric="m", below_control=0.1)], "control": "none"}, OPEN),
    ],
)
def test_a_hypothesis_is_what_its_runs_make_it(asked: dict, expected: str):
    assert outcome(hypothesis(**asked)).verdict == expected


@pytest.mark.parametrize(
    ("asked", "expected"),  # the interval of the mean is [0.07, 0.17], of "near" [−0.15, 0.72]
    [
        ({"conditions": [Condition(metric="m", at_most=0.2)]}, (CONFIRMED, False)),
        ({"conditions": [Condition(metric="m", at_most=0.121)]}, (CONFIRMED, True)),
        ({"conditions": [Condition(metric="m", at_most=0.1)]}, (REFUTED, True)),
        ({"conditions": [Condition(metric="m", at_most=m) for m in (0.05, 0.121)]}, (REFUTED, False)),
        ({"claims": ["low"]}, (CONFIRMED, False)),
        ({"claims": ["low"], "variant": "near"}, (REFUTED, True)),
    ],
)
def test_it_is_borderline_where_the_interval_of_a_mean_could_turn_it(asked: dict, expected: tuple[str, bool]):
    found = outcome(hypothesis(**asked))
    assert (found.verdict, found.borderline) == expected


def test_a_margin_needs_a_control():
    with pytest.raises(ValueError, match="of.control: missing"):
        hypothesis(conditions=[Condition(metric="m", below_control=0.1)])


def test_a_training_that_diverged_counts_with_the_error_of_chance():
    error = "classification.error_one_to_one"
    of_errors = Results({"new": {0: {error: 0.1, "m": 1.0}}}, {})
    measured = expectations.with_diverged(of_errors, ["new-1"])
    asked = [Condition(metric=error, at_most=0.5), Condition(metric="m", at_least=0)]
    found = expectations.judge(hypothesis(conditions=asked), {}, measured, range(2))
    assert found.parts[0].found.mean == pytest.approx(0.5) and found.parts[1].found.mean is None
    assert found.verdict == REFUTED and list(of_errors.runs["new"]) == [0]


def test_it_is_open_while_a_run_is_missing_and_says_what_is_there():
    asked = hypothesis(conditions=[Condition(metric="m", at_most=0.3)])
    found = expectations.judge(asked, {}, MEASURED, range(6))
    assert (found.verdict, found.made, found.planned) == (OPEN, 4, 6)
    assert found.parts[0].found.mean == pytest.approx(0.215) and found.parts[0].met


@pytest.mark.parametrize(("limit", "value", "expected"), [("at_most", 0.05, CONFIRMED), ("at_least", 0.05, REFUTED)])
def test_a_choice_without_labels_is_judged_by_what_it_came_to(limit: str, value: float, expected: str):
    asked = hypothesis(selection="chosen", seeds=[0, 1, 2, 3], **{limit: 0.055})
    found = expectations.judge(asked, {}, MEASURED, range(4), value)
    assert found.verdict == expected and [part.found for part in found.parts] == [value]
    assert expectations.judge(asked, {}, MEASURED, range(4)).verdict == OPEN  # not all of its runs are there


def test_choices_are_compared_by_welch_and_corrected_by_holm():
    choices = Choices(metric="m", than="old", variants=["new", "near", "none"])
    found = expectations.compare(choices, MEASURED)
    assert list(found) == ["new", "near"]
    of = {variant: [run["m"] for run in MEASURED.of(variant)] for variant in MEASURED.runs}
    tests = {variant: stats.ttest_ind(of[variant], of["old"], equal_var=False) for variant in found}
    smaller, larger = sorted(found, key=lambda variant: tests[variant].pvalue)
    assert found[smaller].p == pytest.approx(min(2 * tests[smaller].pvalue, 1))
    assert found[larger].p == pytest.approx(max(found[smaller].p, tests[larger].pvalue))
    for variant in found:
        assert found[variant].interval == pytest.approx(tests[variant].confidence_interval(0.95))
