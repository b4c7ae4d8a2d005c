import math

import pytest
import torch

from replicate import latent
from replicate.params import Params


def test_the_prior_is_the_papers(config: Params):
    codes = latent.sample(20_000, config.latent, torch.Generator().manual_seed(0))
    assert codes.noise.shape == (20_000, 62) and codes.continuous.shape == (20_000, 2)
    assert torch.bincount(codes.category, minlength=10) / 20_000 == pytest.approx(torch.full((10,), 0.1), abs=0.01)
    for uniform in (codes.noise, codes.continuous):
        assert -1 <= uniform.min() and uniform.max() <= 1
        assert uniform.std() == pytest.approx(1 / math.sqrt(3), rel=0.01)


def test_noise_can_be_normal(config: Params):
    normal = config.latent.model_copy(update={"noise": "normal"})
    assert latent.sample(2000, normal, torch.Generator().manual_seed(0)).noise.std() == pytest.approx(1, rel=0.02)


def test_the_generator_reads_noise_then_codes(config: Params):
    codes = latent.Codes(torch.full((2, 62), 0.5), torch.tensor([3, 0]), torch.tensor([[0.1, -0.2], [0.3, 2.0]]))
    inputs = latent.inputs(codes, config.latent)
    assert inputs.shape == (2, config.latent.size) == (2, 74)
    assert inputs[0, :62].eq(0.5).all()
    assert inputs[0, 62:72].tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert inputs[1, 72:].tolist() == pytest.approx([0.3, 2.0])


def test_entropies_are_in_nats(config: Params):
    assert latent.entropies(config.latent) == pytest.approx((2.302585, 0.693147, 0.693147), abs=1e-6)
