"""c1 of constructed models as a classifier and as a clustering of real images."""

import numpy as np
import pytest
import torch
from conftest import change
from test_codes import DIGITS, MODEL, labelled
from torch import nn

from replicate.gan.model import Model
from replicate.gan.run import Run
from replicate.measure import classification as stage
from replicate.measures import classification
from replicate.measures.classification import UNMATCHED


class First(nn.Module):
    """A trunk and a head at once: the category is the image's first pixel, of so many categories."""

    def __init__(self, categories: int = 10):
        super().__init__()
        self.categories = categories

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return (255 * images[:, 0, 0, :1]).round()

    def category_logits(self, features: torch.Tensor) -> torch.Tensor:
        return -(features - torch.arange(self.categories)).abs()


FIRST = Model(nn.Identity(), First(), First())


def first_pixels(category: torch.Tensor) -> torch.Tensor:
    """Images uint8 (N, 28, 28) whose first pixels are `category` (N,)."""
    images = torch.zeros(len(category), 28, 28, dtype=torch.uint8)
    images[:, 0, 0] = category
    return images


def test_a_c1_that_is_the_digit_has_no_error_by_any_count():
    (images, digit), category = labelled(100), np.arange(100) % 10
    counts = classification.contingency(category, digit.numpy(), 10)
    scores = stage.errors(MODEL, counts, category, (images, digit), labelled(20), 16)
    none = {f"error_{name}": 0 for name in ("one_to_one", "majority", "batch_statistics", "held_out")}
    partitions = {"ami": 1, "homogeneity": 1, "completeness": 1}
    assert scores == pytest.approx(none | partitions | {"digits_reached": 10})


def test_batch_statistics_are_of_whole_batches():
    images, digit = labelled(100)
    wrong = torch.where(torch.arange(100) < 9, (digit + 1) % 10, digit)
    counts = classification.contingency(np.arange(10), DIGITS.numpy(), 10)
    scores = stage.errors(MODEL, counts, np.arange(100) % 10, (images, wrong), labelled(0), 30)
    assert scores["error_one_to_one"] == pytest.approx(0.09)
    assert scores["error_batch_statistics"] == pytest.approx(0.1)  # of 90 images


def test_held_out_images_are_scored_by_the_matching_of_the_training_images():
    digit, counts = torch.arange(40) % 10, np.eye(10, dtype=int)
    right, wrong = first_pixels(digit), first_pixels(torch.where(torch.arange(40) < 2, (digit + 1) % 10, digit))

    def held_out(images: torch.Tensor, counts: np.ndarray) -> float | None:
        """The error on the first so many held-out images; the test images have none."""
        split = images, digit[: len(images)]
        return stage.errors(FIRST, counts, digit.numpy(), (right, digit), split, 10)["error_held_out"]

    assert held_out(right, counts) == 0 and held_out(wrong, counts) == 0.05
    assert held_out(right, counts[::-1]) == 1
    assert held_out(right[:0], counts) is None


def test_with_more_categories_than_digits_there_is_no_one_to_one_error_and_unmatched_images_are_in_no_cell():
    """Of 20 categories the latter ten hold three images a digit; each 3 is read as a 5 in the test split."""
    digit = torch.arange(10).repeat_interleave(10)
    category = torch.where(torch.arange(100) % 10 < 7, digit, digit + 10)
    counts = classification.contingency(category.numpy(), digit.numpy(), 20)
    read = torch.where(digit == 3, 5, category)
    model, test = Model(nn.Identity(), First(20), First(20)), (first_pixels(read), digit)
    scores = stage.errors(model, counts, read.numpy(), test, test, 10)
    assert scores["error_one_to_one"] is scores["error_batch_statistics"] is scores["error_held_out"] is None
    assert scores["error_majority"] == pytest.approx(0.1)
    given = classification.match_one_to_one(counts)[read]
    assert np.count_nonzero(given == UNMATCHED) == 27
    expected = 7 * np.eye(10)
    expected[3, [3, 5]] = 0, 10  # digits in rows, what c1 gives them in columns
    assert (stage.confusion(given, digit.numpy()) == expected).all()


def merging(variant: str, digit: np.ndarray, given: np.ndarray, params, **settings) -> dict:
    this = Run(variant, 0, change(params.settings(variant), **settings))
    images = labelled(len(digit))[0]
    return stage.merging(this, (images, torch.from_numpy(digit)), given, params.classification)


@pytest.mark.parametrize(
    ("read_as", "pairs", "among"),
    [({}, "", 0), ({4: 9}, "4-9", 1), ({4: 9, 7: 9, 3: 5}, "3-5 4-9 7-9", 2), ({4: 7, 7: 9, 9: 4}, "4-7 4-9 7-9", 3)],
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


def test_k_means_in_place_of_c1_finds_digits_that_are_apart(params):
    def split(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        digit, random = torch.arange(200) % 10, torch.Generator().manual_seed(seed)
        images = torch.randint(0, 50, (200, 28, 28), generator=random, dtype=torch.uint8)
        images[torch.arange(200), 2 * digit + 3] = 255  # a row for each digit
        return images, digit

    control = stage.control(split(0), split(1), 10, params.kmeans.model_copy(update={"restarts": 3}))
    assert control["ami"] == control["information_share"] == pytest.approx(1)
