import numpy as np
import pytest

from replicate.measures import splits
from replicate.measures.morphometry import Morphometry

RANDOM = np.random.default_rng(0)
DIGIT = RANDOM.choice([4, 9, 3], 3000)
STYLES = Morphometry(*RANDOM.normal(size=(4, 3000)))


def by(values: np.ndarray) -> np.ndarray:
    """The digit given to each image by two categories of 4 and 9 that divide at 0; a 3 is given 3."""
    return np.where(DIGIT == 3, 3, np.where(values > 0, 4, 9))


@pytest.mark.parametrize("style", Morphometry._fields)
def test_the_style_that_divides_a_pair_is_found(style: str):
    values = getattr(STYLES, style)
    assert splits.best(STYLES, DIGIT, by(values), (4, 9)) == (style, 1.0)
    assert splits.best(STYLES, DIGIT, by(-values), (4, 9)) == (style, 1.0)


def test_a_pair_that_is_divided_by_digit_or_at_random_is_divided_by_no_style():
    mistaken = np.where(RANDOM.random(3000) < 0.1, 13 - DIGIT, DIGIT)  # a tenth of 4 and 9 is taken for the other
    for given in (DIGIT, mistaken, by(RANDOM.normal(size=3000))):
        assert splits.best(STYLES, DIGIT, given, (4, 9)).area < 0.6


def test_a_style_has_to_divide_both_digits():
    given = np.where(DIGIT == 9, by(STYLES.slant), DIGIT)  # of the 4s none is taken for a 9
    assert splits.best(STYLES, DIGIT, given, (4, 9)).area == 0.5


def test_the_area_is_the_share_of_pairs_in_the_right_order():
    styles = Morphometry(np.array([1.0, 2, 3, 4, 1, 2, 3, 4]), *np.zeros((3, 8)))
    digit, given = np.array([4] * 4 + [9] * 4), np.array([4, 9, 4, 9, 9, 9, 4, 4])
    assert splits.best(styles, digit, given, (4, 9)) == ("slant", 0.75)  # 3 of 4 pairs within 4, 4 of 4 within 9
