"""Several runs' categories of the same images: which digits share one, and what the runs say together.

Labels name what was found in the end; nothing is chosen by them.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_mutual_info_score
from sklearn.preprocessing import OneHotEncoder
from threadpoolctl import threadpool_limits

from replicate.measures import classification, neighbours

RESTARTS = 10  # of k-means


class Categories(NamedTuple):
    """c1's category of each image of both splits, as Q reads it: of one run (N,), (M,), of several (R, N), (R, M)."""

    train: np.ndarray
    test: np.ndarray


def read(evidence: Path) -> Categories:
    """The categories in the folder of what stays in git of a run."""
    with np.load(evidence / "codes.npz") as kept:
        return Categories(kept["train_category"].astype(int), kept["test_category"].astype(int))


def read_digit(train: np.ndarray, train_digit: np.ndarray, test: np.ndarray, categories: int) -> np.ndarray:
    """The digit that c1 gives each test image, of category `test` (M,), by the one-to-one matching on `train_digit` (N,)."""
    return classification.match_one_to_one(classification.contingency(train, train_digit, categories))[test]


def sharing(confusion: np.ndarray, share: float) -> list[tuple[int, int]]:
    """The pairs of digits that share a category, by a confusion (10, 10) of digits and what c1 says of their images.

    Two digits do where at least `share` of either's images lie in the category of the other.
    """
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    larger = np.triu(np.maximum(shares, shares.T), 1)
    return [(int(one), int(other)) for one, other in np.argwhere(larger >= share)]


def merged(confusion: np.ndarray, digits: Sequence[int], share: float) -> int:
    """The number of pairs among `digits` that are merged classes, by `sharing` of a confusion (10, 10)."""
    return len([pair for pair in sharing(confusion, share) if set(pair) <= set(digits)])


def error_without(confusion: np.ndarray, pairs: list[tuple[int, int]]) -> float:
    """The share of images that c1 gives another digit, by a confusion (10, 10); digits of a pair in `pairs` count as one."""
    right = np.eye(len(confusion), dtype=bool)
    for one, other in pairs:
        right[one, other] = right[other, one] = True
    return float(confusion[~right].sum() / confusion.sum())


def agreement(partitions: np.ndarray) -> np.ndarray:
    """The mean adjusted mutual information of each partition (R, N) of the same images with the others: (R,).

    Raises ValueError when there is one partition only.
    """
    if len(partitions) < 2:
        raise ValueError("got one partition, expected two or more")
    pairs = np.eye(len(partitions))
    for one, other in zip(*np.triu_indices(len(partitions), 1)):
        pairs[one, other] = pairs[other, one] = adjusted_mutual_info_score(partitions[one], partitions[other])
    return (pairs.sum(axis=1) - 1) / (len(partitions) - 1)


def consensus(train: np.ndarray, test: np.ndarray, clusters: int) -> tuple[np.ndarray, np.ndarray]:
    """The clusters that partitions have in common, (R, N) and (R, M) categories of two splits -> (N,), (M,).

    k-means on one-hot vectors side by side, fitted to the first split: the squared distance of two images is twice the
    number of partitions that tell them apart (Wu et al. 2015, K-means-based consensus clustering).
    """
    encoder = OneHotEncoder(sparse_output=False, dtype=np.float32, handle_unknown="ignore")
    vectors = encoder.fit_transform(train.T)
    kmeans = KMeans(clusters, n_init=RESTARTS, random_state=0)
    with threadpool_limits(1):  # several threads add up a cluster in any order
        kmeans.fit(vectors)
        return kmeans.predict(vectors), kmeans.predict(encoder.transform(test.T))


def checked_consensus(
    train: np.ndarray, test: np.ndarray, clusters: int, drawn: Iterable[np.ndarray], nearest: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of the consensuses of `drawn` partitions, each named by its indices, the one with the highest agreement of neighbours.

    `nearest` (n, neighbours) are indices among the first n images of `train`. Shapes are those of `consensus`.
    """
    found = (consensus(train[chosen], test[chosen], clusters) for chosen in drawn)
    return max(found, key=lambda each: neighbours.agreement(each[0], nearest))


def ceiling(digit: np.ndarray, clusters: int) -> float:
    """The adjusted mutual information of digits (N,) and as good a clustering as there can be with so many clusters.

    Each cluster has images of one digit, and digits have equally many clusters; where there are fewer clusters than digits,
    each cluster has whole digits, equally many. It is 1 for as many clusters as digits.
    """
    names, place = np.unique(digit, return_inverse=True)
    of_each = max(clusters // len(names), 1)
    within = np.zeros(len(digit), dtype=int)
    for d in range(len(names)):
        in_digit = np.flatnonzero(place == d)
        within[in_digit] = np.arange(len(in_digit)) % of_each
    cluster = place % clusters if clusters < len(names) else place * of_each + within
    return float(adjusted_mutual_info_score(digit, cluster))
