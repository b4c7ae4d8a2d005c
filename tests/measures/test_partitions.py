import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score

from replicate.measures import partitions


def confusion(**errors: int) -> np.ndarray:
    """900 right images a digit, and errors by digit and by what c1 says: d4_9=50."""
    counts = np.diag(np.full(10, 900))
    for name, n in errors.items():
        counts[int(name[1]), int(name[3])] = n
    return counts


def test_digits_share_where_either_lies_in_the_other_s_category():
    assert partitions.sharing(confusion(d4_9=99, d9_4=10), 0.1) == []
    assert partitions.sharing(confusion(d4_9=100), 0.1) == [(4, 9)]
    assert partitions.sharing(confusion(d9_4=400, d8_3=300, d3_5=20), 0.1) == [(3, 8), (4, 9)]
    assert partitions.sharing(np.zeros((10, 10), dtype=int), 0.1) == []


def test_merged_classes_are_counted_among_the_digits_asked_for():
    every = confusion(d4_9=100, d9_7=300, d7_4=200, d3_5=400, d9_8=400)
    assert partitions.merged(every, (4, 7, 9), 0.1) == 3
    assert partitions.merged(confusion(d4_9=99, d3_5=400), (4, 7, 9), 0.1) == 0
    assert partitions.merged(confusion(d4_9=100, d9_4=100, d9_8=400), (4, 7, 9), 0.1) == 1


def test_the_error_without_a_pair_counts_both_of_its_confusions_as_right():
    counts = confusion(d4_9=300, d9_4=200, d1_7=90)
    assert partitions.error_without(counts, []) == pytest.approx(590 / counts.sum())
    assert partitions.error_without(counts, [(4, 9)]) == pytest.approx(90 / counts.sum())


def noisy(random: np.random.Generator, digit: np.ndarray, wrong: float) -> np.ndarray:
    """The digits under other names, with a share of them at random."""
    at_random = random.random(len(digit)) < wrong
    return np.where(at_random, random.integers(0, 10, len(digit)), random.permutation(10)[digit])


def test_the_medoid_is_the_run_that_agrees_most_with_the_others():
    random = np.random.default_rng(0)
    digit = random.integers(0, 10, 2000)
    runs = np.stack([noisy(random, digit, wrong) for wrong in (0.3, 0.05, 0.4, 0.5)])
    agreement = partitions.agreement(runs)
    assert agreement.argmax() == 1
    by_hand = np.mean([adjusted_mutual_info_score(runs[0], runs[other]) for other in (1, 2, 3)])
    assert agreement[0] == pytest.approx(by_hand)
    with pytest.raises(ValueError, match="expected two or more"):
        partitions.agreement(runs[:1])


def test_the_ceiling_is_that_of_a_perfect_clustering():
    digit = np.arange(2000) % 10
    assert partitions.ceiling(digit, 10) == pytest.approx(1)
    halves = digit * 2 + (np.arange(2000) // 10) % 2
    assert partitions.ceiling(digit, 20) == pytest.approx(adjusted_mutual_info_score(digit, halves))
    assert partitions.ceiling(digit, 5) == pytest.approx(adjusted_mutual_info_score(digit, digit % 5))
    assert partitions.ceiling(digit + 3, 20) == pytest.approx(partitions.ceiling(digit, 20))


def test_the_checked_consensus_is_that_of_the_runs_whose_neighbours_agree():
    random = np.random.default_rng(2)
    digit = random.integers(0, 10, 3000)
    good, bad = ([noisy(random, digit, wrong) for _ in range(3)] for wrong in (0.2, 0.9))
    runs = np.stack([*bad, *good])
    nearest = np.stack([random.choice(np.flatnonzero(digit[:1000] == d), 10) for d in digit[:1000]])
    drawn = [np.array([0, 1, 2]), np.array([3, 4, 5]), np.array([0, 1, 3])]
    of_train, of_test = partitions.checked_consensus(runs[:, :2000], runs[:, 2000:], 10, drawn, nearest)
    expected = partitions.consensus(runs[3:, :2000], runs[3:, 2000:], 10)
    assert np.array_equal(of_train, expected[0]) and np.array_equal(of_test, expected[1])


def test_the_consensus_is_better_than_each_run_and_knows_no_names():
    random = np.random.default_rng(1)
    digit = random.integers(0, 10, 4000)
    runs = np.stack([noisy(random, digit, 0.3) for _ in range(7)])
    train, test = runs[:, :3000], runs[:, 3000:]
    of_train, of_test = partitions.consensus(train, test, 10)
    assert adjusted_mutual_info_score(of_train, digit[:3000]) > 0.9 > adjusted_mutual_info_score(train[0], digit[:3000])
    assert adjusted_mutual_info_score(of_test, digit[3000:]) > 0.9
    again, _ = partitions.consensus(train[::-1], test[::-1], 10)
    assert adjusted_mutual_info_score(of_train, again) > 0.95
