"""Does changing c1, with all else fixed, switch between digits? (§7.2: most of the time)"""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from replicate.gan.latent import Codes


def rows(
    generate: Callable[[Codes], Tensor], probabilities: Callable[[Tensor], Tensor], codes: Codes, categories: int
) -> np.ndarray:
    """The digit that the classifier sees for each of `codes` with c1 put at every category in turn: (N, categories).

    `generate` makes images (N, 1, 28, 28); `probabilities` gives the classifier's probabilities (N, 10) of them.
    """
    digits = [
        probabilities(generate(codes._replace(category=torch.full_like(codes.category, category)))).argmax(dim=1)
        for category in range(categories)
    ]
    return torch.stack(digits, dim=1).numpy()


def scores(digits: np.ndarray) -> dict[str, float]:
    """Score the classified digits (draws, categories) of images in a row of which nothing but c1 differs.

    switched: share of draws in which the digits of two categories differ, mean over pairs of categories. digits_in_a_row:
    mean number of distinct digits in a row.
    """
    differ = [np.mean(digits[:, a] != digits[:, b]) for a, b in combinations(range(digits.shape[1]), 2)]
    return {
        "switched": float(np.mean(differ)),
        "digits_in_a_row": float(np.mean([len(set(row)) for row in digits.tolist()])),
    }
