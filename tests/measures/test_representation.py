import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from replicate.gan import model
from replicate.measures import reading, representation
from replicate.measures.probes import Task

KMEANS = SimpleNamespace(seed=0, images=300, restarts=3)


@pytest.fixture(scope="module")
def split(digits) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.cat([digits, digits.flip(2)]), torch.arange(80) % 10


def test_layers_of_a_network_are_standardised_and_probabilities_are_not(params, split):
    trained = model.fresh(params.settings("infogan"), np.random.SeedSequence(0)).eval()
    features = representation.representations(trained, split, (split[0][:5], split[1][:5]))
    of_c1, _ = features.pop("posterior_c1")
    np.testing.assert_array_equal(of_c1, reading.layers(trained, split[0])["posterior_c1"])
    for of_train, of_test in features.values():
        np.testing.assert_allclose(of_train.mean(axis=0), 0, atol=1e-4)
        np.testing.assert_allclose(of_test, of_train[:5], atol=1e-4)


def test_a_representation_that_is_the_digit_has_no_error_and_one_of_noise_has_many(params, split):
    few = {"labels_per_digit": [5], "label_draws": 1, "penalties": [0.1], "style_images": 80}
    known = np.eye(10, dtype=np.float32)[split[1]]
    noise = np.random.default_rng(0).normal(size=(80, 3)).astype(np.float32)
    features = {"known": (known, known), "noise": (noise, noise)}
    options = params.probes.model_copy(update=few), params.kmeans.model_copy(update={"restarts": 1})
    scores = representation.scores(features, split, split, *options, "test")
    errors = ["probe_error_5", "probe_error_all", "kmeans_error", "kmeans_error_majority"]
    assert [scores["known"][name] for name in errors] == [0, 0, 0, 0]
    names = ["probe_error_5", "probe_error_all", "kmeans_error", "error_slant", "error_thickness"]
    assert min(scores["noise"][name] for name in names) > 0.4


def test_styles_are_of_the_images():
    leaning = torch.zeros(9, 28, 28, dtype=torch.uint8)
    for i, image in enumerate(leaning):
        for row in range(4, 24):
            column = 14 + round((i - 4) * (13.5 - row) / 10)
            image[row, column - 1 : column + 1 + i % 3] = 255
    styles = representation.styles(leaning, leaning.flip(0))
    assert styles["slant"][0].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert styles["slant"][1].tolist() == [2, 2, 2, 1, 1, 1, 0, 0, 0]
    assert styles["thickness"][0].tolist() == [0, 1, 2] * 3


def test_clusters_are_matched_one_to_one_and_by_majority():
    cluster, digit = np.repeat([0, 0, 1, 1], [50, 20, 40, 30]), np.repeat([3, 5, 3, 5], [50, 20, 40, 30])
    features = np.eye(2, dtype=np.float32)[cluster]
    scores = representation.kmeans_scores(Task(features, digit, features, digit), KMEANS)
    assert scores["kmeans_error_majority"] == pytest.approx(50 / 140)  # both are 3
    assert scores["kmeans_error"] == pytest.approx(60 / 140)  # one is 3, the other 5


def test_information_of_a_code_as_fine_as_the_digit_finer_or_coarser():
    digit = np.repeat(np.arange(10), 100)
    same, finer, coarser, constant = (
        representation.label_information(code, digit)
        for code in ((digit + 3) % 10, 2 * digit + np.arange(1000) % 2, digit // 2, 0 * digit)
    )
    assert same["information"] == pytest.approx(math.log(10) + 9 / 2000)
    assert [each["information_share"] for each in (same, finer, coarser)] == pytest.approx([1, 1, 1])
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
