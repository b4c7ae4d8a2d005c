import numpy as np
import pytest

from replicate.measures import frechet


@pytest.fixture
def features() -> np.ndarray:
    """(400, 5) float32: correlated, and not centred."""
    random = np.random.default_rng(0)
    return (random.normal(size=(400, 5)) @ random.normal(size=(5, 5)) + 3).astype(np.float32)


def test_equal_sets_are_at_distance_0_and_a_shift_counts_by_its_square(features):
    assert frechet.distance(features, features[::-1]) == pytest.approx(0, abs=1e-6)
    shift = np.array([1.0, -2.0, 0.0, 0.5, 0.0])
    assert frechet.distance(features, features + shift) == pytest.approx(np.square(shift).sum(), rel=1e-4)


def test_a_scale_counts_by_the_difference_of_the_standard_deviations(features):
    centred = features.astype(np.float64) - features.mean(axis=0, dtype=np.float64)
    expected = np.cov(centred, rowvar=False).trace()  # Σ |σ − 2σ|² over the principal axes
    assert frechet.distance(centred, 2 * centred) == pytest.approx(expected, rel=1e-6)
    assert frechet.distance(2 * centred, centred) == pytest.approx(expected, rel=1e-6)


def test_features_that_never_vary_are_no_obstacle(features):
    constant = features.copy()
    constant[:, 2] = 0
    assert frechet.distance(constant, constant) == pytest.approx(0, abs=1e-6)
    assert np.isfinite(frechet.distance(features, constant))
