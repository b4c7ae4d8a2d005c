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


def test_a_step_settles_once_the_running_mean_has_passed_it():
    """From 0 to 1 after iteration 1000: the mean is within 10 % of 1 once nine, or all, of its ten rows are ones."""
    curve = (ITERATIONS > 1000).astype(float)
    assert convergence.settled(ITERATIONS, curve) == pytest.approx(1095, abs=5)


def test_an_exponential_settles_after_the_time_that_its_rate_says():
    """exp(−t/τ) is within 10 % of its travel after τ log 10; the running mean adds about half of its 100 iterations."""
    curve = np.exp(-ITERATIONS / 400)
    assert convergence.settled(ITERATIONS, curve) == pytest.approx(400 * np.log(10) + 50, abs=30)
    assert convergence.settled(ITERATIONS, 7 - 3 * curve) == convergence.settled(ITERATIONS, curve)


def test_a_later_excursion_counts_and_a_single_noisy_row_does_not():
    curve = (ITERATIONS > 500).astype(float)
    calm = convergence.settled(ITERATIONS, curve)
    spike = curve.copy()
    spike[ITERATIONS == 3000] = 0.2  # 8 % of the running mean
    assert convergence.settled(ITERATIONS, spike) == calm
    excursion = curve.copy()
    excursion[(ITERATIONS > 2500) & (ITERATIONS <= 3000)] = 0.2
    assert convergence.settled(ITERATIONS, excursion) == pytest.approx(3095, abs=5)


def test_a_curve_that_still_moves_at_the_end_has_not_settled():
    assert convergence.settled(ITERATIONS, np.where(ITERATIONS > 4950, 1.0, 0.0)) is None


def test_a_log_of_one_row_is_settled():
    assert convergence.settled(np.array([20.0]), np.array([0.3])) == 20
