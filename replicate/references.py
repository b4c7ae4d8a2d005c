"""Stage references: what the representations that no training made are worth, beside which those of a run are seen.

    python -m replicate.references
"""

from pathlib import Path

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import Tensor
from torch.optim.swa_utils import update_bn

from replicate import mnist, params, represent, stage, train
from replicate.networks import Run
from replicate.params import Params
from replicate.represent import Features

COMPONENTS = 128  # as many as the hidden layer of Q has units


def untrained(images: Tensor, config: Params) -> Run:
    """The run of the first seed before its first iteration; the trunk's batchnorm with population statistics of `images`
    (N, 28, 28), as after a training."""
    run = train.start("infogan", config.seeds[0], images, config, torch.device("cpu")).run
    batches = images.split(config.train.batch_size)[: len(images) // config.train.batch_size]  # whole ones
    update_bn(map(mnist.as_input, batches), run.discriminator.features)
    return Run(*(network.eval() for network in run))


def references(images: Tensor, test: Tensor, config: Params) -> dict[str, Features]:
    """Raw pixels in [0, 1]; their first principal components, not whitened; an untrained trunk, standardised."""

    def pixels(images: Tensor) -> np.ndarray:
        return mnist.as_input(images).flatten(1).numpy()

    raw = pixels(images), pixels(test)
    pca = PCA(COMPONENTS, svd_solver="covariance_eigh").fit(raw[0])
    return {
        "pixels": raw,
        f"pca_{COMPONENTS}": (pca.transform(raw[0]), pca.transform(raw[1])),
        "untrained_trunk": represent.representations(untrained(images, config), images, test)["trunk"],
    }


def main() -> None:
    config = params.load()
    images, labels = mnist.load("train", config.mnist)
    images, labels = images[: config.train.training_images], labels[: config.train.training_images]
    test, test_labels = mnist.load("t10k", config.mnist)
    features = references(images, test, config)
    scores = represent.scores(features, labels, test_labels, config, "references")
    stage.write_json(Path("metrics", "references.json"), scores)


if __name__ == "__main__":
    stage.run(main)
