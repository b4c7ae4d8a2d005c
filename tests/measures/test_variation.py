import numpy as np
import pytest
import torch
from test_continuous_codes import REAL_STD, codes
from test_naturalness import coarse

from replicate.gan.latent import Codes
from replicate.measures import continuous_codes, morphometry, naturalness, variation
from replicate.measures.morphometry import Morphometry

VALUES = [-2.0, -1.0, 0.0, 1.0, 2.0]
STROKE = 1.5  # pixels


def rings(slant: torch.Tensor, factor: torch.Tensor, stroke: torch.Tensor) -> torch.Tensor:
    """Soft circles (N, 1, 28, 28), drawn with a `stroke` in pixels, then stretched by `factor` and sheared to `slant`."""
    place = torch.arange(28) - 13.5
    y, x = torch.meshgrid(place, place, indexing="ij")
    x = (x + slant.tan()[:, None, None] * y) / factor[:, None, None]
    distance = x.hypot(y) - 7
    return torch.exp(-((distance / stroke[:, None, None]) ** 2))[:, None]


def warps(codes: Codes) -> torch.Tensor:
    """c2 shears, c3 stretches, and nothing else changes."""
    c2, c3 = codes.continuous.T
    return rings(0.15 * c2, 1 + 0.15 * c3, torch.full_like(c3, STROKE))


def thickens(by: float):
    """As `warps`; besides, strokes are thicker by so much for a larger c3 and for a c2 far from 0."""

    def generate(codes: Codes) -> torch.Tensor:
        c2, c3 = codes.continuous.T
        return rings(0.15 * c2, 1 + 0.15 * c3, STROKE + by * (c3 + c2.abs()))

    return generate


def spoils(codes: Codes) -> torch.Tensor:
    """As `warps`, with stripes at ±2."""
    stripes = torch.arange(28)[:, None] // 2 % 2
    spoilt = codes.continuous.abs().amax(dim=1).gt(1.5)[:, None, None, None]
    return torch.where(spoilt, warps(codes) * (1 - 0.9 * stripes), warps(codes))


def without_ink(codes: Codes) -> torch.Tensor:
    return warps(codes) * codes.continuous.abs().amax(dim=1).lt(1.5)[:, None, None, None]


@pytest.fixture(scope="module")
def real() -> torch.Tensor:
    """Circles of many slants and widths, whose strokes are thicker the more they lean and the wider they are."""
    slant, factor = torch.meshgrid(torch.linspace(-0.4, 0.4, 9), torch.linspace(0.6, 1.4, 9), indexing="ij")
    return rings(slant.flatten(), factor.flatten(), (STROKE + slant.abs() + (factor - 1)).flatten())


@pytest.fixture(scope="module")
def styles(real) -> Morphometry:
    return morphometry.measure(real[:, 0].numpy())


def scored(generate, real: torch.Tensor, styles: Morphometry) -> dict[str, float | None]:
    drawn = codes(categories=2, draws=2)
    drawn = drawn._replace(continuous=0.2 * drawn.continuous)
    traversal = continuous_codes.traverse(generate, drawn, 2, VALUES)
    return variation.scores(traversal, REAL_STD, coarse, real, styles, np.zeros(len(real), int))


@pytest.fixture(scope="module")
def of_warps(real, styles) -> dict[str, float | None]:
    return scored(warps, real, styles)


def test_a_generator_that_warps_its_own_images_shows_no_variation_beyond(of_warps):
    found = of_warps
    scores = ("residual", "residual_floor", "thickness_beyond", "realism")
    assert set(found) == {f"{name}_{score}_{d}" for name in ("rotation", "width") for score in scores for d in (1, 2)}
    for name in ("rotation", "width"):
        for distance in (1, 2):
            assert 0 <= found[f"{name}_residual_{distance}"] < 0.01
            assert 0 <= found[f"{name}_residual_floor_{distance}"] < 0.01
            assert found[f"{name}_thickness_beyond_{distance}"] == pytest.approx(0, abs=0.15)


def test_a_generator_that_thickens_its_strokes_as_real_digits_do(real, styles):
    found = scored(thickens(0.25), real, styles)
    for name in ("rotation", "width"):
        assert found[f"{name}_residual_2"] > 0.03 and found[f"{name}_residual_2"] > found[f"{name}_residual_1"]
        assert found[f"{name}_residual_floor_2"] < 0.01
        assert found[f"{name}_thickness_beyond_1"] > 0.2
        assert found[f"{name}_thickness_beyond_2"] > 1.5 * found[f"{name}_thickness_beyond_1"]


def test_a_generator_that_thins_its_strokes_where_real_digits_are_thicker(real, styles):
    found = scored(thickens(-0.25), real, styles)
    for name in ("rotation", "width"):
        assert found[f"{name}_thickness_beyond_1"] < -0.2 and found[f"{name}_thickness_beyond_2"] < -0.5


def test_a_generator_that_spoils_its_images_makes_them_less_real(real, styles, of_warps):
    found, unspoilt = scored(spoils, real, styles), of_warps
    for name in ("rotation", "width"):
        assert found[f"{name}_realism_2"] < unspoilt[f"{name}_realism_2"] - 0.5
        assert found[f"{name}_realism_1"] == unspoilt[f"{name}_realism_1"]
        assert found[f"{name}_residual_2"] > 0.2


def test_images_without_ink_have_realism_alone(real, styles):
    found = scored(without_ink, real, styles)
    for name in ("rotation", "width"):
        for score in ("residual", "residual_floor", "thickness_beyond"):
            assert found[f"{name}_{score}_2"] is None and found[f"{name}_{score}_1"] is not None
        assert found[f"{name}_realism_2"] < -0.5


def test_the_fit_finds_an_affine_warp_from_afar_and_nothing_else():
    """A reflection would need the fit to pass through an image without an extent."""
    n = 3
    whole, half = torch.ones(n), torch.ones(28)
    half[:12] = 0.3
    images = rings(0 * whole, 0.9 * whole, STROKE * whole) * half  # not the same from left and right
    transform = torch.tensor([[1.1, 0.35, 0.1], [0.0, 0.9, -0.1]]).repeat(n, 1, 1)
    identity = torch.eye(2, 3).repeat(n, 1, 1)
    warped = naturalness.resample(images, transform)
    assert variation.residuals(images, images, identity).max() < 0.001
    assert variation.residuals(images, warped, identity).max() < 0.01
    stripes = (torch.arange(28) // 3 % 2).float().expand(n, 1, 28, 28)
    assert variation.residuals(images, stripes, identity).min() > 0.5


def test_senses_of_thickness_are_those_within_classes():
    """In either class the wider images are thinner, and the class of the wider images is the thicker one."""
    random = np.random.default_rng(0)
    digit = np.arange(200) % 2
    width, slant = random.normal(size=200) + 10 * digit, random.normal(size=200) + 3 * digit
    noise = random.normal(size=200)

    def senses(thickness: np.ndarray) -> dict[str, int]:
        return variation.thickness_senses(Morphometry(slant, width, np.zeros(200), thickness), digit)

    leaning = np.abs(slant - 3 * digit)
    assert senses(30 * digit - width) == {"rotation": 1, "width": -1}
    assert senses(width - 3 * leaning) == {"rotation": -1, "width": 1}
    assert senses(noise) == senses(np.zeros(200)) == {"rotation": 1, "width": 1}
