"""Do codes beyond ±1, where the generator was never trained, still give meaningful digits? (§7.2; Fig. 2 spans −2 to 2)

An image at ±2 is meaningful where it still is the digit that the same latent variables give with the code at 0, and where
the code goes on doing what it does within ±1.
"""

from collections.abc import Callable, Mapping

from torch import Tensor

from replicate.measures.continuous_codes import MEASURES, Traversal, roles

DIRECTIONS = {"left": ("rotation", -1), "right": ("rotation", 1), "narrow": ("width", -1), "wide": ("width", 1)}
LEAST_CHANGE = 0.1  # standard deviations of real digits, from 0 to ±1: less is too little for a ratio to it


def scores(
    traversal: Traversal, real_std: Mapping[str, float], probabilities: Callable[[Tensor], Tensor]
) -> dict[str, float]:
    """Compare images at ±2 with those at 0 and at ±1, in four directions: left, right, narrow, wide.

    kept: share of images at ±2 in which the classifier, whose `probabilities` (N, 10) are of images (N, 1, 28, 28), sees the
    digit that it sees at 0. further: the mean change of the code's own measure from ±1 to ±2, over that from 0 to ±1; 0
    where the latter is less than LEAST_CHANGE in the direction's own sense. moved: its mean change from 0 to ±2, in SD by
    `real_std`. confidence: mean probability of the digit that is seen. …_lowest: the lowest of the four directions.
    """
    assigned = roles(traversal)
    at_0 = {name: probabilities(traversal.at(role, 0)[0]).max(dim=1) for name, role in assigned.items()}
    result = {}
    for direction, (name, sense) in DIRECTIONS.items():
        code, measure, sign = assigned[name]
        at = [traversal.index(sense * sign * distance) for distance in (0, 1, 2)]
        confidence, digit = probabilities(traversal.images[code, at[2]]).max(dim=1)
        zero, one, two = sense * traversal.measured[code, at, :, :, measure].mean(axis=(1, 2))
        began = one - zero >= LEAST_CHANGE * real_std[MEASURES[measure]]
        result[f"kept_{direction}"] = (digit == at_0[name].indices).double().mean().item()
        result[f"further_{direction}"] = float((two - one) / (one - zero)) if began else 0.0
        result[f"moved_{direction}"] = float((two - zero) / real_std[MEASURES[measure]])
        result[f"confidence_{direction}"] = confidence.double().mean().item()
    for score in ("kept", "further", "moved", "confidence"):
        result[f"{score}_lowest"] = min(result[f"{score}_{direction}"] for direction in DIRECTIONS)
    return result
