"""Does c1 keep what looks alike together? A sign of a good training that needs no label.

Deskewing, after which images are compared, is a prior about handwriting: that how a digit leans says nothing of which it is.
"""

import numpy as np
from scipy import ndimage
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits


def deskew(images: np.ndarray) -> np.ndarray:
    """Images (N, H, W) with ink, each sheared so that its slant from second moments is 0, bilinear -> float32."""
    return np.stack([_upright(image) for image in images.astype(np.float32)])


def _upright(image: np.ndarray) -> np.ndarray:
    rows, columns = (np.arange(size) for size in image.shape)
    in_row = image.sum(axis=1)
    middle = np.average(rows, weights=in_row)
    y, x = rows - middle, columns - np.average(columns, weights=image.sum(axis=0))
    shear = (y @ image @ x) / (y**2 @ in_row)
    return ndimage.affine_transform(image, [[1, 0], [shear, 1]], [0, -shear * middle], order=1)


def nearest(images: np.ndarray, neighbours: int) -> np.ndarray:
    """The indices (N, neighbours) of the images nearest to each of the images (N, H, W), deskewed; Euclidean."""
    flat = deskew(images).reshape(len(images), -1)
    with threadpool_limits(1):  # so that rounding depends on no number of threads
        found = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(flat)
        return found.kneighbors(return_distance=False)


def agreement(category: np.ndarray, nearest: np.ndarray) -> float:
    """The share of the `nearest` (n, neighbours) of each of the first n images that have its `category` (N,)."""
    return float(np.mean(category[nearest] == category[: len(nearest), None]))
