"""Each statistic by hand."""

import math

import pytest
from scipy import stats

from replicate.analysis import statistics


def test_the_mean_interval_is_students():
    values = [float(value) for value in range(10)]  # mean 4.5, standard deviation 3.02765
    reach = 2.262157 * 3.0276504 / math.sqrt(10)  # t of 9 degrees of freedom and 97.5 %
    assert statistics.mean_interval(values) == pytest.approx((4.5 - reach, 4.5 + reach), abs=1e-5)
    assert statistics.mean_interval([0.1] * 7) == (0.1, 0.1)
    assert statistics.mean_interval([0.3]) is statistics.prediction_interval([0.3]) is None


def test_the_prediction_interval_is_that_of_one_more_value():
    reach = 4.302653 * math.sqrt(1 + 1 / 3)  # t of 2 degrees of freedom; the standard deviation is 1
    assert statistics.prediction_interval([1, 2, 3]) == pytest.approx((2 - reach, 2 + reach), abs=1e-5)


def test_a_difference_of_means_is_welchs():
    ours, theirs = [1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0]  # variances of their means: 5/12 and 4/3
    error, freedom = math.sqrt(1.75), 1.75**2 / ((5 / 12) ** 2 / 3 + (4 / 3) ** 2 / 2)
    found = statistics.welch(ours, theirs)
    reach = stats.t.ppf(0.975, freedom) * error
    assert found.mean == -1.5 and found.interval == pytest.approx((-1.5 - reach, -1.5 + reach))
    assert found.p == pytest.approx(2 * stats.t.sf(1.5 / error, freedom))
    assert statistics.welch([0.5, 0.5], [0.25, 0.25]) == (0.25, (0.25, 0.25), 0)
    assert statistics.welch([0.5, 0.5], [0.5, 0.5, 0.5]).p == 1


def test_holm_corrects_by_rank_and_stays_in_order():
    assert statistics.holm({"x": 0.02, "y": 0.01, "z": 0.03}) == pytest.approx({"x": 0.04, "y": 0.03, "z": 0.04})
    assert statistics.holm({"x": 0.9, "y": 0.5}) == {"x": 1.0, "y": 1.0}
