import numpy as np
import pytest

from replicate.measures import morphometry, neighbours


def bar(shear: float) -> np.ndarray:
    """A bar of 20 rows and 3 columns, whose middle moves by `shear` pixels to the left a row down."""
    rows, columns = np.mgrid[:28, :28]
    distance = np.abs(columns - (14 - shear * (rows - 13.5)))
    return np.where((rows > 3) & (rows < 24), np.clip(2 - distance, 0, 1), 0) * 255


def test_a_deskewed_image_does_not_lean_and_keeps_its_ink():
    images = np.stack([bar(shear) for shear in (-0.4, 0, 0.3)])
    before, after = (morphometry.measure(each).slant for each in (images, neighbours.deskew(images)))
    assert before == pytest.approx(np.arctan([-0.4, 0, 0.3]), abs=0.02)
    assert after == pytest.approx(0, abs=0.02)
    assert neighbours.deskew(images).sum(axis=(1, 2)) == pytest.approx(images.sum(axis=(1, 2)), rel=0.01)
    assert np.array_equal(neighbours.deskew(images)[1], np.float32(images[1]))


def test_the_nearest_are_those_of_the_same_shape_whatever_the_slant():
    random = np.random.default_rng(0)
    bars = [bar(shear) for shear in random.uniform(-0.4, 0.4, 6)]
    thick = [np.clip(2 * bar(shear) + np.roll(bar(shear), 3, axis=1), 0, 255) for shear in random.uniform(-0.4, 0.4, 6)]
    nearest = neighbours.nearest(np.stack([*bars, *thick]), 5)
    assert nearest.shape == (12, 5)
    for i, found in enumerate(nearest):
        assert set(found) == {*range(6 * (i // 6), 6 * (i // 6) + 6)} - {i}


def test_agreement_is_the_share_of_neighbours_in_the_same_category():
    nearest = np.array([[1, 2], [0, 2], [3, 0], [2, 1]])
    assert neighbours.agreement(np.array([0, 0, 0, 0]), nearest) == 1
    assert neighbours.agreement(np.array([7, 7, 2, 2]), nearest) == 4 / 8
    assert neighbours.agreement(np.array([7, 7, 2, 2, 9, 9]), nearest) == 4 / 8  # more images than have neighbours
