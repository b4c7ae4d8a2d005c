"""Grids of generated images, which are kept in git: samples of each category, and traversals of c2 and c3."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from replicate.base.mnist import SIDE
from replicate.gan import model
from replicate.gan.latent import sample_every_category
from replicate.gan.model import Model
from replicate.gan.settings import Latent
from replicate.measures.continuous_codes import CODES
from replicate.parameters import Codes as Options

SAMPLES = 360  # as many of each category, the first of those of which class consistency is measured
TRAVERSALS = 20  # along each code


def grid(images: np.ndarray) -> np.ndarray:
    """Rows and columns of images as one image: (rows, columns, 28, 28) in [0, 1] -> uint8 (28 rows, 28 columns)."""
    rows, columns = images.shape[:2]
    pixels = np.round(255 * images).astype(np.uint8)
    return pixels.swapaxes(1, 2).reshape(SIDE * rows, SIDE * columns)


def read(path: Path) -> np.ndarray:
    """The images of a grid in a file: (rows, columns, 28, 28) in [0, 1]."""
    pixels = np.asarray(Image.open(path))
    rows, columns = (size // SIDE for size in pixels.shape)
    return pixels.reshape(rows, SIDE, columns, SIDE).swapaxes(1, 2) / 255


def samples(trained: Model, prior: Latent, options: Options) -> np.ndarray:
    """Generated images, a row for each category: (K, n, 28, 28)."""
    codes = sample_every_category(options.samples_per_category, prior, torch.Generator().manual_seed(options.seed))
    images = model.generate(trained.generator, codes, prior)[:, 0].numpy()
    return images.reshape(prior.categories, -1, SIDE, SIDE)[:, : SAMPLES // prior.categories]


def traversals(trained: Model, prior: Latent, options: Options) -> np.ndarray:
    """Images along c2, then along c3, a column for each value, a row for each category and draw: (2 K draws, values, 28,
    28)."""
    draws = max(TRAVERSALS // prior.categories, 1)
    codes = sample_every_category(draws, prior, torch.Generator().manual_seed(options.seed))

    def column(value: float) -> np.ndarray:
        of_codes = [codes.with_continuous(code, value) for code in range(len(CODES))]
        return np.concatenate([model.generate(trained.generator, each, prior)[:, 0].numpy() for each in of_codes])

    return np.stack([column(value) for value in options.traversal_values], axis=1)
