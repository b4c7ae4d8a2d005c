"""What do the continuous codes do? (Fig. 2c: c2 rotates; Fig. 2d: c3 widens; abstract, §7.2: they hold the style alone)

Each code is varied from −2 to 2 with everything else held fixed, and slant, width and thickness of the images are measured
(`morphometry`). Changes are in standard deviations of the same measure over real digits, `real_std` by measure.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from scipy.stats import rankdata
from torch import Tensor

from replicate.gan.latent import Codes
from replicate.measures import morphometry
from replicate.measures.classification import UNMATCHED
from replicate.measures.morphometry import Morphometry

CODES = ("c2", "c3")
MEASURES = ("slant", "width", "thickness")
OTHER = {"rotation": "width", "width": "rotation"}
OWN = {"rotation": "slant", "width": "width"}  # the measure that is a code's own


class Traversal(NamedTuple):
    """Images along each code, and their measures in radians and pixels. N images a value: categories times draws."""

    values: np.ndarray  # (values,), ascending
    measured: np.ndarray  # (codes, values, categories, draws, measures)
    images: Tensor  # (codes, values, N, 1, 28, 28), one category after the other

    def index(self, value: float) -> int:
        """Where `value` is among the values. Raises ValueError when it is not there."""
        return self.values.tolist().index(value)

    def at(self, role: "Role", value: float, draws: int | None = None) -> tuple[Tensor, np.ndarray]:
        """Images (n, 1, 28, 28) and their measures (n, measures) where the role's code is `value` times its sign, of the
        first `draws` draws of each category, by default all. Raises ValueError when it is not among the values."""
        place = self.index(role.sign * value)
        measured = self.measured[role.code, place]
        images = self.images[role.code, place].unflatten(0, measured.shape[:2])
        return images[:, :draws].flatten(0, 1), measured[:, :draws].reshape(-1, len(MEASURES))


class Role(NamedTuple):
    """The code that rotates, or the one that widens."""

    code: int  # its place in CODES
    measure: int  # its own measure's place in MEASURES
    sign: int  # 1, or −1 where its own measure falls as the code rises


def traverse(generate: Callable[[Codes], Tensor], codes: Codes, categories: int, values: list[float]) -> Traversal:
    """Vary c2, then c3, over ascending `values`. The rest stays as in `codes`, which hold as many draws of each category,
    one category after the other. `generate` makes images (N, 1, 28, 28) of N latent variables."""
    steps = [generate(codes.with_continuous(code, value)) for code in range(len(CODES)) for value in values]
    measures = morphometry.measure(torch.cat(steps)[:, 0].numpy())
    of_each = np.stack([getattr(measures, name) for name in MEASURES], axis=-1)
    sizes = len(CODES), len(values)
    measured = of_each.reshape(*sizes, categories, -1, len(MEASURES))
    return Traversal(np.array(values), measured, torch.stack(steps).unflatten(0, sizes))


def deviations(styles: Morphometry) -> dict[str, float]:
    """Standard deviation of each of MEASURES over digits whose styles are known, in radians and pixels."""
    return {name: float(getattr(styles, name).std()) for name in MEASURES}


def rank_correlation(values: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """Spearman's correlation of `values` (V,) with each series of `measured` (..., V); 0 where a series is constant."""
    x, y = rankdata(values), rankdata(measured, axis=-1)
    x, y = x - x.mean(), y - y.mean(axis=-1, keepdims=True)
    norm = np.linalg.norm(x) * np.linalg.norm(y, axis=-1)
    return np.divide(y @ x, norm, out=np.zeros_like(norm), where=norm > 0)


def correlations(traversal: Traversal) -> np.ndarray:
    """Spearman's correlation of each code with each measure within ±1, within a draw, then averaged with its sign over
    draws and categories: (codes, measures)."""
    trained = np.abs(traversal.values) <= 1
    series = np.moveaxis(traversal.measured[:, trained], 1, -1)
    return rank_correlation(traversal.values[trained], series).mean(axis=(1, 2))


def changes(traversal: Traversal, real_std: Mapping[str, float]) -> np.ndarray:
    """Each measure at 1 minus that at −1, in standard deviations of real digits: (codes, categories, draws, measures)."""
    low, high = (traversal.measured[:, traversal.index(value)] for value in (-1, 1))
    return (high - low) / np.array([real_std[name] for name in MEASURES])


def roles(traversal: Traversal) -> dict[str, Role]:
    """Which code rotates and which one widens: so that |correlation of the rotating code with slant| + |correlation of the
    widening code with width| is larger. The sign makes a code's correlation with its own measure positive."""
    correlation = correlations(traversal)
    (slant0, width0), (slant1, width1) = np.abs(correlation[:, :2])
    rotating = 0 if slant0 + width1 >= slant1 + width0 else 1
    codes = {"rotation": rotating, "width": 1 - rotating}
    own = {role: MEASURES.index(OWN[role]) for role in codes}
    return {role: Role(code, own[role], -1 if correlation[code, own[role]] < 0 else 1) for role, code in codes.items()}


def scores(traversal: Traversal, real_std: Mapping[str, float]) -> dict[str, dict[str, str | int | float | None]]:
    """What the rotating and the widening code do within ±1, as {"rotation": {...}, "width": {...}} (Fig. 2c, 2d).

    For each of MEASURES its correlation with the code, and its mean change from −1 to 1, both multiplied by the code's
    sign. thickness_over_width: of absolute changes by the width code; None where the width does not change.
    """
    correlation, moved = correlations(traversal), changes(traversal, real_std).mean(axis=(1, 2))
    described = {}
    for name, role in roles(traversal).items():
        described[name] = {"code": CODES[role.code], "sign": role.sign}
        for i, measure in enumerate(MEASURES):
            described[name][f"{measure}_correlation"] = float(role.sign * correlation[role.code, i])
            described[name][f"{measure}_change"] = float(role.sign * moved[role.code, i])
    thickness, width = (abs(described["width"][f"{measure}_change"]) for measure in ("thickness", "width"))
    described["width"]["thickness_over_width"] = thickness / width if width > 0 else None
    return described


def turned_against(traversal: Traversal, digit: np.ndarray) -> dict[str, str | int]:
    """Which digits the rotation code turns against its sign, where `digit` (K,) is that of each category or UNMATCHED.

    against: these digits, each with the change of its category's mean slant from −1 to 1 in radians: "1:-0.62 7:-0.10".
    """
    code, measure, sign = roles(traversal)["rotation"]
    low, high = (traversal.measured[code, traversal.index(value), ..., measure].mean(axis=1) for value in (-1, 1))
    found = [(int(d), turn) for d, turn in zip(digit, sign * (high - low)) if turn < 0]
    return {
        "against": " ".join(f"{d}:{turn:.2f}" for d, turn in found),
        "digits_against": len({d for d, _ in found} - {UNMATCHED}),
    }


def disentanglement(
    traversal: Traversal, real_std: Mapping[str, float], probabilities: Callable[[Tensor], Tensor]
) -> dict[str, float]:
    """Does each code move its own measure, and leave the other's and the digit alone, within ±1? (abstract, §7.2)

    own, other: the change of its own and of the other code's measure from −1 to 1, a root mean square over draws and
    categories. specificity: own / (own + other). digit_kept: share of images in which the classifier, whose `probabilities`
    (N, 10) are of images (N, 1, 28, 28), sees the same digit at −1, 0 and 1. …_lowest: of the worse code.
    """
    moved = np.sqrt(np.square(changes(traversal, real_std)).mean(axis=(1, 2)))
    assigned = roles(traversal)
    result = {}
    for name, role in assigned.items():
        own, other = moved[role.code, role.measure], moved[role.code, assigned[OTHER[name]].measure]
        low, middle, high = (probabilities(traversal.at(role, value)[0]).argmax(dim=1) for value in (-1, 0, 1))
        result |= {
            f"{name}_own": float(own),
            f"{name}_other": float(other),
            f"{name}_specificity": float(own / (own + other)) if own > 0 else 0.0,
            f"{name}_digit_kept": ((low == middle) & (high == middle)).double().mean().item(),
        }
    for score in ("specificity", "digit_kept"):
        result[f"{score}_lowest"] = min(result[f"{name}_{score}"] for name in assigned)
    return result


def specificity_within(measured: Mapping[str, float], styles: Morphometry, digit: np.ndarray) -> float:
    """The specificity of the worse code, by what `disentanglement` has `measured`, in standard deviations of real digits
    within a digit (N,), a root mean square over digits."""
    within = {}  # as a share of that over all
    for name, measure in OWN.items():
        values = getattr(styles, measure)
        variances = [values[digit == d].var() for d in np.unique(digit)]
        within[name] = float(np.sqrt(np.mean(variances)) / values.std())
    shares = []
    for name, other in OTHER.items():
        own, others = measured[f"{name}_own"] / within[name], measured[f"{name}_other"] / within[other]
        shares.append(own / (own + others) if own > 0 else 0.0)
    return min(shares)


def table(traversal: Traversal) -> list[dict[str, str | int | float]]:
    """The means over the draws, a row for each code, value and category."""
    means = traversal.measured.mean(axis=3)
    places = pd.MultiIndex.from_product(
        [CODES, traversal.values, range(means.shape[2])], names=["code", "value", "category"]
    )
    return pd.DataFrame(means.reshape(-1, len(MEASURES)), places, MEASURES).reset_index().to_dict("records")
