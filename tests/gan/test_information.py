"""The bounds on cases whose mutual information is known in closed form."""

import math

import pytest
import torch

from replicate.gan import information
from replicate.gan.information import Posterior
from replicate.gan.latent import Codes, entropies
from replicate.parameters import Parameters


def codes(n: int) -> Codes:
    generator = torch.Generator().manual_seed(0)
    continuous = torch.rand(n, 2, generator=generator) * 2 - 1
    return Codes(torch.zeros(n, 0), torch.randint(10, (n,), generator=generator), continuous)


def bounds(posterior: Posterior, drawn: Codes, params: Parameters) -> list[float]:
    return (information.variational(posterior, drawn).mean(dim=0) + torch.tensor(entropies(params.latent))).tolist()


def test_a_posterior_that_knows_the_code_reaches_its_entropy(params: Parameters):
    drawn = codes(1000)
    std = torch.full((1000, 2), 0.01)
    certain = Posterior(1000 * torch.nn.functional.one_hot(drawn.category, 10).float(), drawn.continuous, std)
    c1, c2, c3 = bounds(certain, drawn, params)
    assert c1 == pytest.approx(math.log(10))
    assert c2 == c3 == pytest.approx(math.log(2) - 0.5 * math.log(2 * math.pi) - math.log(0.01), abs=1e-5)


def test_an_ignorant_posterior_gives_none(params: Parameters):
    drawn = codes(100_000)
    # The Gaussian of the prior's own mean and variance: less than zero, by the divergence of a uniform from a Gaussian.
    std = torch.full((100_000, 2), 1 / math.sqrt(3))
    c1, c2, _ = bounds(Posterior(torch.zeros(100_000, 10), torch.zeros(100_000, 2), std), drawn, params)
    assert c1 == pytest.approx(0, abs=1e-5)
    assert c2 == pytest.approx(math.log(2) - 0.5 * math.log(2 * math.pi * math.e / 3), abs=0.01)


def test_a_fixed_std_bounds_the_bound(params: Parameters):
    drawn = codes(1000)
    _, c2, _ = bounds(Posterior(torch.zeros(1000, 10), drawn.continuous, torch.ones(1000, 2)), drawn, params)
    assert c2 == pytest.approx(-0.2258, abs=1e-4)


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


def test_estimators_on_a_noisy_channel():
    """c1 of 10 categories, kept with probability 0.7 and otherwise drawn anew."""
    kept, n = 0.7, 500
    generator = torch.Generator().manual_seed(0)
    right, wrong = kept + (1 - kept) / 10, (1 - kept) / 10
    truth = math.log(10) + right * math.log(right) + 9 * wrong * math.log(wrong)
    estimates = []
    for _ in range(100):
        c = torch.randint(10, (n,), generator=generator)
        anew = torch.rand(n, generator=generator) > kept
        x = torch.where(anew, torch.randint(10, (n,), generator=generator), c)
        scores = torch.where(x[:, None] == c[None], math.log(10 * right), math.log(10 * wrong))
        estimates.append(information.infonce(scores))
    assert 0.97 * truth <= torch.tensor(estimates).mean() <= truth + 0.01


def test_infonce_is_never_above_the_logarithm_of_the_batch():
    assert information.infonce(1000 * torch.eye(16)) == pytest.approx(math.log(16))


def test_jensen_shannon_lies_between_independence_and_certainty():
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
