"""What do the continuous codes do? (Fig. 2c: c2 rotates; Fig. 2d: c3 widens; §7.2: thickness is adjusted as well)

The paper shows both by eye. Here each code is varied from −2 to 2 with everything else held fixed, and slant, width and
thickness of the images are measured. Which of the two codes came to rotate is decided by the numbers, not by a person.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata
from torch import Tensor

from replicate.latent import Codes
from replicate.measures import morphometry

CODES = ("c2", "c3")
MEASURES = ("slant", "width", "thickness")


class Traversal(NamedTuple):
    """Measures of images along each code: `measured` (codes, values, categories, draws, measures); radians, pixels."""

    values: np.ndarray  # (values,), ascending
    measured: np.ndarray


def traverse(generate: Callable[[Codes], Tensor], codes: Codes, categories: int, values: list[float]) -> Traversal:
    """Vary c2, then c3, over `values`; the rest stays as in `codes`: every category in turn, each with as many draws.

    `generate` makes images (N, 1, 28, 28) of N latent variables.
    """
    values = sorted(values)
    steps = []
    for code in range(len(CODES)):
        for value in values:
            continuous = codes.continuous.clone()
            continuous[:, code] = value
            measures = morphometry.measure(generate(codes._replace(continuous=continuous))[:, 0].numpy())
            steps.append([getattr(measures, name) for name in MEASURES])
    measured = np.reshape(steps, (len(CODES), len(values), len(MEASURES), categories, -1))
    return Traversal(np.array(values), np.moveaxis(measured, 2, -1))


def rank_correlation(values: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """Spearman's correlation of `values` (V,) with each series of `measured` (..., V); 0 where a series is constant."""
    x, y = rankdata(values), rankdata(measured, axis=-1)
    x, y = x - x.mean(), y - y.mean(axis=-1, keepdims=True)
    norm = np.linalg.norm(x) * np.linalg.norm(y, axis=-1)
    return np.divide(y @ x, norm, out=np.zeros_like(norm), where=norm > 0)


def correlations(traversal: Traversal) -> np.ndarray:
    """Spearman's correlation of each code with each measure: (codes, measures).

    Taken within a draw, where nothing but the code varies, then averaged with its sign over draws and categories. So
    a code that turns some categories left and others right gets no credit; an average of absolute values would give
    it full.
    """
    return rank_correlation(traversal.values, np.moveaxis(traversal.measured, 1, -1)).mean(axis=(1, 2))


def ranges(traversal: Traversal) -> np.ndarray:
    """How far each code moves each measure: (codes, measures), radians and pixels.

    The largest minus the smallest of the measure's means, over draws and categories, at each value of the code.
    """
    return np.ptp(traversal.measured.mean(axis=(2, 3)), axis=1)


def scores(traversal: Traversal) -> dict[str, dict[str, str | int | float]]:
    """Which code rotates, which one changes the width, and how much each of them does.

    The roles are given so that |correlation of the rotating code with slant| + |correlation of the widening code with
    width| is largest. `sign` orients a code so that its own correlation is positive, and is applied to all of its
    correlations. Radians, pixels.
    """
    correlation, moved = correlations(traversal), ranges(traversal)
    slant, width = MEASURES.index("slant"), MEASURES.index("width")
    strength = np.abs(correlation)
    in_order = strength[0, slant] + strength[1, width] >= strength[1, slant] + strength[0, width]
    rotating, widening = (0, 1) if in_order else (1, 0)

    def describe(code: int, measure: int) -> dict[str, str | int | float]:
        sign = -1 if correlation[code, measure] < 0 else 1
        description = {"code": CODES[code], "sign": sign}
        for i, name in enumerate(MEASURES):
            description[f"{name}_correlation"] = float(sign * correlation[code, i])
            description[f"{name}_range"] = float(moved[code, i])
        return description

    return {"rotation": describe(rotating, slant), "width": describe(widening, width)}


def table(traversal: Traversal) -> list[dict[str, str | int | float]]:
    """The means over the draws, a row for each code, value and category."""
    means = traversal.measured.mean(axis=3).tolist()
    return [
        {"code": code, "value": value, "category": category, **dict(zip(MEASURES, measures, strict=True))}
        for code, of_code in zip(CODES, means, strict=True)
        for value, of_value in zip(traversal.values.tolist(), of_code, strict=True)
        for category, measures in enumerate(of_value)
    ]
