"""What varies along a code beyond an affine warp? (§7.2: G does not simply rotate or stretch, it adjusts details like
thickness and stroke, so that digits look natural)

G's image at ±1 and at ±2 of a code is compared with its image at 0, where all else is the same. All images that are compared
have passed through the same resampling (see `naturalness.resample`), lest its blur count.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import torch
from scipy.stats import pearsonr
from torch import Tensor
from torch.nn import functional as F

from replicate.measures import morphometry, naturalness
from replicate.measures.continuous_codes import MEASURES, Traversal, roles
from replicate.measures.morphometry import Morphometry

DRAWS = 6  # of a category, the first ones: enough for a mean, and a fit takes time
DISTANCES = (1, 2)  # from 0 along a code: where the training ends, and where Figure 2 ends
BLUR = 1.5  # pixels, standard deviation: the first steps of a fit see blurred images, in which strokes meet from afar
COARSE, FINE = 10, 15  # steps of a fit on blurred images, and on the images themselves
SIGNIFICANT = 0.01  # p of a correlation
REALISM = (1e-6, 1e6)  # limits of a realism score, lest one image's logarithm be infinite

Warp = Callable[[Tensor, Tensor], Tensor]  # images (N, 1, H, H), transforms (N, 2, 3) -> images (N, 1, H, H)


def blurred(images: Tensor) -> Tensor:
    """Images (N, 1, H, H), blurred by BLUR."""
    place = torch.arange(-6, 7)
    kernel = torch.exp(-0.5 * (place / BLUR) ** 2)
    kernel /= kernel.sum()
    return F.conv2d(images, torch.outer(kernel, kernel)[None, None], padding=6)


def warped_quickly(images: Tensor, transform: Tensor) -> Tensor:
    """Images (N, C, H, H) seen through affine transforms (N, 2, 3), one bilinear sample a pixel."""
    grid = F.affine_grid(transform, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def best_warp(images: Tensor, targets: Tensor, transform: Tensor, warp: Warp, steps: int) -> tuple[Tensor, Tensor]:
    """The affine transforms (N, 2, 3) of `images` to `targets` (N, 1, H, H), and the sums (N,) of squares that they leave,
    by Levenberg's and Marquardt's method from `transform` on, with slopes from central differences for any `warp`."""
    n, _, size, _ = images.shape
    place = (2 * torch.arange(size) + 1) / size - 1
    y, x = torch.meshgrid(place, place, indexing="ij")
    places = torch.stack([x, y, torch.ones_like(x)]).flatten(1)  # (3, H · H)
    across = torch.tensor([-0.5, 0, 0.5]) * size / 2  # a pixel is 2 / size
    kernels = torch.zeros(2, 1, 3, 3)
    kernels[0, 0, 1], kernels[1, 0, :, 1] = across, across
    slopes = F.conv2d(images, kernels, padding=1)

    def left_by(transform: Tensor) -> tuple[Tensor, Tensor]:
        left = (targets - warp(images, transform)).flatten(1)
        return left, left.square().sum(dim=1)

    damping = torch.full((n,), 0.01)
    left, squares = left_by(transform)
    for _ in range(steps):
        of_each = warped_quickly(slopes, transform).flatten(2)[:, :, None] * places  # (N, 2, 3, H · H)
        jacobian = of_each.flatten(1, 2)
        normal = jacobian @ jacobian.mT
        diagonal = normal.diagonal(dim1=1, dim2=2)
        damped = normal + torch.diag_embed(damping[:, None] * diagonal + 1e-6)
        step = torch.linalg.solve(damped, (jacobian @ left[:, :, None])[..., 0])
        tried = transform + step.view(-1, 2, 3)
        left_then, squares_then = left_by(tried)
        better = squares_then < squares
        transform = torch.where(better[:, None, None], tried, transform)
        left, squares = torch.where(better[:, None], left_then, left), torch.where(better, squares_then, squares)
        damping = torch.where(better, damping / 3, damping * 5).clamp(1e-6, 1e6)
    return transform, squares


def residuals(images: Tensor, targets: Tensor, start: Tensor) -> Tensor:
    """The least sum of squares that an affine warp of `images` leaves of `targets`, over the target's sum of squares: (N, 1,
    H, H), (N, 1, H, H) -> (N,). The search begins at `start` (N, 2, 3), or after steps from there on blurred images."""
    coarse, _ = best_warp(blurred(images), blurred(targets), start, warped_quickly, COARSE)
    at_start, at_coarse = (best_warp(images, targets, each, naturalness.resample, 0)[1] for each in (start, coarse))
    start = torch.where((at_coarse < at_start)[:, None, None], coarse, start)
    _, squares = best_warp(images, targets, start, naturalness.resample, FINE)
    return squares / targets.square().sum(dim=(1, 2, 3))


def thickness_senses(styles: Morphometry, digit: np.ndarray) -> dict[str, int]:
    """How thickness goes with what a code varies, among real digits of one class: by `styles` and `digit` (N,).

    The sign of its correlation with the distance of the slant from its class's mean (rotation), and with the width; 1 where
    the correlation is not significant.
    """

    def within(values: np.ndarray) -> np.ndarray:
        """Minus the mean of the class."""
        return values - pd.Series(values).groupby(digit).transform("mean").to_numpy()

    senses = {}
    for name, values in {"rotation": np.abs(within(styles.slant)), "width": styles.width}.items():
        correlation, p = pearsonr(within(values), within(styles.thickness))
        senses[name] = -1 if p < SIGNIFICANT and correlation < 0 else 1
    return senses


def scores(
    traversal: Traversal,
    real_std: Mapping[str, float],
    features: Callable[[Tensor], Tensor],
    real: Tensor,
    styles: Morphometry,
    digit: np.ndarray,
) -> dict[str, float | None]:
    """What varies along the rotation and the width code, at ±1 and at ±2: names such as rotation_residual_1.

    Means over both signs, all categories and the first DRAWS draws of each. residual: see `residuals`, of the image at
    the value by that at 0. thickness_beyond: the thickness of G's image minus that of the plain shear or stretch to the
    same slant or width, SD by `real_std`, positive in the direction in which real digits differ (see `thickness_senses`).
    realism: the mean natural logarithm of the realism score of G's image over that of its image at 0.

    All but realism are of images with ink, None where there are none. `features` gives features (N, d) of images (N, 1,
    28, 28); `real` holds real digits (M, 1, 28, 28) in [0, 1] of these `styles` and digits (M,).
    """
    known = features(naturalness.unchanged(real))
    radius, senses = naturalness.radii(known), thickness_senses(styles, digit)

    def log_realism(images: Tensor) -> Tensor:
        return naturalness.realism(features(images), known, radius).double().clamp(*REALISM).log()

    result = {}
    for name, role in roles(traversal).items():
        at_0, before = traversal.at(role, 0, DRAWS)
        real_at_0 = log_realism(naturalness.unchanged(at_0))
        for distance in DISTANCES:
            residual, beyond, realism = [], [], []
            for side in (-1, 1):
                there, after = traversal.at(role, side * distance, DRAWS)
                there = naturalness.unchanged(there)
                realism.append(log_realism(there) - real_at_0)
                width = MEASURES.index("width")
                inked = np.flatnonzero((before[:, width] > 0) & (after[:, width] > 0))
                if len(inked) == 0:
                    continue
                image, target = at_0[inked], there[inked]
                measures = before[inked, role.measure], after[inked, role.measure]
                plain = naturalness.plain(name, image, *measures)
                residual.append(residuals(image, target, naturalness.transforms(name, image, *measures)))
                sense = senses[name] * (side if name == "width" else 1)
                thicknesses = (morphometry.measure(each[:, 0].numpy()).thickness for each in (target, plain))
                beyond.append(torch.from_numpy(sense * np.subtract(*thicknesses) / real_std["thickness"]))
            found = {"residual": residual, "thickness_beyond": beyond, "realism": realism}
            for score, parts in found.items():
                result[f"{name}_{score}_{distance}"] = torch.cat(parts).double().mean().item() if parts else None
    return result
