"""Linear probes: how well does logistic regression tell digits apart by features, with few labels?"""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedShuffleSplit
from threadpoolctl import threadpool_limits

from replicate.measures.representation import Features
from replicate.parameters import Probes

SPLITS = 3  # held-out fifths of the labels, which choose a penalty
MOST_ITERATIONS = 1000  # of L-BFGS

Labelled = tuple[np.ndarray, np.ndarray]  # features (N, d) and digits (N,)


def drawn(digit: np.ndarray, per_digit: int, random: np.random.Generator) -> np.ndarray:
    """Indices of `per_digit` images of each digit that occurs, drawn without replacement: (N,) -> (K per_digit,).

    Raises ValueError when a digit has fewer images.
    """
    images = [np.flatnonzero(digit == d) for d in np.unique(digit)]
    return np.concatenate([random.choice(of_digit, per_digit, replace=False) for of_digit in images])


def error(train: Labelled, test: Labelled, settings: Probes) -> float:
    """Test error of a multinomial logistic regression, fitted to all of `train`.

    Its L2 penalty is that of `settings.penalties` (scikit-learn's C) with the best mean accuracy on SPLITS held-out fifths
    of `train`, the strongest one of equals.
    """
    held_out = StratifiedShuffleSplit(SPLITS, test_size=0.2, random_state=settings.seed)
    regression = LogisticRegression(max_iter=MOST_ITERATIONS)
    probe = GridSearchCV(regression, {"C": sorted(settings.penalties)}, cv=held_out)
    with threadpool_limits(1):  # the products are too thin for several threads, which would wait for each other
        return 1 - float(probe.fit(*train).score(*test))


def scores(features: Features, digit: np.ndarray, test_digit: np.ndarray, settings: Probes) -> dict[str, float]:
    """Test error of probes that tell the digits (N,), (M,) of two splits by `features`: the mean over `settings.label_draws`
    draws of `settings.labels_per_digit` images of each digit, the same images for every representation.

    Raises ValueError when a digit has fewer images.
    """
    few, (train, test) = settings.labels_per_digit, features
    random = np.random.default_rng([settings.seed, few])
    draws = [drawn(digit, few, random) for _ in range(settings.label_draws)]
    errors = [error((train[some], digit[some]), (test, test_digit), settings) for some in draws]
    return {f"probe_error_{few}": float(np.mean(errors))}
