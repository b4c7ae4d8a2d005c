"""Stage compare: every run of the studies in one table, the answers to what claims.yaml asks of the studies, and what of
the table the claims rest on, for `dvc metrics`.

python -m replicate.compare
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from replicate.base import parameters, stage
from replicate.base.stage import Progress
from replicate.findings import claims, comparisons, gathering, intervals, results
from replicate.findings.claims import Claims
from replicate.findings.comparisons import INFOMAX, LEAK, SEEDS, Answer, Comparison, Seeds
from replicate.findings.gathering import Digits
from replicate.findings.results import Results, Row
from replicate.gan.run import Run
from replicate.measures import classification, partitions, representation
from replicate.measures.partitions import Categories
from replicate.parameters import Parameters
from replicate.studies import plan

FEWEST = 3  # runs that have a medoid, and a consensus


def gather(
    made: Mapping[Path, Run], about: Mapping[tuple[int, ...], Digits], params: Parameters, asked: Claims
) -> list[Row]:
    """The rows of every run of the studies."""
    rows = []
    for folder, this in Progress(made.items(), desc="runs", unit="run"):
        theirs = about[tuple(this.settings.train.digits)]
        measured = gathering.metrics(this, folder.joinpath, folder, theirs, params, asked)
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
    codes = Categories(*map(np.stack, zip(*map(partitions.read, folders))))
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


def selections(
    folders: Mapping[Path, Run], measured: Results, digits: Digits, asked: Claims
) -> dict[str, float | None]:
    """What the hypotheses on selections without labels ask for, by hypothesis; of those whose runs are all there."""
    found: dict[str, float | None] = {}
    together = {}  # by the runs that a hypothesis is about
    for name, hypothesis in asked.hypotheses.items():
        wanted = [(hypothesis.of.variant, seed) for seed in hypothesis.of.seeds or []]
        theirs = {folder: this for folder, this in folders.items() if (this.variant, this.seed) in wanted}
        if hypothesis.selection is None or len(theirs) < len(wanted):
            continue
        if (key := tuple(theirs)) not in together:
            together[key] = without_labels(theirs, measured, digits, asked)
        answers = together[key]
        found[name] = {
            "neighbours": answers["neighbours"]["correlation"],
            "chosen": answers["neighbours"]["error"],
            "consensus": answers["checked"]["error"],
            "splits": answers["splits"],
        }[hypothesis.selection]
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
    _, with_theirs = plan.load(params)
    claims.check_variants(asked, with_theirs.variants)
    made = plan.made(params)
    runs = {folder: this for folders in made.values() for folder, this in folders.items()}
    of_infogan = {folder: this for folder, this in runs.items() if this.variant == "infogan"}
    about = gathering.digits(runs.values(), params, asked.selection)
    rows = gather(runs, about, params, asked) + kmeans_controls(runs.values(), about, params)
    measured = results.collect(rows)
    claims.check_questions(asked.studies, made, with_theirs.variants, measured)
    together = (of_infogan, measured, about.get(tuple(params.train.digits)), asked)
    answers = {
        SEEDS: luck(measured, asked.studies.seeds) | without_labels(*together),
        LEAK: as_json(comparisons.leak(asked.studies.leak, measured)),
        INFOMAX: [as_json(answer) for answer in comparisons.infomax(asked.studies.infomax, measured)],
        "selections": selections(*together),
        "failed": sorted(name for of_study in plan.failed(params).values() for name in of_study),
    }
    means = claims.means(asked.claims, measured)
    results.write(Path("metrics", "studies.csv"), rows)
    stage.write_json(Path("metrics", "studies.json"), answers)
    stage.write_json(Path("metrics", "claims-studies.json"), means)


if __name__ == "__main__":
    stage.run(main)
