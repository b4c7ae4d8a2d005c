import numpy as np
import pytest

from replicate.measures import convergence

ITERATIONS = np.arange(10.0, 5001, 10)


def test_mean_up_to_takes_the_last_hundred_iterations():
    curve = ITERATIONS.copy()
    assert convergence.mean_up_to(ITERATIONS, curve, 1000) == np.mean(np.arange(910, 1001, 10))
    assert convergence.mean_up_to(ITERATIONS, curve, 50) == 30
    assert convergence.mean_up_to(ITERATIONS, curve, 5010) is None
    assert convergence.mean_up_to(np.array([300.0, 600, 900, 1200]), np.ones(4), 1000) is None


@pytest.mark.parametrize(("level", "iteration"), [(2.0, 20), (2.5, 40), (3.5, None)])
def test_first_at_least(level: float, iteration: int | None):
    assert convergence.first_at_least(ITERATIONS[:4], np.array([0.0, 2.0, 1.0, 3.0]), level) == iteration


@pytest.mark.parametrize(
    ("shares", "distances", "expected"),
    [
        ([0.5, 0.96, 0.9, 0.99], [20.0, 8.0, 4.0, 2.0], (200, 8.0, 2.0, 4.0)),
        ([0.5, 0.95, 0.99], [20.0, 4.0, 4.0], (200, 4.0, 4.0, 1.0)),  # at the level itself; no better afterwards
        ([0.2, 0.94, 0.3], [9.0, 5.0, 2.0], (None, None, 2.0, None)),
        ([0.96], [3.0], (100, 3.0, 3.0, 1.0)),
    ],
)
def test_speed_compares_the_distance_when_the_information_was_there_with_the_last(shares, distances, expected):
    milestones = [
        {"iteration": 100 * (i + 1), "share_c1": share, "frechet": distance}
        for i, (share, distance) in enumerate(zip(shares, distances, strict=True))
    ]
    names = ("information_iteration", "distance_then", "distance_at_end", "distance_ratio")
    assert convergence.speed(milestones) == dict(zip(names, expected))


@pytest.mark.parametrize(
    ("errors", "drop"),
    [
        ({100: 0.5, 500: 0.3, 5000: 0.1}, 0.2),
        ({500: 0.2, 5000: 0.2}, 0),
        ({500: 0.1, 2000: 0.05, 5000: 0.3}, -0.2),
        ({100: 0.5, 5000: 0.1}, None),
        ({100: 0.5, 500: 0.1}, None),  # the end of a short training
        ({500: None, 5000: None}, None),
    ],
)
def test_progress_compares_the_error_at_500_with_the_last(errors, drop):
    rows = [{"iteration": iteration, "error": error} for iteration, error in errors.items()]
    assert convergence.progress(rows) == {"error_drop_from_500": drop if drop is None else pytest.approx(drop)}
