import numpy as np
import pytest
import torch
from constructed import REAL_STD, VALUES, coarse, codes, places, spoilt, without_ink

from replicate.gan.latent import Codes
from replicate.measures import continuous_codes, morphometry, naturalness


def rings(slant: torch.Tensor, width: torch.Tensor, stroke: torch.Tensor) -> torch.Tensor:
    """Ellipses (N, 1, 28, 28) of `width` in pixels and 18 high, drawn with a `stroke` in pixels, then sheared."""
    x, y = places(slant)
    radius = (x / (width[:, None, None] / 2)).hypot(y / 9)
    distance = (radius - 1).abs() * width[:, None, None].clamp(max=18) / 2
    return (stroke[:, None, None] / 2 + 0.5 - distance).clamp(0, 1)[:, None]


def natural_stroke(slant: torch.Tensor, width: torch.Tensor) -> torch.Tensor:
    """What real ellipses look like here: the further from upright and from ten pixels wide, the thicker."""
    return 2 + 3 * slant.abs() + 0.3 * (width - 10).abs()


@pytest.fixture(scope="module")
def real() -> torch.Tensor:
    slant, width = torch.meshgrid(torch.linspace(-0.5, 0.5, 11), torch.linspace(6, 14, 9), indexing="ij")
    return rings(slant.flatten(), width.flatten(), natural_stroke(slant, width).flatten())


def adjusts(codes: Codes) -> torch.Tensor:
    """c2 turns, c3 widens."""
    slant, width = 0.2 * codes.continuous[:, 0], 10 + 1.7 * codes.continuous[:, 1]
    return rings(slant, width, natural_stroke(slant, width))


def idle(codes: Codes) -> torch.Tensor:
    return adjusts(codes._replace(continuous=torch.zeros_like(codes.continuous)))


def scored(generate, real: torch.Tensor) -> dict[str, float | None]:
    traversal = continuous_codes.traverse(generate, codes(2, 6, scale=0.2), 2, VALUES)
    return naturalness.scores(traversal, REAL_STD, coarse, real)


def test_a_generator_that_adjusts_its_strokes_leads_unless_it_spoils_its_images(real):
    scores = scored(adjusts, real)
    assert scores["rotation_moved"] == scores["width_moved"] == 1
    assert scores["adjusted_lowest"] > 0.8 and scores["lead_lowest"] > 0.8
    behind = scored(spoilt(adjusts), real)
    assert behind["adjusted_lowest"] > 0.8 and behind["lead_lowest"] < -0.8


def test_a_generator_that_transforms_its_own_images_neither_adjusts_nor_leads(real):
    """Its images are real at 0, and plainly sheared and stretched elsewhere."""

    def generate(codes: Codes) -> torch.Tensor:
        c2, c3 = codes.continuous.double().numpy().T
        wide = naturalness.plain("width", idle(codes), np.full(len(c3), 10.0), 10 + 1.7 * c3)
        return naturalness.plain("rotation", wide, np.zeros(len(c2)), 0.2 * c2)

    scores = scored(generate, real)
    # A stretch comes to within a third of a pixel of the width, which for some of these ellipses is more than the margin.
    assert scores["rotation_adjusted"] == 0 and scores["width_adjusted"] < 0.5


@pytest.mark.parametrize("generate", [idle, without_ink(adjusts)])
def test_codes_that_do_nothing_and_images_without_ink_are_not_compared(generate, real):
    scores = scored(generate, real)
    assert scores["rotation_moved"] == scores["width_moved"] == 0
    assert all(value is None for name, value in scores.items() if not name.endswith("moved"))
    scores = scored(lambda codes: adjusts(codes.with_continuous(1, 0.0)), real)  # one code that does nothing
    assert scores["rotation_lead"] > 0.8 and scores["width_lead"] is scores["lead_lowest"] is None


def test_sheared_and_stretched_images_have_the_slant_and_width_asked_for():
    n = 5
    images = rings(torch.full((n,), 0.1), torch.full((n,), 10.0), torch.full((n,), 2.0)).roll((2, 2), dims=(2, 3))
    styles = morphometry.measure(images[:, 0].numpy())
    to_slant, to_width = np.linspace(-0.4, 0.5, n), np.linspace(8, 15, n)
    sheared = naturalness.plain("rotation", images, styles.slant, to_slant)
    stretched = naturalness.plain("width", images, styles.width, to_width)
    assert morphometry.measure(sheared[:, 0].numpy()).slant == pytest.approx(to_slant, abs=0.01)
    assert morphometry.measure(stretched[:, 0].numpy()).width == pytest.approx(to_width, abs=0.35)
    centre = torch.stack(naturalness.centre_of_mass(images))
    for moved in (sheared, stretched):
        torch.testing.assert_close(torch.stack(naturalness.centre_of_mass(moved)), centre, atol=0.01, rtol=0)


def test_realism_by_hand():
    real = torch.tensor([[0.0], [1], [2], [3], [4], [5], [105]])
    radius = naturalness.radii(real)
    assert radius.tolist() == [5, 4, 3, 3, 4, 5, 104]
    score = naturalness.realism(torch.tensor([[2.5], [55.0]]), real, radius)
    assert score.tolist() == pytest.approx([6, 104 / 50])  # the nearest, of radius 3; an uncommon one, of radius 104
