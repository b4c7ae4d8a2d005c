"""The tidy table: every value comes back as it was written, and a broken table is refused naming line and fault."""

import math
import random
import struct

import numpy as np
import pytest

from replicate.base.stage import BadInput
from replicate.findings import results
from replicate.findings.results import Row

NUMBERS = [0.1, 1e-300, 5e-324, 1e16, -0.0, 1.0, 1, 0, -7, 2**60]
VALUES = [*NUMBERS, None, "c2", "AMD EPYC, 2 × 64", 'a "b"\nc', "-", "2.14.1+cu130"]
HEADER = "variant,seed,metric,value\n"


def test_every_value_comes_back_as_it_was(tmp_path):
    values = {f"m.{i}": value for i, value in enumerate(VALUES)}
    rows = results.rows(values, "infogan", 3) + results.rows({"cost.ratio": 1.01})
    results.write(tmp_path / "results.csv", rows)
    found = results.read(tmp_path / "results.csv")
    assert found == results.collect(rows)
    assert found.runs == {"infogan": {3: values}} and found.of_no_run == {"cost.ratio": 1.01}
    for value, read in zip(VALUES, found.runs["infogan"][3].values()):
        assert type(read) is type(value) and repr(read) == repr(value)


def test_numbers_keep_every_bit(tmp_path):
    bits = random.Random(0)
    drawn = (struct.unpack("d", bits.randbytes(8))[0] for _ in range(500))
    numbers = {str(i): number for i, number in enumerate(drawn) if math.isfinite(number)}
    assert len(numbers) > 450
    results.write(tmp_path / "results.csv", results.rows(numbers))
    assert results.read(tmp_path / "results.csv").of_no_run == numbers


def test_the_file_is_plain(tmp_path):
    path = tmp_path / "results.csv"
    rows = [Row("gan", 0, "purity.mean", np.float64(0.5)), Row("gan", 0, "a", None), Row(None, None, "cost.pairs", 40)]
    results.write(path, rows)
    assert path.read_bytes() == f"{HEADER}gan,0,purity.mean,0.5\ngan,0,a,\n,,cost.pairs,40\n".encode()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, "1", "1e5", "nan", "-Infinity", [1], {"a": 1}])
def test_a_value_that_would_be_read_as_another_is_not_written(tmp_path, value):
    with pytest.raises(ValueError, match=r"a\.b: got"):
        results.write(tmp_path / "results.csv", [Row("gan", 0, "a.b", value)])
    assert list(tmp_path.iterdir()) == []


def test_an_empty_text_reads_as_no_value(tmp_path):
    results.write(tmp_path / "results.csv", [Row(None, None, "cost.processor", "")])
    assert results.read(tmp_path / "results.csv").of_no_run == {"cost.processor": None}


def test_runs_come_in_the_order_of_their_seeds():
    rows = [Row("gan", 10, "a", 1), Row("gan", 2, "a", 2), Row("infogan", 0, "a", 3), Row(None, None, "b", 4)]
    found = results.collect(rows)
    assert found.of("gan") == [{"a": 2}, {"a": 1}]
    assert found.of("infomax") == []
    assert found.of(None) == [{"b": 4}]


def test_flatten():
    purity = {"purity": {"mean": 0.9, "by_category": [1, 0.5]}}
    flat = {"purity.mean": 0.9, "purity.by_category.0": 1, "purity.by_category.1": 0.5}
    assert results.flatten(purity) == flat
    others = {"a": {"code": "c2"}, "n": None, "at": [{"x": 1}, []]}
    assert results.flatten(others) == {"a.code": "c2", "n": None, "at.0.x": 1}
    assert list(results.flatten({"a": 1, "b": {"c": 2}}, "yardstick")) == ["yardstick.a", "yardstick.b.c"]
    assert results.flatten({}, "x") == {}
    with pytest.raises(ValueError, match=r"a\.b is there twice"):
        results.flatten({"a.b": 1, "a": {"b": 2}})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", ["line 0", "got the columns ,", "expected variant, seed, metric, value"]),
        ("variant,metric,value\ngan,a,1\n", ["line 1", "columns variant, metric, value,", "expected variant, seed"]),
        ("seed,variant,metric,value\n", ["line 1", "got the columns seed, variant"]),
        (HEADER + "gan,0,a,1\ngan,0,b,1\ngan,0,a,2\n", ["line 4", "got a of gan, seed 0 again", "once"]),
        (HEADER + ",,a,1\n,,a,1\n", ["line 3", "got a of no run again"]),
        (HEADER + "gan,0,a,nan\n", ["line 2", "value: got nan", "finite"]),
        (HEADER + "gan,0,a,-inf\n", ["line 2", "value: got -inf", "finite"]),
        (HEADER + "gan,0,a,1e999\n", ["line 2", "value: got 1e999", "finite"]),
        (HEADER + "gan,0,a,1" + "0" * 400 + "\n", ["line 2", "value: got 10000", "finite"]),
        (HEADER + "gan,0,a\n", ["line 2", "got 3 cells", "variant, seed, metric, value"]),
        (HEADER + "gan,0,a,1,2\n", ["line 2", "got 5 cells"]),
        (HEADER + "\n", ["line 2", "got 0 cells"]),
        (HEADER + "gan,,a,1\n", ["line 2", "got 'gan', ''", "a name and a whole number, or neither"]),
        (HEADER + ",0,a,1\n", ["line 2", "got '', '0'", "or neither"]),
        (HEADER + "gan,0.5,a,1\n", ["line 2", "'0.5'"]),
        (HEADER + "gan,-1,a,1\n", ["line 2", "'-1'"]),
        (HEADER + "gan,0,,1\n", ["line 2", "metric: got nothing"]),
        (HEADER + 'gan,0,a,"1\n', ["line 2", "unexpected end"]),
    ],
)
def test_a_broken_table_is_refused_naming_file_line_and_fault(tmp_path, content, said):
    path = tmp_path / "results.csv"
    path.write_text(content)
    with pytest.raises(BadInput) as refusal:
        results.read(path)
    for words in [str(path), *said]:
        assert words in str(refusal.value)


def test_a_file_that_is_none_is_refused(tmp_path):
    with pytest.raises(BadInput, match="absent.csv cannot be read"):
        results.read(tmp_path / "absent.csv")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="bytes.csv"):
        results.read(tmp_path / "bytes.csv")
