"""Is a representation good for the downstream task, telling digits apart? And does the code itself leak the label?

The reading note asks so. A representation is given by its values: features (N, d) of a training split, to which everything
is fitted, and (M, d) of a test split, which is only scored. The digits that occur in the training split are the classes.
"""

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics.cluster import contingency_matrix
from threadpoolctl import threadpool_limits
from torch import Tensor

from replicate.measures import morphometry, probes
from replicate.measures.probes import Task
from replicate.measures.reading import Split
from replicate.parameters import KMeans as KMeansOptions
from replicate.parameters import Probes

Features = tuple[np.ndarray, np.ndarray]  # float32 (N, d) of the training images, (M, d) of the test images
COMPONENTS = 128  # of pixels: as many as the hidden layer of Q has units


def standardise(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, d), (M, d), each with mean 0 and variance 1 over the training split; a constant one becomes 0."""
    mean, std = train.mean(axis=0), train.std(axis=0)
    std[std == 0] = 1
    return (train - mean) / std, (test - mean) / std


def principal_components(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first COMPONENTS of the training split, not whitened: (N, d), (M, d) -> float32 (N, n), (M, n)."""
    pca = PCA(COMPONENTS, svd_solver="covariance_eigh").fit(train)
    return tuple(pca.transform(split).astype(np.float32) for split in (train, test))


def clusters(train: np.ndarray, test: np.ndarray, K: int, options: KMeansOptions, seed: int) -> np.ndarray:
    """The clusters (M,) of 0 … K − 1 that k-means gives to features (M, d), fitted to `options.images` of the training
    split's (N, d), drawn without replacement (all, if they are fewer)."""
    images = min(options.images, len(train))
    drawn = np.sort(np.random.default_rng(seed).choice(len(train), images, replace=False))
    kmeans = KMeans(K, n_init=options.restarts, random_state=seed)
    with threadpool_limits(1):  # several threads add up a cluster in any order, and BLAS's mostly wait for each other
        return kmeans.fit(train[drawn]).predict(test)


def information(category: np.ndarray, digit: np.ndarray) -> float:
    """I(category; digit) of categories (N,) and digits (N,), of any number of either, in nats.

    Entropies have the correction of Miller (1955) and Madow: that of m cells that occur is raised by (m − 1) / 2N.
    """
    counts = contingency_matrix(digit, category)

    def entropy(cells: np.ndarray) -> float:
        p = cells[cells > 0] / len(digit)
        return float(-(p * np.log(p)).sum()) + (len(p) - 1) / (2 * len(digit))

    return entropy(counts.sum(axis=1)) + entropy(counts.sum(axis=0)) - entropy(counts.ravel())


def styles(train: Tensor, test: Tensor) -> dict[str, list[np.ndarray]]:
    """The thirds of the training split, by slant and by thickness, that images uint8 (N, 28, 28), (M, 28, 28) lie in: (N,),
    (M,) of 0, 1 and 2."""
    measured = [morphometry.measure(images.numpy())._asdict() for images in (train, test)]
    borders = {style: np.quantile(measured[0][style], [1 / 3, 2 / 3]) for style in ("slant", "thickness")}
    return {style: [np.searchsorted(at, of[style]) for of in measured] for style, at in borders.items()}


def scores(features: Features, train: Split, test: Split, options: Probes) -> dict[str, float]:
    """Test errors of probes that tell the digits of both splits by `features`, with few labels and with all; and of probes
    that tell the style.

    error_slant, error_thickness: for `styles` of the first `options.style_images` of each split, fitted to
    `options.labels_per_digit` labels of each third.
    """
    (of_train, of_test), some = features, slice(options.style_images)
    found = probes.scores(Task(of_train, train[1].numpy(), of_test, test[1].numpy()), options)
    for style, (third, test_third) in styles(train[0][some], test[0][some]).items():
        task = Task(of_train[some], third, of_test[some], test_third)
        found[f"error_{style}"] = probes.few_labels_error(task, options.labels_per_digit, options)
    return found
