"""The intervals against published values, against their definition, and against many draws of a known truth."""

import math
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from replicate.findings import intervals


def test_mean_interval_is_that_of_student():
    # A table of t gives 2.262 for 9 degrees of freedom and 97.5 %.
    values = [float(value) for value in range(10)]  # mean 4.5, standard deviation 3.02765
    error = 3.0276503540974917 / math.sqrt(10)
    assert intervals.standard_error(values) == pytest.approx(error)
    low, high = intervals.mean_interval(values)
    assert low == pytest.approx(4.5 - 2.262 * error, abs=5e-4) and high == pytest.approx(4.5 + 2.262 * error, abs=5e-4)
    low, high = intervals.mean_interval(values, 0.9)  # 1.833, 95 %
    assert low == pytest.approx(4.5 - 1.833 * error, abs=5e-4) and high == pytest.approx(4.5 + 1.833 * error, abs=5e-4)


@pytest.mark.parametrize("n", [2, 3, 10])
def test_mean_interval_covers_the_truth_in_95_of_100(n):
    draws = np.random.default_rng(0).normal(3, 2, (4000, n))
    covered = [low <= 3 <= high for low, high in map(intervals.mean_interval, draws.tolist())]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.012)  # 3.5 standard errors of 4000 trials


def test_values_that_are_all_the_same_are_their_own_interval():
    assert intervals.mean_interval([0.1] * 7) == (0.1, 0.1)
    assert intervals.standard_error([0.1] * 7) == 0


def test_a_single_value_has_no_interval():
    assert intervals.standard_error([0.3]) is None and intervals.mean_interval([0.3]) is None


@pytest.mark.parametrize("values", [[], [math.nan], [1.0, math.nan], [1.0, math.inf], [-math.inf, 1.0, 2.0]])
def test_what_is_no_finite_number_is_refused(values):
    for function in (intervals.standard_error, intervals.mean_interval):
        with pytest.raises(ValueError, match="expected one finite number or more"):
            function(values)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    # Wilson's formula by hand, z = 1.959964: (k + z²/2 ± z √(k (n − k) / n + z²/4)) / (n + z²).
    [(0, 1, 0.0, 0.793451), (1, 1, 0.206549, 1.0), (3, 10, 0.107791, 0.603222), (10, 10, 0.722467, 1.0)],
)
def test_wilson(successes, trials, low, high):
    assert intervals.wilson(successes, trials) == pytest.approx((low, high), abs=2e-6)


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (4, 3), (-1, 3), (math.nan, 3), (1, math.inf), (1.5, 3)])
def test_wilson_refuses_what_are_no_counts(successes, trials):
    with pytest.raises(ValueError, match="expected whole numbers"):
        intervals.wilson(successes, trials)


def test_the_prediction_interval_holds_95_of_100_further_values():
    random = np.random.default_rng(0)
    values = random.normal(size=(4000, 6))
    inside = 0
    for *seen, further in values:
        low, high = intervals.prediction_interval(seen)
        inside += low <= further <= high
    assert inside / len(values) == pytest.approx(0.95, abs=0.012)
    assert intervals.prediction_interval([1.0]) is None


def test_the_least_of_a_few_is_the_mean_over_all_choices():
    values = [0.3, 0.1, 0.25, 0.2, 0.15, 0.4]
    assert intervals.expected_least(values, 3) == pytest.approx(np.mean([min(c) for c in combinations(values, 3)]))
    assert intervals.expected_least(values, 6) == 0.1
    assert intervals.expected_least(values, 7) is None


def test_the_interval_of_a_difference_is_welchs():
    ours, theirs = [0.1, 0.15, 0.22, 0.3], [0.02, 0.03, 0.05]
    a, b = np.var(ours, ddof=1) / 4, np.var(theirs, ddof=1) / 3
    freedom = (a + b) ** 2 / (a**2 / 3 + b**2 / 2)
    reach = stats.t.ppf(0.975, freedom) * np.sqrt(a + b)
    centre = np.mean(ours) - np.mean(theirs)
    assert intervals.difference_interval(ours, theirs) == pytest.approx((centre - reach, centre + reach))
    assert intervals.difference_interval([0.3, 0.3], [0.1, 0.1]) == pytest.approx((0.2, 0.2))
