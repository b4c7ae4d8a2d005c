"""Stage baselines: what representations without any training are worth, and the standard deviations of real digits.

python -m replicate.baselines
"""

import pandas as pd
import torch

from replicate import parameters
from replicate.base import files, machine, mnist, stage
from replicate.gan import run, step
from replicate.gan.settings import Settings
from replicate.measures import morphometry, reading, representation
from replicate.measures.reading import Split
from replicate.measures.representation import Features


def baselines(train: Split, test: Split, settings: Settings) -> dict[str, Features]:
    """Raw pixels in [0, 1]; an untrained trunk, standardised."""
    untrained = step.settled(step.start(0, train[0], settings, torch.device("cpu")), 0, settings)
    trunk = (reading.trunk(untrained, images).numpy() for images, _ in (train, test))
    return {
        "pixels": tuple(mnist.as_input(images).flatten(1).numpy() for images, _ in (train, test)),
        "untrained_trunk": representation.standardise(*trunk),
    }


def deviations(test: Split) -> dict[str, dict[str, float]]:
    """Standard deviations of slant (radians), width, height and thickness (pixels): over all digits, and within a digit, a
    root mean square over digits."""
    styles = pd.DataFrame(morphometry.measure(test[0].numpy())._asdict())
    within = styles.groupby(test[1].numpy()).var(ddof=0).mean() ** 0.5
    return pd.DataFrame({"over_all": styles.std(ddof=0), "within_digit": within}).to_dict("index")


def main() -> None:
    params = parameters.load()
    machine.prepare("cpu")
    this = run.of("infogan", 0, params)
    train, test = this.training_images(params.mnist), this.test_images(params.mnist)
    features = baselines(train, test, this.settings)
    scored = {name: representation.scores(of, train, test, params.probes) for name, of in features.items()}
    files.write_json("metrics/baselines.json", scored | {"deviations": deviations(test)})


if __name__ == "__main__":
    stage.run(main)
