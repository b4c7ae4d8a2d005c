"""The tidy table: every value comes back as it was written."""

import numpy as np

from replicate.findings import results
from replicate.findings.results import Row

NUMBERS = [0.1, 1e-300, 5e-324, 1e16, -0.0, 1.0, 1, 0, -7, 2**60]
VALUES = [*NUMBERS, None, "c2", "AMD EPYC, 2 × 64", 'a "b"\nc', "-", "2.14.1+cu130", "4-9"]


def test_every_value_comes_back_as_it_was(tmp_path):
    values = {f"m.{i}": value for i, value in enumerate(VALUES)}
    rows = results.rows(values, "infogan", 3) + results.rows({"cost.ratio": 1.01})
    results.write(tmp_path / "results.csv", rows)
    found = results.read(tmp_path / "results.csv")
    assert found == results.collect(rows)
    assert found.runs == {"infogan": {3: values}} and found.of_no_run == {"cost.ratio": 1.01}
    for value, read in zip(VALUES, found.runs["infogan"][3].values()):
        assert type(read) is type(value) and repr(read) == repr(value)


def test_the_file_is_plain(tmp_path):
    path = tmp_path / "results.csv"
    rows = [Row("gan", 0, "purity.mean", np.float64(0.5)), Row("gan", 0, "a", None), Row(None, None, "cost.pairs", 40)]
    results.write(path, rows)
    lines = ["variant,seed,metric,value", "gan,0,purity.mean,0.5", "gan,0,a,", ",,cost.pairs,40", ""]
    assert path.read_bytes().decode().split("\n") == lines


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
