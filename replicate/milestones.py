"""Stage milestones: one run measured at a few iterations of its training, by what is cheap to measure.

    python -m replicate.milestones VARIANT SEED

It tells whether L_I converges before the samples do (§6), and whether the error still falls at the end.
"""

import numpy as np
import torch

from replicate.base import environment, mnist, stage, tables
from replicate.base.stage import Progress
from replicate.gan import latent, model, run
from replicate.gan.model import Model
from replicate.gan.settings import Settings
from replicate.measures import classification, convergence, frechet, judge, purity
from replicate.measures.reading import Split, categories, lower_bounds, pulls
from replicate.parameters import Milestones


def measure(
    trained: Model,
    judging: torch.nn.Sequential,
    real: np.ndarray,
    train: Split,
    test: Split,
    options: Milestones,
    settings: Settings,
) -> dict[str, float | None]:
    """One milestone. The same latent variables are drawn at each; `real` are the judge's features (N, 128) of digits.

    information_c1, share_c1: what the run's own objective estimates, in nats and of H(c1), with population statistics.
    error: of c1 as a classifier of `test`, matched one-to-one on `train`; None unless there are as many categories as
    digits. ami: adjusted mutual information of its categories and the digits. purity: of generated images, one-to-one.
    frechet: the Fréchet distance of their features to `real`. pull_…: of the terms of G's loss at its images (see
    `reading.pulls`).
    """
    random = torch.Generator().manual_seed(options.seed)
    prior = settings.latent
    codes = latent.sample(options.samples, prior, random)
    images = model.generate(trained.generator, codes, prior)
    seen = judge.probabilities(judging, images).argmax(dim=1).numpy()
    information = lower_bounds(trained, options.samples, settings, random)[0]
    counts = classification.contingency(categories(trained, train[0]), train[1].numpy(), prior.categories)
    scores = classification.scores(counts, categories(trained, test[0]), test[1].numpy())
    return {
        "information_c1": information,
        "share_c1": information / latent.entropies(prior)[0],
        "error": scores["error_one_to_one"],
        "ami": scores["ami"],
        "purity": purity.scores(codes.category.numpy(), seen, prior.categories)["one_to_one"],
        "frechet": frechet.distance(judge.features(judging, images).numpy(), real),
        **{f"pull_{term}": pull for term, pull in pulls(trained, options.pull_images, settings, random).items()},
    }


def main() -> None:
    this, params = run.from_command_line(__doc__)
    environment.prepare("cpu")
    images, digits = mnist.training_images(params.mnist, this.settings.train)
    train = images[: params.milestones.matching_images], digits[: params.milestones.matching_images]
    test = mnist.test_images(params.mnist, this.settings.train)
    judging = judge.load()
    real = judge.features(judging, mnist.as_input(test[0])).numpy()
    rows = []
    for iteration in Progress(this.settings.train.snapshots(), desc=f"milestones {this.name}", unit="milestone"):
        measured = measure(this.load(iteration), judging, real, train, test, params.milestones, this.settings)
        rows.append({"iteration": iteration, **measured})
    pull = {name.removeprefix("pull_"): value for name, value in rows[-1].items() if name.startswith("pull_")}
    tables.write(this.file("milestones.csv"), rows)
    summary = {"speed": convergence.speed(rows), "progress": convergence.progress(rows), "pull": pull}
    stage.write_json(this.file("milestones.json"), summary)


if __name__ == "__main__":
    stage.run(main)
