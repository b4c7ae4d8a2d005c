import math

import numpy as np
import pytest
import torch
from conftest import change

from replicate import networks, represent
from replicate.params import Params


@pytest.fixture(scope="module")
def settings(small: Params) -> Params:
    return change(small, "represent", labels_per_digit=[5], label_draws=1, penalties=[0.1], kmeans_restarts=1)


def fresh(objective: str, config: Params) -> networks.Run:
    run = networks.build(objective, config)
    networks.initialise(run, torch.Generator().manual_seed(0))
    return networks.Run(*(network.eval() for network in run))


@pytest.mark.parametrize(
    ("objective", "code_std", "outputs"), [("infogan", "learned", 14), ("gan", "fixed", 12), ("infomax", "fixed", 48)]
)
def test_layers_are_those_of_the_run(objective, code_std, outputs, small, digits):
    run = fresh(objective, change(small, "networks", code_std=code_std))
    layers = represent.layers(run, digits, batch_size=7)
    assert {name: layer.shape for name, layer in layers.items()} == {
        "posterior_c1": (40, 10), "head_outputs": (40, outputs), "head_hidden": (40, 128), "trunk": (40, 1024)
    }  # fmt: skip
    np.testing.assert_allclose(layers["posterior_c1"].sum(axis=1), 1, rtol=1e-5)
    with torch.no_grad():
        trunk = run.discriminator.features(digits[:, None].float() / 255)
        expected = run.head.category_logits(trunk).log_softmax(dim=1)
    np.testing.assert_allclose(layers["trunk"], trunk, atol=1e-6)
    np.testing.assert_allclose(np.log(layers["posterior_c1"]), expected, atol=1e-5)


def test_a_run_is_represented_by_names_scores_and_its_leak(settings, digits):
    split = torch.cat([digits, digits.flip(2)]), torch.arange(80) % 10
    metrics = represent.represent(fresh("infogan", settings), split, split, settings, "test")
    assert list(metrics) == ["posterior_c1", "head_outputs", "head_hidden", "trunk", "code_label_information"]
    for name in list(metrics)[:-1]:
        assert list(metrics[name]) == ["probe_error_5", "probe_error_all", "kmeans_error", "kmeans_nmi"]
        assert all(0 <= score <= 1 for score in metrics[name].values())
    assert metrics["trunk"]["probe_error_all"] < 0.1  # seen images, with features enough to know each by heart
    assert metrics["code_label_information"]["entropy_digit"] == pytest.approx(math.log(10) + 9 / 160)


def test_network_layers_are_standardised_and_probabilities_are_not(settings, digits):
    run = fresh("infogan", settings)
    features = represent.representations(run, digits, digits[:5])
    raw = represent.layers(run, digits)
    np.testing.assert_array_equal(features["posterior_c1"][0], raw["posterior_c1"])
    for name in ("head_outputs", "head_hidden", "trunk"):
        train, test = features[name]
        np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-4)
        np.testing.assert_allclose(test, train[:5], atol=1e-4)
