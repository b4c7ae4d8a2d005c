import numpy as np
import pytest
import torch
from constructed import REAL_STD, VALUES, coarse, codes, places, spoilt, without_ink

from replicate.gan.latent import Codes
from replicate.measures import continuous_codes, morphometry, naturalness, variation
from replicate.measures.morphometry import Morphometry

STROKE = 1.5  # pixels
ROLES = ("rotation", "width")


def rings(slant: torch.Tensor, factor: torch.Tensor, stroke: torch.Tensor) -> torch.Tensor:
    """Soft circles (N, 1, 28, 28), drawn with a `stroke` in pixels, then stretched by `factor` and sheared to `slant`."""
    x, y = places(slant)
    distance = (x / factor[:, None, None]).hypot(y) - 7
    return torch.exp(-((distance / stroke[:, None, None]) ** 2))[:, None]


def thickens(by: float):
    """c2 shears, c3 stretches; besides, strokes are thicker by so much for a larger c3 and for a c2 far from 0."""

    def generate(codes: Codes) -> torch.Tensor:
        c2, c3 = codes.continuous.T
        return rings(0.15 * c2, 1 + 0.15 * c3, STROKE + by * (c3 + c2.abs()))

    return generate


WARPS = thickens(0)


@pytest.fixture(scope="module")
def scored():
    """The scores of a generator, beside circles of many slants and widths, whose strokes are thicker the more they lean and
    the wider they are."""
    slant, factor = torch.meshgrid(torch.linspace(-0.4, 0.4, 9), torch.linspace(0.6, 1.4, 9), indexing="ij")
    real = rings(slant.flatten(), factor.flatten(), (STROKE + slant.abs() + (factor - 1)).flatten())
    styles = morphometry.measure(real[:, 0].numpy())

    def scored(generate) -> dict[str, float | None]:
        traversal = continuous_codes.traverse(generate, codes(2, 1, scale=0.2), 2, VALUES)
        return variation.scores(traversal, REAL_STD, coarse, real, styles, np.zeros(len(real), int))

    return scored


@pytest.fixture(scope="module")
def of_warps(scored) -> dict[str, float | None]:
    return scored(WARPS)


def test_a_generator_that_warps_its_own_images_shows_no_variation_beyond(of_warps):
    for of in (f"{name}_{{}}_{distance}" for name in ROLES for distance in (1, 2)):
        assert 0 <= of_warps[of.format("residual")] < 0.01
        assert of_warps[of.format("thickness_beyond")] == pytest.approx(0, abs=0.15)


def test_a_generator_that_thickens_its_strokes_as_real_digits_do_or_thins_them(scored):
    found, thinned = scored(thickens(0.25)), scored(thickens(-0.25))
    for name in ROLES:
        assert found[f"{name}_residual_2"] > 0.03 and found[f"{name}_residual_2"] > found[f"{name}_residual_1"]
        assert found[f"{name}_thickness_beyond_1"] > 0.2
        assert found[f"{name}_thickness_beyond_2"] > 1.5 * found[f"{name}_thickness_beyond_1"]
        assert thinned[f"{name}_thickness_beyond_1"] < -0.2 and thinned[f"{name}_thickness_beyond_2"] < -0.5


def test_spoilt_images_are_less_real_and_those_without_ink_have_realism_alone(scored, of_warps):
    found, black = scored(spoilt(WARPS)), scored(without_ink(WARPS))
    for name in ROLES:
        assert found[f"{name}_realism_2"] < of_warps[f"{name}_realism_2"] - 0.5
        assert found[f"{name}_realism_1"] == of_warps[f"{name}_realism_1"]
        assert found[f"{name}_residual_2"] > 0.2
        for score in ("residual", "thickness_beyond"):
            assert black[f"{name}_{score}_2"] is None and black[f"{name}_{score}_1"] is not None
        assert black[f"{name}_realism_2"] < -0.5


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
    noise, leaning = random.normal(size=200), np.abs(slant - 3 * digit)

    def senses(thickness: np.ndarray) -> dict[str, int]:
        return variation.thickness_senses(Morphometry(slant, width, np.zeros(200), thickness), digit)

    assert senses(30 * digit - width) == {"rotation": 1, "width": -1}
    assert senses(width - 3 * leaning) == {"rotation": -1, "width": 1}
    assert senses(noise) == {"rotation": 1, "width": 1}
