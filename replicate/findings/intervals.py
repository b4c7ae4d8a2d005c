"""What a few runs tell of all runs: how sure a mean is over seeds, and how sure a share of runs is."""

import math
import warnings
from collections.abc import Sequence
from statistics import mean, stdev
from typing import NamedTuple

from scipy import stats

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """The ends of an interval, of 95 % where nothing else is said."""

    low: float
    high: float


def mean_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval | None:
    """The interval of the mean that `values` (n,) are drawn around, by Student's t with n − 1 degrees of freedom.

    None for a single value, which tells nothing of it.
    """
    return _around_mean(values, 1, confidence)


def prediction_interval(values: Sequence[float]) -> Interval | None:
    """The interval that one more value lies in, drawn from the normal distribution that `values` (n,) are drawn from.

    None for a single value.
    """
    return _around_mean(values, math.sqrt(len(values) + 1), CONFIDENCE)


def _around_mean(values: Sequence[float], errors: float, confidence: float) -> Interval | None:
    """The mean, give or take Student's t times so many standard `errors`."""
    if len(values) < 2:
        return None
    error = stdev(values) / math.sqrt(len(values))
    centre, reach = mean(values), error * errors * float(stats.t.ppf((1 + confidence) / 2, len(values) - 1))
    return Interval(centre - reach, centre + reach)


def difference_interval(ours: Sequence[float], theirs: Sequence[float]) -> Interval:
    """The interval of the mean of `ours` (n,) less that of `theirs` (m,), two or more each, by Welch's t."""
    spread = stdev(ours) ** 2 / len(ours) + stdev(theirs) ** 2 / len(theirs)
    if spread == 0:  # for which the test is not defined
        return Interval(*2 * (mean(ours) - mean(theirs),))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # on one sample whose values are all the same
        test = stats.ttest_ind(ours, theirs, equal_var=False)
    return Interval(*map(float, test.confidence_interval(CONFIDENCE)))


def expected_least(values: Sequence[float], n: int) -> float | None:
    """The mean, over all choices of `n` of `values`, of the least one chosen; None when there are fewer values than n."""
    if len(values) < n:
        return None
    choices = math.comb(len(values), n)
    return sum(value * math.comb(len(values) - 1 - i, n - 1) for i, value in enumerate(sorted(values))) / choices


def wilson(successes: int, trials: int) -> Interval:
    """Wilson's interval of the share of all runs that succeed, when `successes` of `trials`, one or more, did."""
    return Interval(*map(float, stats.binomtest(successes, trials).proportion_ci(CONFIDENCE, method="wilson")))
