"""Stage compare: every run of the studies in one table, the answers to what claims.yaml asks of the studies, and what of
the table the claims rest on, for `dvc metrics`.

python -m replicate.compare
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from replicate.base import mnist, parameters, stage, tables
from replicate.base.parameters import Parameters
from replicate.base.progress import Progress
from replicate.findings import claims, comparisons, intervals, results
from replicate.findings.claims import Claims
from replicate.findings.comparisons import INFOMAX, LEAK, SEEDS, Answer, Comparison, Seeds
from replicate.findings.hypotheses import Selection
from replicate.findings.results import Results, Row, Value
from replicate.gan.run import Run
from replicate.measures import classification, morphometry, neighbours, partitions, representation, splits
from replicate.measures.morphometry import Morphometry
from replicate.studies import plan
from replicate.studies.plan import Categories

FEWEST = 3  # runs that have a medoid, and a consensus


class Digits(NamedTuple):
    """The images of the digits that runs are about, and what is known of them."""

    train: np.ndarray  # uint8 (N, 28, 28)
    train_digit: np.ndarray  # (N,)
    test: np.ndarray  # uint8 (M, 28, 28)
    test_digit: np.ndarray  # (M,)
    nearest: np.ndarray  # indices (n, neighbours) among the first n training images
    styles: Morphometry  # of the test images


def images(runs: Iterable[Run], params: Parameters, selection: Selection) -> dict[tuple[int, ...], Digits]:
    """What runs are about, by their digits. Raises BadInput when MNIST is not there."""
    test, test_digit = (each.numpy() for each in mnist.load("t10k", params.mnist))
    styles, found = morphometry.measure(test), {}
    for digits, options in {tuple(this.settings.train.digits): this.settings.train for this in runs}.items():
        train, train_digit = (each.numpy() for each in mnist.training_images(params.mnist, options))
        nearest = neighbours.nearest(train[: selection.images], selection.neighbours)
        tested = np.isin(test_digit, digits)
        theirs = Morphometry(*(values[tested] for values in styles))
        found[digits] = Digits(train, train_digit, test[tested], test_digit[tested], nearest, theirs)
    return found


def of_codes(
    this: Run, codes: Categories, digits: Digits, matching: int, shared: float, split: float
) -> dict[str, Value]:
    """How far neighbours have the same category, which digits share one, and what divides these.

    sharing.pairs, which, styles: how many pairs of digits share a category, "4-9 5-8", and the style that tells the two
    categories of each apart best, with its area under the curve: "slant:0.95 width:0.61". sharing.error_without: the error
    with confusions within these pairs counted as right. sharing.error_by_style: the part of the error that pairs make which
    a style divides. Without a value for the regular GAN, and where K is not the number of digits.
    """
    K = this.settings.latent.categories
    found: dict[str, Value] = {
        "neighbours.agreement": neighbours.agreement(codes.train, digits.nearest),
        "classification.ami_ceiling": partitions.ceiling(digits.test_digit, K),
    }
    if this.settings.objective == "gan" or K != len(this.settings.train.digits):
        keys = ("pairs", "which", "styles", "error_without", "error_by_style")
        return found | dict.fromkeys((f"sharing.{key}" for key in keys), None)
    given = partitions.read_digit(codes.train[:matching], digits.train_digit[:matching], codes.test, K)
    confusion = classification.contingency(digits.test_digit, given, classification.DIGITS)
    pairs = partitions.sharing(confusion, shared)
    divided = {pair: splits.best(digits.styles, digits.test_digit, given, pair) for pair in pairs}
    by_style = [pair for pair, found in divided.items() if found.area >= split]
    error, without = (partitions.error_without(confusion, each) for each in ([], pairs))
    return found | {
        "sharing.pairs": len(pairs),
        "sharing.which": " ".join(f"{one}-{other}" for one, other in pairs),
        "sharing.styles": " ".join(f"{style}:{area:.2f}" for style, area in divided.values()),
        "sharing.error_without": without,
        "sharing.error_by_style": error - partitions.error_without(confusion, by_style),
    }


def of_milestones(folder: Path) -> dict[str, float | None]:
    """By how much the error rose from the last milestone but one to the end; None where it has no value."""
    errors = tables.read_iterations(folder / "milestones.csv", error=tables.number)["error"]
    rise = float(errors[-1] - errors[-2]) if len(errors) > 1 else np.nan
    return {"milestones.error_rise_at_end": None if np.isnan(rise) else rise}


def gather(
    made: Mapping[Path, Run], about: Mapping[tuple[int, ...], Digits], params: Parameters, asked: Claims
) -> list[Row]:
    """The rows of every run of the studies."""
    kinds = results.OF_RUN | {"environment": "environment"}
    options = params.evaluate.matching_images, asked.studies.seeds.shared, asked.selection.split
    rows = []
    for folder, this in Progress(made.items(), desc="runs", unit="run"):
        measured = results.read_metrics({folder / f"{kind}.json": prefix for kind, prefix in kinds.items()})
        measured |= of_codes(this, plan.categories(folder), about[tuple(this.settings.train.digits)], *options)
        measured |= of_milestones(folder) | results.of_training(folder / "training.csv")
        rows += results.rows(measured, this.variant, this.seed)
    return rows


def kmeans_controls(runs: Iterable[Run], about: Mapping[tuple[int, ...], Digits], params: Parameters) -> list[Row]:
    """What k-means tells of the digits in c1's place: what a number of clusters does to a measure without any training.

    As many clusters as c1 has categories, on principal components of the images that the run is about; the seed of a run
    is that of k-means.
    """
    rows, components, found = [], {}, {}
    for this in Progress(list(runs), desc="k-means", unit="run"):
        digits, K = tuple(this.settings.train.digits), this.settings.latent.categories
        if digits not in components:
            pixels = (
                np.float32(each).reshape(len(each), -1) / 255 for each in (about[digits].train, about[digits].test)
            )
            components[digits] = representation.principal_components(*pixels)
        if (digits, K, this.seed) not in found:
            options = params.represent.model_copy(update={"seed": this.seed})
            _, cluster = representation.clusters(*components[digits], K, options)
            found[digits, K, this.seed] = representation.label_information(cluster, about[digits].test_digit)
        kmeans = results.flatten({"kmeans": found[digits, K, this.seed]})
        rows += results.rows(kmeans, this.variant, this.seed)
    return rows


def without_labels(folders: Mapping[Path, Run], measured: Results, digits: Digits, asked: Claims) -> dict[str, Any]:
    """What runs of one variant say together without a label; the errors tell what it is worth.

    neighbours: the run with the highest agreement of neighbours, and the rank correlation of agreement and error. medoid:
    the run that agrees most with the others. consensus: of all; checked: of the few runs whose consensus has the highest
    agreement of neighbours. splits: the part of the error of pairs that a style divides. None where runs are too few.
    """
    if len(folders) < FEWEST:
        return dict.fromkeys(("neighbours", "medoid", "consensus", "checked", "splits"))
    runs, selection, metric = list(folders.values()), asked.selection, asked.studies.seeds.metric
    of_runs = [measured.runs[this.variant][this.seed] for this in runs]
    codes = Categories(*map(np.stack, zip(*map(plan.categories, folders))))
    K = runs[0].settings.latent.categories
    errors, agreement = (np.array([each[name] for each in of_runs]) for name in (metric, "neighbours.agreement"))
    shared = errors - [each["sharing.error_without"] for each in of_runs]
    by_style = sum(each["sharing.error_by_style"] for each in of_runs)
    random = np.random.default_rng(selection.seed)
    sizes = random.integers(selection.fewest, min(selection.most, len(runs)) + 1, selection.consensuses)
    drawn = [random.choice(len(runs), size, replace=False) for size in sizes]

    def error(of_train: np.ndarray, of_test: np.ndarray) -> float:
        counts = classification.contingency(of_train, digits.train_digit, K)
        return classification.one_to_one_error(counts, of_test, digits.test_digit)

    def one(i: np.intp) -> dict[str, float | int]:
        return {"seed": runs[i].seed, "error": float(errors[i])}

    return {
        "neighbours": one(agreement.argmax()) | {"correlation": float(stats.spearmanr(agreement, errors).statistic)},
        "medoid": one(partitions.agreement(codes.train).argmax()),
        "consensus": {"error": error(*partitions.consensus(*codes, K))},
        "checked": {"error": error(*partitions.checked_consensus(*codes, K, drawn, digits.nearest))},
        "splits": float(by_style / shared.sum()) if shared.sum() else None,
    }


def choices(folders: Mapping[Path, Run], measured: Results, digits: Digits, asked: Claims) -> dict[str, float | None]:
    """What the hypotheses on choices without labels ask for, by hypothesis; of those whose runs are all there."""
    found: dict[str, float | None] = {}
    together = {}  # by the runs that a hypothesis is about
    for name, hypothesis in asked.hypotheses.items():
        wanted = [(hypothesis.of.variant, seed) for seed in hypothesis.of.seeds or []]
        theirs = {folder: this for folder, this in folders.items() if (this.variant, this.seed) in wanted}
        if hypothesis.choice is None or len(theirs) < len(wanted):
            continue
        if (key := tuple(theirs)) not in together:
            together[key] = without_labels(theirs, measured, digits, asked)
        answers = together[key]
        found[name] = {
            "neighbours": answers["neighbours"]["correlation"],
            "chosen": answers["neighbours"]["error"],
            "consensus": answers["checked"]["error"],
            "splits": answers["splits"],
        }[hypothesis.choice]
    return found


def luck(measured: Results, question: Seeds) -> dict[str, Any]:
    """How often InfoGAN's error is within the limit, what the best of a few runs shows, and what the error is made of."""
    runs = measured.of("infogan")
    errors = [run[question.metric] for run in runs]
    if not errors:
        return {"runs": 0}
    within = sum(error <= question.limit for error in errors)
    low, high = intervals.wilson(within, len(errors))
    return {
        "runs": len(errors),
        "within": within,
        "share_low": low,
        "share_high": high,
        "least": min(errors),
        "best": intervals.expected_least(errors, question.best_of),
        "without_sharing": sum(run["sharing.pairs"] == 0 for run in runs),
    }


def as_json(answer: Answer | None) -> dict[str, Any] | None:
    """An answer, with every difference that it rests on."""

    def of(comparison: Comparison) -> dict[str, Any]:
        return {
            "variant": comparison.pair.variant,
            "than": comparison.pair.than,
            "differences": comparison.differences.tolist(),
            "mean": comparison.mean,
            "low": comparison.wide.low,
            "high": comparison.wide.high,
            "low_90": comparison.narrow.low,
            "high_90": comparison.narrow.high,
        }

    return answer and {
        "verdict": answer.verdict,
        "p": answer.p,
        "comparisons": {name: [of(each) for each in found] for name, found in answer.comparisons.items()},
    }


def main() -> None:
    params, asked = parameters.load(), claims.load()
    made = plan.made(params)
    runs = {folder: this for folders in made.values() for folder, this in folders.items()}
    of_infogan = {folder: this for folder, this in runs.items() if this.variant == "infogan"}
    about = images(runs.values(), params, asked.selection)
    rows = gather(runs, about, params, asked) + kmeans_controls(runs.values(), about, params)
    measured = results.collect(rows)
    claims.check_questions(asked.studies, made, plan.load(params)[1].variants, measured)
    together = (of_infogan, measured, about.get(tuple(params.train.digits)), asked)
    answers = {
        SEEDS: luck(measured, asked.studies.seeds) | without_labels(*together),
        LEAK: as_json(comparisons.leak(asked.studies.leak, measured)),
        INFOMAX: [as_json(answer) for answer in comparisons.infomax(asked.studies.infomax, measured)],
        "choices": choices(*together),
    }
    means = claims.means(asked.claims, measured)
    results.write(Path("metrics", "studies.csv"), rows)
    stage.write_json(Path("metrics", "studies.json"), answers)
    stage.write_json(Path("metrics", "claims-studies.json"), means)


if __name__ == "__main__":
    stage.run(main)
