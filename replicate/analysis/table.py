"""The table of runs: a row for each folder of a run, a column for each metric of metrics.yaml.

What a run's files lack was not measured then: it is absent, and left out of every number. What they hold without a value
(null) is a run that misses: a mean over such runs has no value either.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from annotated_types import Len
from pydantic import Field, RootModel

from replicate.analysis import statistics
from replicate.base import checked, files
from replicate.base.checked import Checked, Text

STUDIES = Path("studies/runs")
BESIDE = Path("studies/beside")  # what was measured of no run: the cost of Q, baselines, the classifier
ABSENT = "–"
NULL = "null"


class Metric(Checked):
    """What a number of a run is; `source` is the JSON file in the run's folder and the keys in it, joined by points.

    `bounds` are the least and the largest value that it can have; Student's t, which knows none, is cut there in texts.
    """

    source: Text = Field(alias="from")
    label: Text
    unit: str = ""
    definition: Text
    bounds: Annotated[list[float], Len(2, 2)] = Field(default=[-math.inf, math.inf])


def metrics() -> dict[str, Metric]:
    """Every metric by name. Raises BadInput."""
    return checked.check("metrics.yaml", checked.read("metrics.yaml"), RootModel[dict[Text, Metric]]).root


class Table:
    """The metrics of runs: `frame` has a column for each metric and is indexed by variant and seed."""

    def __init__(self, frame: pd.DataFrame):
        self.frame = frame

    def variants(self) -> list[str]:
        """Those that have a run, in the order of the table."""
        return list(dict.fromkeys(self.frame.index.get_level_values("variant")))

    def seeds(self, variant: str, among: Sequence[int] | None = None) -> list[int]:
        """Those of a variant's runs, ascending, all or those `among` some."""
        return sorted(seed for name, seed in self.frame.index if name == variant and (among is None or seed in among))

    def only(self, variant: str, seeds: Sequence[int]) -> "Table":
        """The table with no other runs of a variant than those of some seeds."""
        return Table(self.frame[[name != variant or seed in seeds for name, seed in self.frame.index]])

    def complete(self, variant: str, metrics: Sequence[str]) -> list[int]:
        """The seeds of a variant's runs in which all of some metrics were measured, ascending."""
        return [seed for seed in self.seeds(variant) if all(self.values(variant, each, [seed]) for each in metrics)]

    def values(self, variant: str, metric: str, seeds: Sequence[int] | None = None) -> list[Any]:
        """A metric of a variant's runs, of all or of some seeds, seed by seed; None for null, and none for an absent one.

        Raises KeyError for a metric that metrics.yaml lacks.
        """
        column = self.frame[metric]
        found = [column[variant, seed] for seed in self.seeds(variant, seeds)]
        return [None if value == NULL else value for value in found if value != ABSENT]

    def ranked(self, variant: str, metric: str) -> list[int]:
        """The seeds of a variant's runs that have a value, from the least value to the largest."""
        found = [(value, seed) for seed in self.seeds(variant) for value in self.values(variant, metric, [seed])]
        return [seed for value, seed in sorted(found) if value is not None]

    def median(self, variant: str, metric: str) -> int:
        """The seed of the run with the median value; of an even number the upper one."""
        ranked = self.ranked(variant, metric)
        return ranked[len(ranked) // 2]

    def mean(self, variant: str, metric: str, seeds: Sequence[int] | None = None) -> float | None:
        """The mean over runs; None without runs, or where one has no value."""
        return statistics.mean(self.values(variant, metric, seeds))


def read(folders: Sequence[Path]) -> Table:
    """The table of the runs in some folders, each with run.json. A run that failed has the error of chance, and no other
    value."""
    known, rows, index = metrics(), [], []
    for folder in folders:
        run = {path.stem: files.read_json(path) for path in folder.glob("*.json")}
        record = run["run"]
        if "failed" in record:
            digits, K = len(record["settings"]["train"]["digits"]), record["settings"]["latent"]["categories"]
            rows.append(dict.fromkeys(known, NULL) | {"error": 1 - 1 / digits if K == digits else NULL})
        else:
            found = pd.json_normalize(run).astype(object).iloc[0]  # a name for each path of keys, joined by points
            values = {name: found.get(metric.source, ABSENT) for name, metric in known.items()}
            rows.append({name: NULL if value is None else value for name, value in values.items()})
        index.append((record["variant"], record["seed"]))
    frame = pd.DataFrame(rows, pd.MultiIndex.from_tuples(index, names=["variant", "seed"]), list(known), dtype=object)
    return Table(frame)


def of_studies(variants: Sequence[str]) -> Table:
    """Every run that is there, in the order of `variants`. A copy of one, or one of no variant, is named and not read."""
    order = {variant: place for place, variant in enumerate(variants)}
    places = {}
    for path in STUDIES.glob("*/run.json"):
        record = files.read_json(path)
        variant, seed = record["variant"], record["seed"]
        if path.parent.name == f"{variant}-{seed}" and variant in order:
            places[path.parent] = order[variant], seed
        else:
            print(f"{path.parent} is no run of variants.yaml: it is left as it is, and not read")
    return read(sorted(places, key=places.__getitem__))
