import math

import numpy as np
import pytest
from conftest import change
from sklearn.metrics import mutual_info_score

from replicate.measures import representation
from replicate.params import Params


@pytest.fixture(scope="module")
def settings(config: Params) -> Params:
    return change(
        config, "represent", labels_per_digit=[5, 20], label_draws=2, penalties=[0.01, 1.0], kmeans_restarts=3
    )


def blobs(per_digit: int, spread: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, 10) float32 around a corner for each digit, and the digits (N,), shuffled."""
    random = np.random.default_rng(seed)
    digit = random.permutation(np.repeat(np.arange(10), per_digit))
    return (np.eye(10)[digit] + random.normal(0, spread, (len(digit), 10))).astype(np.float32), digit


def test_separate_digits_are_read_and_clustered_without_error(settings):
    scores = representation.scores(*blobs(40, 0.05, 0), *blobs(20, 0.05, 1), settings)
    assert scores == {
        "probe_error_5": 0, "probe_error_20": 0, "probe_error_all": 0, "kmeans_error": 0, "kmeans_nmi": pytest.approx(1)
    }  # fmt: skip


def test_noise_is_read_no_better_than_by_chance_and_twice_the_same(settings):
    random = np.random.default_rng(0)
    train, test = random.normal(size=(600, 4)).astype(np.float32), random.normal(size=(2000, 4)).astype(np.float32)
    digits = np.arange(600) % 10, np.arange(2000) % 10
    scores = representation.scores(train, digits[0], test, digits[1], settings)
    for name in ("probe_error_5", "probe_error_20", "probe_error_all", "kmeans_error"):
        assert scores[name] == pytest.approx(0.9, abs=0.03)
    assert scores["kmeans_nmi"] < 0.03
    assert representation.scores(train, digits[0], test, digits[1], settings) == scores


def test_more_labels_help_where_the_digits_overlap(settings):
    scores = representation.scores(*blobs(200, 0.35, 0), *blobs(200, 0.35, 1), settings)
    assert scores["probe_error_5"] > scores["probe_error_20"] > scores["probe_error_all"] > 0


def test_the_penalty_is_chosen_on_held_out_labels(settings):
    """The digit is in small features beside large ones of noise: only a weak penalty lets a probe rely on it."""
    random = np.random.default_rng(0)

    def hidden(per_digit: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        features, digit = blobs(per_digit, 0.05, seed)
        return np.hstack([0.1 * features, random.normal(size=(len(digit), 10)).astype(np.float32)]), digit

    train, test = hidden(20, 0), hidden(50, 1)

    def error(*penalties: float) -> float:
        return representation.probe(*train, *test, change(settings, "represent", penalties=penalties), splits=5)

    strong, weak = error(1e-4), error(1e4)
    assert weak < 0.1 < 0.5 < strong
    assert error(1e-4, 1e4) == error(1e4, 1e-4) == weak


def test_labels_are_drawn_for_each_digit_without_repeats():
    digit = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 7))
    drawn = representation.labelled(digit, 5, np.random.default_rng(1))
    assert len(set(drawn.tolist())) == 50
    assert (np.bincount(digit[drawn]) == 5).all()
    with pytest.raises(ValueError):
        representation.labelled(digit, 8, np.random.default_rng(1))


def test_standardised_by_the_training_split_alone():
    train, test = np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([[5.0, 6.0]])
    standard = representation.standardise(train, test)
    np.testing.assert_allclose(standard[0], [[-1, 0], [1, 0]])
    np.testing.assert_allclose(standard[1], [[3, 1]])


def test_a_code_that_is_the_digit_leaks_all_of_it():
    digit = np.repeat(np.arange(10), 100)
    leak = representation.label_information((digit + 3) % 10, digit, 10)
    assert leak["information_uncorrected"] == pytest.approx(math.log(10))
    assert leak["entropy_digit"] == pytest.approx(math.log(10) + 9 / 2000)
    assert leak["share"] == pytest.approx(1)


def test_information_of_a_noisy_code_is_corrected_towards_the_truth():
    """A code that is the digit half of the time, else any digit: I = log 10 − H(c | digit) is known."""
    right, wrong = 0.5 + 0.05, 0.05
    truth = math.log(10) + right * math.log(right) + 9 * wrong * math.log(wrong)
    random = np.random.default_rng(0)
    found = []
    for _ in range(200):
        digit = random.integers(10, size=500)
        category = np.where(random.random(500) < 0.5, digit, random.integers(10, size=500))
        leak = representation.label_information(category, digit, 10)
        assert leak["information_uncorrected"] == pytest.approx(mutual_info_score(digit, category))
        found.append([leak["information"], leak["information_uncorrected"]])
    corrected, uncorrected = np.mean(found, axis=0)
    assert uncorrected - truth > 0.05
    assert abs(corrected - truth) < 0.02


def test_an_independent_code_leaks_nothing():
    random = np.random.default_rng(0)
    leak = representation.label_information(random.integers(10, size=10_000), random.integers(10, size=10_000), 10)
    assert abs(leak["information"]) < 0.003
    assert leak["information_uncorrected"] == pytest.approx(81 / 20_000, abs=0.003)
