import numpy as np
import pytest
import torch
from conftest import change

from replicate.gan import model
from replicate.measures import downstream, reading
from replicate.parameters import Parameters, Represent


@pytest.fixture(scope="module")
def options(params: Parameters) -> Represent:
    """Little to fit."""
    few = {"labels_per_digit": [5], "label_draws": 1, "penalties": [0.1], "kmeans_restarts": 1, "style_images": 80}
    return change(params, represent=few).represent


@pytest.fixture(scope="module")
def split(digits) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.cat([digits, digits.flip(2)]), torch.arange(80) % 10


def test_network_layers_are_standardised_and_probabilities_are_not(small, split):
    trained = model.fresh(small.settings("infogan"), np.random.SeedSequence(0)).eval()
    features = downstream.representations(trained, split, (split[0][:5], split[1][:5]))
    assert list(features) == ["posterior_c1", "head_outputs", "head_hidden", "trunk"]
    np.testing.assert_array_equal(features["posterior_c1"][0], reading.layers(trained, split[0])["posterior_c1"])
    for name in ("head_outputs", "head_hidden", "trunk"):
        of_train, of_test = features[name]
        np.testing.assert_allclose(of_train.mean(axis=0), 0, atol=1e-4)
        np.testing.assert_allclose(of_test, of_train[:5], atol=1e-4)


def test_every_representation_has_the_scores_of_the_measure(split, options):
    digit = split[1].numpy()
    known = np.eye(10, dtype=np.float32)[digit]
    constant = np.zeros((80, 3), dtype=np.float32)
    features = {"known": (known, known), "constant": (constant, constant)}
    scores = downstream.scores(features, split, split, options, "test")
    assert list(scores) == ["known", "constant"]
    assert scores["known"].keys() >= {"probe_error_5", "probe_error_all", "kmeans_error", "kmeans_nmi"}
    assert scores["known"]["probe_error_all"] == scores["known"]["probe_error_5"] == 0
    assert scores["constant"]["probe_error_all"] == pytest.approx(0.9)
    assert scores["constant"]["error_slant"] > 0.5 and scores["constant"]["error_thickness"] > 0.5


def test_terciles_have_the_borders_of_the_training_split():
    of_train, of_test = downstream.terciles(np.arange(9.0), np.array([-5.0, 4.0, 2.5, 70.0]))
    assert of_train.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert of_test.tolist() == [0, 1, 0, 2]


def test_styles_are_of_the_images(split):
    leaning = torch.zeros(9, 28, 28, dtype=torch.uint8)
    for i, image in enumerate(leaning):
        for row in range(4, 24):
            column = 14 + round((i - 4) * (13.5 - row) / 10)
            image[row, column - 1 : column + 1 + i % 3] = 255
    styles = downstream.styles(leaning, leaning.flip(0))
    assert styles["slant"][0].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert styles["slant"][1].tolist() == [2, 2, 2, 1, 1, 1, 0, 0, 0]
    assert styles["thickness"][0].tolist() == [0, 1, 2] * 3
