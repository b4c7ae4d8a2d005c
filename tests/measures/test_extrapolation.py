import pytest
import torch
from constructed import REAL_STD, VALUES, bars, codes

from replicate.gan.latent import Codes
from replicate.measures import continuous_codes, extrapolation

SURE = 0.82


def classified(images: torch.Tensor) -> torch.Tensor:
    """Sees the digit that the first row's first pixel holds, in tenths, surely where it is within 8 tenths."""
    digit = (10 * images[:, 0, 0, 0]).round().long()
    probabilities = torch.full((len(images), 10), 0.05)
    probabilities[torch.arange(len(images)), digit] = torch.where(digit < 9, SURE, 0.55)
    return probabilities


def scored(
    slant=lambda c2: 0.15 * c2,
    width=lambda c3: 8 + 1.5 * c3,
    digit=lambda codes: torch.full((len(codes.category),), 3),
) -> dict[str, float]:
    """Scores of a generator of bars, with functions of c2 for the slant, of c3 for the width and of codes for the digit."""

    def generate(codes: Codes) -> torch.Tensor:
        images = bars(slant(codes.continuous[:, 0]), width(codes.continuous[:, 1]))
        images[:, 0, 0, 0] = digit(codes) / 10
        return images

    traversal = continuous_codes.traverse(generate, codes(categories=2, draws=4), 2, VALUES)
    return extrapolation.scores(traversal, REAL_STD, classified)


def test_a_code_that_does_nothing_or_hardly_anything_or_stops_at_1_goes_no_further():
    idle = scored(width=lambda c3: 8 + 0 * c3)
    assert idle["kept_lowest"] == 1 and idle["further_narrow"] == idle["further_wide"] == idle["further_lowest"] == 0
    assert scored(width=lambda c3: 8 + 0.01 * c3**3)["further_lowest"] == 0
    stops = scored(slant=lambda c2: 0.15 * c2.clamp(max=1))
    assert stops["further_right"] == pytest.approx(0, abs=1e-6) == stops["further_lowest"]
    goes_on = [stops[f"further_{direction}"] for direction in ("left", "narrow", "wide")]
    assert goes_on == pytest.approx([1] * 3, abs=0.15) and stops["confidence_lowest"] == pytest.approx(SURE)


def test_a_digit_lost_in_one_direction_is_told_by_the_lowest():
    def digit(codes: Codes) -> torch.Tensor:
        return torch.where((codes.continuous[:, 0] < -1.5) & (codes.category == 0), 9, 3)

    scores = scored(slant=lambda c2: -0.15 * c2, digit=digit)  # c2 = −2 leans right
    assert scores["kept_right"] == scores["kept_lowest"] == 0.5
    assert [scores[f"kept_{direction}"] for direction in ("left", "narrow", "wide")] == [1, 1, 1]
    moved = [0.3 / REAL_STD["slant"], 3 / REAL_STD["width"]]
    assert [scores["moved_right"], scores["moved_narrow"]] == pytest.approx(moved, rel=0.25)
    assert scores["confidence_right"] == scores["confidence_lowest"] == pytest.approx((SURE + 0.55) / 2)
