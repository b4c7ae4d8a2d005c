"""Stage figures_studies: the figures of what the studies measured, from the runs in git.

    python -m replicate.figures_studies

No run is picked by hand: a figure of one run is of that with the median test error of its variant, or with the lowest.
"""

import os
from pathlib import Path

os.environ["MPLBACKEND"] = "agg"  # a notebook passes its own on, which matplotlib may not know here

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from replicate import parameters
from replicate.analysis import claims, table
from replicate.base import files, stage
from replicate.measures import classification, morphometry
from replicate.parameters import Parameters
from replicate.reporting import curves, images, overview, style
from replicate.reporting.images import Divided
from replicate.reporting.overview import Runs
from replicate.reporting.shown import Series, Shown

FOLDER = Path("figures/studies")
# Variants whose points are named in `gradients`, and where: points right of them and above.
NAMED = dict.fromkeys(("described", "learned_std_01", "infogan"), (8, 0)) | {"views": (8, -10)}
NAMED |= dict.fromkeys(("as_printed", "infomax"), (-8, 0)) | {"infomax_matched": (-8, -12), "views_blurred": (8, -8)}
BY_K = {5: "k5", 10: "infogan", 20: "k20", 40: "k40"}
IMAGES = 20  # in a row of `split`


class Studies:
    """The runs in git: `numbers` is their table with NaN for what has no value."""

    def __init__(self, params: Parameters):
        self.params, self.metrics, self.table = params, table.metrics(), table.of_studies(list(params.variants))
        self.numbers = self.table.frame.apply(pd.to_numeric, errors="coerce")

    def runs(self, variant: str, metric: str) -> Runs:
        """A metric of the variant's runs that have a value."""
        of, values = self.params.variants[variant], self.numbers[metric].xs(variant).dropna()
        pooled = values.index.isin(of.pooled(values.index))
        return Runs(of.label, of.group, values[pooled].tolist(), values[~pooled].tolist())

    def shown(self, variant: str, seed: int) -> Shown:
        return Shown(table.STUDIES / f"{variant}-{seed}", self.params.variants[variant].label)

    def median(self, variant: str) -> Shown:
        """The variant's run with the median test error."""
        return self.shown(variant, self.table.median(variant, "error"))

    def series(self, *variants: str) -> Series:
        """The runs of some variants by their label, that with the lowest error first; none that failed."""
        series = {}
        for variant in variants:
            trained, ranked = (self.table.ranked(variant, metric) for metric in ("frechet", "error"))
            runs = [self.shown(variant, seed) for seed in ranked if seed in trained]
            series[f"{self.params.variants[variant].label} ({len(runs)})"] = runs
        return series


def errors(studies: Studies) -> Figure:
    """The test errors of all variants; the majority errors where K is not the number of digits."""
    rows = []
    for variant in studies.table.variants():
        row = studies.runs(variant, "error")
        rows.append(row if row.values else studies.runs(variant, "error_majority")._replace(majority=True))
    return overview.errors([row for row in rows if row.values])


def divide(run: Shown, digits: tuple[int, int], title: str, params: Parameters) -> Divided:
    """How c1 of a run divides the test images of two digits; its categories are matched to digits one-to-one."""
    K, n = run.run.settings.latent.categories, params.classification.matching_images
    with np.load(run.folder / "predictions.npz") as predictions:
        of_training, of_test = (predictions[f"{split}_category"].astype(int) for split in ("train", "test"))
    digit = run.run.training_images(params.mnist)[1].numpy()
    matched = classification.match_one_to_one(classification.contingency(of_training[:n], digit[:n], K))
    test, digit = (each.numpy() for each in run.run.test_images(params.mnist))
    shown = np.empty((2, IMAGES), int)
    for row, each in zip(shown, digits):
        by_slant = np.flatnonzero(digit == each)[morphometry.measure(test[digit == each]).slant.argsort()]
        row[:] = by_slant[(len(by_slant) * (np.arange(IMAGES) + 0.5) / IMAGES).astype(int)]
    order, pair = matched.argsort(), tuple(matched.tolist().index(each) for each in digits)
    generated = run.samples()[order, : IMAGES // K].reshape(1, -1, 28, 28)
    return Divided(title, pair, test[shown] / 255, of_test[shown], generated, order.repeat(IMAGES // K)[None])


def split(studies: Studies) -> Figure:
    """The digits that are merged most often, in InfoGAN's median run and in that of the lowest error."""
    merged, divided = studies.table.frame.loc["infogan"]["merged_which"], []
    best = studies.shown("infogan", studies.table.ranked("infogan", "error")[0])
    for run in (studies.median("infogan"), best):
        how = "merged" if "4-9" in merged[run.run.seed] else "not merged"
        divided.append(divide(run, (4, 9), f"{run.title}; 4 and 9 {how}", studies.params))
    return images.split(divided, (4, 9))


def gradients(studies: Studies) -> Figure:
    """Of all variants that give G a gradient of L_I and have an error."""
    of, numbers = studies.params.variants, studies.numbers
    runs = numbers[["error"]].assign(ratio=numbers["gradient_continuous"] / numbers["gradient_adversarial"])
    runs = runs.dropna().reset_index()
    runs = runs[[of[variant].group != "control" for variant in runs["variant"]]]
    by = runs.groupby("variant")["seed"]
    runs["pooled"] = by.transform(lambda seeds: seeds.isin(of[seeds.name].pooled(seeds)))
    labels = {variant: (of[variant].label, offset) for variant, offset in NAMED.items()}
    return overview.gradients(runs, {variant: of[variant].group for variant in of}, labels)


def by_k(studies: Studies) -> Figure:
    """Measures by the number of categories, and what a perfect clustering and k-means reach."""
    panels = [
        (studies.metrics[name], {K: studies.runs(variant, name) for K, variant in BY_K.items()})
        for name in ("ami", "information_digit", "error_majority", "probe_100")
    ]
    references = {
        label: {K: studies.numbers[name].xs(variant).mean() for K, variant in BY_K.items()}
        for label, name in {"perfect clustering": "ami_ceiling", "k-means": "kmeans_ami"}.items()
    }
    return overview.by_k(panels, references)


def draw(params: Parameters) -> dict[str, Figure]:
    """The figures by name."""
    studies = Studies(params)
    asked, cost = claims.load(params.variants, studies.metrics), files.read_json(table.BESIDE / "cost.json")
    found = claims.assess_all(asked, studies.table, {"cost_ratio": cost["ratio"]})
    counted = {name: each for name, each in found.items() if not asked.claims[name].same_as}
    return {
        "errors": errors(studies),
        "split": split(studies),
        "claims": overview.conditions(asked, counted, studies.metrics),
        "figure1": curves.figure1(studies.series("infogan", "infomax", "gan", "gan_detached")),
        "figure2": images.figure2(studies.median("infogan"), studies.median("gan")),
        **{f"figure2-{variant}": images.figure2(studies.median(variant)) for variant in ("views", "views_blurred")},
        "codes": curves.codes(studies.series("infogan", "views", "gan")),
        "gradients": gradients(studies),
        "k": by_k(studies),
        "milestones": curves.milestones(studies.series("infogan", "views", "lambda_03")),
        "confusion": curves.confusion(studies.series("infogan", "views")),
    }


def main() -> None:
    for name, figure in draw(parameters.load()).items():
        style.save(figure, FOLDER / f"{name}.png")


if __name__ == "__main__":
    stage.run(main)
