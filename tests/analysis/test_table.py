"""The table of runs: what is absent, what is null, what failed, and where each number comes from."""

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, change

from replicate import tabulate
from replicate.analysis import table
from replicate.analysis.table import ABSENT, STUDIES
from replicate.base import files
from replicate.gan import run
from replicate.parameters import Parameters


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "metrics.yaml", "metrics.yaml")


def save(name: str, classification: dict, **record: Any) -> Path:
    """A run's folder with its record and one file of metrics."""
    variant, seed = name.rsplit("-", 1)
    files.write_json(STUDIES / name / "run.json", {"variant": variant, "seed": int(seed)} | record)
    files.write_json(STUDIES / name / "classification.json", classification)
    return STUDIES / name


def test_absent_is_left_out_and_null_is_a_run_that_misses():
    save("a-0", {"error_one_to_one": 0.125, "merged": {"which": "4-9"}}, environment={"seconds_per_iteration": 0.2})
    save("a-1", {"error_one_to_one": None, "merged": {"which": ""}}, environment={"seconds_per_iteration": 0.3})
    save("a-2", {"error_one_to_one": 0.375, "merged": None})
    save("removed-0", {"error_one_to_one": 0.5})
    found = table.of_studies(["a"])
    assert found.values("a", "error") == [0.125, None, 0.375] and found.values("a", "merged_which") == ["4-9", ""]
    assert found.mean("a", "error") is None and found.mean("a", "error", [0, 2]) == 0.25
    assert found.values("a", "seconds_per_iteration", [1, 2, 7]) == [0.3]
    assert found.frame.loc[("a", 2), "merged_which"] == ABSENT
    assert found.complete("a", ["error", "merged_which"]) == [0, 1]
    assert found.values("removed", "error") == [] and found.mean("removed", "error") is None


def test_a_run_that_failed_has_the_error_of_chance_and_no_other_value():
    failed = {"failed": "diverged", "settings": {"train": {"digits": [*range(10)]}, "latent": {"categories": 10}}}
    found = table.read([save("a-0", {}, **failed), save("a-1", {"error_one_to_one": 0.1})])
    assert found.values("a", "error") == [0.9, 0.1] and found.mean("a", "error") == 0.5
    assert found.values("a", "ami") == [None]
    of_k20 = failed | {"settings": failed["settings"] | {"latent": {"categories": 20}}}
    assert table.read([save("a-2", {}, **of_k20)]).values("a", "error") == [None]


def test_what_is_of_no_run_is_named_left_and_not_read(params: Parameters, monkeypatch, capsys):
    monkeypatch.setattr(tabulate.parameters, "load", lambda: change(params, runs={"variants": ["gan"], "seeds": [0]}))
    for folder in (run.RUNS, STUDIES):
        for name in ("gan-0", "gan-0-backup", "Nov30_06-26-51_host"):
            files.write_json(folder / name / "run.json", {"variant": "gan", "seed": 0, "settings": {}})
        files.write_json(folder / "gan-0" / "classification.json", {"error_one_to_one": 0.1 + 0.2, "ami": None})
        files.write_json(folder / "gan-0-backup" / "classification.json", {"error_one_to_one": 0.75})
    before = {path: path.read_bytes() for path in Path().rglob("run.json")}
    for which, folder in (("pipeline", run.RUNS), ("studies", STUDIES)):
        monkeypatch.setattr(sys, "argv", ["tabulate", which])
        tabulate.main()
        assert files.read_json(f"metrics/{which}.json") == {"gan": {"runs": 1, "test_error": 0.3}}
        columns, values = Path(f"metrics/{which}.csv").read_text(encoding="utf-8").splitlines()
        of = dict(zip(columns.split(","), values.split(",")))
        assert (of["error"], of["ami"], of["specificity"]) == ("0.30000000000000004", "null", ABSENT)
        said = capsys.readouterr().out
        assert f"{folder / 'gan-0-backup'} is" in said and f"{folder / 'Nov30_06-26-51_host'} is" in said
    assert {path: path.read_bytes() for path in Path().rglob("run.json")} == before
