import pytest
import torch
from replicate.latent import Codes
from replicate.measures import extrapolation


def judge(images: torch.Tensor) -> torch.Tensor:
    """Sees the digit that the first pixel holds, or 9 where a code, the next two pixels, is beyond 1.2."""
    digit = images[:, 0, 0, 0].long()
    beyond = images[:, 0, 0, 1:3].abs().amax(dim=1) > 1.2
    probabilities = torch.full((len(images), 10), 0.02)
    probabilities[torch.arange(len(images)), digit] = 0.82
    probabilities[beyond] = torch.tensor([0.05] * 9 + [0.55])
    return probabilities


def codes(n: int) -> Codes:
    continuous = torch.rand((n, 2), generator=torch.Generator().manual_seed(0)) * 2 - 1
    return Codes(torch.zeros(n, 62), torch.arange(n) // (n // 10), continuous)


def generator(seen: list[Codes]):
    def generate(codes: Codes) -> torch.Tensor:
        seen.append(codes)
        images = torch.zeros(len(codes.category), 1, 28, 28)
        images[:, 0, 0, 0] = codes.category.float()
        images[:, 0, 0, 1:3] = codes.continuous
        return images

    return generate


def test_agreement_and_confidence_by_distance():
    scores = extrapolation.scores(generator([]), judge, codes(80), digit_of_category=list(range(10)))
    assert scores == pytest.approx(
        {
            "agreement_within_1": 1,
            "confidence_within_1": 0.82,
            "agreement_at_1": 1,
            "confidence_at_1": 0.82,
            "agreement_at_1_5": 0.1,  # only of the category that is a 9
            "confidence_at_1_5": 0.55,
            "agreement_at_2": 0.1,
            "confidence_at_2": 0.55,
            "relative_agreement_at_2": 0.1,
        }
    )


def test_each_code_is_put_at_each_sign_equally_often_in_every_category():
    seen = []
    drawn = codes(80)
    extrapolation.scores(generator(seen), judge, drawn, list(range(10)))
    assert torch.equal(seen[0].continuous, drawn.continuous)
    for step, distance in zip(seen[1:], (1, 1.5, 2), strict=True):
        moved = step.continuous != drawn.continuous
        assert (moved.sum(dim=1) == 1).all()
        for category in range(10):
            here = step.continuous[step.category == category][moved[step.category == category]]
            assert sorted(here.tolist()) == [-distance] * 4 + [distance] * 4
            assert moved[step.category == category].sum(dim=0).tolist() == [4, 4]


def test_categories_may_share_digits_and_agree_on_none():
    zeros = extrapolation.scores(generator([]), judge, codes(80), digit_of_category=[0] * 10)
    assert zeros["agreement_within_1"] == pytest.approx(0.1)
    assert zeros["agreement_at_2"] == 0 == zeros["relative_agreement_at_2"]
    others = [*range(1, 10), 8]
    none = extrapolation.scores(generator([]), judge, codes(80), digit_of_category=others)
    assert none["agreement_within_1"] == 0 == none["relative_agreement_at_2"]
