import shutil
import sys
from pathlib import Path

from conftest import ROOT, change

from replicate import tabulate
from replicate.analysis.table import STUDIES
from replicate.base import files
from replicate.gan import run
from replicate.parameters import Parameters


def test_what_is_of_no_run_is_named_left_and_not_read(params: Parameters, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tabulate.parameters, "load", lambda: change(params, runs={"variants": ["gan"], "seeds": [0]}))
    shutil.copy(ROOT / "metrics.yaml", "metrics.yaml")
    for folder in (run.RUNS, STUDIES):
        for name in ("gan-0", "gan-0-backup", "Nov30_06-26-51_host"):
            files.write_json(folder / name / "run.json", {"variant": "gan", "seed": 0, "settings": {}})
        files.write_json(folder / "gan-0" / "classification.json", {"error_one_to_one": 0.25})
        files.write_json(folder / "gan-0-backup" / "classification.json", {"error_one_to_one": 0.75})
    before = {path: path.read_bytes() for path in Path().rglob("run.json")}
    for which, folder in (("pipeline", run.RUNS), ("studies", STUDIES)):
        monkeypatch.setattr(sys, "argv", ["tabulate", which])
        tabulate.main()
        assert files.read_json(f"metrics/{which}.json") == {"gan": {"runs": 1, "error": 0.25}}
        said = capsys.readouterr().out
        assert f"{folder / 'gan-0-backup'} is" in said and f"{folder / 'Nov30_06-26-51_host'} is" in said
    assert {path: path.read_bytes() for path in Path().rglob("run.json")} == before
