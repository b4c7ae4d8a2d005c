import numpy as np
import pytest

from replicate.measures import classification, consistency


@pytest.mark.parametrize(
    ("first", "second", "majority", "one_to_one"),
    [((50, 20), (40, 30), [3, 3], [3, 5]), ((50, 49), (40, 0), [3, 3], [5, 3])],  # 50 + 30 right; not greedy
)
def test_majority_lets_categories_share_a_digit_where_one_to_one_does_not(first, second, majority, one_to_one):
    counts = np.zeros((2, 10), dtype=int)
    counts[:, [3, 5]] = first, second
    assert classification.match_majority(counts).tolist() == majority
    assert classification.match_one_to_one(counts).tolist() == one_to_one


def test_categories_without_a_digit_are_unmatched():
    counts = np.zeros((3, 10), dtype=int)
    counts[0, 4], counts[2, 4] = 5, 6
    assert classification.match_majority(counts).tolist() == [4, classification.UNMATCHED, 4]
    matched = classification.match_one_to_one(np.ones((12, 10), dtype=int))
    assert sorted(matched)[:2] == [classification.UNMATCHED] * 2 and sorted(matched)[2:] == list(range(10))


def scores(category: np.ndarray, digit: np.ndarray, categories: int) -> dict:
    """The scores on the very images that the matchings are fitted on."""
    return classification.scores(classification.contingency(category, digit, categories), category, digit)


def test_two_categories_with_a_digit_leave_one_to_one_without_another():
    digit = np.arange(100) % 10
    category = np.where(digit == 9, 8, digit)  # 8 and 9 share a category, and category 9 is never taken
    result = scores(category, digit, 10)
    assert result["error_one_to_one"] == result["error_majority"] == pytest.approx(0.1)
    assert 0.9 < result["ami"] < 1


def test_fewer_categories_than_digits_have_no_error():
    digit = np.repeat(np.arange(10), 20)
    result = scores(digit // 2, digit, 5)
    assert result["error_one_to_one"] is result["error_majority"] is None
    assert 0 < result["ami"] < 1


def test_shares_and_digits_by_hand():
    category = np.repeat([0, 1, 2], 4)
    classified = np.array([8, 8, 8, 1, 5, 5, 5, 5, 8, 8, 2, 3])
    assert consistency.scores(category, classified, 3) == {
        "mean": 0.75,
        "lowest": 0.5,
        "one_to_one": 8 / 12,  # 8, 5, and 2 or 3
        "digits_reached": 2,
        "by_category": [0.75, 1.0, 0.5],
        "digit_of_category": [8, 5, 8],
    }
