"""Does varying c1 change the digit, and nothing else do so? (Fig. 2a; for a regular GAN Fig. 2b)"""

import numpy as np

from replicate.measures.classification import contingency, digits_reached, match_majority


def scores(category: np.ndarray, judged: np.ndarray, categories: int) -> dict[str, float | int | list]:
    """Score generated images by the category (N,) they were generated from and the digit (N,) the judge sees in each.

    by_category: share of a category's images that are its most frequent digit; mean and lowest: of these shares;
    digit_of_category, digits_reached: these digits, and how many are distinct.
    Raises ValueError when a category has no image.
    """
    counts = contingency(category, judged, categories)
    if not counts.any(axis=1).all():
        raise ValueError("purity: expected images of every category")
    shares, digits = counts.max(axis=1) / counts.sum(axis=1), match_majority(counts)
    return {
        "mean": float(shares.mean()),
        "lowest": float(shares.min()),
        "digits_reached": digits_reached(digits),
        "by_category": shares.tolist(),
        "digit_of_category": digits.tolist(),
    }
