"""c1 as a clustering of real images: which digit classes it merges, by what style, and whether it keeps neighbours."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import ndimage
from sklearn.metrics import adjusted_mutual_info_score, roc_auc_score
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from replicate.measures.morphometry import Morphometry

Pair = tuple[int, int]


def merged_pairs(confusion: np.ndarray, share: float) -> list[Pair]:
    """The pairs of digits of which at least `share` of either's images lie in the other's category, by a confusion (10, 10)
    of digits and what c1 says of their images."""
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    larger = np.triu(np.maximum(shares, shares.T), 1)
    return [(int(one), int(other)) for one, other in np.argwhere(larger >= share)]


def error_without(confusion: np.ndarray, pairs: list[Pair]) -> float:
    """The test error by a confusion (10, 10), where digits of a pair in `pairs` count as one."""
    right = np.eye(len(confusion), dtype=bool)
    for one, other in pairs:
        right[one, other] = right[other, one] = True
    return float(confusion[~right].sum() / confusion.sum())


def separation(styles: Morphometry, digit: np.ndarray, given: np.ndarray, pair: Pair) -> tuple[str, float]:
    """By which of the `styles` images of a `pair` of digits are divided: their digit (N,), the digit `given` by c1 (N,).

    The style that tells the two categories apart best within each digit, and its area under the ROC curve, of the digit in
    which it tells less: 0.5 for nothing, 1 for all.
    """

    def auc(values: np.ndarray, of: int) -> float:
        chosen = (digit == of) & np.isin(given, pair)
        if len(set(given[chosen])) < 2:
            return 0.5
        area = float(roc_auc_score(given[chosen] == given[chosen].max(), values[chosen]))
        return max(area, 1 - area)

    found = {style: min(auc(values, of) for of in pair) for style, values in styles._asdict().items()}
    return max(found.items(), key=lambda each: each[1])


def merged_classes(
    digit: np.ndarray, given: np.ndarray, confusion: np.ndarray, styles: Morphometry, share: float, separable: float
) -> dict[str, Any]:
    """Which digit classes c1 merges, and what separates them: digits (N,) of test images, the digit `given` to each by c1
    (N,), the `confusion` (10, 10) of both, and the images' styles.

    which, styles: "4-9 5-8", and the style that separates the two categories of each pair best, with its AUC: "slant:0.95
    width:0.61". error_by_style: the part of the error within pairs whose AUC is `separable` or more.
    """
    pairs = merged_pairs(confusion, share)
    separated = {pair: separation(styles, digit, given, pair) for pair in pairs}
    by_style = [pair for pair, (_, auc) in separated.items() if auc >= separable]
    return {
        "pairs": len(pairs),
        "which": " ".join(f"{one}-{other}" for one, other in pairs),
        "styles": " ".join(f"{style}:{auc:.2f}" for style, auc in separated.values()),
        "error_without": error_without(confusion, pairs),
        "error_by_style": error_without(confusion, []) - error_without(confusion, by_style),
    }


def ceiling(digit: np.ndarray, clusters: int) -> float:
    """The adjusted mutual information of digits (N,) and as good a clustering as there can be with so many clusters: each
    has images of one digit, or, where there are fewer clusters than digits, equally many whole digits."""
    names, place = np.unique(digit, return_inverse=True)
    of_each = max(clusters // len(names), 1)
    within = pd.Series(digit).groupby(digit).cumcount().to_numpy() % of_each
    cluster = place % clusters if clusters < len(names) else place * of_each + within
    return float(adjusted_mutual_info_score(digit, cluster))


def deskew(images: np.ndarray) -> np.ndarray:
    """Images (N, H, W) with ink, each sheared so that its slant from second moments is 0, bilinear -> float32."""
    rows, columns = (np.arange(size) for size in images.shape[1:])

    def upright(image: np.ndarray) -> np.ndarray:
        in_row = image.sum(axis=1)
        middle = np.average(rows, weights=in_row)
        y, x = rows - middle, columns - np.average(columns, weights=image.sum(axis=0))
        shear = (y @ image @ x) / (y**2 @ in_row)
        return ndimage.affine_transform(image, [[1, 0], [shear, 1]], [0, -shear * middle], order=1)

    return np.stack([upright(image) for image in images.astype(np.float32)])


def nearest(images: np.ndarray, neighbours: int) -> np.ndarray:
    """The indices (N, neighbours) of the images nearest to each of the images (N, H, W), deskewed; Euclidean."""
    flat = deskew(images).reshape(len(images), -1)
    with threadpool_limits(1):  # so that rounding depends on no number of threads
        found = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(flat)
        return found.kneighbors(return_distance=False)


def knn_consistency(category: np.ndarray, nearest: np.ndarray) -> float:
    """The share of the `nearest` (n, neighbours) of each of the first n images that have its `category` (N,)."""
    return float(np.mean(category[nearest] == category[: len(nearest), None]))
