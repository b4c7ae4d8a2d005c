"""Stage measure, milestones: one run at a few iterations, by what is cheap to measure.

    python -m replicate.measure.milestones VARIANT SEED

It tells whether L_I converges before the samples do (§6), and whether the error still falls at the end.
"""

import numpy as np
import pandas as pd
import torch

from replicate.base import files, machine, mnist, stage
from replicate.base.stage import Progress
from replicate.gan import latent, model, run
from replicate.gan.model import Model
from replicate.gan.settings import Settings
from replicate.measures import classification, classifier, consistency, convergence, frechet
from replicate.measures.reading import Split, categories, gradient_rms, lower_bounds
from replicate.parameters import Milestones


def measure(
    trained: Model,
    named: torch.nn.Sequential,
    real: np.ndarray,
    train: Split,
    test: Split,
    options: Milestones,
    settings: Settings,
) -> dict[str, float | None]:
    """One milestone. The same latent variables are drawn at each; `real` are features (N, 128) of digits, by `named`, the
    classifier.

    information_c1, share_c1: what the run's own objective estimates, in nats and of H(c1), with population statistics.
    error: of c1 as a classifier of `test`, matched one-to-one on `train`; None unless there are as many categories as
    digits. ami: adjusted mutual information of its categories and the digits. consistency: of generated images, one-to-one.
    frechet: the Fréchet distance of their features to `real`. gradient_…: of the terms of G's loss at its images (see
    `reading.gradient_rms`).
    """
    random = torch.Generator().manual_seed(options.seed)
    prior = settings.latent
    codes = latent.sample(options.samples, prior, random)
    images = model.generate(trained.generator, codes, prior)
    seen = classifier.probabilities(named, images).argmax(dim=1).numpy()
    information = lower_bounds(trained, options.samples, settings, random)[0]
    gradients = gradient_rms(trained, options.gradient_images, settings, random)
    counts = classification.contingency(categories(trained, train[0]), train[1].numpy(), prior.categories)
    scores = classification.scores(counts, categories(trained, test[0]), test[1].numpy())
    return {
        "information_c1": information,
        "share_c1": information / latent.entropies(prior)[0],
        "error": scores["error_one_to_one"],
        "ami": scores["ami"],
        "consistency": consistency.scores(codes.category.numpy(), seen, prior.categories)["one_to_one"],
        "frechet": frechet.distance(classifier.features(named, images).numpy(), real),
        **{f"gradient_{term}": rms for term, rms in gradients.items()},
    }


def at_end(rows: list[dict[str, float | None]], log: pd.DataFrame) -> dict[str, dict[str, float | int | None]]:
    """What the milestones and the training log say of the whole run.

    loss_discriminator: D's loss, nats, mean over the last tenth of the log; chance level is 2 log 2. error_rise_at_end: by
    how much the error rose from the last milestone but one to the end; None where it has no value.
    """
    loss, errors = log["loss_discriminator"].to_numpy(), [row["error"] for row in rows[-2:]]
    rise = errors[-1] - errors[0] if len(errors) > 1 and None not in errors else None
    return {
        "speed": convergence.speed(rows),
        "progress": convergence.progress(rows) | {"error_rise_at_end": rise},
        "gradient": {name.removeprefix("gradient_"): rms for name, rms in rows[-1].items() if "gradient_" in name},
        "training": {"loss_discriminator": float(loss[-max(len(loss) // 10, 1) :].mean())},
    }


def main() -> None:
    this, params = run.from_command_line(__doc__)
    machine.prepare("cpu")
    images, digits = this.training_images(params.mnist)
    train = images[: params.milestones.matching_images], digits[: params.milestones.matching_images]
    test, named = this.test_images(params.mnist), classifier.load()
    real = classifier.features(named, mnist.as_input(test[0])).numpy()
    rows = []
    for iteration in Progress(this.settings.train.snapshots(), desc=f"milestones {this.name}", unit="milestone"):
        measured = measure(this.load(iteration), named, real, train, test, params.milestones, this.settings)
        rows.append({"iteration": iteration, **measured})
    files.write_csv(this.folder / "milestones.csv", rows)
    files.write_json(this.folder / "milestones.json", at_end(rows, pd.read_csv(this.folder / "training.csv")))


if __name__ == "__main__":
    stage.run(main)
