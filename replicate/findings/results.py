"""What was measured, as one tidy table: a row for each metric of each run, and for each that belongs to no run."""

import csv
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from replicate.base import stage, tables
from replicate.base.stage import BadInput

Value = float | int | str | None  # None where a metric has no value
Metrics = Mapping[str, Value]  # by dotted name: "purity.mean"

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE)


# The files of metrics of a run, with each the prefix that its metrics get in the table.
OF_RUN = {"evaluation": "", "milestones": "", "yardstick": "yardstick", "representation": "representation"}


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


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Value]:
    """Values by dotted name, those of a list by their index: {"a": {"b": [7, "x"]}} -> {"a.b.0": 7, "a.b.1": "x"}.

    Raises ValueError when two values have the same dotted name.
    """
    flat: dict[str, Value] = {}
    for name, value in _leaves(nested, prefix):
        if name in flat:
            raise ValueError(f"{name} is there twice")
        flat[name] = value
    return flat


def _leaves(content: Any, name: str) -> Iterator[tuple[str, Value]]:
    if not isinstance(content, Mapping | list):
        yield name, content
        return
    for key, value in content.items() if isinstance(content, Mapping) else enumerate(content):
        yield from _leaves(value, f"{name}.{key}" if name else str(key))


def read_metrics(prefixes: Mapping[Path, str]) -> dict[str, Value]:
    """All metrics in some JSON files by dotted name, with the prefix that `prefixes` gives for each file.

    Raises BadInput when a file is missing or broken, or has a metric that one before it has.
    """
    metrics: dict[str, Value] = {}
    for path, prefix in prefixes.items():
        found = flatten(stage.read_json(path), prefix)
        if twice := [metric for metric in found if metric in metrics]:
            raise BadInput(f"{path}: got {', '.join(twice)}, expected no metric that another file has as well")
        metrics |= found
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
    """Write rows as a CSV file, whole or not at all. Numbers keep every digit; None is an empty cell, and so is "".

    Raises ValueError when a value would not be read as what it is: NaN, an infinity, a boolean, the text "1".
    """
    tables.write(path, [row._replace(value=_cell(row))._asdict() for row in rows], Row._fields)


def _cell(row: Row) -> str:
    cell = "" if row.value is None else str(row.value)
    finite = not isinstance(row.value, int | float) or math.isfinite(row.value)
    if not finite or _value(cell) != (None if row.value == "" else row.value):
        raise ValueError(f"{row.metric}: got {row.value!r}, expected a finite number, None, or a text unlike one")
    return cell


def _value(cell: str) -> Value:
    if NUMBER.fullmatch(cell):
        return int(cell) if cell.lstrip("-").isdigit() else float(cell)
    return cell or None


def read(path: str | Path) -> Results:
    """The results in a CSV file that `write` wrote. Raises BadInput when the file cannot be read."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            return collect(
                Row(
                    row["variant"] or None,
                    int(row["seed"]) if row["seed"] else None,
                    row["metric"],
                    _value(row["value"]),
                )
                for row in csv.DictReader(file)
            )
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error}") from error
