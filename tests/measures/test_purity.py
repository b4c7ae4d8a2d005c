import numpy as np
import pytest
from replicate.measures import purity


def test_shares_and_digits_by_hand():
    category = np.repeat([0, 1, 2], 4)
    judged = np.array([8, 8, 8, 1, 5, 5, 5, 5, 8, 8, 2, 3])
    assert purity.scores(category, judged, 3) == {
        "mean": 0.75,
        "lowest": 0.5,
        "digits_reached": 2,
        "by_category": [0.75, 1.0, 0.5],
        "digit_of_category": [8, 5, 8],
    }


def test_a_category_without_images_is_an_error():
    with pytest.raises(ValueError, match="every category"):
        purity.scores(np.array([0, 2]), np.array([1, 1]), 3)
