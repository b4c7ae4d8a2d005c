"""Is a representation good for the downstream task, telling digits apart? And does the code itself leak the label?

The reading note asks so. A representation is given by its values: features (N, d) of a training split, to which everything
is fitted, and (M, d) of a test split, which is only scored. The digits that occur in the training split are the classes.
"""

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix
from threadpoolctl import threadpool_limits
from torch import Tensor

from replicate.base.stage import Progress
from replicate.gan.model import Model
from replicate.measures import classification, morphometry, probes, reading
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


def clusters(train: np.ndarray, test: np.ndarray, K: int, settings: KMeansOptions) -> tuple[np.ndarray, np.ndarray]:
    """The clusters of k-means, fitted to `settings.images` of the training images, drawn without replacement (all, if they
    are fewer): features (N, d), (M, d) -> (N,), (M,) of 0 … K − 1."""
    images = min(settings.images, len(train))
    drawn = np.sort(np.random.default_rng(settings.seed).choice(len(train), images, replace=False))
    kmeans = KMeans(K, n_init=settings.restarts, random_state=settings.seed)
    with threadpool_limits(1):  # several threads add up a cluster in any order, and BLAS's mostly wait for each other
        kmeans.fit(train[drawn])
        return kmeans.predict(train), kmeans.predict(test)


def kmeans_scores(task: Task, settings: KMeansOptions) -> dict[str, float | None]:
    """k-means with as many clusters as there are digits, matched to these on the whole training split: test errors, and the
    normalised mutual information of clusters and digits on the test split."""
    K = len(np.unique(task.train_label))
    cluster, test_cluster = clusters(task.train, task.test, K, settings)
    counts = classification.contingency(cluster, task.train_label, K)
    return {
        "kmeans_error": classification.one_to_one_error(counts, test_cluster, task.test_label),
        "kmeans_error_majority": float(np.mean(classification.match_majority(counts)[test_cluster] != task.test_label)),
        "kmeans_nmi": float(normalized_mutual_info_score(task.test_label, test_cluster)),
    }


def label_information(category: np.ndarray, digit: np.ndarray) -> dict[str, float]:
    """What categories (N,) tell about digits (N,), of any number of either.

    information: I(category; digit) in nats; information_share: of the smaller one of H(category) and H(digit), 0 where
    either has one value only. Entropies have the correction of Miller (1955) and Madow: that of m cells that occur is raised
    by (m − 1) / 2N.
    """
    counts = contingency_matrix(digit, category)

    def entropy(cells: np.ndarray) -> float:
        p = cells[cells > 0] / len(digit)
        return float(-(p * np.log(p)).sum()) + (len(p) - 1) / (2 * len(digit))

    of_digit, of_category = entropy(counts.sum(axis=1)), entropy(counts.sum(axis=0))
    information = of_digit + of_category - entropy(counts.ravel())
    return {
        "information": information,
        "information_share": information / min(of_digit, of_category) if min(counts.shape) > 1 else 0.0,
        **classification.partition_scores(category, digit),
    }


def representations(trained: Model, train: Split, test: Split) -> dict[str, Features]:
    """The layers of a model on two splits, standardised but for probabilities."""
    of_train, of_test = reading.layers(trained, train[0]), reading.layers(trained, test[0])
    return {
        name: (features, of_test[name]) if name == "posterior_c1" else standardise(features, of_test[name])
        for name, features in of_train.items()
    }


def styles(train: Tensor, test: Tensor) -> dict[str, list[np.ndarray]]:
    """The thirds of the training split, by slant and by thickness, that images uint8 (N, 28, 28), (M, 28, 28) lie in: (N,),
    (M,) of 0, 1 and 2."""
    measured = [morphometry.measure(images.numpy())._asdict() for images in (train, test)]
    borders = {style: np.quantile(measured[0][style], [1 / 3, 2 / 3]) for style in ("slant", "thickness")}
    return {style: [np.searchsorted(at, of[style]) for of in measured] for style, at in borders.items()}


def scores(
    features: dict[str, Features], train: Split, test: Split, options: Probes, kmeans: KMeansOptions, title: str
) -> dict[str, dict[str, float]]:
    """What probes and k-means tell of the digits of both splits by each of `features`, and what probes tell of the style.

    error_slant, error_thickness: test errors of probes for `styles` of the first `options.style_images` of each split,
    each fitted to max(`options.labels_per_digit`) labels of each third.
    """
    few, some = max(options.labels_per_digit), slice(options.style_images)
    thirds = styles(train[0][some], test[0][some])
    scored = {}
    for name, (of_train, of_test) in Progress(features.items(), desc=title, unit="representation"):
        task = Task(of_train, train[1].numpy(), of_test, test[1].numpy())
        scored[name] = probes.scores(task, options) | kmeans_scores(task, kmeans)
        for style, (third, test_third) in thirds.items():
            styled = Task(of_train[some], third, of_test[some], test_third)
            scored[name][f"error_{style}"] = probes.few_labels_error(styled, few, options)
    return scored
