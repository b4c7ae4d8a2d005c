"""The tidy table: every value comes back as it was written."""

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


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadInput, match="absent.csv cannot be read"):
        results.read(tmp_path / "absent.csv")
