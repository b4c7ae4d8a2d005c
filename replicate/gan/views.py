"""Changed views of images: what a code is read from, where it shall be readable whatever the change takes away.

T(x) is an affine map of an image x, drawn for each image anew, then perhaps a blur and a random brightness. By data
processing I(c; T(x)) ≤ I(c; x), so a lower bound of the information in T(x) is still one of the mutual information that
the paper maximises; but what T changes carries the code less well. No label enters; how digits may change and stay what
they are is a prior about handwriting. It is this project's own. Related methods: IMSAT (Hu et al. 2017, arXiv:1702.08720),
IIC (Ji et al. 2019, arXiv:1807.06653), Elastic-InfoGAN (Ojha et al. 2020, arXiv:1910.01112).
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from replicate.base.mnist import SIDE
from replicate.gan.latent import Codes
from replicate.gan.settings import RecognitionViews, View


class Reading(NamedTuple):
    """A batch that one code is read from."""

    code: int  # 0, 1, 2: of c1, c2, c3
    images: Tensor  # (n, 1, 28, 28)
    codes: Codes  # n latent variables that they were made from


def affine(n: int, view: View, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """n maps (n, 2, 2) and shifts (n, 2) that a view draws: each amount uniform between − and + its value.

    A view shows at the point p = (x, y), in pixels right of and below the centre, what the image has at M p + shift.
    """
    amounts = torch.tensor([view.rotation, view.shear, view.stretch_x, view.stretch_y, view.shift, view.shift])
    drawn = (torch.rand(n, len(amounts), generator=random) * 2 - 1) * amounts
    rotation, shear, stretch_x, stretch_y = drawn[:, :4].T
    cos, sin, along_x, along_y = rotation.cos(), rotation.sin(), stretch_x.exp(), stretch_y.exp()
    zero, one = torch.zeros(n), torch.ones(n)

    def matrix(*entries: Tensor) -> Tensor:
        return torch.stack(entries, dim=1).view(n, 2, 2)

    maps = matrix(cos, -sin, sin, cos) @ matrix(one, shear, zero, one) @ matrix(along_x, zero, zero, along_y)
    return maps, drawn[:, 4:]


def change(images: Tensor, maps: Tensor, shifts: Tensor) -> Tensor:
    """Images (n, 1, 28, 28) seen through affine maps (see `affine`): bilinear, 0 outside."""
    if images.device.type == "cpu":
        in_its_units = torch.cat([maps, shifts[:, :, None] * 2 / SIDE], dim=2).to(images.dtype)
        grid = F.affine_grid(in_its_units, list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, align_corners=False)
    return by_products(images, maps, shifts)


def by_products(images: Tensor, maps: Tensor, shifts: Tensor) -> Tensor:
    """What `change` does, as products with the weights of rows and columns: slower, but with the same bits each time, where
    `grid_sample` on a GPU adds up gradients in any order."""
    centred = torch.arange(SIDE, dtype=images.dtype, device=images.device) - (SIDE - 1) / 2

    def weights(places: Tensor) -> Tensor:
        """Of the rows or columns at each of some places: (n, p) -> (n, p, 28)."""
        return (1 - (places[:, :, None] - centred).abs()).clamp(min=0)

    y, x = torch.meshgrid(centred, centred, indexing="ij")
    source = maps.to(images.dtype) @ torch.stack([x.flatten(), y.flatten()]) + shifts.to(images.dtype)[:, :, None]
    return (weights(source[:, 1]) @ images[:, 0] * weights(source[:, 0])).sum(dim=2).view(images.shape)


def blurred(images: Tensor, std: float) -> Tensor:
    """Images (n, 1, 28, 28) under a Gaussian of `std` pixels, cut off at three of them; 0 outside."""
    place = torch.arange(SIDE, dtype=images.dtype, device=images.device)
    offset = place[:, None] - place
    reach = torch.arange(-int(3 * std), int(3 * std) + 1, dtype=images.dtype, device=images.device)
    total = (-reach.square() / (2 * std**2)).exp().sum()
    weights = (-offset.square() / (2 * std**2)).exp() * (offset.abs() <= 3 * std) / total
    return weights @ images @ weights


def parts(n: int, views: RecognitionViews) -> dict[int, slice]:
    """Which of n generated images each code that has a view is read from.

    c1 is read from all images; c2 and c3 share them out, so that both together cost one batch.
    """
    by_code = views.by_code()
    continuous = [code for code in by_code if code > 0]
    found = {0: slice(n)} if 0 in by_code else {}
    for i, code in enumerate(continuous):
        found[code] = slice(n * i // len(continuous), n * (i + 1) // len(continuous))
    return found


class Changes(NamedTuple):
    """How the m images change that codes are read from, as it was drawn."""

    maps: Tensor  # (m, 2, 2)
    shifts: Tensor  # (m, 2)
    factors: Tensor  # (m,): of the brightness


def draw(n: int, views: RecognitionViews, random: torch.Generator) -> Changes:
    """How images change when n are generated (see `parts`). Factors are drawn last, and only for views that have them."""
    by_code, of_code = views.by_code(), parts(n, views)
    sizes = {code: len(range(n)[part]) for code, part in of_code.items()}
    maps, shifts = zip(
        (torch.empty(0, 2, 2), torch.empty(0, 2)), *(affine(sizes[c], by_code[c], random) for c in sizes)
    )
    factors = [torch.empty(0)]
    for code, size in sizes.items():
        amount = by_code[code].brightness
        factors.append(((torch.rand(size, generator=random) * 2 - 1) * amount).exp() if amount else torch.ones(size))
    return Changes(torch.cat(maps), torch.cat(shifts), torch.cat(factors))


def readings(images: Tensor, codes: Codes, views: RecognitionViews, changes: Changes) -> list[Reading]:
    """What the codes that have a view are read from: generated images (N, 1, 28, 28), changed as was drawn."""
    by_code, of_code = views.by_code(), parts(len(images), views)
    if not of_code:
        return []
    batches = [images[part] for part in of_code.values()]
    sizes = [len(batch) for batch in batches]
    changed = change(torch.cat(batches), changes.maps, changes.shifts).split(sizes)
    found = []
    for (code, part), batch, factors in zip(of_code.items(), changed, changes.factors.split(sizes)):
        if by_code[code].blur:
            batch = blurred(batch, by_code[code].blur)
        if by_code[code].brightness:
            batch = batch * factors[:, None, None, None]
        found.append(Reading(code, batch, Codes(*(each[part] for each in codes))))
    return found
