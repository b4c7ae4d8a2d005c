"""Linear probes on features of which all or nothing can be told."""

from types import SimpleNamespace

import numpy as np
import pytest

from replicate.measures import probes

Blobs = tuple[np.ndarray, np.ndarray]


def options(**values) -> SimpleNamespace:
    """The group `probes` of params.yaml at a length that a test can afford."""
    return SimpleNamespace(**{"seed": 0, "labels_per_digit": 5, "label_draws": 2, "penalties": [0.01, 1.0]} | values)


def blobs(per_digit: int, seed: int) -> Blobs:
    """Features (N, 20) float32: ten around a corner for each digit, a tenth as large as ten of noise; the digits (N,)."""
    random = np.random.default_rng(seed)
    digit = random.permutation(np.repeat(np.arange(10), per_digit))
    of_digit = 0.1 * (np.eye(10)[digit] + random.normal(0, 0.05, (len(digit), 10)))
    return np.hstack([of_digit, random.normal(size=(len(digit), 10))]).astype(np.float32), digit


def test_a_digit_that_features_show_is_told_and_noise_is_not_twice_the_same():
    digit, random = np.repeat(np.arange(10), 60), np.random.default_rng(0)
    shown = np.eye(10, dtype=np.float32)[digit]
    noise = random.normal(size=(600, 4)).astype(np.float32), random.normal(size=(600, 4)).astype(np.float32)
    assert probes.scores((shown, shown), digit, digit, options()) == {"probe_error_5": 0}
    scored = probes.scores(noise, digit, digit, options())
    assert scored == {"probe_error_5": pytest.approx(0.9, abs=0.03)}
    assert probes.scores(noise, digit, digit, options()) == scored


def test_the_penalty_is_chosen_on_held_out_labels():
    """Only a weak penalty lets a probe rely on the small features that show the digit."""
    train, test = blobs(20, 0), blobs(50, 1)

    def error(*penalties: float) -> float:
        return probes.error(train, test, options(penalties=penalties))

    strong, weak = error(1e-4), error(1e4)
    assert weak < 0.1 < 0.5 < strong
    assert error(1e-4, 1e4) == error(1e4, 1e-4) == weak


def test_labels_are_drawn_for_each_digit_without_repeats():
    digit = np.random.default_rng(0).permutation(np.repeat([0, 2, 7], 7))
    drawn = probes.drawn(digit, 5, np.random.default_rng(1))
    assert len(set(drawn.tolist())) == 15
    assert np.bincount(digit[drawn]).tolist() == [5, 0, 5, 0, 0, 0, 0, 5]
