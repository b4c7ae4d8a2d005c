"""A constructed run that does all that the paper says scores so; c1 of constructed models beside digits."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import change
from constructed import VALUES, bars
from torch import nn

from replicate.gan.information import Posterior, variational
from replicate.gan.latent import Codes
from replicate.gan.model import Model
from replicate.gan.run import Run
from replicate.measure import classification as stage
from replicate.measure import codes
from replicate.measures import classification, continuous_codes, morphometry
from replicate.measures.classification import UNMATCHED
from replicate.parameters import Parameters

LEVELS = 0.4 + 0.06 * torch.arange(10)  # brightness of the bars that the made generator draws for each category
DIGITS = torch.tensor([3, 1, 4, 0, 5, 9, 2, 6, 8, 7])  # and the digit that the made classifier takes each for
LOG = pd.DataFrame({"iteration": np.arange(10, 2001, 10), "information_c1": np.arange(1, 201) / 200 * math.log(10)})


def draw(inputs: torch.Tensor) -> torch.Tensor:
    """A generator (N, 74) -> (N, 1, 28, 28): c1 sets a bar's brightness, c2 widens it, c3 turns it left."""
    level = LEVELS[inputs[:, -12:-2].argmax(dim=1)]
    return bars(-0.1 * inputs[:, -1], 8 + inputs[:, -2]) * level[:, None, None, None]


class Levels(nn.Module):
    """A trunk and a head at once: it knows which brightness is which category, and nothing of c2 and c3."""

    def __init__(self, levels: torch.Tensor = LEVELS):
        super().__init__()
        self.levels = levels

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1).amax(dim=1, keepdim=True)

    def category_logits(self, features: torch.Tensor) -> torch.Tensor:
        return -2000 * (features - self.levels).abs()

    def lower_bounds(self, features: torch.Tensor, codes: Codes) -> torch.Tensor:
        zeros = torch.zeros(len(features), 2)
        means = variational(Posterior(self.category_logits(features), zeros, zeros + 1), codes).mean(dim=0)
        return means + torch.tensor([math.log(10), math.log(2), math.log(2)])


class Names(nn.Module):
    """Log-probabilities of a classifier that knows the digits."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        digit = DIGITS[Levels().category_logits(pixels.amax(dim=1, keepdim=True)).argmax(dim=1)]
        return (0.01 + 0.9 * nn.functional.one_hot(digit, 10)).log()


MODEL = Model(draw, Levels(), Levels())
CLASSIFIER = nn.Sequential(nn.PixelUnshuffle(28), nn.Flatten(), Names())  # whose maps are a pixel each


def labelled(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images uint8 (N, 28, 28) of bars of all ten brightnesses, many widths and slants, and their digits."""
    category = torch.arange(n) % 10
    inputs = torch.zeros(n, 74)
    inputs[torch.arange(n), 62 + category] = 1
    inputs[:, -2:] = torch.rand(n, 2, generator=torch.Generator().manual_seed(n)) * 2 - 1
    return (255 * draw(inputs)[:, 0]).round().to(torch.uint8), DIGITS[category]


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
    assert metrics["switching"] == {"switched": 1, "digits_in_a_row": 10}
    real_std = continuous_codes.deviations(morphometry.measure(labelled(40)[0].numpy()))
    rotation, width, apart = metrics["rotation"], metrics["width"], metrics["disentanglement"]
    assert (rotation["code"], rotation["sign"], width["code"], width["sign"]) == ("c3", -1, "c2", 1)
    assert abs(rotation["width_change"]) < 0.05 and abs(width["slant_change"]) < 0.02
    assert rotation["slant_correlation"] == width["width_correlation"] == pytest.approx(1)
    assert rotation["slant_change"] == pytest.approx(0.2 / real_std["slant"], rel=0.05)
    assert rotation["digits_against"] == 0 and rotation["against"] == ""
    assert width["width_change"] == pytest.approx(2 / real_std["width"], rel=0.1)
    assert apart["digit_kept_lowest"] == metrics["extrapolation"]["kept_lowest"] == 1
    assert min(apart["specificity_lowest"], apart["specificity_within_lowest"]) > 0.9
    assert metrics["extrapolation"]["further_lowest"] > 0.8
    assert metrics["variation"]["rotation_residual_2"] < 0.01  # a shear and nothing beyond


def test_information_comes_from_the_log_and_from_fresh_codes(metrics):
    information = metrics["information"]
    assert information["share_at_1000"] == pytest.approx(955 / 2000)  # the mean from 910 to 1000
    assert information["iterations_to_95_percent"] == 1900
    assert information["share_at_end"] == pytest.approx(1, abs=1e-4)
    # log 2 − ½ log 2π − E[c²] / 2, of a Q that knows nothing of c2, c3 ~ Unif(−1, 1)
    expected = math.log(2) - 0.5 * math.log(2 * math.pi) - 1 / 6
    assert [information["lower_bound_c2"], information["lower_bound_c3"]] == pytest.approx([expected] * 2, abs=0.02)
    of_short = codes.measure_information(LOG[:50], [0.1, 0.0, 0.0], math.log(10))
    assert of_short["share_at_1000"] is of_short["iterations_to_95_percent"] is None
    assert of_short["share_at_end"] == pytest.approx(0.1 / math.log(10))


class WithBatchStatistics(Levels):
    """It reads the next category where it has the statistics of a batch."""

    def category_logits(self, features: torch.Tensor) -> torch.Tensor:
        return super().category_logits(features).roll(int(self.training), dims=1)


FIRST, FIRST_OF_20 = (Model(nn.Identity(), each, each) for each in (Levels(torch.arange(K) / 255) for K in (10, 20)))


def first_pixels(category: torch.Tensor) -> torch.Tensor:
    """Images uint8 (N, 28, 28) whose first pixels are `category` (N,), for FIRST."""
    images = torch.zeros(len(category), 28, 28, dtype=torch.uint8)
    images[:, 0, 0] = category
    return images


def test_errors_of_a_c1_that_is_the_digit_and_where_some_labels_are_wrong():
    digit, counts = torch.arange(100) % 10, np.eye(10, dtype=int)
    wrong = torch.where(torch.arange(100) < 9, (digit + 1) % 10, digit)
    images = first_pixels(digit)

    def errors(labels: torch.Tensor, held_out: int, counts: np.ndarray = counts) -> dict[str, float | None]:
        """Of the test images, and of the first so many of them as held-out ones; batches are of 30."""
        held_out = images[:held_out], labels[:held_out]
        return stage.errors(FIRST, counts, digit.numpy(), (images, labels), held_out, 30)

    none = {f"error_{name}": 0 for name in ("one_to_one", "majority", "batch_statistics", "held_out")}
    assert errors(digit, 100) == pytest.approx(none | {"ami": 1})
    of_wrong = errors(wrong, 40)
    assert [of_wrong["error_one_to_one"], of_wrong["error_held_out"]] == pytest.approx([0.09, 9 / 40])
    assert of_wrong["error_batch_statistics"] == pytest.approx(0.1)  # of whole batches: 90 images
    assert errors(digit, 0)["error_held_out"] is None
    trained = Model(nn.Identity(), FIRST.discriminator, WithBatchStatistics(torch.arange(10) / 255)).eval()
    of_batches = stage.errors(trained, counts, digit.numpy(), (images, digit), (images, digit), 30)
    assert (of_batches["error_batch_statistics"], of_batches["error_held_out"]) == (1, 0)
    reversed_ = errors(digit, 40, counts[::-1])  # the matching is that of the training images
    assert reversed_["error_one_to_one"] == reversed_["error_majority"] == reversed_["error_held_out"] == 1


def test_with_more_categories_than_digits_there_is_no_one_to_one_error_and_unmatched_images_are_in_no_cell():
    """Of 20 categories the latter ten hold three images a digit; each 3 is read as a 5 in the test split."""
    digit = torch.arange(10).repeat_interleave(10)
    category = torch.where(torch.arange(100) % 10 < 7, digit, digit + 10)
    counts = classification.contingency(category.numpy(), digit.numpy(), 20)
    read = torch.where(digit == 3, 5, category)
    test = first_pixels(read), digit
    scores = stage.errors(FIRST_OF_20, counts, read.numpy(), test, test, 10)
    assert scores["error_one_to_one"] is scores["error_batch_statistics"] is scores["error_held_out"] is None
    assert scores["error_majority"] == pytest.approx(0.1)
    given, expected = classification.match_one_to_one(counts)[read], 7 * np.eye(10)
    assert np.count_nonzero(given == UNMATCHED) == 27
    expected[3, [3, 5]] = 0, 10  # digits in rows, what c1 gives them in columns
    assert (stage.confusion(given, digit.numpy()) == expected).all()


def merging(variant: str, digit: np.ndarray, given: np.ndarray, params, **settings) -> dict:
    this = Run(variant, 0, change(params.settings(variant), **settings))
    images = labelled(len(digit))[0]
    return stage.merging(this, (images, torch.from_numpy(digit)), given, params.classification)


@pytest.mark.parametrize(
    ("read_as", "pairs", "among"),
    [({}, "", 0), ({4: 9, 7: 9, 3: 5}, "3-5 4-9 7-9", 2), ({4: 7, 7: 9, 9: 4}, "4-7 4-9 7-9", 3)],
)
def test_classes_are_merged_where_a_tenth_of_a_digit_is_read_as_another(read_as, pairs, among, params):
    digit = np.arange(200) % 10
    given = digit.copy()
    for one, other in read_as.items():
        given[np.flatnonzero(digit == one)[:2]] = other
    found = merging("infogan", digit, given, params)
    assert found["merged"]["which"] == pairs and found["merged_4_7_9"] == among
    assert found["merged"]["error_without"] == 0


def test_what_cannot_be_merged_has_no_number(params):
    digit = np.arange(200) % 10
    of_gan, of_k20 = (merging(variant, digit, digit, params) for variant in ("gan", "k20"))
    assert set(of_gan["merged"].values()) == set(of_k20["merged"].values()) == {None}
    assert of_gan["merged_4_7_9"] == 0 and of_k20["merged_4_7_9"] is None
    four = merging("infogan", digit % 4, digit % 4, params, train={"digits": [0, 1, 2, 3]}, latent={"categories": 4})
    assert four["merged"]["pairs"] == 0 and four["merged_4_7_9"] is None
