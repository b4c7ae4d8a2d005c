import numpy as np

from replicate.measures import consistency


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


def test_a_generator_of_one_digit_is_consistent_but_not_one_to_one():
    scores = consistency.scores(np.repeat(np.arange(10), 5), np.full(50, 1), 10)
    assert scores["mean"] == scores["lowest"] == 1
    assert scores["one_to_one"] == 0.1 and scores["digits_reached"] == 1
