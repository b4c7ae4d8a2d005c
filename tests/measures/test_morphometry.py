import warnings

import numpy as np
import pytest

from replicate.measures import morphometry


def bar(slant: float = 0, width: float = 6, height: int = 18) -> np.ndarray:
    """A parallelogram (28, 28) in the middle: `slant` radians to the right, `width` and `height` in pixels."""
    y, x = np.mgrid[:28, :28] - 13.5
    coverage = np.clip(width / 2 + 0.5 - np.abs(x + np.tan(slant) * y), 0, 1)
    return coverage * (np.abs(y) < height / 2)


def test_slant_of_sheared_bars():
    slants = np.array([-0.6, -0.3, 0, 0.1, 0.5])
    measured = morphometry.measure(np.stack([bar(slant) for slant in slants]))
    # The corners of slender bars are cut by the image's rows, so that a steep slant comes out a little smaller.
    assert measured.slant == pytest.approx(slants, abs=0.015)


def test_leaning_right_is_positive():
    image = np.zeros((28, 28))
    image[np.arange(5, 23), np.arange(22, 4, -1)] = 1  # a stroke like "/"
    assert morphometry.measure(image[None]).slant[0] == pytest.approx(np.pi / 4, abs=0.02)


@pytest.mark.parametrize("slant", [0, 0.4])
def test_width_is_measured_along_the_slant(slant):
    """Blurred borders, of bars and of the upscaled image, add about a pixel to any width."""
    widths = np.array([6, 9, 13])
    measured = morphometry.measure(np.stack([bar(slant, width) for width in widths])).width
    assert measured == pytest.approx(widths + 0.75, abs=0.5)


def test_height_is_between_the_quantiles():
    heights = np.array([10, 14, 20])
    measured = morphometry.measure(np.stack([bar(height=height) for height in heights])).height
    assert measured == pytest.approx(0.98 * heights + 0.5, abs=0.25)


def test_a_little_ink_far_away_does_not_count():
    image = bar()
    image[0, 0] = image[27, 27] = 0.2  # 0.2 % of the ink each; the bounding box would be the whole image
    assert morphometry.measure(image[None]).width == pytest.approx(morphometry.measure(bar()[None]).width, abs=0.3)


def test_thickness_of_a_ring_is_that_of_its_stroke():
    y, x = np.mgrid[:28, :28] - 13.5
    radius = np.hypot(x, y)
    strokes = np.array([2, 3, 4])
    rings = np.stack([np.clip(stroke / 2 + 0.5 - np.abs(radius - 8), 0, 1) for stroke in strokes])
    measured = morphometry.measure(rings)
    assert measured.thickness == pytest.approx(strokes, abs=0.35)
    assert measured.slant == pytest.approx(0, abs=1e-9)


def test_neither_the_unit_of_intensity_nor_the_place_matters():
    images = np.stack([bar(0.3), bar(-0.2, 4)])
    reference = np.stack(morphometry.measure(images))
    assert np.stack(morphometry.measure(255 * images)) == pytest.approx(reference, abs=1e-6)
    assert np.stack(morphometry.measure(np.roll(images, 3, axis=2))) == pytest.approx(reference, abs=0.02)


def test_same_images_same_numbers_in_any_number_of_chunks():
    images = np.stack([bar(slant) for slant in np.linspace(-0.3, 0.3, 7)])
    whole = morphometry.measure(images)
    assert np.array_equal(np.stack(whole), np.stack(morphometry.measure(images)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(morphometry, "IMAGES_AT_ONCE", 3)
        chunked = morphometry.measure(images)
    assert np.array_equal(whole.slant, chunked.slant) and np.array_equal(whole.width, chunked.width)
    assert whole.thickness == pytest.approx(chunked.thickness, abs=0.2)  # ties on the medial axis are broken at random


def test_images_without_ink_or_contrast_are_defined():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        black = np.stack(morphometry.measure(np.zeros((2, 28, 28))))
        white = morphometry.measure(np.ones((1, 28, 28)))
        none = morphometry.measure(np.zeros((0, 28, 28)))
    assert np.array_equal(black, np.zeros((4, 2)))
    assert white.width[0] == white.height[0] == pytest.approx(0.98 * 28)
    assert white.thickness[0] == 0
    assert [len(values) for values in none] == [0, 0, 0, 0]
