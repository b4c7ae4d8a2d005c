import math
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from replicate.measures import probes, representation
from replicate.measures.probes import Task

Blobs = tuple[np.ndarray, np.ndarray]


def options(**values) -> SimpleNamespace:
    """The group `represent` of params.yaml at a length that a test can afford."""
    defaults = {"seed": 0, "labels_per_digit": [5, 20], "label_draws": 2, "penalties": [0.01, 1.0]}
    return SimpleNamespace(**defaults | {"probe_iterations": 1000, "kmeans_images": 300, "kmeans_restarts": 3} | values)


def blobs(per_digit: int, spread: float, seed: int) -> Blobs:
    """Features (N, 10) float32 around a corner for each digit, and the digits (N,), shuffled."""
    random = np.random.default_rng(seed)
    digit = random.permutation(np.repeat(np.arange(10), per_digit))
    return (np.eye(10)[digit] + random.normal(0, spread, (len(digit), 10))).astype(np.float32), digit


def mixed(per_digit: int, seed: int) -> Blobs:
    """Blobs that overlap, among noise, seen through a matrix that makes their 30 features correlated."""
    features, digit = blobs(per_digit, 0.4, seed)
    noise = np.random.default_rng([seed, 1]).normal(size=(len(digit), 20))
    mixing = np.random.default_rng(2).normal(size=(30, 30)) * np.geomspace(1, 0.1, 30)
    return (np.hstack([features, noise]) @ mixing + 3).astype(np.float32), digit


def degenerate(per_digit: int, seed: int) -> Blobs:
    """As `mixed`, with every feature twice and a constant one."""
    features, digit = mixed(per_digit, seed)
    return np.hstack([features, features, np.full((len(digit), 1), 7, dtype=np.float32)]), digit


def few(per_digit: int, seed: int) -> Blobs:
    """The hidden layer, of 150 units, of a random network; the training split (seed 0) has fewer images than that."""
    features, digit = blobs(per_digit // 10 if seed == 0 else per_digit, 0.4, seed)
    return np.tanh(features @ np.random.default_rng(3).normal(size=(10, 150)).astype(np.float32)), digit


def both(task: Task, settings) -> dict[str, float]:
    """Both measures of a representation."""
    return probes.scores(task, settings) | representation.kmeans_scores(task, settings)


@pytest.mark.parametrize("kind", [mixed, degenerate, few])
@pytest.mark.parametrize("penalty", [0.001, 0.1, 10.0])
def test_a_probe_is_the_logistic_regression_of_scikit_learn(kind, penalty):
    (train, digit), (test, test_digit) = kind(100, 0), kind(300, 1)
    mean = train.mean(axis=0, dtype=np.float64)  # scikit-learn takes many more steps where features are far from 0
    reference = LogisticRegression(C=penalty, tol=1e-6, max_iter=10_000).fit(train - mean, digit)
    settings = options(penalties=[penalty])
    error = probes.probe(Task(train, digit, test, test_digit), settings, splits=1)
    assert error == pytest.approx(1 - reference.score(test - mean, test_digit), abs=0.002)

    features, test_features = probes.principal(train, test)
    weights = probes.fit(features, digit, penalty, np.zeros((features.shape[1] + 1, 10)), 1000)
    logits = probes.logits(weights, test_features)
    expected = reference.decision_function(test - mean)
    centred = logits - logits.mean(axis=1, keepdims=True)  # a shift of all logits means nothing
    assert np.abs(centred - (expected - expected.mean(axis=1, keepdims=True))).mean() < 0.02 * expected.std()


def test_a_fit_has_the_same_bits_again_and_on_any_number_of_threads():
    features, digit = mixed(200, 0)  # more images than one part of the loss has
    features, _ = probes.principal(features, features)
    first = probes.fit(features, digit, 1.0, np.zeros((31, 10)), 1000)
    for limit in (None, 1):
        with threadpool_limits(limit):
            np.testing.assert_array_equal(probes.fit(features, digit, 1.0, np.zeros((31, 10)), 1000), first)


def test_a_fit_that_is_cut_off_says_so():
    features, digit = mixed(20, 0)
    with pytest.warns(ConvergenceWarning, match="C = 10 has not converged in 3 iterations"):
        probes.fit(features, digit, 10.0, np.zeros((31, 10)), 3)


def test_separate_digits_are_read_and_clustered_without_error():
    scores = both(Task(*blobs(40, 0.05, 0), *blobs(20, 0.05, 1)), options())
    assert scores.pop("kmeans_nmi") == pytest.approx(1)
    errors = ("probe_error_5", "probe_error_20", "probe_error_all", "kmeans_error", "kmeans_error_majority")
    assert scores == dict.fromkeys(errors, 0)


def test_noise_is_read_no_better_than_by_chance_and_twice_the_same():
    random = np.random.default_rng(0)
    train, test = random.normal(size=(600, 4)).astype(np.float32), random.normal(size=(2000, 4)).astype(np.float32)
    task = Task(train, np.arange(600) % 10, test, np.arange(2000) % 10)
    scores = both(task, options())
    for name in ("probe_error_5", "probe_error_20", "probe_error_all", "kmeans_error"):
        assert scores[name] == pytest.approx(0.9, abs=0.03)
    assert scores["kmeans_nmi"] < 0.03
    assert both(task, options()) == scores


def test_more_labels_help_where_the_digits_overlap():
    scores = probes.scores(Task(*blobs(200, 0.35, 0), *blobs(200, 0.35, 1)), options())
    assert scores["probe_error_5"] > scores["probe_error_20"] > scores["probe_error_all"] > 0


def test_the_digits_of_the_training_split_are_the_classes():
    train, digit = blobs(40, 0.05, 0)
    five = np.isin(digit, [1, 3, 4, 8, 9])
    scores = both(Task(train[five], digit[five], *blobs(20, 0.05, 1)), options())
    # Those that were never seen are never named.
    assert scores["probe_error_5"] == scores["probe_error_all"] == scores["kmeans_error"] == 0.5


def test_the_penalty_is_chosen_on_held_out_labels():
    """The digit is in small features beside large ones of noise: only a weak penalty lets a probe rely on it."""
    random = np.random.default_rng(0)

    def hidden(per_digit: int, seed: int) -> Blobs:
        features, digit = blobs(per_digit, 0.05, seed)
        return np.hstack([0.1 * features, random.normal(size=(len(digit), 10)).astype(np.float32)]), digit

    task = Task(*hidden(20, 0), *hidden(50, 1))

    def error(*penalties: float) -> float:
        return probes.probe(task, options(penalties=penalties), splits=5)

    strong, weak = error(1e-4), error(1e4)
    assert weak < 0.1 < 0.5 < strong
    assert error(1e-4, 1e4) == error(1e4, 1e-4)
    assert error(1e-4, 1e4) == pytest.approx(weak, abs=0.01)


def test_labels_are_drawn_for_each_digit_without_repeats():
    digit = np.random.default_rng(0).permutation(np.repeat([0, 2, 7], 7))
    drawn = probes.labelled(digit, 5, np.random.default_rng(1))
    assert len(set(drawn.tolist())) == 15
    assert np.bincount(digit[drawn]).tolist() == [5, 0, 5, 0, 0, 0, 0, 5]
    with pytest.raises(ValueError):
        probes.labelled(digit, 8, np.random.default_rng(1))


def test_clusters_are_matched_one_to_one_and_by_majority():
    cluster, digit = np.repeat([0, 0, 1, 1], [50, 20, 40, 30]), np.repeat([3, 5, 3, 5], [50, 20, 40, 30])
    features = np.eye(2, dtype=np.float32)[cluster]
    scores = representation.kmeans_scores(Task(features, digit, features, digit), options())
    assert scores["kmeans_error_majority"] == pytest.approx(50 / 140)  # both are 3
    assert scores["kmeans_error"] == pytest.approx(60 / 140)  # one is 3, the other 5


def test_standardised_by_the_training_split_alone():
    train, test = np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([[5.0, 6.0]])
    standard = representation.standardise(train, test)
    np.testing.assert_allclose(standard[0], [[-1, 0], [1, 0]])
    np.testing.assert_allclose(standard[1], [[3, 1]])


def test_a_code_as_fine_as_the_digit_finer_or_coarser_leaks_what_it_can():
    digit = np.repeat(np.arange(10), 100)
    same, finer, coarser, constant = (
        representation.label_information(code, digit)
        for code in ((digit + 3) % 10, 2 * digit + np.arange(1000) % 2, digit // 2, 0 * digit)
    )
    assert same["information"] == pytest.approx(math.log(10) + 9 / 2000)
    assert [leak["information_share"] for leak in (same, finer, coarser)] == pytest.approx([1, 1, 1])
    assert [finer["homogeneity"], coarser["completeness"]] == pytest.approx([1, 1])
    assert finer["completeness"] < 0.8 and coarser["homogeneity"] < 0.8
    assert constant["information"] == pytest.approx(0) and constant["information_share"] == 0


def test_information_of_a_noisy_code_is_corrected_towards_the_truth():
    """A code that is the digit half of the time, else any digit: I = log 10 − H(c | digit) is known.

    The plug-in estimate is too high by 81 / 2N = 0.08.
    """
    right, wrong = 0.5 + 0.05, 0.05
    truth = math.log(10) + right * math.log(right) + 9 * wrong * math.log(wrong)
    random = np.random.default_rng(0)
    found = []
    for _ in range(60):
        digit = random.integers(10, size=500)
        category = np.where(random.random(500) < 0.5, digit, random.integers(10, size=500))
        found.append(representation.label_information(category, digit)["information"])
    assert abs(np.mean(found) - truth) < 0.02
