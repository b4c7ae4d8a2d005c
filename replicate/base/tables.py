"""CSV files: small tables, written whole or not at all, and checked when they are read."""

import csv
import itertools
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from replicate.base.stage import BadInput, whole_file


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

    Raises BadInput when there is no row, a column is missing or there twice, a row has more cells than columns, or a
    number is not finite.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
        if not rows:
            raise ValueError("no rows")
        if len(set(reader.fieldnames)) < len(reader.fieldnames):
            raise ValueError("a column stands there twice")
        if any(None in row for row in rows):
            raise ValueError("a row has more cells than there are columns")
        table = {name: np.array([convert(row[name]) for row in rows]) for name, convert in columns.items()}
        for name, values in table.items():
            if columns[name] is float and not np.isfinite(values).all():
                raise ValueError(f"column {name}: a number is not finite")
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise BadInput(f"{path} cannot be read ({error!r}); expected the columns {', '.join(columns)}") from error
    return table


def read_log(path: str | Path, last: int, every: int) -> dict[str, np.ndarray]:
    """The iterations and L_I of c1 of a training log, a row each `every` iterations up to the `last`.

    Raises BadInput when a row is missing, out of its order, or not finite.
    """
    log = read(path, iteration=int, information_c1=float)
    _check(path, "iteration", log["iteration"], range(every, last + 1, every), f"{every}, {2 * every}, … {last}")
    return log


def read_iterations(path: str | Path, **columns: Callable[[str], Any]) -> dict[str, np.ndarray]:
    """Columns of a table with a row an iteration, and these. Raises BadInput when they do not ascend."""
    table = read(path, iteration=int, **columns)
    _check(path, "iteration", table["iteration"], np.unique(table["iteration"]), "iterations")
    return table


def read_confusion(path: str | Path) -> np.ndarray:
    """Counts (10, 10) of images by their digit and the digit that c1 gives them.

    Raises BadInput when a row is missing or out of its order, or a count is negative.
    """
    table = read(path, digit=int, **{str(digit): int for digit in range(10)})
    _check(path, "digit", table.pop("digit"), range(10), "0, 1, … 9")
    counts = np.stack(list(table.values()), axis=1)
    if (counts < 0).any():
        raise BadInput(f"{path}: got {counts.min()}, expected counts of images")
    return counts


def read_traversal(path: str | Path, measures: Iterable[str]) -> dict[str, np.ndarray]:
    """Codes, their values, categories and `measures` of the images along the codes.

    Raises BadInput when a code lacks a value or a category that another one has, or has one twice.
    """
    table = read(path, code=str, value=float, category=int, **dict.fromkeys(measures, float))
    found = [table[name].tolist() for name in ("code", "value", "category")]
    places = itertools.product(*(sorted(set(column)) for column in found))
    _check(path, "code, value, category", zip(*found), places, "each code with each value and category")
    return table


def _check(path: str | Path, column: str, found: Iterable, expected: Iterable, in_words: str) -> None:
    if list(found) != list(expected):
        raise BadInput(f"{path}: column {column}: expected {in_words}, each once and in order")
