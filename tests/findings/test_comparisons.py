import numpy as np
import pytest
from conftest import ROOT
from scipy import stats

from replicate.base.stage import BadInput
from replicate.findings import claims, comparisons
from replicate.findings.comparisons import Pair
from replicate.findings.results import Results

QUESTIONS = claims.load(ROOT / "claims.yaml").studies
STUDIES = ("seeds", "leak", "infomax")
AMI, LAYER = "classification.ami", "representation.head_hidden.probe_error_100"
NOISE = np.array([0.004, -0.003, 0.001, -0.004, 0.002])


def measured(**variants: dict[str, float]) -> Results:
    """Five runs of each variant around these means, each seed with the noise of its variant."""
    runs = {}
    for shift, (variant, means) in enumerate(variants.items()):
        noise = np.roll(NOISE, shift)
        runs[variant] = {seed: {name: mean + noise[seed] for name, mean in means.items()} for seed in range(5)}
    return Results(runs, {})


def of_leak(
    share=0.99, ami10=0.8, ami5=0.6, ami20=0.7, error10=0.05, error5=0.08, error20=0.08, five5=0.9, five10=0.7
) -> Results:
    found = measured(
        infogan={AMI: ami10, LAYER: error10},
        k5={AMI: ami5, LAYER: error5},
        k20={AMI: ami20, LAYER: error20},
        five={AMI: five10},
        five_k5={AMI: five5},
    )
    for of_seed in found.runs.values():
        for run in of_seed.values():
            run |= {comparisons.SHARE: share, "kmeans.ami": 0.5}
    return found


def test_differences_are_paired_by_seed_and_tested_as_scipy_does():
    results = Results({"a": {0: {"m": 1.0}, 1: {"m": 2.0}, 4: {"m": 4.0}, 7: {"m": None}},
                       "b": {4: {"m": 1.0}, 1: {"m": 1.5}, 0: {"m": 1.25}, 7: {"m": 0.0}, 9: {"m": 9.0}}}, {})  # fmt: skip
    found = comparisons.compare(Pair(variant="a", than="b"), "m", results)
    np.testing.assert_allclose(found.differences, [-0.25, 0.5, 3.0])
    expected = stats.ttest_rel([1.0, 2.0, 4.0], [1.25, 1.5, 1.0])
    np.testing.assert_allclose(found.wide, expected.confidence_interval(0.95))
    np.testing.assert_allclose(found.narrow, expected.confidence_interval(0.90))
    assert comparisons.exceeds(found, 0) == pytest.approx(expected.pvalue / 2)
    assert comparisons.compare(Pair(variant="a", than="c"), "m", results) is None


def test_holm_corrects_by_rank_and_stays_in_order():
    assert comparisons.holm({"x": 0.02, "y": 0.01, "z": 0.03}) == pytest.approx({"x": 0.04, "y": 0.03, "z": 0.04})
    assert comparisons.holm({"x": 0.9, "y": 0.5}) == {"x": 1.0, "y": 1.0}


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        (of_leak(), comparisons.CONFIRMED),
        (of_leak(error5=0.05, error20=0.05), comparisons.UNDECIDED),  # the noise is as wide as what counts as equal
        (of_leak(ami20=0.79, five10=0.89, error20=0.03), comparisons.REFUTED),
        (of_leak(ami20=0.79), comparisons.UNDECIDED),
        (of_leak(error20=0.056), comparisons.UNDECIDED),  # surely worse, but by less than a point
        (of_leak(five10=0.89), comparisons.UNDECIDED),
    ],
)
def test_the_verdict_on_the_leak_in_whatever_order_its_hypotheses_stand(results, verdict):
    for hypotheses in (QUESTIONS.leak.hypotheses, dict(reversed(QUESTIONS.leak.hypotheses.items()))):
        question = QUESTIONS.leak.model_copy(update={"hypotheses": hypotheses})
        assert comparisons.leak(question, results).verdict == verdict


def test_what_kmeans_shows_as_well_is_no_leak():
    results = of_leak()
    for run in results.runs["five_k5"].values():
        run["kmeans.ami"] = 0.68
    found = comparisons.leak(QUESTIONS.leak, results)
    assert found.verdict == comparisons.UNDECIDED
    np.testing.assert_allclose([each.mean for each in found.comparisons["C"]], [0.2, 0.02])


def test_runs_whose_images_lack_c1_do_not_count():
    assert comparisons.leak(QUESTIONS.leak, of_leak(share=0.94)) is None
    results = of_leak()
    results.runs["k20"][3][comparisons.SHARE] = 0.94
    found = comparisons.leak(QUESTIONS.leak, results).comparisons["A"]
    assert [len(each.differences) for each in found] == [5, 4, 5, 4]


def test_a_layer_that_serves_equally_well_leaves_the_code_alone():
    results = of_leak()
    for variant in ("infogan", "k5", "k20"):
        for seed, run in results.runs[variant].items():
            run[LAYER] = 0.05 + NOISE[seed] + (0.0001 if variant == "k5" and seed == 1 else 0)
    assert comparisons.leak(QUESTIONS.leak, results).verdict == comparisons.CODE_ONLY


def test_while_runs_are_missing_there_is_no_verdict():
    results = of_leak()
    del results.runs["five"]
    assert comparisons.leak(QUESTIONS.leak, results) is None
    assert comparisons.infomax(QUESTIONS.infomax, Results({}, {})) == [None, None, None]


@pytest.mark.parametrize(
    ("difference", "verdict"),
    [(0.0, comparisons.NON_INFERIOR), (-0.09, comparisons.NON_INFERIOR), (-0.1, comparisons.UNDECIDED),
     (-0.2, comparisons.INFERIOR)],
)  # fmt: skip
def test_infomax_is_compared_with_a_margin(difference, verdict):
    results = measured(infogan_c1={"purity.one_to_one": 0.8}, infonce_c1={"purity.one_to_one": 0.8 + difference})
    assert comparisons.infomax(QUESTIONS.infomax, results)[0].verdict == verdict


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"than":"k20"', '"than":"k21"', r"studies\.leak: got 'k21', expected a variant: infogan, k5, k20"),
        ("classification.ami", "classification.amy", r"studies\.leak needs 'classification\.amy', .* like it: class"),
        ("error_one_to_one", "error_one_to_on", r"studies\.seeds needs 'classification\.error_one_to_on'"),
    ],
)
def test_a_question_about_what_is_not_there_is_refused(old: str, new: str, said: str):
    found = of_leak()
    for metrics in found.runs["infogan"].values():
        metrics |= {"classification.error_one_to_one": 0.1, "purity.one_to_one": 0.9}
    variants = [*found.runs, "infogan_c1", "infonce_c1", "jensen_shannon_c1", "infomax"]
    claims.check_questions(QUESTIONS, STUDIES, variants, found)
    spoiled = QUESTIONS.model_dump_json(exclude_none=True).replace(old, new)
    with pytest.raises(BadInput, match=said):
        claims.check_questions(comparisons.Questions.model_validate_json(spoiled), STUDIES, variants, found)
    with pytest.raises(BadInput, match=r"studies\.yaml: studies: missing leak, infomax, of which claims\.yaml asks"):
        claims.check_questions(QUESTIONS, ["seeds", "mine"], variants, found)
