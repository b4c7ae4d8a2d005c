import math

import pytest
import torch

from replicate.gan import latent
from replicate.parameters import Parameters


def test_the_prior_is_the_papers(params: Parameters):
    codes = latent.sample(20_000, params.latent, torch.Generator().manual_seed(0))
    assert codes.noise.shape == (20_000, 62) and codes.continuous.shape == (20_000, 2)
    assert torch.bincount(codes.category, minlength=10) / 20_000 == pytest.approx(torch.full((10,), 0.1), abs=0.01)
    for uniform in (codes.noise, codes.continuous):
        assert uniform.min() >= -1 and uniform.max() <= 1
        assert uniform.std() == pytest.approx(1 / math.sqrt(3), rel=0.01)
    normal = params.latent.model_copy(update={"noise": "normal"})
    assert latent.sample(2000, normal, torch.Generator().manual_seed(0)).noise.std() == pytest.approx(1, rel=0.02)


def test_the_generator_reads_noise_then_codes(params: Parameters):
    codes = latent.Codes(torch.full((2, 62), 0.5), torch.tensor([3, 0]), torch.tensor([[0.1, -0.2], [0.3, 2.0]]))
    inputs = latent.inputs(codes, params.latent)
    assert inputs.shape == (2, params.latent.size) == (2, 74)
    assert inputs[0, :62].eq(0.5).all()
    assert inputs[0, 62:72].tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert inputs[1, 72:].tolist() == pytest.approx([0.3, 2.0])


@pytest.mark.parametrize("noise", ["uniform", "normal"])
def test_more_categories_leave_the_other_draws_as_they_are(noise: str, params: Parameters):
    """Two variants that differ in K see the same z, c2, c3, batch after batch."""
    of_k = []
    for categories in (2, 10, 20):
        prior = params.latent.model_copy(update={"categories": categories, "noise": noise})
        random = torch.Generator().manual_seed(0)
        of_k.append([latent.sample(9, prior, random) for _ in range(3)])
    for others in of_k[1:]:
        for codes, other in zip(of_k[0], others, strict=True):
            assert torch.equal(codes.noise, other.noise) and torch.equal(codes.continuous, other.continuous)
