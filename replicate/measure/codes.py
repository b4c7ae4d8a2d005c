"""Stage measure, codes: generated images of one run, and what its codes do (Fig. 1 and 2, §7.2).

python -m replicate.measure.codes VARIANT SEED
"""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image

from replicate.base import files, machine, mnist, stage
from replicate.gan import latent, model, run
from replicate.gan.latent import sample_every_category
from replicate.gan.model import Model
from replicate.gan.settings import Settings
from replicate.measures import (
    classification,
    classifier,
    consistency,
    continuous_codes,
    extrapolation,
    grids,
    morphometry,
    naturalness,
    reading,
    switching,
    variation,
)
from replicate.measures.continuous_codes import Traversal
from replicate.measures.convergence import FIGURE_1, NEARLY_ALL, SMOOTHING
from replicate.measures.morphometry import Morphometry
from replicate.measures.reading import Split, lower_bounds, with_batch_statistics
from replicate.parameters import Codes


def measure_information(log: pd.DataFrame, bounds: list[float], entropy: float) -> dict[str, float | int | None]:
    """The lower bounds of a finished run, and how that of c1 rose in its training `log` (Fig. 1); shares are of H(c1).

    at_1000: the mean over the SMOOTHING iterations before; None where the log has no rows for it. iterations_to_95_percent:
    where it first is NEARLY_ALL of H(c1); None when it never is.
    """
    curve = log.set_index("iteration")["information_c1"]
    before = curve.loc[FIGURE_1 - SMOOTHING + 1 : FIGURE_1].to_numpy()
    at_1000 = float(before.mean()) if len(before) and FIGURE_1 <= curve.index[-1] else None
    reached = curve.index[curve >= NEARLY_ALL * entropy]
    return {
        "entropy_c1": entropy,
        "lower_bound_c1_at_1000": at_1000,
        "lower_bound_c1": bounds[0],
        "lower_bound_c2": bounds[1],
        "lower_bound_c3": bounds[2],
        "share_at_1000": None if at_1000 is None else at_1000 / entropy,
        "share_at_end": bounds[0] / entropy,
        "iterations_to_95_percent": int(reached[0]) if len(reached) else None,
    }


def measure(
    trained: Model,
    named: torch.nn.Sequential,
    digit_of_category: np.ndarray,
    test: Split,
    styles: Morphometry,
    log: pd.DataFrame,
    settings: Settings,
    options: Codes,
) -> tuple[dict[str, Any], Traversal]:
    """What is measured of a model's generated images: metrics, nested by question, and the traversal that they come from.

    `named` is the classifier, `digit_of_category` (K,) the majority digit of each category, `styles` are those of the images
    of `test`, `log` is the training log.
    """
    random, prior = torch.Generator().manual_seed(options.seed), settings.latent
    generate = partial(model.generate, trained.generator, prior=prior)
    probabilities, features = partial(classifier.probabilities, named), partial(classifier.features, named)

    codes = sample_every_category(options.samples_per_category, prior, random)
    seen = probabilities(generate(codes)).argmax(dim=1)
    consistent = consistency.scores(codes.category.numpy(), seen.numpy(), prior.categories)
    one_of_each = latent.sample(options.samples_per_category, prior, random)
    switched = switching.scores(switching.rows(generate, probabilities, one_of_each, prior.categories))

    some = slice(options.real_images)
    real, real_digit = mnist.as_input(test[0][some]), test[1][some].numpy()
    real_styles = Morphometry(*(values[some] for values in styles))
    real_std = continuous_codes.deviations(real_styles)
    drawn = sample_every_category(options.traversals_per_category, prior, random)
    traversal = continuous_codes.traverse(generate, drawn, prior.categories, options.traversal_values)
    moved = continuous_codes.scores(traversal, real_std)
    moved["rotation"] |= continuous_codes.turned_against(traversal, digit_of_category)
    disentangled = continuous_codes.disentanglement(traversal, real_std, probabilities)
    within = continuous_codes.specificity_within(disentangled, styles, test[1].numpy())
    disentangled["specificity_within_lowest"] = within
    bounds = lower_bounds(with_batch_statistics(trained), options.bound_samples, settings, random)
    metrics = {
        "information": measure_information(log, bounds, latent.entropies(prior)[0]),
        "consistency": consistent,
        "switching": switched,
        **moved,
        "disentanglement": disentangled,
        "extrapolation": extrapolation.scores(traversal, real_std, probabilities),
        "naturalness": naturalness.scores(traversal, real_std, features, real),
        "variation": variation.scores(traversal, real_std, features, real, real_styles, real_digit),
    }
    return metrics, traversal


def main() -> None:
    this, params = run.from_command_line(__doc__)
    machine.prepare("cpu")
    trained, prior, options = this.load(), this.settings.latent, params.codes
    images, digits = (each[: params.classification.matching_images] for each in this.training_images(params.mnist))
    counts = classification.contingency(reading.categories(trained, images), digits.numpy(), prior.categories)
    test = this.test_images(params.mnist)
    metrics, traversal = measure(
        trained,
        classifier.load(),
        classification.match_majority(counts),
        test,
        morphometry.measure(test[0].numpy()),
        pd.read_csv(this.folder / "training.csv"),
        this.settings,
        options,
    )
    files.write_json(this.folder / "codes.json", metrics)
    files.write_csv(this.folder / "traversal.csv", continuous_codes.table(traversal))
    for name, draw in {"samples": grids.samples, "traversals": grids.traversals}.items():
        with files.whole_file(this.folder / f"{name}.png") as temporary:
            Image.fromarray(grids.grid(draw(trained, prior, options))).save(temporary, optimize=True)


if __name__ == "__main__":
    stage.run(main)
