import numpy as np
import pytest
import torch
from constructed import bars
from sklearn.metrics import adjusted_mutual_info_score

from replicate.measures import clustering, morphometry
from replicate.measures.morphometry import Morphometry

RANDOM = np.random.default_rng(0)
DIGIT = RANDOM.choice([4, 9, 3], 3000)
STYLES = Morphometry(*RANDOM.normal(size=(4, 3000)))


def confusion(**errors: int) -> np.ndarray:
    """900 right images a digit, and errors by digit and by what c1 says: d4_9=50."""
    counts = np.diag(np.full(10, 900))
    for name, n in errors.items():
        counts[int(name[1]), int(name[3])] = n
    return counts


def test_digits_are_merged_where_either_lies_in_the_category_of_the_other():
    assert clustering.merged_pairs(confusion(d4_9=99, d9_4=10), 0.1) == []
    assert clustering.merged_pairs(confusion(d4_9=100), 0.1) == [(4, 9)]
    assert clustering.merged_pairs(confusion(d9_4=400, d8_3=300, d3_5=20), 0.1) == [(3, 8), (4, 9)]


def by(values: np.ndarray) -> np.ndarray:
    """The digit given to each image by two categories of 4 and 9 that divide at 0; a 3 is given 3."""
    return np.where(DIGIT == 3, 3, np.where(values > 0, 4, 9))


@pytest.mark.parametrize("style", Morphometry._fields)
def test_the_style_that_separates_a_pair_is_found(style: str):
    values = getattr(STYLES, style)
    assert clustering.separation(STYLES, DIGIT, by(values), (4, 9)) == (style, 1.0)
    assert clustering.separation(STYLES, DIGIT, by(-values), (4, 9)) == (style, 1.0)


def test_a_pair_that_is_divided_by_digit_or_at_random_or_in_one_digit_is_separated_by_no_style():
    mistaken = np.where(RANDOM.random(3000) < 0.1, 13 - DIGIT, DIGIT)  # a tenth of 4 and 9 is taken for the other
    for given in (DIGIT, mistaken, by(RANDOM.normal(size=3000))):
        assert clustering.separation(STYLES, DIGIT, given, (4, 9))[1] < 0.6
    given = np.where(DIGIT == 9, by(STYLES.slant), DIGIT)  # of the 4s none is taken for a 9
    assert clustering.separation(STYLES, DIGIT, given, (4, 9))[1] == 0.5


def test_the_auc_is_the_share_of_pairs_in_the_right_order():
    styles = Morphometry(np.array([1.0, 2, 3, 4, 1, 2, 3, 4]), *np.zeros((3, 8)))
    digit, given = np.array([4] * 4 + [9] * 4), np.array([4, 9, 4, 9, 9, 9, 4, 4])
    found = clustering.separation(styles, digit, given, (4, 9))
    assert found == ("slant", 0.75)  # 3 of 4 pairs within 4, 4 of 4 within 9


def test_merged_classes_are_named_with_what_separates_them_and_the_error_that_is_theirs():
    given = by(STYLES.slant)
    counts = np.zeros((10, 10), dtype=int)
    np.add.at(counts, (DIGIT, given), 1)
    found = clustering.merged_classes(DIGIT, given, counts, STYLES, 0.1, 0.8)
    assert found["pairs"] == 1 and found["which"] == "4-9" and found["styles"] == "slant:1.00"
    assert found["error_without"] == 0 and found["error_by_style"] == pytest.approx(np.mean(given != DIGIT))
    assert clustering.merged_classes(DIGIT, given, counts, STYLES, 0.1, 1.01)["error_by_style"] == 0


def test_the_ceiling_is_that_of_a_perfect_clustering():
    digit = np.arange(2000) % 10
    assert clustering.ceiling(digit, 10) == pytest.approx(1)
    halves = digit * 2 + (np.arange(2000) // 10) % 2
    assert clustering.ceiling(digit, 20) == pytest.approx(adjusted_mutual_info_score(digit, halves))
    assert clustering.ceiling(digit, 5) == pytest.approx(adjusted_mutual_info_score(digit, digit % 5))


def sheared(by) -> np.ndarray:
    """Upright bars of 20 rows and 3 columns, whose middle then moves by so many pixels to the left a row down."""
    slant = torch.as_tensor(by).atan()
    return 255 * bars(slant, torch.full_like(slant, 3), 20)[:, 0].numpy()


def test_a_deskewed_image_does_not_lean_and_keeps_its_ink():
    images = sheared([-0.4, 0, 0.3])
    before, after = (morphometry.measure(each).slant for each in (images, clustering.deskew(images)))
    assert before == pytest.approx(np.arctan([-0.4, 0, 0.3]), abs=0.02)
    assert after == pytest.approx(0, abs=0.02)
    assert clustering.deskew(images).sum(axis=(1, 2)) == pytest.approx(images.sum(axis=(1, 2)), rel=0.01)
    assert np.array_equal(clustering.deskew(images)[1], np.float32(images[1]))


def test_the_nearest_are_those_of_the_same_shape_whatever_the_slant():
    random = np.random.default_rng(0)
    thin, other = (sheared(random.uniform(-0.4, 0.4, 6)) for _ in range(2))
    thick = np.clip(2 * other + np.roll(other, 3, axis=2), 0, 255)
    nearest = clustering.nearest(np.concatenate([thin, thick]), 5)
    assert nearest.shape == (12, 5)
    for i, found in enumerate(nearest):
        assert set(found) == {*range(6 * (i // 6), 6 * (i // 6) + 6)} - {i}


def test_knn_consistency_is_the_share_of_neighbours_in_the_same_category():
    nearest = np.array([[1, 2], [0, 2], [3, 0], [2, 1]])
    assert clustering.knn_consistency(np.array([0, 0, 0, 0]), nearest) == 1
    found = clustering.knn_consistency(np.array([7, 7, 2, 2, 9, 9]), nearest)
    assert found == 4 / 8  # more images than have neighbours
