"""Linear probes against scikit-learn's logistic regression, and on features of which all or nothing can be told."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from replicate.measures import probes
from replicate.measures.probes import Task

Blobs = tuple[np.ndarray, np.ndarray]


def options(**values) -> SimpleNamespace:
    """The group `probes` of params.yaml at a length that a test can afford."""
    few = {"labels_per_digit": 5, "label_draws": 2, "penalties": [0.01, 1.0], "probe_iterations": 1000}
    return SimpleNamespace(seed=0, **few | values)


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


def few(per_digit: int, seed: int) -> Blobs:
    """The hidden layer, of 150 units, of a random network; the training split (seed 0) has fewer images than that."""
    features, digit = blobs(per_digit // 10 if seed == 0 else per_digit, 0.4, seed)
    return np.tanh(features @ np.random.default_rng(3).normal(size=(10, 150)).astype(np.float32)), digit


@pytest.mark.parametrize("kind", [mixed, few])
@pytest.mark.parametrize("penalty", [0.001, 10.0])
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


def test_noise_is_told_apart_no_better_than_by_chance_and_twice_the_same():
    random = np.random.default_rng(0)
    train, test = random.normal(size=(600, 4)).astype(np.float32), random.normal(size=(2000, 4)).astype(np.float32)
    task = Task(train, np.arange(600) % 10, test, np.arange(2000) % 10)
    scores = probes.scores(task, options())
    assert list(scores.values()) == pytest.approx([0.9] * 2, abs=0.03)
    with threadpool_limits(1):
        assert probes.scores(task, options()) == scores


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
