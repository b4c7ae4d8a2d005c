"""Stage summarise: what was measured of every run, in one table, and what of it the claims rest on, for `dvc metrics`.

python -m replicate.summarise
"""

from pathlib import Path

from replicate.base import parameters, stage
from replicate.base.parameters import Parameters
from replicate.findings import claims, results
from replicate.findings.results import Row
from replicate.gan import run

OF_NO_RUN = {"judge": "judge", "baselines": "baselines", "cost": "cost"}


def gather(params: Parameters) -> list[Row]:
    """The rows of every run of the pipeline, then those of no run."""
    rows = []
    for each in run.of_pipeline(params):
        measured = results.read_metrics({each.json(kind): prefix for kind, prefix in results.OF_RUN.items()})
        rows += results.rows(measured | results.of_training(each.csv("training")), each.variant, each.seed)
    return rows + results.rows(
        results.read_metrics({Path("metrics", f"{kind}.json"): prefix for kind, prefix in OF_NO_RUN.items()})
    )


def main() -> None:
    params, all_claims = parameters.load(), claims.load().claims
    claims.check_variants(all_claims, params.variants)
    run.remove_others(params)
    rows = gather(params)
    means = claims.means(all_claims, results.collect(rows))
    results.write(Path("metrics", "results.csv"), rows)
    stage.write_json(Path("metrics", "claims-pipeline.json"), means)


if __name__ == "__main__":
    stage.run(main)
