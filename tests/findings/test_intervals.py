"""The intervals against published values, against their definition, and against many draws of a known truth."""

import math
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from replicate.findings import intervals


def test_the_mean_interval_is_that_of_student_and_none_for_a_single_value():
    # A table of t gives 2.262 for 9 degrees of freedom and 97.5 %.
    values = [float(value) for value in range(10)]  # mean 4.5, standard deviation 3.02765
    error = 3.0276503540974917 / math.sqrt(10)
    for confidence, t in ((0.95, 2.262), (0.9, 1.833)):
        expected = (4.5 - t * error, 4.5 + t * error)
        assert intervals.mean_interval(values, confidence) == pytest.approx(expected, abs=5e-4)
    assert intervals.mean_interval([0.1] * 7) == (0.1, 0.1)
    assert intervals.mean_interval([0.3]) is intervals.prediction_interval([0.3]) is None


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    # Wilson's formula by hand, z = 1.959964: (k + z²/2 ± z √(k (n − k) / n + z²/4)) / (n + z²).
    [(0, 1, 0.0, 0.793451), (1, 1, 0.206549, 1.0), (3, 10, 0.107791, 0.603222), (10, 10, 0.722467, 1.0)],
)
def test_wilson(successes, trials, low, high):
    assert intervals.wilson(successes, trials) == pytest.approx((low, high), abs=2e-6)


def test_the_prediction_interval_holds_95_of_100_further_values():
    random = np.random.default_rng(0)
    values = random.normal(size=(4000, 6))
    inside = 0
    for *seen, further in values:
        low, high = intervals.prediction_interval(seen)
        inside += low <= further <= high
    assert inside / len(values) == pytest.approx(0.95, abs=0.012)


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
