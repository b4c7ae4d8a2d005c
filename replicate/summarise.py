"""Stage summarise: what was measured of every run, in one table, and what of it the claims rest on, for `dvc metrics`.

python -m replicate.summarise
"""

from pathlib import Path

from replicate.base import parameters, stage
from replicate.findings import claims, gathering, results
from replicate.findings.claims import Claims
from replicate.findings.results import Row
from replicate.gan import run
from replicate.parameters import Parameters

OF_NO_RUN = {"judge": "judge", "baselines": "baselines", "cost": "cost"}


def gather(params: Parameters, asked: Claims) -> list[Row]:
    """The rows of every run of the pipeline, then those of no run."""
    rows, runs = [], run.of_pipeline(params)
    about = gathering.digits(runs, params, asked.selection)
    for this in runs:
        theirs = about[tuple(this.settings.train.digits)]
        measured = gathering.metrics(this, this.file, this.evidence, theirs, params, asked)
        rows += results.rows(measured, this.variant, this.seed)
    return rows + results.rows(
        results.read_metrics({Path("metrics", f"{kind}.json"): prefix for kind, prefix in OF_NO_RUN.items()})
    )


def main() -> None:
    params, asked = parameters.load(), claims.load()
    run.remove_others(params)
    rows = gather(params, asked)
    measured = results.collect(rows)
    means = claims.means(asked.claims, measured) | claims.means_of_others(asked.claims, measured)
    results.write(Path("metrics", "results.csv"), rows)
    stage.write_json(Path("metrics", "claims-pipeline.json"), means)


if __name__ == "__main__":
    stage.run(main)
