"""What the layers of a model are worth to the downstream task, and to telling styles apart: every score of every layer."""

import numpy as np
from torch import Tensor

from replicate.base.stage import Progress
from replicate.gan.model import Model
from replicate.measures import morphometry, probes, reading, representation
from replicate.measures.probes import Task
from replicate.measures.reading import Split
from replicate.parameters import Represent

Features = tuple[np.ndarray, np.ndarray]  # float32 (N, d) of the training images, (M, d) of the test images


def representations(trained: Model, train: Split, test: Split) -> dict[str, Features]:
    """The layers of a model on two splits. All are standardised but probabilities, which have a unit of their own."""
    of_train, of_test = reading.layers(trained, train[0]), reading.layers(trained, test[0])
    return {
        name: (features, of_test[name])
        if name == "posterior_c1"
        else representation.standardise(features, of_test[name])
        for name, features in of_train.items()
    }


def terciles(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The third of the training split's values that each value lies in: (N,), (M,) -> (N,), (M,) of 0, 1 and 2."""
    borders = np.quantile(train, [1 / 3, 2 / 3])
    return np.searchsorted(borders, train), np.searchsorted(borders, test)


def styles(train: Tensor, test: Tensor) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The thirds by slant and by thickness that images uint8 (N, 28, 28), (M, 28, 28) lie in: labels that no number of
    categories has a reason to favour."""
    of_train, of_test = (morphometry.measure(images.numpy()) for images in (train, test))
    return {
        "slant": terciles(of_train.slant, of_test.slant),
        "thickness": terciles(of_train.thickness, of_test.thickness),
    }


def scores(
    features: dict[str, Features], train: Split, test: Split, options: Represent, title: str
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
        scored[name] = probes.scores(task, options) | representation.kmeans_scores(task, options)
        for style, (third, test_third) in thirds.items():
            styled = Task(of_train[some], third, of_test[some], test_third)
            scored[name][f"error_{style}"] = probes.few_labels_error(styled, few, options)
    return scored
