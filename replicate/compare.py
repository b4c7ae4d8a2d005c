"""Stage compare: every run of the studies in one table, the answers to what claims.yaml asks of the studies, and what of
the table the claims rest on, for `dvc metrics`.

python -m replicate.compare
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from replicate.base import mnist, parameters, stage, tables
from replicate.base.parameters import Parameters
from replicate.base.progress import Progress
from replicate.base.stage import BadInput
from replicate.findings import claims, comparisons, intervals, results
from replicate.findings.comparisons import INFOMAX, LEAK, SEEDS, Answer, Comparison, Seeds
from replicate.findings.results import Results, Row
from replicate.gan.run import Run
from replicate.measures import classification, partitions, representation
from replicate.studies import plan

FEWEST = 3  # runs that have a medoid, and a consensus


def of_confusion(folder: Path, this: Run, shared: float) -> dict[str, float | int | str | None]:
    """Which digits share a category of a run: how many pairs, which ("4-9 5-8"), and the error without these.

    Without a value for the regular GAN, and where c1 has another number of categories than there are digits.
    """
    if this.settings.objective == "gan" or this.settings.latent.categories != len(this.settings.train.digits):
        return {"sharing.pairs": None, "sharing.which": None, "sharing.error_without": None}
    confusion = tables.read_confusion(folder / "confusion.csv")
    pairs = partitions.sharing(confusion, shared)
    return {
        "sharing.pairs": len(pairs),
        "sharing.which": " ".join(f"{one}-{other}" for one, other in pairs),
        "sharing.error_without": partitions.error_without(confusion, pairs),
    }


def of_milestones(folder: Path) -> dict[str, float | None]:
    """By how much the error rose from the last milestone but one to the end; None where it has no value.

    Raises BadInput (see `tables.read_iterations`).
    """
    errors = tables.read_iterations(folder / "milestones.csv", error=tables.number)["error"]
    rise = float(errors[-1] - errors[-2]) if len(errors) > 1 else np.nan
    return {"milestones.error_rise_at_end": None if np.isnan(rise) else rise}


def of_training(folder: Path) -> dict[str, float]:
    """D's loss, nats: the mean over the last tenth of the training. 2 log 2 is that of a coin toss."""
    loss = tables.read(folder / "training.csv", loss_discriminator=float)["loss_discriminator"]
    return {"training.loss_discriminator": float(loss[-max(len(loss) // 10, 1) :].mean())}


def gather(made: Mapping[str, Mapping[Path, Run]], shared: float) -> list[Row]:
    """The rows of every run of every study. Raises BadInput when a file of one is missing or broken."""
    kinds = results.OF_RUN | {"environment": "environment"}
    rows = []
    for folders in made.values():
        for folder, this in folders.items():
            measured = results.read_metrics({folder / f"{kind}.json": prefix for kind, prefix in kinds.items()})
            found = of_confusion(folder, this, shared) | of_milestones(folder) | of_training(folder)
            rows += results.rows(measured | found, this.variant, this.seed)
    return rows


def categories(folders: Mapping[Path, Run]) -> tuple[np.ndarray, np.ndarray]:
    """c1's category of each image of the training and of the test split, a row a run: (R, N), (R, M). Raises BadInput."""
    try:
        kept = [np.load(folder / "codes.npz") for folder in folders]
        return np.stack([each["train_category"] for each in kept]), np.stack([each["test_category"] for each in kept])
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise BadInput(f"the evidence of {', '.join(map(str, folders))} is not as expected: {error}") from error


def kmeans_controls(runs: Sequence[Run], params: Parameters) -> list[Row]:
    """What k-means tells of the digits in c1's place: what a number of clusters does to a measure without any training.

    As many clusters as c1 has categories, on principal components of the images that the run is about; the seed of a run
    is that of k-means.
    """
    rows, pixels, found = [], {}, {}
    for this in Progress(runs, desc="k-means", unit="run"):
        digits, K = tuple(this.settings.train.digits), this.settings.latent.categories
        if digits not in pixels:
            train, _ = mnist.training_images(params.mnist, this.settings.train)
            test, test_digit = mnist.test_images(params.mnist, this.settings.train)
            flat = (mnist.as_input(images).flatten(1).numpy() for images in (train, test))
            pixels[digits] = *representation.principal_components(*flat), test_digit.numpy()
        if (digits, K, this.seed) not in found:
            train, test, test_digit = pixels[digits]
            options = params.represent.model_copy(update={"seed": this.seed})
            _, cluster = representation.clusters(train, test, K, options)
            found[digits, K, this.seed] = representation.label_information(cluster, test_digit)
        kmeans = results.flatten({"kmeans": found[digits, K, this.seed]})
        rows += results.rows(kmeans, this.variant, this.seed)
    return rows


def without_labels(folders: Mapping[Path, Run], measured: Results, question: Seeds, params: Parameters) -> dict:
    """What the runs of InfoGAN say together without a label: the errors of the medoid and of the consensus."""
    of_infogan = {folder: this for folder, this in folders.items() if this.variant == "infogan"}
    if len(of_infogan) < FEWEST:
        return {"medoid": None, "consensus": None}
    train, test = categories(of_infogan)
    agreement = partitions.agreement(train)
    medoid = list(of_infogan.values())[int(agreement.argmax())]
    settings = medoid.settings
    train_digit = mnist.training_images(params.mnist, settings.train)[1].numpy()
    test_digit = mnist.test_images(params.mnist, settings.train)[1].numpy()
    of_train, of_test = partitions.consensus(train, test, settings.latent.categories)
    counts = classification.contingency(of_train, train_digit, settings.latent.categories)
    return {
        "medoid": {
            "seed": medoid.seed,
            "agreement": float(agreement.max()),
            "error": measured.runs[medoid.variant][medoid.seed][question.metric],
        },
        "consensus": {"error": classification.one_to_one_error(counts, of_test, test_digit)},
    }


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
    params, all_claims, questions = parameters.load(), claims.load(), claims.questions()
    made = plan.made(params)
    rows = gather(made, questions.seeds.shared)
    rows += kmeans_controls([this for folders in made.values() for this in folders.values()], params)
    measured = results.collect(rows)
    claims.check_questions(questions, made, plan.load(params)[1].variants, measured)
    answers = {
        SEEDS: luck(measured, questions.seeds) | without_labels(made[SEEDS], measured, questions.seeds, params),
        LEAK: as_json(comparisons.leak(questions.leak, measured)),
        INFOMAX: [as_json(answer) for answer in comparisons.infomax(questions.infomax, measured)],
    }
    means = claims.means(all_claims, measured)
    results.write(Path("metrics", "studies.csv"), rows)
    stage.write_json(Path("metrics", "studies.json"), answers)
    stage.write_json(Path("metrics", "claims-studies.json"), means)


if __name__ == "__main__":
    stage.run(main)
