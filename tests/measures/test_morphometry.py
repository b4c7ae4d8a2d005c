import numpy as np
import pytest
import torch
from constructed import bars

from replicate.measures import morphometry
from replicate.measures.morphometry import Morphometry


def measured(slant, width=6.0, height: int = 18) -> Morphometry:
    slant, width = torch.broadcast_tensors(torch.as_tensor(slant), torch.as_tensor(width))
    return morphometry.measure(bars(slant, width, height)[:, 0].numpy())


def test_slant_of_sheared_bars():
    slants = [-0.6, -0.3, 0, 0.1, 0.5]  # to the right
    # The corners of slender bars are cut by the image's rows, so that a steep slant comes out a little smaller.
    assert measured(slants).slant == pytest.approx(slants, abs=0.015)


@pytest.mark.parametrize("slant", [0.0, 0.4])
def test_width_is_measured_along_the_slant(slant):
    """Blurred borders, of bars and of the upscaled image, add about a pixel to any width."""
    assert measured(slant, [6.0, 9, 13]).width == pytest.approx([6.75, 9.75, 13.75], abs=0.5)


def test_sizes_are_between_quantiles():
    heights = np.array([10, 14, 20])
    found = [measured([0.0], height=height).height.item() for height in heights]
    assert found == pytest.approx(0.98 * heights + 0.5, abs=0.25)
    spotted = bars(torch.zeros(1), torch.full((1,), 6.0))[:, 0].numpy()
    spotted[0, 0, 0] = spotted[0, 27, 27] = 0.2  # 0.2 % of the ink each; the bounding box would be the whole image
    assert morphometry.measure(spotted).width == pytest.approx(measured([0.0]).width, abs=0.3)


def test_thickness_of_a_ring_is_that_of_its_stroke():
    y, x = np.mgrid[:28, :28] - 13.5
    strokes = np.array([2, 3, 4])
    rings = np.stack([np.clip(stroke / 2 + 0.5 - np.abs(np.hypot(x, y) - 8), 0, 1) for stroke in strokes])
    found = morphometry.measure(rings)
    assert found.thickness == pytest.approx(strokes, abs=0.35)
    assert found.slant == pytest.approx(0, abs=1e-9)


def test_neither_the_unit_of_intensity_nor_the_place_nor_the_chunk_matters(monkeypatch):
    images = bars(torch.tensor([0.3, -0.2]), torch.tensor([6.0, 4.0]))[:, 0].numpy()
    reference = np.stack(morphometry.measure(images))
    assert np.stack(morphometry.measure(255 * images)) == pytest.approx(reference, abs=1e-6)
    assert np.stack(morphometry.measure(np.roll(images, 3, axis=2))) == pytest.approx(reference, abs=0.02)
    monkeypatch.setattr(morphometry, "IMAGES_AT_ONCE", 1)
    chunked = np.stack(morphometry.measure(images))
    assert np.array_equal(chunked[:3], reference[:3])
    assert chunked[3] == pytest.approx(reference[3], abs=0.2)  # ties on the medial axis are broken at random


def test_images_without_ink_or_contrast_are_defined():
    assert np.array_equal(morphometry.measure(np.zeros((2, 28, 28))), np.zeros((4, 2)))
    white = morphometry.measure(np.ones((1, 28, 28)))
    assert white.width[0] == white.height[0] == pytest.approx(0.98 * 28) and white.thickness[0] == 0
