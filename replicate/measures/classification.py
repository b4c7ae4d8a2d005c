"""Is c1 a classifier of digits? (§7.2: 5 % error, each category matched to a digit)

The paper does not say how categories are matched. Here a matching is fitted on one split and scored on another.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_mutual_info_score

DIGITS = 10
UNMATCHED = -1  # "the digit" of a category that has none


def contingency(category: np.ndarray, digit: np.ndarray, categories: int) -> np.ndarray:
    """How often each category met each digit: (N,), (N,) integers -> counts (categories, 10)."""
    return np.bincount(category * DIGITS + digit, minlength=categories * DIGITS).reshape(categories, DIGITS)


def match_majority(counts: np.ndarray) -> np.ndarray:
    """Each category's most frequent digit, UNMATCHED for a category that never occurred: (K, 10) -> (K,)."""
    return np.where(counts.any(axis=1), counts.argmax(axis=1), UNMATCHED)


def match_one_to_one(counts: np.ndarray) -> np.ndarray:
    """The matching of categories to distinct digits that is right most often, by the Hungarian method: (K, 10) -> (K,).
    Categories beyond ten are UNMATCHED."""
    matched = np.full(len(counts), UNMATCHED)
    category, digit = linear_sum_assignment(counts, maximize=True)
    matched[category] = digit
    return matched


def one_to_one_error(counts: np.ndarray, category: np.ndarray, digit: np.ndarray) -> float | None:
    """Share of images whose category (N,) is not matched to their digit (N,), one-to-one, by the `counts` of others. None
    unless there are as many categories as digits occur."""
    if len(counts) != np.count_nonzero(counts.any(axis=0)):
        return None
    return float(np.mean(match_one_to_one(counts)[category] != digit))


def scores(counts: np.ndarray, category: np.ndarray, digit: np.ndarray) -> dict[str, float | int | None]:
    """Score c1 on images of categories (N,) and digits (N,), with matchings fitted on the `counts` (K, 10) of others.

    error_majority is None where there are fewer categories than digits. ami: adjusted mutual information (Vinh et al. 2010).
    """
    majority = match_majority(counts)
    enough = len(counts) >= np.count_nonzero(counts.any(axis=0))
    return {
        "error_one_to_one": one_to_one_error(counts, category, digit),
        "error_majority": float(np.mean(majority[category] != digit)) if enough else None,
        "ami": float(adjusted_mutual_info_score(digit, category)),
    }
