"""Generators of drawn bars and the like, of which it is known what each code does."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from replicate.gan.latent import Codes

Generate = Callable[[Codes], Tensor]
VALUES = [-2.0, -1.0, 0.0, 1.0, 2.0]
REAL_STD = {"slant": 0.25, "width": 4.0, "thickness": 0.7}  # about those of real digits


def places(slant: Tensor) -> tuple[Tensor, Tensor]:
    """x of each pixel, (N, 28, 28), along rows that are sheared by `slant` (N,) in radians, and y."""
    y, x = torch.meshgrid(torch.arange(28) - 13.5, torch.arange(28) - 13.5, indexing="ij")
    return x + slant.tan()[:, None, None] * y, y


def bars(slant: Tensor, width: Tensor, height: int = 18) -> Tensor:
    """Bars (N, 1, 28, 28) in the middle: of slant (N,) in radians to the right, width (N,) and height in pixels."""
    x, y = places(slant)
    return ((width[:, None, None] / 2 + 0.5 - x.abs()).clamp(0, 1) * (y.abs() < height / 2))[:, None]


def codes(categories: int, draws: int, scale: float = 1.0) -> Codes:
    """So many draws of each category, one category after the other; c2 and c3 within ±scale."""
    n = categories * draws
    continuous = torch.rand((n, 2), generator=torch.Generator().manual_seed(0)) * 2 - 1
    return Codes(torch.zeros(n, 62), torch.arange(categories).repeat_interleave(draws), scale * continuous)


def coarse(images: Tensor) -> Tensor:
    """Features (N, 49): the mean ink of each four by four pixels."""
    return F.avg_pool2d(images, 4).flatten(1)


def far(codes: Codes) -> Tensor:
    return codes.continuous.abs().amax(dim=1).gt(1.5)[:, None, None, None]


def spoilt(generate: Generate) -> Generate:
    """With stripes at ±2."""
    stripes = 0.9 * (torch.arange(28)[:, None] // 2 % 2)
    return lambda codes: generate(codes) * (1 - stripes * far(codes))


def without_ink(generate: Generate) -> Generate:
    """Black at ±2."""
    return lambda codes: generate(codes) * ~far(codes)
