import math

import numpy as np
import pytest
import torch
from conftest import change
from torch import nn

from replicate import evaluate
from replicate.gan.information import Posterior, variational
from replicate.gan.latent import Codes
from replicate.gan.model import Model
from replicate.measures import classification, continuous_codes
from replicate.parameters import Parameters

LEVELS = 0.4 + 0.06 * torch.arange(10)  # brightness of the bars that the made generator draws for each category
DIGITS = torch.tensor([3, 1, 4, 0, 5, 9, 2, 6, 8, 7])  # and the digit that the made judge takes each for
ITERATIONS = np.arange(10, 2001, 10)
LOG = {"iteration": ITERATIONS, "information_c1": np.minimum(ITERATIONS / 500, 1) * math.log(10)}


class Bars(nn.Module):
    """A generator (N, 74) -> (N, 1, 28, 28): c1 sets a bar's brightness, c2 widens it, c3 turns it left."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        y, x = torch.meshgrid(torch.arange(28) - 13.5, torch.arange(28) - 13.5, indexing="ij")
        widening, turning = inputs[:, -2, None, None], inputs[:, -1, None, None]
        distance = (x - (0.1 * turning).tan() * y).abs()
        bars = ((8 + widening) / 2 + 0.5 - distance).clamp(0, 1) * (y.abs() < 9)
        return (bars * LEVELS[inputs[:, -12:-2].argmax(dim=1), None, None])[:, None]


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
    """Log-probabilities of a judge that knows the digits."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        digit = DIGITS[Levels().category_logits(pixels.amax(dim=1, keepdim=True)).argmax(dim=1)]
        return (0.01 + 0.9 * nn.functional.one_hot(digit, 10)).log()


MODEL = Model(Bars(), Levels(), Levels())
JUDGE = nn.Sequential(nn.PixelUnshuffle(28), nn.Flatten(), Names())  # whose maps are a pixel each


@pytest.fixture(scope="module")
def few(params: Parameters) -> Parameters:
    """The committed parameters, with little to measure."""
    sizes = {"samples_per_category": 24, "traversals_per_category": 2, "bound_samples": 2000, "real_images": 100}
    values = {"traversal_values": [-2.0, -1.0, 0.0, 1.0, 2.0]}
    return change(params, evaluate=sizes | values, train={"batch_size": 16})


def labelled(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images uint8 (N, 28, 28) of bars of all ten brightnesses, many widths and slants, and their digits."""
    category = torch.arange(n) % 10
    inputs = torch.zeros(n, 74)
    inputs[torch.arange(n), 62 + category] = 1
    inputs[:, -2:] = torch.rand(n, 2, generator=torch.Generator().manual_seed(n)) * 2 - 1
    return (255 * Bars()(inputs)[:, 0]).round().to(torch.uint8), DIGITS[category]


@pytest.fixture(scope="module")
def evaluation(few: Parameters) -> evaluate.Evaluation:
    splits = labelled(100), labelled(40), labelled(20)
    return evaluate.evaluate(MODEL, JUDGE, *splits, LOG, few.settings("infogan"), few.evaluate)


def test_a_run_that_does_all_the_paper_says_scores_so(evaluation):
    metrics = evaluation.metrics
    errors = {f"error_{name}": 0 for name in ("one_to_one", "majority", "batch_statistics", "held_out")}
    partitions = {"ami": 1, "homogeneity": 1, "completeness": 1}
    assert metrics["classification"] == pytest.approx(errors | partitions | {"digits_reached": 10, "merged_4_7_9": 0})
    purity = {"mean": 1, "lowest": 1, "one_to_one": 1, "digits_reached": 10}
    assert metrics["purity"] == purity | {"by_category": [1] * 10, "digit_of_category": DIGITS.tolist()}
    assert metrics["switching"] == {"switched": 1, "switched_lowest": 1, "digits_in_a_row": 10}
    real_std = continuous_codes.spread(labelled(40)[0].numpy())
    assert metrics["rotation"]["slant_change"] == pytest.approx(0.2 / real_std["slant"], rel=0.05)
    assert metrics["rotation"]["digits_against"] == 0
    assert metrics["width"]["width_change"] == pytest.approx(2 / real_std["width"], rel=0.1)
    assert metrics["disentanglement"]["digit_kept_lowest"] == metrics["extrapolation"]["kept_lowest"] == 1
    assert metrics["disentanglement"]["specificity_lowest"] > 0.9
    assert metrics["extrapolation"]["further_lowest"] > 0.8
    expected = [{"digit": digit, **{str(given): 4 * (given == digit) for given in range(10)}} for digit in range(10)]
    assert evaluation.confusion == expected


def test_information_comes_from_the_log_and_from_fresh_codes(evaluation):
    information = evaluation.metrics["information"]
    assert information["share_at_1000"] == pytest.approx(1)
    assert information["iterations_to_95_percent"] == 480  # the first row at or above 0.95 · 500
    assert information["share_at_end"] == pytest.approx(1, abs=1e-4)
    # log 2 − ½ log 2π − E[c²] / 2, of a Q that knows nothing of c2, c3 ~ Unif(−1, 1)
    expected = math.log(2) - 0.5 * math.log(2 * math.pi) - 1 / 6
    assert [information["lower_bound_c2"], information["lower_bound_c3"]] == pytest.approx([expected] * 2, abs=0.02)


def test_information_of_a_training_that_is_too_short_has_no_share():
    log = {"iteration": np.arange(10, 501, 10), "information_c1": np.full(50, 0.1)}
    information = evaluate.measure_information(log, [0.1, 0.0, 0.0], math.log(10))
    assert information["lower_bound_c1_at_1000"] is information["share_at_1000"] is None
    assert information["iterations_to_95_percent"] is None
    assert information["share_at_end"] == pytest.approx(0.1 / math.log(10))


class First(nn.Module):
    """A trunk and a head at once: the category is the image's first pixel, of so many categories."""

    def __init__(self, categories: int = 20):
        super().__init__()
        self.categories = categories

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return (255 * images[:, 0, 0, :1]).round()

    def category_logits(self, features: torch.Tensor) -> torch.Tensor:
        return -(features - torch.arange(self.categories)).abs()


MODEL_OF_FIRST = Model(nn.Identity(), First(), First())
MODEL_OF_FOUR = Model(nn.Identity(), First(4), First(4))


def test_the_confusion_has_digits_in_its_rows_and_leaves_out_images_of_an_unmatched_category():
    """Of 20 categories the latter ten hold three images a digit; each 3 is read as a 5 in the test split."""
    digit = torch.arange(10).repeat_interleave(10)
    category = torch.where(torch.arange(100) % 10 < 7, digit, digit + 10)
    images = torch.zeros(2, 100, 28, 28, dtype=torch.uint8)
    images[:, :, 0, 0] = torch.stack([category, torch.where(digit == 3, 5, category)])
    counts = classification.contingency(category.numpy(), digit.numpy(), 20)
    test = images[1], digit
    scores, confusion = evaluate.classify(MODEL_OF_FIRST, counts, test, test, 10)
    expected = 7 * np.eye(10)
    expected[3, [3, 5]] = 0, 10
    assert (confusion == expected).all()
    assert scores["error_one_to_one"] is scores["error_batch_statistics"] is scores["error_held_out"] is None
    assert scores["merged_4_7_9"] is None
    assert scores["error_majority"] == pytest.approx(0.1)


def test_batch_statistics_are_of_whole_batches():
    images, digit = labelled(100)
    wrong = torch.where(torch.arange(100) < 9, (digit + 1) % 10, digit)
    counts = classification.contingency(np.arange(10), DIGITS.numpy(), 10)
    scores, _ = evaluate.classify(MODEL, counts, (images, wrong), labelled(0), 30)
    assert scores["error_one_to_one"] == pytest.approx(0.09)
    assert scores["error_batch_statistics"] == pytest.approx(0.1)  # of 90 images


def first_pixels(category: torch.Tensor) -> torch.Tensor:
    """Images uint8 (N, 28, 28) whose first pixels are `category` (N,)."""
    images = torch.zeros(len(category), 28, 28, dtype=torch.uint8)
    images[:, 0, 0] = category
    return images


def test_held_out_images_are_scored_by_the_matching_of_the_training_images():
    digit = torch.arange(40) % 10
    counts = np.eye(10, dtype=int)
    test, wrong = first_pixels(digit), first_pixels(torch.where(torch.arange(40) < 2, (digit + 1) % 10, digit))
    right, _ = evaluate.classify(MODEL_OF_FIRST, counts, (wrong, digit), (test, digit), 10)
    errs, _ = evaluate.classify(MODEL_OF_FIRST, counts, (test, digit), (wrong, digit), 10)
    none, _ = evaluate.classify(MODEL_OF_FIRST, counts, (test, digit), (test[:0], digit[:0]), 10)
    opposite, _ = evaluate.classify(MODEL_OF_FIRST, counts[::-1], (test, digit), (test, digit), 10)
    assert (right["error_held_out"], right["error_one_to_one"]) == (0, 0.05)
    assert (errs["error_held_out"], errs["error_one_to_one"]) == (0.05, 0)
    assert none["error_held_out"] is None and opposite["error_held_out"] == 1


@pytest.mark.parametrize(("read_as", "merged"), [({}, 0), ({4: 9}, 1), ({4: 9, 7: 9}, 2), ({4: 7, 7: 9, 9: 4}, 3)])
def test_merged_classes_among_4_7_and_9(read_as, merged):
    """A tenth of a digit's images is read as another digit; 3 and 5 are merged too, which is not counted."""
    digit = torch.arange(200) % 10
    category = digit.clone()
    for one, other in (read_as | {3: 5}).items():
        category[(digit == one).nonzero()[:2, 0]] = other
    test = first_pixels(category), digit
    scores, _ = evaluate.classify(MODEL_OF_FIRST, np.eye(10, dtype=int), test, labelled(0), 10)
    assert scores["merged_4_7_9"] == merged


def test_merged_classes_of_a_run_without_4_7_and_9_have_no_number():
    digit = torch.arange(40) % 4
    counts = np.eye(4, 10, dtype=int)
    scores, _ = evaluate.classify(MODEL_OF_FOUR, counts, (first_pixels(digit), digit), labelled(0), 10)
    assert scores["error_one_to_one"] == 0 and scores["merged_4_7_9"] is None
