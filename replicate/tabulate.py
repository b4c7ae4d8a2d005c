"""Stage tabulate: the metrics of runs in one table, a row for each, and means of a few for `dvc metrics`.

python -m replicate.tabulate pipeline|studies
"""

import argparse
from pathlib import Path

from replicate import parameters
from replicate.analysis import table
from replicate.analysis.table import Table
from replicate.base import files, stage
from replicate.gan import run
from replicate.parameters import Parameters

NAMED = ("error", "share_at_end", "consistency", "slant_correlation", "width_correlation", "digit_kept")
IN_DVC = {"error": "test_error"}  # what DVC finds under "error" it takes for a failure


def of_pipeline(params: Parameters) -> Table:
    """The pipeline's runs. Files of other runs are named, left as they are, and not read."""
    runs = run.of_pipeline(params)
    for folder in sorted(run.RUNS.glob("*/")):
        if folder not in [this.folder for this in runs]:
            print(f"{folder} is of no run in params.yaml: it is left as it is, and not read")
    return table.read([this.folder for this in runs])


def means(of: Table, params: Parameters) -> dict[str, dict[str, float | int]]:
    """By variant the number of runs and the means of NAMED, to five decimals; one without a value is left out.
    Seeds on which something was found are in no mean with those that test it."""
    found = {}
    for variant in of.variants():
        seeds = params.variants[variant].pooled(of.seeds(variant))
        by_metric = {name: of.mean(variant, name, seeds) for name in NAMED}
        rounded = {IN_DVC.get(name, name): round(mean, 5) for name, mean in by_metric.items() if mean is not None}
        found[variant] = {"runs": len(seeds)} | rounded
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("which", choices=("pipeline", "studies"))
    which, params = parser.parse_args().which, parameters.load()
    found = of_pipeline(params) if which == "pipeline" else table.of_studies(list(params.variants))
    with files.whole_file(Path("metrics", f"{which}.csv")) as path:
        found.frame.to_csv(path, lineterminator="\n")  # – is absent, null has no value
    files.write_json(Path("metrics", f"{which}.json"), means(found, params))


if __name__ == "__main__":
    stage.run(main)
