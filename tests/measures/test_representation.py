import math

import numpy as np
import pytest
import torch
from constructed import bars

from replicate.measures import representation


def test_features_have_the_mean_and_variance_of_the_training_split():
    random = np.random.default_rng(0)
    train, test = random.normal(3, 2, size=(50, 4)), random.normal(size=(5, 4))
    train[:, 0] = 7  # a constant one
    of_train, of_test = representation.standardise(train, test)
    np.testing.assert_allclose(of_train.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(of_train.std(axis=0), [0, 1, 1, 1])
    np.testing.assert_allclose(of_test[:, 1:], (test - train.mean(axis=0))[:, 1:] / train.std(axis=0)[1:])


def test_a_representation_that_is_the_digit_has_no_error_and_one_of_noise_has_many(params, digits):
    split = torch.cat([digits, digits.flip(2)]), torch.arange(80) % 10
    few = {"labels_per_digit": 5, "label_draws": 1, "penalties": [0.1], "style_images": 80}
    options = params.probes.model_copy(update=few)
    known = np.eye(10, dtype=np.float32)[split[1]]
    noise = np.random.default_rng(0).normal(size=(80, 3)).astype(np.float32)
    known, noise = (representation.scores((of, of), split, split, options) for of in (known, noise))
    assert known["probe_error_5"] == known["probe_error_all"] == 0
    assert min(noise[name] for name in ("probe_error_5", "probe_error_all", "error_slant", "error_thickness")) > 0.4


def test_styles_are_of_the_images():
    leaning = (255 * bars(torch.linspace(-0.4, 0.4, 9), 2.0 + torch.arange(9) % 3)[:, 0]).byte()
    styles = representation.styles(leaning, leaning.flip(0))
    assert styles["slant"][0].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert styles["slant"][1].tolist() == [2, 2, 2, 1, 1, 1, 0, 0, 0]
    assert styles["thickness"][0].tolist() == [0, 1, 2] * 3


def test_information_of_a_code_as_fine_as_the_digit_finer_or_coarser():
    digit = np.repeat(np.arange(10), 100)
    codes = (digit + 3) % 10, 2 * digit + np.arange(1000) % 2, digit // 2, 0 * digit
    found = [representation.information(code, digit) for code in codes]
    assert found == pytest.approx([math.log(10) + 9 / 2000, math.log(10) + 9 / 2000, math.log(5) + 4 / 2000, 0])


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
        found.append(representation.information(category, digit))
    assert abs(np.mean(found) - truth) < 0.02
