"""Does G do more than shear or stretch its images, so that digits look natural? (§7.2)

An image of G is compared with a plain shear of G's image at 0 to the same slant, or a horizontal stretch to the same width,
by the realism score (Kynkäänniemi et al. 2019, arXiv:1904.06991): how near it lies to some real digit in a space of
features, compared with how near the neighbours of that digit lie. All images pass through the same resampling, and a small
difference counts for neither, so that blur decides nothing.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from replicate.measures import morphometry
from replicate.measures.continuous_codes import MEASURES, Role, Traversal, roles

FINER = 3  # images are transformed at three times their resolution
SHARPEN = torch.tensor([-1 / 24, 13 / 12, -1 / 24])  # undoes a mean over one pixel, whose variance is 1 / 12
NEIGHBOURS = 5
FAR = 2.0  # where Figure 2 ends
LEAST_MOVE = 0.5  # standard deviations of real digits; images that moved less are not compared
LEAST_MOVED = 0.5  # share of images that moved; with fewer, nothing is said
MARGIN = 0.05  # of the larger realism score: differences below it count for neither. Blur alone makes about 0.01


def resample(images: Tensor, transform: Tensor) -> Tensor:
    """Images (N, 1, H, H), each seen through its affine `transform` (N, 2, 3), as F.affine_grid has them.

    Each pixel is the mean of bicubic samples at several places in it, so that the blur depends little on the transform;
    what a mean over a pixel blurs is undone beforehand, to second order. Outside of an image there is no ink.
    """
    n, _, height, width = images.shape
    if n == 0:  # which F.affine_grid refuses
        return images
    sharper = F.conv2d(images, torch.outer(SHARPEN, SHARPEN)[None, None], padding=1)
    grid = F.affine_grid(transform, [n, 1, FINER * height, FINER * width], align_corners=False)
    finer = F.grid_sample(sharper, grid, mode="bicubic", padding_mode="zeros", align_corners=False)
    return F.avg_pool2d(finer, FINER).clamp(0, 1)


def unchanged(images: Tensor) -> Tensor:
    """Images (N, 1, H, H) that have passed through `resample` and are otherwise what they were."""
    return resample(images, torch.eye(2, 3).expand(len(images), 2, 3))


def centre_of_mass(images: Tensor) -> tuple[Tensor, Tensor]:
    """x (N,) and y (N,) of the ink's centre, from −1 to 1; 0 without ink."""
    size = images.shape[-1]
    place = (2 * torch.arange(size) + 1) / size - 1
    ink = images.sum(dim=(1, 2, 3)).clamp(min=torch.finfo(images.dtype).tiny)
    return images.sum(dim=(1, 2)) @ place / ink, images.sum(dim=(1, 3)) @ place / ink


def transforms(name: str, images: Tensor, before: np.ndarray, after: np.ndarray) -> Tensor:
    """The transforms (N, 2, 3) of images (N, 1, H, H) along their rows that keep the centre, from a measure (N,) to another
    one: for "rotation" shears, from slant to slant in radians, for "width" stretches, from width to width in pixels."""
    x, y = centre_of_mass(images)
    transform = torch.eye(2, 3).repeat(len(images), 1, 1)
    if name == "rotation":
        by = torch.from_numpy(np.tan(before) - np.tan(after)).float()
        transform[:, 0, 1], transform[:, 0, 2] = -by, by * y
    else:
        shrink = torch.from_numpy(1 / (after / before)).float()
        transform[:, 0, 0], transform[:, 0, 2] = shrink, (1 - shrink) * x
    return transform


def plain(name: str, images: Tensor, before: np.ndarray, after: np.ndarray) -> Tensor:
    """Images (N, 1, H, H) through `transforms`. The factor of a stretch is corrected once by the width that it gives: what a
    measured width owes to the blur of borders does not stretch."""
    first = resample(images, transforms(name, images, before, after))
    if name == "rotation":
        return first
    came_to = morphometry.measure(first[:, 0].numpy()).width
    return resample(images, transforms(name, images, np.ones(len(images)), after / before * after / came_to))


def radii(real: Tensor) -> Tensor:
    """Distance (M,) of each of `real`'s features (M, d) to its neighbour of rank NEIGHBOURS."""
    return torch.cdist(real, real).kthvalue(NEIGHBOURS + 1).values  # the first is the digit itself


def realism(features: Tensor, real: Tensor, radius: Tensor) -> Tensor:
    """Realism score (N,) of `features` (N, d): the largest, over `real` (M, d), of `radius` (M,) over distance. Unlike the
    authors' it keeps the half of the real images whose radii are largest."""
    distance = torch.cdist(features, real)
    return (radius / distance.clamp(min=torch.finfo(distance.dtype).tiny)).amax(dim=1)


def scores(
    traversal: Traversal, real_std: Mapping[str, float], features: Callable[[Tensor], Tensor], real: Tensor
) -> dict[str, float | None]:
    """Compare G's images at ±FAR, the ends of Figure 2, with plain transforms of its images at 0.

    For the rotating and the widening code, of the images whose own measure moved by LEAST_MOVE (SD by `real_std`) or more:
    more_natural, less_natural: share of images in which G's has a larger, or a smaller, realism score than the plain one, by
    more than MARGIN of the larger; adjusted, lead: their sum and difference. All are None where less than LEAST_MOVED of
    the images moved; moved: their share. …_lowest: of both codes.

    `features` gives features (N, d) of images (N, 1, 28, 28); `real` holds real digits (M, 1, 28, 28), in [0, 1].
    """
    known = features(unchanged(real))
    radius = radii(known)

    def natural(images: Tensor) -> Tensor:
        return realism(features(images), known, radius)

    result = {}
    for name, role in roles(traversal).items():
        pairs = [_pairs(traversal, name, role, side * FAR, real_std) for side in (-1, 1)]
        generated, plainly = (torch.cat(images) for images in zip(*pairs, strict=True))
        result[f"{name}_moved"] = moved = len(generated) / (2 * traversal.images.shape[2])
        found = [None] * 4
        if moved >= LEAST_MOVED:
            of_generator, of_plain = natural(generated), natural(plainly)
            more = (of_plain < (1 - MARGIN) * of_generator).double().mean().item()
            less = (of_generator < (1 - MARGIN) * of_plain).double().mean().item()
            found = more, less, more + less, more - less
        for score, value in zip(("more_natural", "less_natural", "adjusted", "lead"), found):
            result[f"{name}_{score}"] = value
    for score in ("adjusted", "lead"):
        both = [result[f"{name}_{score}"] for name in ("rotation", "width")]
        result[f"{score}_lowest"] = None if None in both else min(both)
    return result


def _pairs(
    traversal: Traversal, name: str, role: Role, value: float, real_std: Mapping[str, float]
) -> tuple[Tensor, Tensor]:
    """G's images (n, 1, 28, 28) at `value` whose own measure moved enough, and the plain transforms to that measure."""
    (at_0, before), (there, after) = traversal.at(role, 0), traversal.at(role, value)
    width, own = MEASURES.index("width"), role.measure
    inked = (before[:, width] > 0) & (after[:, width] > 0)
    moved = np.abs(after - before)[:, own] >= LEAST_MOVE * real_std[MEASURES[own]]
    chosen = np.flatnonzero(inked & moved)
    return unchanged(there[chosen]), plain(name, at_0[chosen], before[chosen, own], after[chosen, own])
