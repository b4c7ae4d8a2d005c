"""Stage represent: what the layers of one run are worth to the downstream task, telling digits apart.

python -m replicate.represent VARIANT SEED
"""

import numpy as np

from replicate import environment, mnist, reading, run, stage
from replicate.measures import representation
from replicate.model import Model
from replicate.parameters import Represent
from replicate.progress import Progress
from replicate.reading import Split

Features = tuple[np.ndarray, np.ndarray]  # float32 (N, d) of the training images, (M, d) of the test images


def representations(trained: Model, train: Split, test: Split) -> dict[str, Features]:
    """The layers of a model on two splits. All but probabilities, which have a unit of their own, are standardised."""
    of_train, of_test = reading.layers(trained, train[0]), reading.layers(trained, test[0])
    return {
        name: (features, of_test[name])
        if name == "posterior_c1"
        else representation.standardise(features, of_test[name])
        for name, features in of_train.items()
    }


def scores(
    features: dict[str, Features], train: Split, test: Split, options: Represent, title: str
) -> dict[str, dict[str, float]]:
    """`representation.scores` of each of `features`, for the digits of both splits."""
    digits = train[1].numpy(), test[1].numpy()
    with Progress(desc=title, total=len(features) * representation.ticks(options), unit="part") as progress:
        return {
            name: representation.scores(of_train, digits[0], of_test, digits[1], options, progress)
            for name, (of_train, of_test) in features.items()
        }


def main() -> None:
    this, params = run.from_command_line(__doc__)
    environment.prepare("cpu")
    train = mnist.training_images(params.mnist, this.settings.train.training_images)
    test = mnist.load("t10k", params.mnist)
    features = representations(this.load(), train, test)
    category = features["posterior_c1"][1].argmax(axis=1)
    scored = scores(features, train, test, params.represent, f"represent {this.name}")
    code = representation.label_information(category, test[1].numpy())
    stage.write_json(this.json("representation"), {"code": code, **scored})


if __name__ == "__main__":
    stage.run(main)
