"""A constructed run that does all that the paper says scores so."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import change
from constructed import VALUES, bars, lacking
from torch import nn

from replicate.gan.information import Posterior, variational
from replicate.gan.latent import Codes
from replicate.gan.model import Model
from replicate.measure import codes
from replicate.measures import continuous_codes, morphometry
from replicate.parameters import Parameters

LEVELS = 0.4 + 0.06 * torch.arange(10)  # brightness of the bars that the made generator draws for each category
DIGITS = torch.tensor([3, 1, 4, 0, 5, 9, 2, 6, 8, 7])  # and the digit that the made classifier takes each for
ITERATIONS = np.arange(10, 2001, 10)
LOG = pd.DataFrame({"iteration": ITERATIONS, "information_c1": np.minimum(ITERATIONS / 500, 1) * math.log(10)})


class Bars(nn.Module):
    """A generator (N, 74) -> (N, 1, 28, 28): c1 sets a bar's brightness, c2 widens it, c3 turns it left."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        level = LEVELS[inputs[:, -12:-2].argmax(dim=1)]
        return bars(-0.1 * inputs[:, -1], 8 + inputs[:, -2]) * level[:, None, None, None]


class Levels(nn.Module):
    """A trunk and a head at once: it knows which brightness is which category, and nothing of c2 and c3."""

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1).amax(dim=1, keepdim=True)

    def category_logits(self, features: torch.Tensor) -> torch.Tensor:
        return -2000 * (features - LEVELS).abs()

    def lower_bounds(self, features: torch.Tensor, codes: Codes) -> torch.Tensor:
        zeros = torch.zeros(len(features), 2)
        means = variational(Posterior(self.category_logits(features), zeros, zeros + 1), codes).mean(dim=0)
        return means + torch.tensor([math.log(10), math.log(2), math.log(2)])


class Names(nn.Module):
    """Log-probabilities of a classifier that knows the digits."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        digit = DIGITS[Levels().category_logits(pixels.amax(dim=1, keepdim=True)).argmax(dim=1)]
        return (0.01 + 0.9 * nn.functional.one_hot(digit, 10)).log()


MODEL = Model(Bars(), Levels(), Levels())
CLASSIFIER = nn.Sequential(nn.PixelUnshuffle(28), nn.Flatten(), Names())  # whose maps are a pixel each


def labelled(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images uint8 (N, 28, 28) of bars of all ten brightnesses, many widths and slants, and their digits."""
    category = torch.arange(n) % 10
    inputs = torch.zeros(n, 74)
    inputs[torch.arange(n), 62 + category] = 1
    inputs[:, -2:] = torch.rand(n, 2, generator=torch.Generator().manual_seed(n)) * 2 - 1
    return (255 * Bars()(inputs)[:, 0]).round().to(torch.uint8), DIGITS[category]


@pytest.fixture(scope="module")
def metrics(params: Parameters) -> dict:
    sizes = {"samples_per_category": 24, "traversals_per_category": 2, "bound_samples": 2000, "real_images": 100}
    options = params.codes.model_copy(update=sizes | {"traversal_values": VALUES})
    test, settings = labelled(40), change(params.settings("infogan"), train={"batch_size": 16})
    styles = morphometry.measure(test[0].numpy())
    return codes.measure(MODEL, CLASSIFIER, DIGITS.numpy(), test, styles, LOG, settings, options)[0]


def test_a_run_that_does_all_that_the_paper_says_scores_so(metrics):
    shares = {"mean": 1, "lowest": 1, "one_to_one": 1, "digits_reached": 10}
    assert metrics["consistency"] == shares | {"by_category": [1] * 10, "digit_of_category": DIGITS.tolist()}
    assert metrics["switching"] == {"switched": 1, "switched_lowest": 1, "digits_in_a_row": 10}
    real_std = continuous_codes.spread(labelled(40)[0].numpy())
    rotation, width = metrics["rotation"], metrics["width"]
    assert (rotation["code"], width["code"]) == ("c3", "c2")
    assert rotation["slant_correlation"] == width["width_correlation"] == pytest.approx(1)
    assert rotation["slant_change"] == pytest.approx(0.2 / real_std["slant"], rel=0.05)
    assert rotation["digits_against"] == 0 and rotation["against"] == ""
    assert width["width_change"] == pytest.approx(2 / real_std["width"], rel=0.1)
    assert metrics["disentanglement"]["digit_kept_lowest"] == metrics["extrapolation"]["kept_lowest"] == 1
    assert metrics["disentanglement"]["specificity_lowest"] > 0.9
    assert metrics["disentanglement"]["specificity_within_lowest"] > 0.9
    assert metrics["extrapolation"]["further_lowest"] > 0.8
    assert metrics["variation"]["rotation_residual_2"] < 0.01  # a shear and nothing beyond


def test_information_comes_from_the_log_and_from_fresh_codes(metrics):
    information = metrics["information"]
    assert information["share_at_1000"] == pytest.approx(1)
    assert information["iterations_to_95_percent"] == 480  # the first row at or above 0.95 · 500
    assert information["share_at_end"] == pytest.approx(1, abs=1e-4)
    # log 2 − ½ log 2π − E[c²] / 2, of a Q that knows nothing of c2, c3 ~ Unif(−1, 1)
    expected = math.log(2) - 0.5 * math.log(2 * math.pi) - 1 / 6
    assert [information["lower_bound_c2"], information["lower_bound_c3"]] == pytest.approx([expected] * 2, abs=0.02)


def test_registered_metrics_are_those_that_are_measured(metrics):
    assert lacking("codes", metrics) == set() and len(lacking("codes", {})) > 20


def test_information_of_a_run_that_is_too_short_has_no_share():
    log = pd.DataFrame({"iteration": np.arange(10, 501, 10), "information_c1": np.full(50, 0.1)})
    information = codes.measure_information(log, [0.1, 0.0, 0.0], math.log(10))
    assert information["lower_bound_c1_at_1000"] is information["share_at_1000"] is None
    assert information["iterations_to_95_percent"] is None
    assert information["share_at_end"] == pytest.approx(0.1 / math.log(10))
