"""Does a style code capture one kind of variation? (§7.2), where a unit is what people vary when they write one digit.

Over all digits of MNIST width varies 1.6 times as much as within one, since a 1 is narrow, slant 1.06 times. In spreads over
all digits, a code that widens therefore seems to move less than one that leans.
"""

from collections.abc import Mapping

import numpy as np

from replicate.measures.continuous_codes import OTHER
from replicate.measures.morphometry import Morphometry

OWN = {"rotation": "slant", "width": "width"}  # the measure that is a code's own


def within_digit(styles: Morphometry, digit: np.ndarray) -> dict[str, float]:
    """The standard deviation of slant and width within a digit (N,), a root mean square over digits, as a share of that over
    all."""
    found = {}
    for measure in OWN.values():
        values = getattr(styles, measure)
        variances = [values[digit == d].var() for d in np.unique(digit)]
        found[measure] = float(np.sqrt(np.mean(variances)) / values.std())
    return found


def lowest(measured: Mapping[str, float], within: Mapping[str, float]) -> float:
    """How far a code moves its own measure, as a share of that and of how far it moves the other code's; of the worse code.

    `measured` has both by dotted name (see `continuous_codes.disentanglement`), in standard deviations over all digits;
    `within` turns them into those within a digit. 0 for a code that does not move its own measure.
    """
    shares = []
    for role, other in OTHER.items():
        own = measured[f"disentanglement.{role}_own"] / within[OWN[role]]
        others = measured[f"disentanglement.{role}_other"] / within[OWN[other]]
        shares.append(own / (own + others) if own > 0 else 0.0)
    return min(shares)
