"""Stage summarise: what was measured of every run, in one table, and what of it the claims rest on, for `dvc metrics`.

python -m replicate.summarise
"""

from collections.abc import Mapping
from pathlib import Path

from replicate.base import parameters, stage
from replicate.base.parameters import Parameters
from replicate.findings import claims, results
from replicate.findings.claims import Claim
from replicate.findings.results import Results, Row
from replicate.gan import run

OF_NO_RUN = {"judge": "judge", "baselines": "baselines", "cost": "cost"}
OF_MACHINE = "cost."  # metrics that are times, which differ where no result does


def gather(params: Parameters) -> list[Row]:
    """The rows of every run of the pipeline, then those of no run. Raises BadInput (see `results.read_metrics`)."""
    rows = []
    for each in run.of_pipeline(params):
        measured = results.read_metrics({each.json(kind): prefix for kind, prefix in results.OF_RUN.items()})
        rows += results.rows(measured, each.variant, each.seed)
    return rows + results.rows(
        results.read_metrics({Path("metrics", f"{kind}.json"): prefix for kind, prefix in OF_NO_RUN.items()})
    )


def of_claims(all_claims: Mapping[str, Claim], measured: Results) -> dict[str, dict[str, float]]:
    """By claim, the mean over its variant's runs of every metric that its conditions name.

    What has no value is left out, and so is what depends on the machine: unchanged results give unchanged numbers.
    Raises BadInput (see `claims.check`).
    """
    claims.check(all_claims, measured)
    summary = {}
    for name, claim in all_claims.items():
        runs = measured.of(claim.variant)
        metrics = [each.metric for each in claim.conditions() if runs and not each.metric.startswith(OF_MACHINE)]
        means = {metric: mean for metric in metrics if (mean := claims.measure(metric, runs).mean) is not None}
        if means:
            summary[name] = means
    return summary


def main() -> None:
    params, all_claims = parameters.load(), claims.load().claims
    claims.check_variants(all_claims, params.variants)
    run.remove_others(params)
    rows = gather(params)
    means = of_claims(all_claims, results.collect(rows))
    results.write(Path("metrics", "results.csv"), rows)
    stage.write_json(Path("metrics", "claims.json"), means)


if __name__ == "__main__":
    stage.run(main)
