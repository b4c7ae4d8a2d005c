"""What a few runs tell of all runs: how sure a mean over seeds is, and a difference of means."""

import math
import warnings
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from scipy import stats

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """The ends of a 95 % interval."""

    low: float
    high: float


def mean(values: Sequence[float | None]) -> float | None:
    """The mean over runs; None without runs, or where one has no value."""
    return None if None in values or not values else fmean(values)


def mean_interval(values: Sequence[float]) -> Interval:
    """The interval of the mean that `values` (n,), two or more, are drawn around, by Student's t."""
    return _around_mean(values, 1)


def prediction_interval(values: Sequence[float]) -> Interval:
    """The interval that one more value lies in, drawn from the normal distribution that `values` (n,), two or more, are
    drawn from."""
    return _around_mean(values, math.sqrt(len(values) + 1))


def _around_mean(values: Sequence[float], errors: float) -> Interval:
    """The mean, give or take Student's t times so many standard `errors`."""
    reach = stdev(values) / math.sqrt(len(values)) * errors * float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1))
    return Interval(fmean(values) - reach, fmean(values) + reach)


class Difference(NamedTuple):
    """A difference of two means, by Welch's t."""

    mean: float
    interval: Interval
    p: float  # two-sided


def welch(ours: Sequence[float], theirs: Sequence[float]) -> Difference:
    """The mean of `ours` (n,) minus that of `theirs` (m,), two or more each."""
    difference = fmean(ours) - fmean(theirs)
    if stdev(ours) == stdev(theirs) == 0:  # for which the test is not defined
        return Difference(difference, Interval(difference, difference), float(difference == 0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # on one sample whose values are all the same
        test = stats.ttest_ind(ours, theirs, equal_var=False)
    return Difference(difference, Interval(*map(float, test.confidence_interval(CONFIDENCE))), float(test.pvalue))


def holm(p: Mapping[str, float], tests: int) -> dict[str, float]:
    """The p of those that are there of so many planned tests, corrected so that the chance of a false finding among all
    stays at the level (Holm 1979). One that is not there counts as 1."""
    corrected, least = {}, 0.0
    for rank, (name, value) in enumerate(sorted(p.items(), key=lambda item: item[1])):
        least = max(least, min(1.0, (tests - rank) * value))
        corrected[name] = least
    return corrected
