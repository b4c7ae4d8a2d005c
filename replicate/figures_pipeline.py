"""Stage figures_pipeline: the paper's Figures 1 and 2 and some more, of the runs that the pipeline makes.

    python -m replicate.figures_pipeline

Each figure names the test error of its runs. Figure 2 is of every variant that maximises L_I, of the first seed.
"""

import os
from itertools import groupby
from pathlib import Path

os.environ["MPLBACKEND"] = "agg"  # a notebook passes its own on, which matplotlib may not know here

from matplotlib.figure import Figure

from replicate import parameters
from replicate.base import mnist, stage
from replicate.gan import run
from replicate.parameters import Parameters
from replicate.reporting import curves, images, style
from replicate.reporting.shown import Series, Shown

FOLDER = Path("figures/pipeline")


def by_variant(runs: list[Shown]) -> Series:
    """Runs by their variant's label and their errors."""
    groups = [(label, list(of)) for label, of in groupby(runs, lambda run: run.label)]
    return {f"{label}: test error {', '.join(style.percent(run.error) for run in of)}": of for label, of in groups}


def draw(params: Parameters) -> dict[str, Figure]:
    """The figures by name."""
    runs = [Shown(each.folder, params.variants[each.variant].label) for each in run.of_pipeline(params)]
    real = mnist.load("t10k", params.mnist)[0].numpy() / 255
    generated = {each.title: each.samples().swapaxes(0, 1).reshape(-1, 28, 28) for each in runs}
    figures = {
        "figure1": curves.figure1(by_variant(runs)),
        "milestones": curves.milestones(by_variant(runs)),
        "codes": curves.codes(by_variant(runs)),
        "samples": images.samples({"MNIST: test split": real, **generated}),
    }
    maximising = [each for each in runs if each.run.settings.objective != "gan"]
    if matched := [each for each in maximising if each.error is not None]:
        figures["confusion"] = curves.confusion(by_variant(matched))
    regular = [each for each in runs if each not in maximising]
    first = [each for each in maximising if each.run.seed == params.runs.seeds[0]]
    return figures | {f"figure2-{each.run.variant}": images.figure2(each, *regular[:1]) for each in first}


def main() -> None:
    for name, figure in draw(parameters.load()).items():
        style.save(figure, FOLDER / f"{name}.png")


if __name__ == "__main__":
    stage.run(main)
