"""Views of images: each amount on a drawn image, PyTorch's own sampling beside products, and what each code is read from."""

import pytest
import torch
from constructed import bars

from replicate.gan import latent, views
from replicate.gan.settings import RecognitionViews, View
from replicate.parameters import Parameters

ALL = View(rotation=0.15, shear=0.3, stretch_x=0.125, stretch_y=0.125, shift=1.0)
VIEWS = RecognitionViews(c1=ALL, c2=View(stretch_x=0.3), c3=View(shear=0.6))
STROKE = bars(torch.zeros(1), torch.full((1,), 4.0), 16)


def moments(image: torch.Tensor) -> tuple[float, float, float, float, float]:
    """Means of x and y, variances of both, and how far x moves for each pixel of y."""
    mass = image[0, 0] / image.sum()
    place = torch.arange(28.0) - 13.5
    x, y = (mass.sum(0) * place).sum(), (mass.sum(1) * place).sum()
    dx, dy = place - x, place - y
    covariance = (mass * dy[:, None] * dx[None]).sum()
    along_x, along_y = (mass.sum(0) * dx**2).sum(), (mass.sum(1) * dy**2).sum()
    return tuple(map(float, (x, y, along_x, along_y, covariance / along_y)))


def seen(maps: list[list[float]], shift: tuple[float, float] = (0.0, 0.0)) -> tuple[float, ...]:
    return moments(views.change(STROKE, torch.tensor([maps]), torch.tensor([shift])))


def test_a_map_does_what_it_says():
    x, y, along_x, along_y, lean = moments(STROKE)
    assert seen([[1, 0], [0, 1]]) == pytest.approx((x, y, along_x, along_y, lean), abs=1e-5)
    assert seen([[1, 0], [0, 1]], (2.0, -1.0))[:2] == pytest.approx((-2, 1), abs=1e-5)
    assert seen([[1, 0.25], [0, 1]])[4] == pytest.approx(-0.25, abs=0.02)
    assert seen([[0.5, 0], [0, 1]])[2] == pytest.approx(4 * along_x, rel=0.2)  # with softer edges
    assert seen([[1, 0], [0, 2]])[3] == pytest.approx(along_y / 4, rel=0.1)
    assert seen([[0, -1], [1, 0]])[2:4] == pytest.approx((along_y, along_x), abs=1e-5)


def test_what_is_drawn_fills_its_interval_and_nothing_else_moves():
    random = torch.Generator().manual_seed(0)
    maps, shifts = views.affine(4000, View(shear=0.3), random)
    assert maps[:, 0, 1].abs().max() == pytest.approx(0.3, abs=0.002) and maps[:, 0, 1].mean().abs() < 0.01
    assert torch.equal(maps[:, 0, 0], torch.ones(4000)) and not shifts.any()
    maps, shifts = views.affine(4000, View(stretch_x=0.3, stretch_y=0.1, shift=2.0), random)
    assert maps[:, 0, 0].log().abs().max() == pytest.approx(0.3, abs=0.002)
    assert maps[:, 1, 1].log().abs().max() == pytest.approx(0.1, abs=0.002)
    assert shifts.abs().amax(dim=0) == pytest.approx(2.0, abs=0.01)
    maps, _ = views.affine(4000, View(rotation=0.15), random)
    angles = torch.atan2(maps[:, 1, 0], maps[:, 0, 0])
    assert angles.abs().max() == pytest.approx(0.15, abs=0.002)
    torch.testing.assert_close(maps.det(), torch.ones(4000))


def test_both_ways_to_change_an_image_agree_in_values_and_gradients():
    random = torch.Generator().manual_seed(0)
    maps, shifts = views.affine(6, ALL, random)
    images, weight = torch.rand(2, 6, 1, 28, 28, generator=random, dtype=torch.float64)
    images.requires_grad_()
    both = [way(images, maps, shifts) for way in (views.change, views.by_products)]
    torch.testing.assert_close(*both)
    torch.testing.assert_close(*[torch.autograd.grad((seen * weight).sum(), images)[0] for seen in both])


def test_a_blur_spreads_the_ink_as_a_gaussian_does_and_loses_what_leaves_the_image():
    images = torch.zeros(2, 1, 28, 28, dtype=torch.float64)
    images[0], images[1, :, 0, 14] = STROKE[0], 1
    along = (-torch.arange(-6, 7).double().square() / (2 * 2.0**2)).exp()  # cut off at three standard deviations
    weight = torch.outer(along, along) / along.sum() ** 2
    reference = torch.nn.functional.conv2d(images, weight[None, None], padding=6)  # zeros outside
    torch.testing.assert_close(views.blurred(images, 2.0), reference)


def test_brightness_changes_each_image_by_a_factor_and_no_affine_number():
    bright = VIEWS.model_copy(update={"c2": View(stretch_x=0.3, brightness=0.5)})
    one, other = (views.draw(256, each, torch.Generator().manual_seed(0)) for each in (VIEWS, bright))
    assert torch.equal(one.maps, other.maps) and torch.equal(one.shifts, other.shifts)
    assert torch.equal(one.factors, torch.ones(512))
    of_c2 = other.factors[256:384].log()
    assert of_c2.abs().max() == pytest.approx(0.5, abs=0.02) and of_c2.mean().abs() < 0.1
    assert torch.equal(other.factors[384:], torch.ones(128))
    assert not one.maps[256:384, 0, 1].any() and one.maps[384:, 0, 1].abs().max() > 0.5  # c2 is not sheared, c3 is


@pytest.mark.parametrize(
    ("chosen", "parts"),
    [
        (RecognitionViews(), {}),
        (RecognitionViews(c3=ALL), {2: range(8)}),
        (RecognitionViews(c1=ALL, c2=View(blur=2.0), c3=VIEWS.c3), {0: range(8), 1: range(4), 2: range(4, 8)}),
        (RecognitionViews(c2=VIEWS.c2, c3=View(brightness=0.5)), {1: range(4), 2: range(4, 8)}),
    ],
)
def test_each_code_is_read_from_its_own_images(chosen: RecognitionViews, parts: dict, params: Parameters):
    random = torch.Generator().manual_seed(0)
    codes = latent.sample(8, params.latent, random)
    images = torch.rand(8, 1, 28, 28, generator=random)
    found = views.readings(images, codes, chosen, views.draw(8, chosen, random))
    assert [reading.code for reading in found] == list(parts)
    for reading, part in zip(found, map(list, parts.values())):
        assert all(torch.equal(seen, of[part]) for seen, of in zip(reading.codes, codes))
        assert reading.images.shape == (len(part), 1, 28, 28)
        assert not torch.isclose(reading.images, images[part]).all()
