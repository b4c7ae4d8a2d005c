import pytest
import torch
from test_continuous_codes import REAL_STD, bars, codes

from replicate.gan.latent import Codes
from replicate.measures import continuous_codes, extrapolation

VALUES = [-2.0, -1.0, 0.0, 1.0, 2.0]
SURE = 0.82


def classified(images: torch.Tensor) -> torch.Tensor:
    """Sees the digit that the first row's first pixel holds, in tenths, surely where it is within 8 tenths."""
    digit = (10 * images[:, 0, 0, 0]).round().long()
    probabilities = torch.full((len(images), 10), 0.05)
    probabilities[torch.arange(len(images)), digit] = torch.where(digit < 9, SURE, 0.55)
    return probabilities


def scored(slant, width, digit=lambda codes: torch.full((len(codes.category),), 3)) -> dict[str, float]:
    """Scores of a generator of bars, with functions of codes for slant, width and the digit to be seen."""

    def generate(codes: Codes) -> torch.Tensor:
        images = bars(slant(codes), width(codes))
        images[:, 0, 0, 0] = digit(codes) / 10
        return images

    traversal = continuous_codes.traverse(generate, codes(categories=2, draws=4), 2, VALUES)
    return extrapolation.scores(traversal, REAL_STD, classified)


def rotating(codes: Codes) -> torch.Tensor:
    return 0.15 * codes.continuous[:, 0]


def widening(codes: Codes) -> torch.Tensor:
    return 8 + 1.5 * codes.continuous[:, 1]


def test_codes_that_go_on_as_they_began():
    scores = scored(rotating, widening)
    assert scores["kept_lowest"] == 1
    assert scores["confidence_lowest"] == scores["confidence_at_0"] == pytest.approx(SURE)
    for direction in extrapolation.DIRECTIONS:
        assert scores[f"further_{direction}"] == pytest.approx(1, abs=0.15)
    assert scores["further_lowest"] == min(scores[f"further_{direction}"] for direction in extrapolation.DIRECTIONS)


def test_a_code_that_does_nothing_or_hardly_anything_goes_no_further():
    idle = scored(rotating, lambda codes: torch.full((len(codes.category),), 8.0))
    assert idle["kept_lowest"] == 1 and idle["further_narrow"] == idle["further_wide"] == idle["further_lowest"] == 0
    slight = scored(rotating, lambda codes: 8 + 0.01 * codes.continuous[:, 1] ** 3)
    assert slight["further_lowest"] == 0


def test_a_code_that_stops_at_1_in_one_direction_is_told_by_the_lowest():
    scores = scored(lambda codes: 0.15 * codes.continuous[:, 0].clamp(max=1), widening)
    assert scores["further_right"] == pytest.approx(0, abs=1e-6) == scores["further_lowest"]
    assert scores["further_left"] == pytest.approx(1, abs=0.15)


def test_a_digit_lost_in_one_direction_is_told_by_the_lowest():
    def digit(codes: Codes) -> torch.Tensor:
        return torch.where((codes.continuous[:, 0] < -1.5) & (codes.category == 0), 9, 3)

    scores = scored(lambda codes: -rotating(codes), widening, digit)  # c2 = −2 leans right
    assert scores["kept_right"] == scores["kept_lowest"] == 0.5
    assert [scores[f"kept_{direction}"] for direction in ("left", "narrow", "wide")] == [1, 1, 1]
    assert scores["confidence_right"] == scores["confidence_lowest"] == pytest.approx((SURE + 0.55) / 2)
    assert scores["confidence_at_0"] == pytest.approx(SURE)
