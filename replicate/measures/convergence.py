"""How fast does training get there? (Fig. 1; §6: L_I "always converges faster than normal GAN objectives")

Every function takes a training log: the iterations (R,) of its rows, ascending, and a quantity's curve (R,) there.
"""

import numpy as np

SMOOTHING = 100  # iterations
TOLERANCE = 0.1  # of the curve's overall travel
TAIL = 0.1  # of the iterations, over which the final value is the mean


def mean_up_to(iterations: np.ndarray, curve: np.ndarray, iteration: int) -> float | None:
    """The curve's mean over the SMOOTHING iterations up to `iteration`; None where the log has no rows for it."""
    window = curve[(iterations > iteration - SMOOTHING) & (iterations <= iteration)]
    return float(window.mean()) if len(window) and iteration <= iterations[-1] else None


def first_at_least(iterations: np.ndarray, curve: np.ndarray, level: float) -> int | None:
    """The first iteration at which the curve is at least `level`; None when it never is."""
    reached = curve >= level
    return int(iterations[reached.argmax()]) if reached.any() else None


def settled(iterations: np.ndarray, curve: np.ndarray) -> int | None:
    """The first iteration from which on the curve stays near its final value; None when not even its last row does.

    The final value is the mean over the last 10 % of the iterations. The curve is smoothed by a running mean over 100
    iterations (over as many as there are yet, at the start). Near is within 10 % of the smoothed curve's travel, which
    is its largest minus its smallest value.
    """
    smooth = _running_mean(iterations, curve)
    final = curve[iterations > (1 - TAIL) * iterations[-1]].mean()
    near = np.abs(smooth - final) <= TOLERANCE * np.ptp(smooth)
    if not near[-1]:
        return None
    away = np.flatnonzero(~near)
    return int(iterations[away[-1] + 1 if len(away) else 0])


def _running_mean(iterations: np.ndarray, curve: np.ndarray) -> np.ndarray:
    return np.array([mean_up_to(iterations, curve, iteration) for iteration in iterations])
