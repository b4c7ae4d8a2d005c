"""Stage summarise: what was measured of every run, in one table, and what of it the claims rest on, for `dvc metrics`.

python -m replicate.summarise
"""

from collections.abc import Mapping
from pathlib import Path

from replicate import claims, parameters, results, run, stage
from replicate.claims import Claim
from replicate.parameters import Parameters
from replicate.results import Results, Row, Value
from replicate.stage import BadInput

# The files of metrics of a run, and those that belong to no run; with each the prefix that its metrics get in the table.
OF_RUN = {"evaluation": "", "milestones": "", "yardstick": "yardstick", "representation": "representation"}
OF_NO_RUN = {"judge": "judge", "baselines": "baselines", "cost": "cost"}
OF_MACHINE = "cost."  # metrics that are times, which differ where no result does


def read(prefixes: Mapping[Path, str]) -> dict[str, Value]:
    """All metrics in some JSON files by dotted name, with the prefix that `prefixes` gives for each file.

    Raises BadInput when a file is missing or broken, or has a metric that one before it has.
    """
    metrics: dict[str, Value] = {}
    for path, prefix in prefixes.items():
        found = results.flatten(stage.read_json(path), prefix)
        if twice := [metric for metric in found if metric in metrics]:
            raise BadInput(f"{path}: got {', '.join(twice)}, expected no metric that another file has as well")
        metrics |= found
    return metrics


def gather(params: Parameters) -> list[Row]:
    """The rows of every run of the pipeline, then those of no run. Raises BadInput (see `read`)."""
    rows = []
    for each in run.of_pipeline(params):
        measured = read({each.json(kind): prefix for kind, prefix in OF_RUN.items()})
        rows += results.rows(measured, each.variant, each.seed)
    return rows + results.rows(read({Path("metrics", f"{kind}.json"): prefix for kind, prefix in OF_NO_RUN.items()}))


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
    params, all_claims = parameters.load(), claims.load()
    claims.check_variants(all_claims, params.variants)
    run.remove_others(params)
    rows = gather(params)
    means = of_claims(all_claims, results.collect(rows))
    results.write(Path("metrics", "results.csv"), rows)
    stage.write_json(Path("metrics", "claims.json"), means)


if __name__ == "__main__":
    stage.run(main)
