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


def test_first_at_least():
    curve = np.array([0.0, 2.0, 1.0, 3.0])
    assert convergence.first_at_least(ITERATIONS[:4], curve, 2.0) == 20
    assert convergence.first_at_least(ITERATIONS[:4], curve, 2.5) == 40
    assert convergence.first_at_least(ITERATIONS[:4], curve, 3.5) is None


def milestones(shares, distances) -> list[dict[str, float]]:
    iterations = range(100, 100 * len(shares) + 1, 100)
    return [
        {"iteration": iteration, "share_c1": share, "frechet": distance}
        for iteration, share, distance in zip(iterations, shares, distances, strict=True)
    ]


def test_samples_that_get_better_after_the_information_is_there_give_a_ratio_above_1():
    assert convergence.speed(milestones([0.5, 0.96, 0.9, 0.99], [20.0, 8.0, 4.0, 2.0])) == {
        "information_iteration": 200, "distance_then": 8.0, "distance_at_end": 2.0, "distance_ratio": 4.0
    }  # fmt: skip


def test_samples_that_stop_getting_better_give_a_ratio_of_1():
    speed = convergence.speed(milestones([0.5, 0.95, 0.99], [20.0, 4.0, 4.0]))
    assert speed["information_iteration"] == 200
    assert speed["distance_ratio"] == 1


def test_information_that_is_noise_never_gets_there():
    shares = np.random.default_rng(0).normal(0.1, 0.1, size=7)
    assert shares.max() < convergence.NEARLY_ALL
    assert convergence.speed(milestones(shares, [9.0] * 6 + [2.0])) == {
        "information_iteration": None, "distance_then": None, "distance_at_end": 2.0, "distance_ratio": None
    }  # fmt: skip


def test_information_that_is_there_only_at_the_end_or_in_the_only_milestone():
    assert convergence.speed(milestones([0.2, 0.96], [9.0, 3.0]))["distance_ratio"] == 1
    assert convergence.speed(milestones([0.96], [3.0]))["information_iteration"] == 100


def test_metrics_are_what_json_can_hold():
    rows = milestones(np.array([0.5, 0.96]), np.array([20.0, 4.0]))
    assert isinstance(convergence.speed(rows)["information_iteration"], int)
    assert isinstance(convergence.speed(rows)["distance_ratio"], float)


@pytest.mark.parametrize("level", [convergence.NEARLY_ALL, convergence.NEARLY_ALL - 1e-9])
def test_nearly_all_is_there_at_the_level_itself(level):
    there = convergence.speed(milestones([level], [1.0]))["information_iteration"]
    assert there == (100 if level >= convergence.NEARLY_ALL else None)
