"""What was measured, as one tidy table: a row for each metric of each run, and for each that belongs to no run."""

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from replicate.base import stage, tables

Value = float | int | str | None  # None where a metric has no value
Metrics = Mapping[str, Value]  # by dotted name: "purity.mean"


class Row(NamedTuple):
    """A metric of a run; where variant and seed are None, it belongs to no run. The fields are the columns of the table."""

    variant: str | None
    seed: int | None
    metric: str
    value: Value


class Results(NamedTuple):
    """The metrics of runs by variant and seed, and those that belong to no run."""

    runs: dict[str, dict[int, Metrics]]
    of_no_run: Metrics

    def of(self, variant: str | None) -> list[Metrics]:
        """The metrics of a variant's runs, seed by seed; of None the metrics of no run, as if it were one."""
        if variant is None:
            return [self.of_no_run]
        return [metrics for _, metrics in sorted(self.runs.get(variant, {}).items())]


def flatten(nested: Any, prefix: str = "") -> dict[str, Value]:
    """Values by dotted name, those of a list by their index: {"a": {"b": [7, "x"]}} -> {"a.b.0": 7, "a.b.1": "x"}."""
    if not isinstance(nested, Mapping | list):
        return {prefix: nested}
    flat = {}
    for key, value in nested.items() if isinstance(nested, Mapping) else enumerate(nested):
        flat |= flatten(value, f"{prefix}.{key}" if prefix else str(key))
    return flat


def read_metrics(prefixes: Mapping[Path, str]) -> dict[str, Value]:
    """All metrics in some JSON files by dotted name, with the prefix that `prefixes` gives for each file."""
    metrics = {}
    for path, prefix in prefixes.items():
        metrics |= flatten(stage.read_json(path), prefix)
    return metrics


def rows(metrics: Metrics, variant: str | None = None, seed: int | None = None) -> list[Row]:
    """The rows of one run's metrics, or of metrics of no run."""
    return [Row(variant, seed, metric, value) for metric, value in metrics.items()]


def collect(rows: Iterable[Row]) -> Results:
    """The results that rows hold."""
    runs: dict[str, dict[int, dict[str, Value]]] = {}
    of_no_run: dict[str, Value] = {}
    for row in rows:
        metrics = of_no_run if row.variant is None else runs.setdefault(row.variant, {}).setdefault(row.seed, {})
        metrics[row.metric] = row.value
    return Results(runs, of_no_run)


def write(path: str | Path, rows: Iterable[Row]) -> None:
    """Write rows as a CSV file, whole or not at all. Numbers keep every digit; None is an empty cell, and so is ""."""
    tables.write(path, [row._asdict() for row in rows], Row._fields)


def _value(cell: str) -> Value:
    try:
        return json.loads(cell)  # a number
    except ValueError:
        return cell or None


def read(path: str | Path) -> Results:
    """The results in a CSV file that `write` wrote."""
    with open(path, newline="", encoding="utf-8") as file:
        return collect(
            Row(row["variant"] or None, int(row["seed"]) if row["seed"] else None, row["metric"], _value(row["value"]))
            for row in csv.DictReader(file)
        )
