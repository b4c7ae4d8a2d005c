"""Specificity in spreads within a digit, on styles and changes whose values are known."""

import numpy as np
import pytest

from replicate.measures import specificity
from replicate.measures.morphometry import Morphometry


def test_a_spread_within_a_digit_leaves_out_what_digits_differ_in():
    slant = np.array([-1.0, 1.0, -1.0, 1.0])  # the same in both digits
    width = np.array([0.0, 2.0, 6.0, 8.0])  # 1 within each, √10 over all
    found = specificity.within_digit(Morphometry(slant, width, width, width), np.array([1, 1, 8, 8]))
    assert found == {"slant": 1, "width": pytest.approx(1 / np.sqrt(10))}


def test_of_the_worse_code_in_these_spreads():
    changes = {"rotation_own": 2.0, "rotation_other": 1.0, "width_own": 1.0, "width_other": 2.0}
    moved = {f"disentanglement.{name}": change for name, change in changes.items()}
    assert specificity.lowest(moved, {"slant": 1, "width": 1}) == pytest.approx(1 / 3)
    assert specificity.lowest(moved, {"slant": 1, "width": 0.25}) == pytest.approx(1 / 3)  # 2 of 6; the other 4 of 6
    assert specificity.lowest(moved | {"disentanglement.rotation_own": 0.0}, {"slant": 1, "width": 1}) == 0
