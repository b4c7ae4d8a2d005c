"""Linear probes: how well does logistic regression tell digits apart by features, with few labels or all?

A probe is fitted to features (N, d) of a training split and scored on (M, d) of a test split.
"""

import math
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import softmax
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedShuffleSplit
from threadpoolctl import ThreadpoolController, threadpool_limits

from replicate.parameters import Probes

SPLITS_FEW, SPLITS_ALL = 3, 1  # held-out splits that choose a penalty: one is enough where it holds thousands of images
# The largest entry of the scaled gradient at which a fit ends, over the root of the number of images. Half its square is
# about the loss, in nats, that is still to gain along that entry.
TOLERANCE = 1e-4
TOLERANCE_OF_CHOICE = 5e-4  # of the fits that only choose a penalty
LEAST_CURVATURE = 1e-8  # of a probe that is sure of each image, so that no scale is infinite
ROWS = 512  # images at a time, so that their features are still in the processor's cache when they are read again
PARTS = 8  # of the images, whose losses are added in this order whichever thread computes them
BLAS = ThreadpoolController().select(user_api="blas")  # the libraries that multiply for numpy and scipy


class Task(NamedTuple):
    """Features of two splits and what is to be told by them: digits, or other labels."""

    train: np.ndarray  # (N, d)
    train_label: np.ndarray  # (N,)
    test: np.ndarray  # (M, d)
    test_label: np.ndarray  # (M,)


def labelled(digit: np.ndarray, per_digit: int, random: np.random.Generator) -> np.ndarray:
    """Indices of `per_digit` images of each digit that occurs, drawn without replacement: (N,) -> (K per_digit,).

    Raises ValueError when a digit has fewer images.
    """
    images = [np.flatnonzero(digit == d) for d in np.unique(digit)]
    return np.concatenate([random.choice(of_digit, per_digit, replace=False) for of_digit in images])


def logits(weights: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Of a probe with weights (d + 1, K), the last row its intercepts, on features (N, d): float32 (N, K)."""
    weights = weights.astype(np.float32)
    return features @ weights[:-1] + weights[-1]


def loss_of_part(weights: np.ndarray, features: np.ndarray, label: np.ndarray) -> tuple[float, np.ndarray]:
    """The cross-entropy of a probe in nats, summed over images (N, d) of labels (N,), and its gradient (d + 1, K)."""
    total, gradient = 0.0, np.zeros_like(weights)
    of_features, intercepts = np.split(weights.T.astype(np.float32), [-1], axis=1)
    for start in range(0, len(features), ROWS):
        rows = features[start : start + ROWS]
        right = label[start : start + ROWS], np.arange(len(rows))
        scores = of_features @ rows.T + intercepts  # (K, n): sums over a few classes are fast along the first axis
        scores -= scores.max(axis=0)
        of_right = scores[right]
        p = np.exp(scores, out=scores)
        sums = p.sum(axis=0)
        total += float((np.log(sums) - of_right).sum(dtype=np.float64))
        p /= sums
        p[right] -= 1
        gradient[:-1] += (p @ rows).T
        gradient[-1] += p.sum(axis=1)
    return total, gradient


def loss(
    weights: np.ndarray, features: np.ndarray, label: np.ndarray, penalty: float, pool: ThreadPoolExecutor
) -> tuple[float, np.ndarray]:
    """scikit-learn's loss of a logistic regression, in nats, and its gradient (d + 1, K), float64.

    The cross-entropy, summed over images, plus the squared weights over twice the `penalty` C; the intercepts are free.
    """
    size = max(-(-len(features) // PARTS), ROWS)
    parts = [slice(start, start + size) for start in range(0, len(features), size)]
    total, gradient = 0.0, np.zeros_like(weights)
    over = pool.map if len(parts) > 1 else map
    for of_part, gradient_of_part in over(lambda part: loss_of_part(weights, features[part], label[part]), parts):
        total += of_part
        gradient += gradient_of_part
    gradient[:-1] += weights[:-1] / penalty
    return total + float((weights[:-1] ** 2).sum()) / (2 * penalty), gradient


def fit(
    features: np.ndarray,
    label: np.ndarray,
    penalty: float,
    start: np.ndarray,
    iterations: int,
    tolerance: float = TOLERANCE,
) -> np.ndarray:
    """The weights (d + 1, K) of the least `loss`, by L-BFGS from the weights `start`.

    Features (N, d) are uncorrelated (see `principal`). Each weight is scaled by the root of the loss's curvature along it,
    approximately. The curvature falls as the probe grows sure of its images: where a descent ends, the next starts with the
    scale that holds there, until the gradient is within `tolerance` (see TOLERANCE). Warns (ConvergenceWarning) when
    `iterations` did not suffice.
    """
    weights, energy = start, np.einsum("nd,nd->d", features, features)
    gtol = tolerance * math.sqrt(len(features))
    # The products are too thin for BLAS's own threads, which wait for each other all the time.
    with BLAS.limit(limits=1), ThreadPoolExecutor(torch.get_num_threads()) as pool:

        def scaled(point: np.ndarray, scale: np.ndarray) -> tuple[float, np.ndarray]:
            value, gradient = loss(point.reshape(start.shape) * scale, features, label, penalty, pool)
            return value, (gradient * scale).ravel()

        done, steps = 0, -1
        while steps and done < iterations:
            p = softmax(logits(weights, features), axis=1)
            curvature = max(float((p * (1 - p)).mean()), LEAST_CURVATURE)
            scale = 1 / np.sqrt(np.append(curvature * energy + 1 / penalty, curvature * len(features)))[:, None]
            options = {"maxiter": iterations - done, "maxfun": 2 * iterations, "gtol": gtol, "ftol": 0}
            result = minimize(scaled, (weights / scale).ravel(), scale, "L-BFGS-B", jac=True, options=options)
            weights, steps = result.x.reshape(start.shape) * scale, result.nit
            done += steps
    if steps:
        message = f"a probe with C = {penalty:g} has not converged in {iterations} iterations"
        warnings.warn(message, ConvergenceWarning, stacklevel=2)
    return weights


def principal(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, d), (M, d) about the training split's mean along its principal axes, min(N, d) of them: float32. A linear
    probe of these is as good as one of the features themselves."""
    pca = PCA(svd_solver="covariance_eigh" if len(train) > train.shape[1] else "full")
    return pca.fit_transform(train.astype(np.float32, copy=False)), pca.transform(test.astype(np.float32, copy=False))


def probe(task: Task, settings: Probes, splits: int) -> float:
    """Test error of a linear probe: multinomial logistic regression on features and digits, L2 penalty.

    The penalty is that of `settings.penalties` which does best on a held-out fifth of the training labels, on average
    over `splits` such splits (the stronger one of equals); the probe is then fitted to all of them.
    """
    digits, label = np.unique(task.train_label, return_inverse=True)
    features, test_features = principal(task.train, task.test)
    fitted, errors = {}, dict.fromkeys(sorted(settings.penalties), 0)
    held_out = StratifiedShuffleSplit(splits, test_size=0.2, random_state=settings.seed)
    for seen, held in held_out.split(features, label):
        part, weights = (features[seen], label[seen]), np.zeros((features.shape[1] + 1, len(digits)))
        for penalty in errors:  # the strongest first, each from the weights of the one before
            weights = fitted[penalty] = fit(*part, penalty, weights, settings.probe_iterations, TOLERANCE_OF_CHOICE)
            errors[penalty] += np.count_nonzero(logits(weights, features[held]).argmax(axis=1) != label[held])
    penalty = min(errors, key=errors.get)
    weights = fit(features, label, penalty, fitted[penalty], settings.probe_iterations)
    return float(np.mean(digits[logits(weights, test_features).argmax(axis=1)] != task.test_label))


def few_labels_error(task: Task, of_each: int, settings: Probes) -> float:
    """Test error of linear probes that are fitted to `of_each` images of each label, the mean over draws of these images,
    the same for every representation. Raises ValueError when a label has fewer images than are drawn."""
    random = np.random.default_rng([settings.seed, of_each])
    errors = []
    for _ in range(settings.label_draws):
        drawn = labelled(task.train_label, of_each, random)
        few = task._replace(train=task.train[drawn], train_label=task.train_label[drawn])
        with threadpool_limits(1):  # there is too little to do for several
            errors.append(probe(few, settings, SPLITS_FEW))
    return float(np.mean(errors))


def scores(task: Task, settings: Probes) -> dict[str, float]:
    """Errors of linear probes with few labels a digit and with all. Raises ValueError (see `few_labels_error`)."""
    few = settings.labels_per_digit
    return {
        f"probe_error_{few}": few_labels_error(task, few, settings),
        "probe_error_all": probe(task, settings, SPLITS_ALL),
    }
