import math

import numpy as np
import pytest
from replicate.measures import classification


def test_contingency_counts_pairs():
    counts = classification.contingency(np.array([0, 0, 2, 0]), np.array([7, 7, 9, 1]), categories=3)
    assert counts.shape == (3, 10)
    assert counts[0, 7] == 2 and counts[0, 1] == 1 and counts[2, 9] == 1 and counts.sum() == 4


def test_majority_lets_categories_share_a_digit_where_one_to_one_does_not():
    counts = np.zeros((2, 10), dtype=int)
    counts[0, [3, 5]] = 50, 20
    counts[1, [3, 5]] = 40, 30
    assert classification.match_majority(counts).tolist() == [3, 3]
    assert classification.match_one_to_one(counts).tolist() == [3, 5]  # 50 + 30 right, the other way 20 + 40


def test_one_to_one_is_best_in_total_and_not_greedy():
    counts = np.zeros((2, 10), dtype=int)
    counts[0, [3, 5]] = 50, 49
    counts[1, [3, 5]] = 40, 0
    assert classification.match_one_to_one(counts).tolist() == [5, 3]


def test_categories_without_a_digit_are_unmatched_and_not_reached():
    counts = np.zeros((3, 10), dtype=int)
    counts[0, 4], counts[2, 4] = 5, 6
    assert classification.match_majority(counts).tolist() == [4, classification.UNMATCHED, 4]
    assert classification.digits_reached(classification.match_majority(counts)) == 1
    matched = classification.match_one_to_one(np.ones((12, 10), dtype=int))
    assert sorted(matched)[:2] == [classification.UNMATCHED] * 2 and sorted(matched)[2:] == list(range(10))


def test_scores_of_a_permutation_of_the_digits_are_perfect():
    digit = np.arange(100) % 10
    category = (3 * digit + 4) % 10
    counts = classification.contingency(category, digit, 10)
    assert classification.scores(counts, category, digit) == pytest.approx(
        {"error_one_to_one": 0, "error_majority": 0, "digits_reached": 10, "nmi": 1, "ari": 1}
    )


def test_matching_is_fitted_on_the_other_split():
    """Fitted on its own categories the test split would have no error."""
    category, digit = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1])
    swapped = classification.contingency(1 - category, digit, 2)
    result = classification.scores(swapped, category, digit)
    assert result["error_one_to_one"] == result["error_majority"] == 1
    assert result["nmi"] == pytest.approx(1)


def test_nmi_and_ari_by_hand():
    """Two categories, each half of one digit's images and half of another's: independent of the digit."""
    category, digit = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    result = classification.scores(classification.contingency(category, digit, 2), category, digit)
    assert result["nmi"] == pytest.approx(0, abs=1e-12)
    assert result["ari"] == pytest.approx(-0.5)

    # One category split in two: H(category) = 1.5 bits, H(digit) = mutual information = 1 bit.
    category, digit = np.array([0, 0, 1, 2]), np.array([0, 0, 1, 1])
    result = classification.scores(classification.contingency(category, digit, 3), category, digit)
    assert result["nmi"] == pytest.approx(1 / 1.25)
    assert result["error_one_to_one"] == 0.25 and result["error_majority"] == 0
    assert result["digits_reached"] == 2
    assert not any(math.isnan(value) for value in result.values())
