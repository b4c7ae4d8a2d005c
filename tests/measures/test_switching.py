import numpy as np
import pytest
import torch

from replicate.gan.latent import Codes
from replicate.measures import switching


def classified(images: torch.Tensor) -> torch.Tensor:
    """Sees the digit that the first pixel holds."""
    return torch.nn.functional.one_hot(images[:, 0, 0, 0].long(), 10).float()


def images(first_pixel: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.pad(first_pixel.float()[:, None, None, None], (0, 27, 0, 27))


def codes(n: int) -> Codes:
    noise, continuous = torch.rand((n, 62), generator=torch.Generator().manual_seed(0)), torch.linspace(-1, 1, 2 * n)
    return Codes(noise, torch.zeros(n, dtype=torch.int64), continuous.reshape(n, 2))


def test_a_row_varies_c1_alone():
    seen, drawn = [], codes(4)

    def generate(codes: Codes) -> torch.Tensor:
        seen.append(codes)
        return images(codes.category)

    assert switching.rows(generate, classified, drawn, 3).tolist() == [[0, 1, 2]] * 4
    for category, step in enumerate(seen):
        assert step.category.tolist() == [category] * 4
        assert torch.equal(step.noise, drawn.noise) and torch.equal(step.continuous, drawn.continuous)


def test_scores_by_hand():
    assert switching.scores(np.array([[1, 2, 2], [1, 2, 3]])) == {
        "switched": pytest.approx(5 / 6),
        "switched_lowest": 0.5,
        "digits_in_a_row": 2.5,
    }


def test_categories_that_are_the_digits_switch_always_and_a_c1_that_does_nothing_never():
    ideal = switching.scores(switching.rows(lambda codes: images(codes.category), classified, codes(20), 10))
    assert ideal == {"switched": 1, "switched_lowest": 1, "digits_in_a_row": 10}
    idle = switching.scores(switching.rows(lambda codes: images(10 * codes.noise[:, 0]), classified, codes(20), 10))
    assert idle == {"switched": 0, "switched_lowest": 0, "digits_in_a_row": 1}
