"""Stage summarise: what was measured of every run, in one table, and what of it the claims rest on, for `dvc metrics`.

python -m replicate.summarise
"""

from pathlib import Path

from replicate.base import mnist, parameters, stage
from replicate.base.parameters import Parameters
from replicate.findings import claims, results
from replicate.findings.hypotheses import Selection
from replicate.findings.results import Row
from replicate.gan import run
from replicate.measures import neighbours
from replicate.studies import plan

OF_NO_RUN = {"judge": "judge", "baselines": "baselines", "cost": "cost"}


def gather(params: Parameters, selection: Selection) -> list[Row]:
    """The rows of every run of the pipeline, then those of no run."""
    rows, nearest = [], {}  # neighbours, by the digits of the training images
    for each in run.of_pipeline(params):
        digits = tuple(each.settings.train.digits)
        if digits not in nearest:
            images, _ = mnist.training_images(params.mnist, each.settings.train)
            nearest[digits] = neighbours.nearest(images[: selection.images].numpy(), selection.neighbours)
        measured = results.read_metrics({each.json(kind): prefix for kind, prefix in results.OF_RUN.items()})
        measured |= results.of_training(each.csv("training"))
        category = plan.categories(each.evidence).train
        measured["neighbours.agreement"] = neighbours.agreement(category, nearest[digits])
        rows += results.rows(measured, each.variant, each.seed)
    return rows + results.rows(
        results.read_metrics({Path("metrics", f"{kind}.json"): prefix for kind, prefix in OF_NO_RUN.items()})
    )


def main() -> None:
    params, asked = parameters.load(), claims.load()
    claims.check_variants(asked.claims, params.variants)
    run.remove_others(params)
    rows = gather(params, asked.selection)
    means = claims.means(asked.claims, results.collect(rows))
    results.write(Path("metrics", "results.csv"), rows)
    stage.write_json(Path("metrics", "claims-pipeline.json"), means)


if __name__ == "__main__":
    stage.run(main)
