import math

import numpy as np
import pytest

from replicate.base import tables


def test_what_is_written_is_read_to_the_last_digit(tmp_path):
    rows = [{"code": "c2", "n": 7, "x": 1 / 3, "y": None}, {"code": "c3", "n": -1, "x": 1e-300, "y": 2.5}]
    tables.write(tmp_path / "a" / "table.csv", rows)
    read = tables.read(tmp_path / "a" / "table.csv", n=int, code=str, x=float, y=tables.number)
    assert read["code"].tolist() == ["c2", "c3"]
    assert read["n"].tolist() == [7, -1]
    assert read["x"].tolist() == [1 / 3, 1e-300]
    np.testing.assert_array_equal(read["y"], [math.nan, 2.5])


def test_rows_end_in_a_newline_alone(tmp_path):
    tables.write(tmp_path / "table.csv", [{"a": 1, "b": None}])
    assert (tmp_path / "table.csv").read_bytes() == b"a,b\n1,\n"


def test_a_row_that_differs_from_the_first_leaves_no_file(tmp_path):
    with pytest.raises(ValueError):
        tables.write(tmp_path / "table.csv", [{"a": 1}, {"a": 1, "b": 2}])
    assert list(tmp_path.iterdir()) == []


def test_a_confusion_has_digits_in_its_rows(tmp_path):
    rows = [{"digit": digit} | {str(given): 10 * digit + given for given in range(10)} for digit in range(10)]
    tables.write(tmp_path / "confusion.csv", rows)
    assert tables.read_confusion(tmp_path / "confusion.csv").tolist() == np.arange(100).reshape(10, 10).tolist()
