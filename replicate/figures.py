"""Stage figures: the figures of the report, from the weights and the metrics of every run.

    python -m replicate.figures

Nothing is picked by hand: images are of the first of params.yaml's seeds, made from latent variables that are drawn
from `figures.seed`, or of the best, median and worst training of the studies; curves are of all trainings of a variant,
those of the studies where there are some. What the codes do is shown of the variants that maximise L_I, and of the
regular GAN only in the paper's Figure 2b and as a control.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

os.environ["MPLBACKEND"] = "agg"  # a notebook passes its own on, which matplotlib may not know here

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from replicate.base import mnist, parameters, stage, tables
from replicate.base.stage import BadInput
from replicate.findings import claims, results, ways
from replicate.findings.claims import Claims
from replicate.findings.results import Results
from replicate.gan import run
from replicate.gan.run import Run
from replicate.measures import classification, morphometry, partitions, sheets
from replicate.parameters import Parameters
from replicate.reporting import image_figures, run_figures, study_figures, style
from replicate.reporting.image_figures import Panel, Training
from replicate.reporting.run_figures import MEASURES, Shown
from replicate.reporting.study_figures import Pair
from replicate.reporting.wording import named
from replicate.studies import plan


def read(this: Run, metrics: Mapping[str, Any], folder: Path | None = None, with_images: bool = False) -> Shown:
    """What the stages wrote about a run, or what is in a study's `folder` of it; with its generator for images."""
    file = folder.joinpath if folder else this.file
    return Shown(
        this,
        metrics,
        tables.read_iterations(file("training.csv"), information_c1=float),
        tables.read_iterations(file("milestones.csv"), share_c1=float, error=tables.number, frechet=float),
        tables.read_traversal(file("traversal.csv"), MEASURES),
        tables.read_confusion(file("confusion.csv")),
        this.load().generator if with_images else None,
    )


def shown_first(made: Mapping[str, Mapping[Path, Run]], measured: Results, metric: str) -> list[Training]:
    """InfoGAN's best, median and worst training of the studies by `metric`, and the median one with views."""
    found = []
    for variant, which in (("infogan", ("best", "median", "worst")), ("views", ("median",))):
        folders = {folder: this for runs in made.values() for folder, this in runs.items() if this.variant == variant}
        ranked = sorted(folders, key=lambda folder: measured.runs[variant][folders[folder].seed][metric])
        places = {"best": 0, "median": len(ranked) // 2, "worst": -1}
        for name in which if ranked else ():
            folder = ranked[places[name]]
            metrics = measured.runs[variant][folders[folder].seed]
            title = f"{named(variant)}, {name} of {len(ranked)}: error {100 * metrics[metric]:.1f} %"
            drawn = (
                sheets.images_on(np.asarray(Image.open(folder / f"{kind}.png"))) for kind in ("samples", "traversals")
            )
            found.append(Training(title, metrics, *drawn))
    return found


def read_by_c1(folders: Iterable[Path], params: Parameters) -> list[np.ndarray]:
    """The digit that c1 gives each test image (N,) in each of some runs in git, matched as in evaluate."""
    train_digit = mnist.training_images(params.mnist, params.train)[1].numpy()[: params.evaluate.matching_images]
    found = []
    for folder in folders:
        categories = partitions.read(folder)
        matched = categories.train[: len(train_digit)], train_digit, categories.test
        found.append(partitions.read_digit(*matched, params.latent.categories))
    return found


def left(folders: Iterable[Path], params: Parameters, rows: int = 2, columns: int = 16) -> Figure:
    """Test images of the commonest confusion over some runs, first those that most runs misread."""
    images, digit = mnist.test_images(params.mnist, params.train)
    given = np.stack(read_by_c1(folders, params))
    confusion = sum(classification.contingency(digit.numpy(), of_run, classification.DIGITS) for of_run in given)
    np.fill_diagonal(confusion, 0)
    of, read = np.unravel_index(confusion.argmax(), confusion.shape)
    misread = ((given == read) & (digit.numpy() == of)).sum(axis=0)
    shown = mnist.as_input(images[np.argsort(-misread, kind="stable")[: rows * columns]])
    share = confusion[of, read] / confusion.sum()
    errors = f"{100 * share:.0f} % of the errors of {len(given)} trainings"
    caption = f"{of} read as {read}: {errors}; those that most trainings misread come first"
    return image_figures.image_panels([Panel(caption, shown.view(rows, columns, 28, 28).numpy())], columns=1)


def divided(folders: Mapping[int, Path], measured: Results, params: Parameters, asked: Claims) -> list[Pair]:
    """The first pair of digits that slant divides in the run of the median error, in it and in the run of the least error.

    `folders` are by seed. Empty where slant divides none.
    """
    metric = asked.studies.seeds.metric
    runs = sorted(((seed, measured.runs["infogan"][seed]) for seed in folders), key=lambda of: of[1][metric])
    (best, _), (typical, of_typical) = runs[0], runs[len(runs) // 2]
    styles = zip((of_typical["sharing.which"] or "").split(), (of_typical["sharing.styles"] or "").split())
    areas = [(which, style.split(":")) for which, style in styles]
    by_slant = [which for which, (style, area) in areas if style == "slant" and float(area) >= asked.selection.split]
    if not by_slant:
        return []
    pair = [int(digit) for digit in by_slant[0].split("-")]
    images, digit = (each.numpy() for each in mnist.test_images(params.mnist, params.train))
    found = []
    for seed, given in zip((typical, best), read_by_c1([folders[typical], folders[best]], params)):
        shown = np.isin(digit, pair) & np.isin(given, pair)
        slant, _ = morphometry.slant_and_width(images[shown])
        error = f"{100 * measured.runs['infogan'][seed][metric]:.1f}"
        found.append(Pair(f"seed {seed}, error {error} %", images[shown] / 255, slant, digit[shown], given[shown]))
    return found


def draw_studies(
    params: Parameters,
    made: Mapping[str, Mapping[Path, Run]],
    measured: Results,
    asked: Claims,
    answers: Mapping[str, Any],
) -> dict[str, Figure]:
    """The figures of what the studies measured, none of a study without runs; `answers` are metrics/studies.json."""
    figures = {}
    of_infogan = {this.seed: folder for folder, this in made["seeds"].items() if this.variant == "infogan"}
    if of_infogan:
        figures["ways"] = study_figures.to_a_lower_error(ways.to_a_lower_error(answers, asked, measured))
        figures["studies-error"] = study_figures.errors(measured)
        if pairs := divided(of_infogan, measured, params, asked):
            figures["split"] = study_figures.split(pairs)
    if of_views := [folder for folder, this in made["views"].items() if this.variant == "views"]:
        figures["left"] = left(of_views, params)
    if trainings := shown_first(made, measured, asked.studies.seeds.metric):
        figures["teaser"] = image_figures.teaser(trainings)
    planned, theirs = plan.load(params)
    if any(measured.of(variant) for variant in planned.studies["leak"]):
        of_K = [variant for variant in ("infogan", *planned.studies["leak"]) if measured.of(variant)]
        settings = {variant: theirs.settings(variant) for variant in of_K}
        figures["studies-k"] = study_figures.agreement(measured, settings)
    return figures


def draw_all() -> dict[str, Figure]:
    """The figures by name. Raises KeyError when a run lacks a metric."""
    params, asked = parameters.load(), claims.load()
    measured, in_studies = results.read("metrics/results.csv"), results.read("metrics/studies.csv")
    answers, made, options = stage.read_json("metrics/studies.json"), plan.made(params), params.figures
    runs, trainings = run.of_pipeline(params), []
    for variant in dict.fromkeys(this.variant for this in runs):
        folders = {folder: this for of in made.values() for folder, this in of.items() if this.variant == variant}
        if folders:
            trainings += [read(this, in_studies.runs[variant][this.seed], folder) for folder, this in folders.items()]
        else:
            trainings += [read(this, measured.runs[variant][this.seed]) for this in runs if this.variant == variant]
    first = [this for this in runs if this.seed == params.runs.seeds[0]]
    shown = {this.variant: read(this, measured.runs[this.variant][this.seed], with_images=True) for this in first}
    maximising = [each for each in shown.values() if each.run.settings.objective != "gan"]
    figures = {
        "figure1": run_figures.figure1(trainings),
        "milestones": run_figures.milestones(trainings),
        "samples": image_figures.samples(list(shown.values()), mnist.load("t10k", params.mnist)[0], options),
        "codes": run_figures.codes(list(shown.values())),
    }
    if maximising:
        figures["confusion"] = run_figures.confusion(
            [each for each in trainings if each.run.settings.objective != "gan"]
        )
    for each in maximising:
        name = "figure2" if each.run.variant == "infogan" else f"figure2-{each.run.variant}"
        figures[name] = image_figures.figure2(each, shown.get("gan") if name == "figure2" else None, options)
    leak = answers["leak"]
    evidence = claims.evidence(measured, in_studies)
    assessments = claims.assess_all(asked.claims, evidence, {"leak": leak and leak["verdict"]})
    figures["claims"] = study_figures.conditions(asked.claims, assessments)
    return figures | draw_studies(params, made, in_studies, asked, answers)


def main() -> None:
    try:
        figures = draw_all()
    except KeyError as error:
        raise BadInput(f"the figures need a metric that was not measured: {error}") from error
    for name, figure in figures.items():
        style.save(figure, Path("figures", f"{name}.png"))


if __name__ == "__main__":
    stage.run(main)
