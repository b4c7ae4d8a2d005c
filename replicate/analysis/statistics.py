"""What a few runs tell of all runs: how sure a mean over seeds is, and a difference of means."""

import math
import warnings
from collections.abc import Mapping, Sequence
from itertools import accumulate
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


def mean_interval(values: Sequence[float], standard_errors: float = 1) -> Interval:
    """The interval of the mean that `values` (n,), two or more, are drawn around: Student's t times so many standard errors
    to either side."""
    error = standard_errors * stdev(values) / math.sqrt(len(values))
    reach = error * float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1))
    return Interval(fmean(values) - reach, fmean(values) + reach)


def prediction_interval(values: Sequence[float]) -> Interval:
    """The interval of one more value of the normal distribution that `values` (n,), two or more, are drawn from."""
    return mean_interval(values, math.sqrt(len(values) + 1))


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
    ranked = sorted(p, key=p.get)
    return dict(zip(ranked, accumulate((min(1.0, (tests - rank) * p[name]) for rank, name in enumerate(ranked)), max)))
