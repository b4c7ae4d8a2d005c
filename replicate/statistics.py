"""What a few runs tell of all runs: how sure a mean is over seeds, and how sure a share of runs is."""

import math
import numbers
from collections.abc import Sequence
from statistics import mean, stdev
from typing import NamedTuple

from scipy import stats

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """The ends of a 95 % confidence interval."""

    low: float
    high: float


def standard_error(values: Sequence[float]) -> float | None:
    """The standard error of the mean of `values` (n,); None for a single one, which tells nothing of it.

    Raises ValueError when there is no value, or one is not finite.
    """
    if len(values) == 0 or not all(map(math.isfinite, values)):
        raise ValueError(f"got {values}, expected one finite number or more")
    return stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None


def mean_interval(values: Sequence[float]) -> Interval | None:
    """The interval of the mean that `values` (n,) are drawn around, by Student's t with n − 1 degrees of freedom.

    None for a single value. Raises ValueError (see `standard_error`).
    """
    error = standard_error(values)
    if error is None:
        return None
    centre, reach = mean(values), error * float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1))
    return Interval(centre - reach, centre + reach)


def prediction_interval(values: Sequence[float]) -> Interval | None:
    """The interval that one more value lies in, of the normal distribution that `values` (n,) are drawn from.

    None for a single value. Raises ValueError (see `standard_error`).
    """
    error = standard_error(values)
    if error is None:
        return None
    centre, n = mean(values), len(values)
    reach = error * math.sqrt(n + 1) * float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1))
    return Interval(centre - reach, centre + reach)


def expected_least(values: Sequence[float], n: int) -> float | None:
    """The least of `n` of `values`, on average over all choices of n; None when there are fewer values."""
    if len(values) < n:
        return None
    choices = math.comb(len(values), n)
    return sum(value * math.comb(len(values) - 1 - i, n - 1) for i, value in enumerate(sorted(values))) / choices


def wilson(successes: int, trials: int) -> Interval:
    """Wilson's interval of the share of all runs that succeed, when `successes` of `trials` did.

    Raises ValueError when these are no counts, there is no trial, or there are more successes than trials.
    """
    whole = isinstance(successes, numbers.Integral) and isinstance(trials, numbers.Integral)
    if not (whole and 0 <= successes <= trials > 0):
        raise ValueError(f"got {successes} of {trials}, expected whole numbers, and one trial or more")
    return Interval(*map(float, stats.binomtest(successes, trials).proportion_ci(CONFIDENCE, method="wilson")))
