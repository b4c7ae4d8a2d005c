"""Is c1 a classifier of digits? (§7.2: 5 % error, each category matched to a digit)

The paper says neither how categories are matched nor on which images. Here the matching is fitted on one split and
scored on another, in two ways: one-to-one (two categories cannot share a digit) and majority (they can).
"""

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_mutual_info_score, homogeneity_completeness_v_measure

DIGITS = 10
UNMATCHED = -1  # "the digit" of a category that has none


def contingency(category: np.ndarray, digit: np.ndarray, categories: int) -> np.ndarray:
    """How often each category met each digit: (N,), (N,) integers -> counts (categories, 10)."""
    return np.bincount(category * DIGITS + digit, minlength=categories * DIGITS).reshape(categories, DIGITS)


def match_majority(counts: np.ndarray) -> np.ndarray:
    """Each category's most frequent digit, UNMATCHED for a category that never occurred: (K, 10) -> (K,)."""
    return np.where(counts.any(axis=1), counts.argmax(axis=1), UNMATCHED)


def match_one_to_one(counts: np.ndarray) -> np.ndarray:
    """The matching of categories to distinct digits that is right most often: (K, 10) -> (K,).

    The Hungarian method; of more than ten categories the rest are UNMATCHED.
    """
    matched = np.full(len(counts), UNMATCHED)
    category, digit = linear_sum_assignment(counts, maximize=True)
    matched[category] = digit
    return matched


def digits_reached(matched: np.ndarray) -> int:
    """Number of distinct digits that some category is matched to."""
    return len(set(matched.tolist()) - {UNMATCHED})


def digits_present(counts: np.ndarray) -> int:
    """Number of digits that occur in counts (K, 10)."""
    return int(np.count_nonzero(counts.any(axis=0)))


def one_to_one_error(counts: np.ndarray, category: np.ndarray, digit: np.ndarray) -> float | None:
    """Share of images whose category (N,) is not matched to their digit (N,), one-to-one, by the `counts` of others.

    None unless there are as many categories as digits occur: with any other K some images are errors by construction.
    """
    if len(counts) != digits_present(counts):
        return None
    return float(np.mean(match_one_to_one(counts)[category] != digit))


def partition_scores(category: np.ndarray, digit: np.ndarray) -> dict[str, float]:
    """How far partitions of images by category (N,) and by digit (N,) agree; comparable across K, without a matching.

    ami: adjusted mutual information, 0 for independent partitions and 1 for equal ones (Vinh et al. 2010). homogeneity:
    1 when each category has one digit; completeness: 1 when each digit has one category (Rosenberg and Hirschberg 2007).
    """
    homogeneity, completeness, _ = homogeneity_completeness_v_measure(digit, category)
    return {
        "ami": float(adjusted_mutual_info_score(digit, category)),
        "homogeneity": float(homogeneity),
        "completeness": float(completeness),
    }


def scores(counts: np.ndarray, category: np.ndarray, digit: np.ndarray) -> dict[str, float | int | None]:
    """Score c1 on images of categories (N,) and digits (N,), with matchings fitted on the `counts` (K, 10) of others.

    error_one_to_one, error_majority: share of images whose category's digit is not theirs, by the one-to-one and by the
    majority matching; the former is None where K is not the number of digits, the latter where K is less.
    digits_reached: by the majority matching. ami, homogeneity, completeness: see `partition_scores`.
    """
    majority = match_majority(counts)
    return {
        "error_one_to_one": one_to_one_error(counts, category, digit),
        "error_majority": float(np.mean(majority[category] != digit))
        if len(counts) >= digits_present(counts)
        else None,
        "digits_reached": digits_reached(majority),
        **partition_scores(category, digit),
    }
