"""Does c1, and nothing else, decide which digit an image shows? (Fig. 2a; for a regular GAN Fig. 2b)"""

import numpy as np

from replicate.measures.classification import contingency, match_majority, match_one_to_one


def scores(category: np.ndarray, classified: np.ndarray, categories: int) -> dict[str, float | int | list]:
    """Score generated images by the category (N,) they were generated from and the digit (N,) the classifier sees in each.

    by_category: share of a category's images that are its most frequent digit, digit_of_category; mean and lowest: of these
    shares. one_to_one: share of images of their category's digit, each digit given to one category at most; at most 10 / K.
    """
    counts = contingency(category, classified, categories)
    shares, digits = counts.max(axis=1) / counts.sum(axis=1), match_majority(counts)
    return {
        "mean": float(shares.mean()),
        "lowest": float(shares.min()),
        "one_to_one": float(np.mean(match_one_to_one(counts)[category] == classified)),
        "digits_reached": len(set(digits.tolist())),
        "by_category": shares.tolist(),
        "digit_of_category": digits.tolist(),
    }
