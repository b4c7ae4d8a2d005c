"""By which style do two categories divide a pair of digits between them?

L_I asks for ten categories that can be read from an image. Where two of them share two digits, something else than the
digit tells them apart: its slant, its width, its height or its thickness.
"""

from typing import NamedTuple

import numpy as np
from sklearn.metrics import roc_auc_score

from replicate.measures.morphometry import Morphometry


class Split(NamedTuple):
    """The style that tells two categories apart best, within each of two digits."""

    style: str
    area: float  # under the ROC curve, of the digit in which it tells less: 0.5 for nothing, 1 for all


def best(styles: Morphometry, digit: np.ndarray, given: np.ndarray, pair: tuple[int, int]) -> Split:
    """How images of a `pair` of digits are divided, by their `styles`, their digit (N,) and the digit `given` by c1 (N,)."""
    areas = {
        style: min(_area(values[in_pair], given[in_pair]) for in_pair in (_within(digit, given, d, pair) for d in pair))
        for style, values in styles._asdict().items()
    }
    return Split(*max(areas.items(), key=lambda found: found[1]))


def _within(digit: np.ndarray, given: np.ndarray, of: int, pair: tuple[int, int]) -> np.ndarray:
    return (digit == of) & np.isin(given, pair)


def _area(values: np.ndarray, given: np.ndarray) -> float:
    """Of telling by a value which of two digits is given, in the better direction; 0.5 where all are given one."""
    if len(set(given)) < 2:
        return 0.5
    area = roc_auc_score(given == given.max(), values)
    return float(max(area, 1 - area))
