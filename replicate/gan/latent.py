"""The latent code of the generator: what is sampled, its entropy, and what the generator reads (App. C.1)."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from replicate.gan.settings import Latent


class Codes(NamedTuple):
    """N latent variables: incompressible noise z and the structured latent code c (§4)."""

    noise: Tensor  # (N, noise_variables) float32
    category: Tensor  # (N,) int64: c1
    continuous: Tensor  # (N, 2) float32: c2, c3

    def to(self, device: torch.device) -> "Codes":
        return Codes(*(to_device(part, device) for part in self))

    def with_continuous(self, code: int, value: float) -> "Codes":
        """The same but for c2 (`code` 0) or c3 (1), which is `value` throughout."""
        continuous = self.continuous.clone()
        continuous[:, code] = value
        return self._replace(continuous=continuous)


def to_device(drawn: Tensor, device: torch.device) -> Tensor:
    """What was drawn on the CPU on the device; to a GPU from pinned memory, so that nothing waits for the copy."""
    if device.type != "cuda":
        return drawn.to(device)  # mps may read memory that has been freed, where nothing waits
    return drawn.pin_memory().to(device, non_blocking=True)


def sample(n: int, prior: Latent, generator: torch.Generator) -> Codes:
    """Draw n latent variables from their prior: c1 ~ Cat(K, 1/K), c2, c3 ~ Unif(−1, 1), z as `prior.noise` says."""

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator) * 2 - 1

    shape = (n, prior.noise_variables)
    noise = uniform(*shape) if prior.noise == "uniform" else torch.randn(shape, generator=generator)
    category = torch.randint(prior.categories, (n,), generator=generator)
    return Codes(noise, category, uniform(n, prior.continuous_codes))


def sample_every_category(draws: int, prior: Latent, random: torch.Generator) -> Codes:
    """Latent variables from their prior, but with `draws` of each category, one category after the other."""
    codes = sample(draws * prior.categories, prior, random)
    return codes._replace(category=torch.arange(prior.categories).repeat_interleave(draws))


def inputs(codes: Codes, prior: Latent) -> Tensor:
    """What the generator reads: z, c1 one-hot, c2 and c3 side by side; (N, 74) with the paper's sizes."""
    return torch.cat([codes.noise, F.one_hot(codes.category, prior.categories).float(), codes.continuous], dim=1)


def entropies(prior: Latent) -> tuple[float, ...]:
    """H(c) of c1, c2, c3 in nats: log K, then log 2 each (differential, of Unif(−1, 1))."""
    return (math.log(prior.categories), *[math.log(2)] * prior.continuous_codes)
