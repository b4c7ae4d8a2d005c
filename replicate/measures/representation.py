"""Is a representation good for the downstream task, telling digits apart? And does the code itself leak the label?

The reading note asks so. A representation is a function from images to vectors; here it is given by its values:
features (N, d) of a training split, to which everything is fitted, and (M, d) of a test split, which is only scored.
Any representation is scored by the same two measures: linear probes with few or all labels (`probes`), and k-means
without any. The digits may be all ten or some of them: those that occur in the training split are the classes.
"""

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix
from threadpoolctl import threadpool_limits

from replicate.measures import classification
from replicate.measures.probes import Task
from replicate.parameters import Represent

COMPONENTS = 128  # of pixels: as many as the hidden layer of Q has units


def standardise(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, d), (M, d) shifted and scaled so that each has mean 0 and variance 1 over the training split.

    Customary for layers of a network, whose features have no unit in common. A constant feature becomes 0.
    """
    mean, std = train.mean(axis=0), train.std(axis=0)
    std[std == 0] = 1
    return (train - mean) / std, (test - mean) / std


def principal_components(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first COMPONENTS of the training split, not whitened: (N, d), (M, d) -> float32 (N, n), (M, n)."""
    pca = PCA(COMPONENTS, svd_solver="covariance_eigh").fit(train)
    return tuple(pca.transform(split).astype(np.float32) for split in (train, test))


def clusters(train: np.ndarray, test: np.ndarray, K: int, settings: Represent) -> tuple[np.ndarray, np.ndarray]:
    """The clusters of k-means on features (N, d), (M, d) -> (N,), (M,) of 0 … K − 1.

    Fitted to `settings.kmeans_images` of the training images (all, if they are fewer), drawn without replacement; the
    best of `settings.kmeans_restarts` by inertia.
    """
    images = min(settings.kmeans_images, len(train))
    drawn = np.sort(np.random.default_rng(settings.seed).choice(len(train), images, replace=False))
    kmeans = KMeans(K, n_init=settings.kmeans_restarts, random_state=settings.seed)
    with threadpool_limits(1):  # several threads add up a cluster in any order, and BLAS's mostly wait for each other
        kmeans.fit(train[drawn])
        return kmeans.predict(train), kmeans.predict(test)


def kmeans_scores(task: Task, settings: Represent) -> dict[str, float | None]:
    """k-means with as many clusters as there are digits in the training split.

    kmeans_error, kmeans_error_majority: test error once each cluster is matched to a digit, one-to-one and by its most
    frequent digit, on the whole training split. kmeans_nmi: normalised mutual information (arithmetic mean) of clusters
    and digits on the test split.
    """
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

    information: I(category; digit) in nats. information_share: of the smaller one of H(category) and H(digit), the
    most that it can be; 0 where either has one value only. Both have the correction of Miller (1955) and Madow: the
    plug-in entropy of m cells that occur is raised by (m − 1) / 2N, since it is too low on average, and the plug-in
    information is too high. The corrected information of an independent category can be a little below 0.
    ami, homogeneity, completeness: see `classification.partition_scores`.
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
