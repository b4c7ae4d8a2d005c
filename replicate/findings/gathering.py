"""All that was measured of a run: by its stages, and from its codes and log, which stay in git, beside the real digits."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from replicate.base import mnist, tables
from replicate.findings import results
from replicate.findings.claims import Claims
from replicate.findings.hypotheses import Selection
from replicate.findings.results import Value
from replicate.gan.run import Run
from replicate.measures import classification, morphometry, neighbours, partitions, specificity, splits
from replicate.measures.morphometry import Morphometry
from replicate.measures.partitions import Categories
from replicate.parameters import Parameters

# The files of metrics of a run, with each the prefix that its metrics get in the table.
METRICS = {
    "evaluation": "",
    "milestones": "",
    "yardstick": "yardstick",
    "representation": "representation",
    "environment": "environment",
}


class Digits(NamedTuple):
    """The images of the digits that runs are about, and what is known of them."""

    train: np.ndarray  # uint8 (N, 28, 28)
    train_digit: np.ndarray  # (N,)
    test: np.ndarray  # uint8 (M, 28, 28)
    test_digit: np.ndarray  # (M,)
    nearest: np.ndarray  # indices (n, neighbours) among the first n training images
    styles: Morphometry  # of the test images


def digits(runs: Iterable[Run], params: Parameters, selection: Selection) -> dict[tuple[int, ...], Digits]:
    """What runs are about, by their digits. Raises BadInput when MNIST is not there."""
    test, test_digit = (each.numpy() for each in mnist.load("t10k", params.mnist))
    styles, found = morphometry.measure(test), {}
    for names, options in {tuple(this.settings.train.digits): this.settings.train for this in runs}.items():
        train, train_digit = (each.numpy() for each in mnist.training_images(params.mnist, options))
        nearest = neighbours.nearest(train[: selection.images], selection.neighbours)
        tested = np.isin(test_digit, names)
        theirs = Morphometry(*(values[tested] for values in styles))
        found[names] = Digits(train, train_digit, test[tested], test_digit[tested], nearest, theirs)
    return found


def shared_categories(
    this: Run, codes: Categories, about: Digits, matching: int, shared: float, split: float
) -> dict[str, Value]:
    """Which digits share a category, and what divides these.

    pairs, which, styles: how many pairs of digits share a category, "4-9 5-8", and the style that tells the two
    categories of each apart best, with its area under the curve: "slant:0.95 width:0.61". error_without: the error with
    confusions within these pairs counted as right. error_by_style: the part of the error that pairs make which a style
    divides. Without a value for the regular GAN, and where K is not the number of digits.
    """
    K = this.settings.latent.categories
    if this.settings.objective == "gan" or K != len(this.settings.train.digits):
        return dict.fromkeys(("pairs", "which", "styles", "error_without", "error_by_style"))
    given = partitions.read_digit(codes.train[:matching], about.train_digit[:matching], codes.test, K)
    confusion = classification.contingency(about.test_digit, given, classification.DIGITS)
    pairs = partitions.sharing(confusion, shared)
    divided = {pair: splits.best(about.styles, about.test_digit, given, pair) for pair in pairs}
    by_style = [pair for pair, found in divided.items() if found.area >= split]
    error, without = (partitions.error_without(confusion, each) for each in ([], pairs))
    return {
        "pairs": len(pairs),
        "which": " ".join(f"{one}-{other}" for one, other in pairs),
        "styles": " ".join(f"{style}:{area:.2f}" for style, area in divided.values()),
        "error_without": without,
        "error_by_style": error - partitions.error_without(confusion, by_style),
    }


def leaning_against(traversal: Path, rotation: str, sign: int, digit: np.ndarray) -> str:
    """The digits that the rotation code leans against the others, with the radians from −1 to 1: "1:-0.62 7:-0.10".

    `rotation` is the name of that code, `sign` that of its correlation with the slant, `digit` (K,) that of each category.
    """
    steps = tables.read_traversal(traversal, ["slant"])
    low, high = (steps["slant"][(steps["code"] == rotation) & (steps["value"] == value)] for value in (-1, 1))
    return " ".join(f"{name}:{turn:.2f}" for name, turn in zip(digit, sign * (high - low)) if turn < 0)


def discriminator_loss(log: Path) -> float:
    """D's loss in a training's log, nats: the mean over the last tenth of the training. 2 log 2 is that of a coin toss."""
    loss = tables.read(log, loss_discriminator=float)["loss_discriminator"]
    return float(loss[-max(len(loss) // 10, 1) :].mean())


def rise_at_end(milestones: Path) -> float | None:
    """By how much the error rose from the last milestone but one to the end; None where it has no value."""
    errors = tables.read_iterations(milestones, error=tables.number)["error"]
    rise = float(errors[-1] - errors[-2]) if len(errors) > 1 else np.nan
    return None if np.isnan(rise) else rise


def metrics(
    this: Run, file: Callable[[str], Path], evidence: Path, about: Digits, params: Parameters, asked: Claims
) -> dict[str, Value]:
    """Every metric of a run by dotted name. `file` tells where it has "evaluation.json" and the like."""
    measured = results.read_metrics({file(f"{kind}.json"): prefix for kind, prefix in METRICS.items()})
    codes, K = partitions.read(evidence), this.settings.latent.categories
    limits = params.evaluate.matching_images, asked.studies.seeds.shared, asked.selection.split
    matched = classification.match_majority(classification.contingency(codes.train, about.train_digit, K))
    leaning = measured["rotation.code"], measured["rotation.sign"], matched
    within = specificity.within_digit(about.styles, about.test_digit)
    beside = {
        "neighbours": {"agreement": neighbours.agreement(codes.train, about.nearest)},
        "classification": {"ami_ceiling": partitions.ceiling(about.test_digit, K)},
        "rotation": {"against": leaning_against(file("traversal.csv"), *leaning)},
        "disentanglement": {"specificity_within_lowest": specificity.lowest(measured, within)},
        "sharing": shared_categories(this, codes, about, *limits),
        "milestones": {"error_rise_at_end": rise_at_end(file("milestones.csv"))},
        "training": {"loss_discriminator": discriminator_loss(file("training.csv"))},
    }
    return measured | results.flatten(beside)
