"""The table of runs: what is absent, what is null, what failed, and where each number comes from."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from conftest import ROOT, change
from ruamel.yaml import YAML

from replicate import tabulate
from replicate.analysis import table
from replicate.analysis.table import ABSENT, STUDIES
from replicate.base import files
from replicate.gan import run
from replicate.parameters import Parameters

METRICS = {
    "error": {"from": "classification.error", "label": "test error", "unit": "%", "definition": "share of errors"},
    "pairs": {"from": "codes.merged.pairs", "label": "pairs", "unit": "", "definition": "which", "if_null": "K"},
    "seconds": {"from": "run.machine.seconds", "label": "time", "unit": "s", "definition": "of an iteration"},
}


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    YAML().dump(METRICS, Path("metrics.yaml"))
    return tmp_path


def save(name: str, *, record: dict | None = None, **files: dict) -> Path:
    """A run's folder with files of these contents."""
    path, (variant, seed) = table.STUDIES / name, name.rsplit("-", 1)
    path.mkdir(parents=True)
    files["run"] = {"variant": variant, "seed": int(seed), "machine": {"seconds": 0.2}} | (record or {})
    for stem, content in files.items():
        (path / f"{stem}.json").write_text(json.dumps(content))
    return path


def test_absent_is_left_out_and_null_is_a_run_that_misses(folder):
    save("a-0", classification={"error": 0.125}, codes={"merged": {"pairs": "4-9"}, "other": 1})
    save("a-1", classification={"error": None}, codes={"merged": {"pairs": ""}})
    save("a-2", classification={"error": 0.375}, codes={"merged": None})
    save("removed-0", classification={"error": 0.5})
    found = table.of_studies(["a"])
    assert found.values("a", "error") == [0.125, None, 0.375] and found.values("a", "pairs") == ["4-9", ""]
    assert found.mean("a", "error") is None and found.mean("a", "error", [0, 2]) == 0.25
    assert found.values("a", "seconds", [1, 2, 7]) == [0.2, 0.2]
    assert found.frame.loc[("a", 2), "pairs"] == ABSENT and found.complete("a", ["error", "pairs"]) == [0, 1]
    assert found.values("removed", "error") == [] and found.mean("removed", "error") is None


def test_a_run_that_failed_has_the_error_of_chance_and_no_other_value(folder):
    failed = {"failed": "diverged", "settings": {"train": {"digits": [*range(10)]}, "latent": {"categories": 10}}}
    found = table.read([save("a-0", record=failed), save("a-1", classification={"error": 0.1})])
    assert found.values("a", "error") == [0.9, 0.1] and found.mean("a", "error") == 0.5
    assert found.values("a", "pairs") == [None]
    of_k20 = failed | {"settings": failed["settings"] | {"latent": {"categories": 20}}}
    assert table.read([save("a-2", record=of_k20)]).values("a", "error") == [None]


def test_what_is_of_no_run_is_named_left_and_not_read(params: Parameters, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tabulate.parameters, "load", lambda: change(params, runs={"variants": ["gan"], "seeds": [0]}))
    shutil.copy(ROOT / "metrics.yaml", "metrics.yaml")
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
