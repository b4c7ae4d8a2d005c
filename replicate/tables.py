"""CSV files: small tables, written whole or not at all, and checked when they are read."""

import csv
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from replicate.stage import BadInput, whole_file


def write(path: str | Path, rows: Sequence[Mapping[str, Any]], columns: Collection[str] | None = None) -> None:
    """Write rows that all have the same `columns`, by default those of the first; None is written as an empty cell."""
    with whole_file(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns or rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def number(cell: str) -> float:
    """A cell's number; NaN for an empty one, which says that there is no value.

    Raises ValueError when it is not a finite number.
    """
    if cell and not math.isfinite(float(cell)):
        raise ValueError(f"got {cell}, expected a finite number")
    return float(cell) if cell else math.nan


def read(path: str | Path, **columns: Callable[[str], Any]) -> dict[str, np.ndarray]:
    """Columns of a table, each value converted as given.

    Raises BadInput when there is no row, a column is missing, or a number is not finite.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        if not rows:
            raise ValueError("no rows")
        table = {name: np.array([convert(row[name]) for row in rows]) for name, convert in columns.items()}
        for name, values in table.items():
            if columns[name] is float and not np.isfinite(values).all():
                raise ValueError(f"column {name}: a number is not finite")
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path} cannot be read ({error!r}); expected the columns {', '.join(columns)}") from error
    return table


def read_log(path: str | Path, last: int, every: int) -> dict[str, np.ndarray]:
    """The iterations and L_I of c1 of a training log, a row each `every` iterations up to the `last`.

    Raises BadInput when a row is missing, out of its order, or not finite.
    """
    log = read(path, iteration=int, information_c1=float)
    if log["iteration"].tolist() != list(range(every, last + 1, every)):
        raise BadInput(f"{path}: column iteration: expected {every}, {2 * every}, … {last}, each once and in order")
    return log
