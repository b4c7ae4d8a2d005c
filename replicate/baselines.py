"""Stage baselines: what representations without any training are worth, to compare those of a run with.

python -m replicate.baselines
"""

from pathlib import Path

import torch

from replicate.base import environment, mnist, parameters, stage
from replicate.base.parameters import Settings
from replicate.gan import game
from replicate.measures import downstream, representation
from replicate.measures.downstream import Features
from replicate.measures.reading import Split


def baselines(train: Split, test: Split, settings: Settings) -> dict[str, Features]:
    """Raw pixels in [0, 1]; their first principal components, not whitened; an untrained trunk, standardised."""
    untrained = game.settled(game.start(0, train[0], settings, torch.device("cpu")), 0, settings)
    pixels = tuple(mnist.as_input(images).flatten(1).numpy() for images in (train[0], test[0]))
    return {
        "pixels": pixels,
        f"pca_{representation.COMPONENTS}": representation.principal_components(*pixels),
        "untrained_trunk": downstream.representations(untrained, train, test)["trunk"],
    }


def main() -> None:
    params = parameters.load()
    environment.prepare("cpu")
    settings = params.settings("infogan")
    train = mnist.training_images(params.mnist, settings.train)
    test = mnist.test_images(params.mnist, settings.train)
    scored = downstream.scores(baselines(train, test, settings), train, test, params.represent, "baselines")
    stage.write_json(Path("metrics", "baselines.json"), scored)


if __name__ == "__main__":
    stage.run(main)
