import math

import numpy as np
import pytest

from replicate.base import tables
from replicate.base.stage import BadInput

LOG = "iteration,loss,information_c1\n"


def test_what_is_written_is_read_to_the_last_digit(tmp_path):
    rows = [{"code": "c2", "n": 7, "x": 1 / 3, "y": None}, {"code": "c3", "n": -1, "x": 1e-300, "y": 2.5}]
    tables.write(tmp_path / "a" / "table.csv", rows)
    read = tables.read(tmp_path / "a" / "table.csv", code=str, n=int, x=float, y=tables.number)
    assert read["code"].tolist() == ["c2", "c3"]
    assert read["n"].tolist() == [7, -1]
    assert read["x"].tolist() == [1 / 3, 1e-300]
    np.testing.assert_array_equal(read["y"], [math.nan, 2.5])


def test_rows_end_in_a_newline_alone(tmp_path):
    tables.write(tmp_path / "table.csv", [{"a": 1, "b": None}])
    assert (tmp_path / "table.csv").read_bytes() == b"a,b\n1,\n"


def test_columns_are_found_by_name_and_others_passed_over(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("z,b,a\n9,2,1\n")
    assert {name: values.tolist() for name, values in tables.read(path, a=int, b=float).items()} == {"a": [1], "b": [2]}


def test_a_row_that_differs_from_the_first_leaves_no_file(tmp_path):
    with pytest.raises(ValueError):
        tables.write(tmp_path / "table.csv", [{"a": 1}, {"a": 1, "b": 2}])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        "",
        "a,b\n",
        "a\n1\n",
        "a,b\n1\n",
        "a,b\n1,2,3\n",
        "a,b,a\n1,2,3\n",
        "a,b\n1," + "2" * 200_000,
        "a,b\n1,\n",
        "a,b\n1,many\n",
        "a,b\n1,nan\n",
        "a,b\n1,inf\n",
        "a,b\n1.5,2\n",
    ],
)
def test_a_table_that_is_not_as_expected_is_bad_input(tmp_path, content):
    path = tmp_path / "table.csv"
    path.write_text(content)
    with pytest.raises(BadInput, match=r"table\.csv cannot be read .*expected the columns a, b"):
        tables.read(path, a=int, b=float)


@pytest.mark.parametrize("cell", ["nan", "inf", "-inf", "many"])
def test_a_number_may_be_missing_but_not_be_infinite(tmp_path, cell):
    path = tmp_path / "table.csv"
    path.write_text(f"a,b\n1,\n2,{cell}\n")
    with pytest.raises(BadInput, match="table.csv"):
        tables.read(path, a=int, b=tables.number)


def test_a_file_that_is_not_there_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match="absent.csv"):
        tables.read(tmp_path / "absent.csv", a=int)


def test_a_log_is_read_by_the_names_of_its_columns(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("information_c1,loss,iteration\n0.5,9,10\n0.75,8,20\n")
    log = tables.read_log(path, last=20, every=10)
    assert log["iteration"].tolist() == [10, 20]
    assert log["information_c1"].tolist() == [0.5, 0.75]


@pytest.mark.parametrize(
    "iterations",
    [(10, 30), (20, 30), (10, 20), (10, 20, 20, 30), (10, 20, 30, 30), (30, 20, 10), (10, 20, 30, 40), (0, 10, 20, 30)],
)
def test_a_log_with_a_missing_a_doubled_or_a_reversed_row_is_refused(tmp_path, iterations):
    path = tmp_path / "log.csv"
    path.write_text(LOG + "".join(f"{iteration},1,0.5\n" for iteration in iterations))
    with pytest.raises(BadInput, match=r"log\.csv: column iteration: expected 10, 20, … 30"):
        tables.read_log(path, last=30, every=10)


def test_a_log_that_is_not_finite_is_refused(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(LOG + "10,1,nan\n")
    with pytest.raises(BadInput, match="not finite"):
        tables.read_log(path, last=10, every=10)


@pytest.mark.parametrize("iterations", [(20, 10), (10, 10), (10, 30, 20)])
def test_iterations_that_do_not_ascend_are_refused(tmp_path, iterations):
    path = tmp_path / "milestones.csv"
    tables.write(path, [{"iteration": iteration, "error": 0.5} for iteration in sorted(set(iterations))])
    assert tables.read_iterations(path, error=float)["iteration"].tolist() == sorted(set(iterations))
    tables.write(path, [{"iteration": iteration, "error": 0.5} for iteration in iterations])
    with pytest.raises(
        BadInput, match=r"milestones\.csv: column iteration: expected iterations, each once and in order"
    ):
        tables.read_iterations(path, error=float)


def without(rows: list[dict], place: int) -> list[dict]:
    return rows[:place] + rows[place + 1 :]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda rows: without(rows, 4), "column digit: expected 0, 1, … 9, each once and in order"),
        (lambda rows: [*rows, rows[9]], "column digit"),
        (lambda rows: rows[::-1], "column digit"),
        (lambda rows: [rows[0] | {"3": -1}, *rows[1:]], "got -1, expected counts of images"),
        (lambda rows: [{name: n for name, n in row.items() if name != "9"} for row in rows], "cannot be read"),
    ],
)
def test_a_confusion_table_is_complete_and_counts(tmp_path, spoil, said):
    path = tmp_path / "confusion.csv"
    rows = [{"digit": digit} | {str(given): 10 * digit + given for given in range(10)} for digit in range(10)]
    tables.write(path, rows)
    assert tables.read_confusion(path).tolist() == np.arange(100).reshape(10, 10).tolist()
    tables.write(path, spoil(rows))
    with pytest.raises(BadInput, match=rf"confusion\.csv.*{said}"):
        tables.read_confusion(path)


@pytest.mark.parametrize(
    "spoil", [lambda rows: without(rows, 5), lambda rows: [*rows, rows[0]], lambda rows: rows[::-1]]
)
def test_a_traversal_is_complete(tmp_path, spoil):
    path = tmp_path / "traversal.csv"
    places = [(code, value, category) for code in ("c2", "c3") for value in (-1.0, 0.0, 1.0) for category in range(2)]
    rows = [{"code": code, "value": value, "category": category, "slant": 0.1} for code, value, category in places]
    tables.write(path, rows)
    assert len(tables.read_traversal(path, ["slant"])["slant"]) == len(rows)
    tables.write(path, spoil(rows))
    with pytest.raises(BadInput, match=r"traversal\.csv: column code, value, category: expected each code with each"):
        tables.read_traversal(path, ["slant"])
