"""Slant, width, height and thickness of digits, as Morpho-MNIST defines them (Castro et al. 2019, arXiv:1809.10780)."""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from scipy import ndimage
from skimage.morphology import medial_axis

SCALE = 4  # every image is measured at four times its resolution
TAIL = 0.01  # share of the ink left out on each side of the bounding parallelogram
IMAGES_AT_ONCE, THREADS = 250, 2  # at most, which bounds the memory: an array takes 25 MB in each thread


class Morphometry(NamedTuple):
    """Measures of N images, float64 arrays of N numbers each."""

    slant: np.ndarray  # radians; a digit that leans right is positive
    width: np.ndarray  # pixels, as are the others
    height: np.ndarray
    thickness: np.ndarray


def measure(images: np.ndarray) -> Morphometry:
    """Measure images (N, H, W), ink bright, intensities from 0 in any unit.

    slant: arctan(−u11 / u02), from the ink's central second moments (u02: along the rows).
    width, height: of the bounding parallelogram, sheared by the slant, between the 1 % and 99 % quantiles of the ink.
    thickness: mean over the medial axis of twice the distance to the background, all that is darker than the middle between
    an image's darkest and brightest pixel. The medial axis breaks ties at random, with a fixed seed: an image's thickness
    depends by about 0.01 pixels on the images measured with it.

    An image without ink measures 0 in everything; one without contrast has thickness 0.
    """
    chunks = [images[i : i + IMAGES_AT_ONCE] for i in range(0, len(images), IMAGES_AT_ONCE)]
    with ThreadPoolExecutor(min(torch.get_num_threads(), THREADS)) as pool:
        return Morphometry(*np.hstack([np.empty((4, 0)), *pool.map(_of_chunk, chunks)]))


def _of_chunk(images: np.ndarray) -> np.ndarray:
    """The measures (4, N) of IMAGES_AT_ONCE images at most."""
    ink = _upscale(images)
    boxes = np.array([_bounding_parallelogram(image) if image.any() else np.zeros(3) for image in ink])
    shear, width, height = boxes.T
    return np.stack([np.arctan(-shear), width / SCALE, height / SCALE, _thickness(ink) / SCALE])


def _upscale(images: np.ndarray) -> np.ndarray:
    """Cubic splines, without their overshoot beyond an image's own intensities, smoothed by a third of a pixel."""
    rows, columns = (ndimage.zoom(np.eye(n), (SCALE, 1), mode="mirror", grid_mode=True) for n in images.shape[1:])
    interpolated = rows @ images.astype(np.float64) @ columns.T
    dark, bright = images.min(axis=(1, 2), keepdims=True), images.max(axis=(1, 2), keepdims=True)
    return ndimage.gaussian_filter(interpolated.clip(dark, bright), (0, SCALE / 3, SCALE / 3), mode="mirror")


def _bounding_parallelogram(ink: np.ndarray) -> tuple[float, float, float]:
    """Horizontal shear u11 / u02, width and height of one image, in its own pixels."""
    rows, columns = (np.arange(size) for size in ink.shape)
    in_row, in_column = ink.sum(axis=1), ink.sum(axis=0)
    y, x = rows - np.average(rows, weights=in_row), columns - np.average(columns, weights=in_column)
    shear = (y @ ink @ x) / (y**2 @ in_row)
    sheared_column = np.floor(columns + 0.5 - shear * y[:, None]).astype(int)
    in_sheared_column = np.bincount((sheared_column - sheared_column.min()).ravel(), weights=ink.ravel())
    return shear, _extent(in_sheared_column), _extent(in_row)


def _extent(ink: np.ndarray) -> float:
    """Distance between the two tails' quantiles of the ink (n,) along an axis, linear between the borders of pixels."""
    at_border = np.concatenate([[0], ink.cumsum()]) / ink.sum()
    first, last = np.interp([TAIL, 1 - TAIL], at_border, np.arange(len(at_border)))
    return last - first


def _thickness(ink: np.ndarray) -> np.ndarray:
    """Thickness (N,) in pixels of `ink`, of all images in one mosaic, since `medial_axis` is slow to start. Rows and columns
    of the mosaic that hold only background, and lie beside such ones, are left out."""
    dark, bright = ink.min(axis=(1, 2), keepdims=True), ink.max(axis=(1, 2), keepdims=True)
    strokes = np.pad(ink > (dark + bright) / 2, ((0, 0), (1, 1), (1, 1)))
    image = np.arange(len(ink)).repeat(strokes.shape[1])
    strokes = strokes.reshape(-1, strokes.shape[2])
    rows, columns = (ndimage.binary_dilation(strokes.any(axis=other), np.ones(3)) for other in (1, 0))
    axis, distance = medial_axis(strokes[np.ix_(rows, columns)], return_distance=True, rng=0)
    total, points = (
        np.bincount(image[rows], weights=of_axis.sum(axis=1), minlength=len(ink)) for of_axis in (distance * axis, axis)
    )
    return 2 * total / np.maximum(points, 1)
