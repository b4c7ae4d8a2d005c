"""Stage evaluate: measure one run against what the paper says of it.

python -m replicate.evaluate VARIANT SEED
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from replicate.base import environment, mnist, stage, tables
from replicate.gan import latent, model, run
from replicate.gan.latent import Codes, sample_every_category
from replicate.gan.model import Model
from replicate.gan.settings import Settings
from replicate.measures import (
    classification,
    continuous_codes,
    convergence,
    extrapolation,
    judge,
    morphometry,
    naturalness,
    partitions,
    purity,
    switching,
    variation,
)
from replicate.measures.reading import Split, categories, lower_bounds, with_batch_statistics
from replicate.parameters import Evaluate


class Evaluation(NamedTuple):
    """What was measured of one run: metrics, nested by question, and two tables that they come from."""

    metrics: dict[str, dict[str, Any]]
    confusion: list[dict]  # a row for each digit: counts of its test images by the digit that c1 gives them
    traversal: list[dict]  # a row for each continuous code, value and category


def measure_information(
    log: dict[str, np.ndarray], bounds: list[float], entropy: float
) -> dict[str, float | int | None]:
    """The lower bounds of a finished run, and how they rose in its training `log` (Fig. 1); shares are of H(c1)."""
    iterations, curve = log["iteration"], log["information_c1"]
    at_1000 = convergence.mean_up_to(iterations, curve, convergence.FIGURE_1)
    return {
        "entropy_c1": entropy,
        "lower_bound_c1_at_1000": at_1000,
        "lower_bound_c1": bounds[0],
        "lower_bound_c2": bounds[1],
        "lower_bound_c3": bounds[2],
        "share_at_1000": None if at_1000 is None else at_1000 / entropy,
        "share_at_end": bounds[0] / entropy,
        "iterations_to_95_percent": convergence.first_at_least(iterations, curve, convergence.NEARLY_ALL * entropy),
    }


MERGED = 0.1  # share of a digit's images in another one's category: `studies.seeds.shared` of claims.yaml


def classify(
    trained: Model, counts: np.ndarray, test: Split, held_out: Split, batch_size: int
) -> tuple[dict[str, Any], np.ndarray]:
    """c1 as a classifier: its scores, and the confusion (10, 10) of digits and what c1 says of them on the test split.

    `counts` (K, 10) are those of training images, to which the matchings are fitted; `held_out` are images of the
    training split that the run never saw. Images of a category without a digit are in no cell of the confusion.

    error_batch_statistics: the one-to-one error once more, with the statistics of each batch of test images in
    batchnorm, as the released code would have had it. error_held_out: the one-to-one error on the held-out images;
    None where there are none. merged_4_7_9: the number of pairs among the digits 4, 7 and 9, 0 to 3, that are merged
    classes on the test split, one-to-one; None where one of these digits does not occur. The three are None where K is
    not the number of digits.
    """
    category, digit = categories(trained, test[0]), test[1].numpy()
    batchwise = with_batch_statistics(trained)
    whole = len(test[0]) // batch_size * batch_size  # a remainder would have other statistics
    of_batches = categories(batchwise, test[0][:whole], batch_size)
    scores = classification.scores(counts, category, digit)
    scores["error_batch_statistics"] = classification.one_to_one_error(counts, of_batches, digit[:whole])
    scores["error_held_out"] = None
    if len(held_out[1]):
        unseen = categories(trained, held_out[0]), held_out[1].numpy()
        scores["error_held_out"] = classification.one_to_one_error(counts, *unseen)
    predicted = classification.match_one_to_one(counts)[category]
    named = predicted != classification.UNMATCHED
    confusion = classification.contingency(digit[named], predicted[named], classification.DIGITS)
    comparable = len(counts) == classification.digits_present(counts) and confusion[[4, 7, 9]].any(axis=1).all()
    scores["merged_4_7_9"] = partitions.merged(confusion, (4, 7, 9), MERGED) if comparable else None
    return scores, confusion


def evaluate(
    trained: Model,
    judging: torch.nn.Sequential,
    train: Split,
    test: Split,
    held_out: Split,
    log: dict[str, np.ndarray],
    settings: Settings,
    options: Evaluate,
) -> Evaluation:
    """Measure a model.

    `train` are images that it was trained on, `held_out` those of the training split that it was not, maybe none; `log`
    holds the columns of its training log.
    """
    random = torch.Generator().manual_seed(options.seed)
    prior = settings.latent
    generate: Callable[[Codes], Tensor] = partial(model.generate, trained.generator, prior=prior)
    judged, features = partial(judge.probabilities, judging), partial(judge.features, judging)

    counts = classification.contingency(categories(trained, train[0]), train[1].numpy(), prior.categories)
    scores, confusion = classify(trained, counts, test, held_out, settings.train.batch_size)

    codes = sample_every_category(options.samples_per_category, prior, random)
    seen = judged(generate(codes)).argmax(dim=1)
    pure = purity.scores(codes.category.numpy(), seen.numpy(), prior.categories)
    one_of_each = latent.sample(options.samples_per_category, prior, random)
    switched = switching.scores(switching.rows(generate, judged, one_of_each, prior.categories))

    real = test[0][: options.real_images]
    real_styles = morphometry.measure(real.numpy())
    real_std = continuous_codes.deviations(real_styles)
    drawn = sample_every_category(options.traversals_per_category, prior, random)
    traversal = continuous_codes.traverse(generate, drawn, prior.categories, options.traversal_values)

    styles = continuous_codes.scores(traversal, real_std)
    styles["rotation"]["digits_against"] = continuous_codes.digits_against(
        traversal, classification.match_majority(counts)
    )

    metrics = {
        "classification": scores,
        "information": measure_information(
            log,
            lower_bounds(with_batch_statistics(trained), options.bound_samples, settings, random),
            latent.entropies(prior)[0],
        ),
        "purity": pure,
        "switching": switched,
        **styles,
        "disentanglement": continuous_codes.disentanglement(traversal, real_std, judged),
        "extrapolation": extrapolation.scores(traversal, real_std, judged),
        "naturalness": naturalness.scores(traversal, real_std, features, mnist.as_input(real)),
        "variation": variation.scores(
            traversal, real_std, features, mnist.as_input(real), real_styles, test[1][: options.real_images].numpy()
        ),
    }
    rows = [{"digit": digit, **{str(d): n for d, n in enumerate(row)}} for digit, row in enumerate(confusion.tolist())]
    return Evaluation(metrics, rows, continuous_codes.table(traversal))


def main() -> None:
    this, params = run.from_command_line(__doc__)
    environment.prepare("cpu")
    images, digits = mnist.training_images(params.mnist, this.settings.train)
    matched = slice(params.evaluate.matching_images)
    evaluation = evaluate(
        this.load(),
        judge.load(),
        (images[matched], digits[matched]),
        mnist.test_images(params.mnist, this.settings.train),
        mnist.held_out_images(params.mnist, this.settings.train),
        tables.read_iterations(this.file("training.csv"), information_c1=float),
        this.settings,
        params.evaluate,
    )
    stage.write_json(this.file("evaluation.json"), evaluation.metrics)
    tables.write(this.file("confusion.csv"), evaluation.confusion)
    tables.write(this.file("traversal.csv"), evaluation.traversal)


if __name__ == "__main__":
    stage.run(main)
