"""The bounds on cases whose mutual information is known in closed form."""

import math

import pytest
import torch

from replicate.gan import information, latent
from replicate.gan.information import Posterior
from replicate.parameters import Parameters


def test_bounds_of_a_posterior_that_knows_the_code_of_one_of_a_fixed_std_and_of_an_ignorant_one(params: Parameters):
    drawn, of_std = latent.sample(100_000, params.latent, torch.Generator().manual_seed(0)), torch.ones(100_000, 2)

    def bounds(posterior: Posterior) -> list[float]:
        entropies = torch.tensor(latent.entropies(params.latent))
        return (information.variational(posterior, drawn).mean(dim=0) + entropies).tolist()

    known = 1000 * torch.nn.functional.one_hot(drawn.category, 10).float()
    c1, c2, c3 = bounds(Posterior(known, drawn.continuous, 0.01 * of_std))
    assert c1 == pytest.approx(math.log(10), abs=1e-5)
    assert [c2, c3] == pytest.approx([math.log(2) - 0.5 * math.log(2 * math.pi) - math.log(0.01)] * 2, abs=1e-4)
    assert bounds(Posterior(known, drawn.continuous, of_std))[1] == pytest.approx(-0.2258, abs=1e-4)
    # The Gaussian of the prior's own mean and variance: less than zero, by the divergence of a uniform from a Gaussian.
    c1, c2, _ = bounds(Posterior(0 * known, 0 * drawn.continuous, of_std / math.sqrt(3)))
    assert c1 == pytest.approx(0, abs=1e-5)
    assert c2 == pytest.approx(math.log(2) - 0.5 * math.log(2 * math.pi * math.e / 3), abs=0.01)


def gaussian_scores(correlation: float, n: int, generator: torch.Generator) -> torch.Tensor:
    """The true log-density ratio of two correlated Gaussian vectors of 4 dimensions, over a batch of pairs."""
    x = torch.randn(n, 4, generator=generator)
    c = correlation * x + math.sqrt(1 - correlation**2) * torch.randn(n, 4, generator=generator)
    x, c, r = x[:, None], c[None], correlation
    log_ratio = -0.5 * math.log(1 - r**2) - (r**2 * (x**2 + c**2) - 2 * r * x * c) / (2 * (1 - r**2))
    return log_ratio.sum(dim=2)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8])
def test_estimators_on_correlated_gaussians(correlation: float):
    truth = -2 * math.log(1 - correlation**2)
    generator = torch.Generator().manual_seed(0)
    batches = [gaussian_scores(correlation, 128, generator) for _ in range(200)]
    infonce = torch.stack([information.infonce(scores) for scores in batches])
    error = 3 * float(infonce.std()) / math.sqrt(200) + 1e-6
    assert 0.9 * truth - error <= infonce.mean() <= truth + error


def test_scores_that_are_certain_and_scores_that_know_nothing():
    assert information.infonce(1000 * torch.eye(16)) == pytest.approx(math.log(16))  # never above that of the batch
    assert information.jensen_shannon(torch.zeros(8, 8)) == pytest.approx(-2 * math.log(2))
    certain = torch.where(torch.eye(8) == 1, 50.0, -50.0)
    assert information.jensen_shannon(certain) == pytest.approx(0, abs=1e-6)


def test_infonce_of_a_category_ends_below_its_entropy():
    """A critic that knows the category cannot tell apart the samples of a batch that share it."""
    assert information.infonce_ceiling(10, 128) == pytest.approx(2.267, abs=1e-3)
    generator = torch.Generator().manual_seed(0)
    categories = torch.randint(10, (400, 32), generator=generator)
    same = categories[:, :, None] == categories[:, None]
    found = torch.stack([information.infonce(100 * scores) for scores in same.float()])
    error = 4 * float(found.std()) / math.sqrt(400)
    assert found.mean() == pytest.approx(information.infonce_ceiling(10, 32), abs=error)
