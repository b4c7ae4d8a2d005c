"""CSV files: small tables, written whole or not at all."""

import csv
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from replicate.base.stage import whole_file


def write(path: str | Path, rows: Sequence[Mapping[str, Any]], columns: Collection[str] | None = None) -> None:
    """Write rows that all have the same `columns`, by default those of the first; None is written as an empty cell."""
    with whole_file(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns or rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def number(cell: str) -> float:
    """A cell's number; NaN for an empty one, which says that there is no value."""
    return float(cell) if cell else math.nan


def read(path: str | Path, **columns: Callable[[str], Any]) -> dict[str, np.ndarray]:
    """Columns of a table, each value converted as given."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([convert(row[name]) for row in rows]) for name, convert in columns.items()}


def read_iterations(path: str | Path, **columns: Callable[[str], Any]) -> dict[str, np.ndarray]:
    """Columns of a table with a row an iteration, and these."""
    return read(path, iteration=int, **columns)


def read_confusion(path: str | Path) -> np.ndarray:
    """Counts (10, 10) of images by their digit and the digit that c1 gives them."""
    return np.stack(list(read(path, **{str(digit): int for digit in range(10)}).values()), axis=1)


def read_traversal(path: str | Path, measures: Iterable[str]) -> dict[str, np.ndarray]:
    """Codes, their values, categories and `measures` of the images along the codes."""
    return read(path, code=str, value=float, category=int, **dict.fromkeys(measures, float))
