"""Studies, with stages that train nothing: runs are spread over workers, go on after a kill, and are stored whole."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from replicate.analysis.table import STUDIES
from replicate.base import files
from replicate.base.stage import BadInput
from replicate.parameters import Parameters
from replicate.studies import make, worker

STEPS = 12
TRAIN = f"""
import json, os, pathlib, sys, time
from filelock import FileLock
name = "-".join(sys.argv[1:])
if name == "gan-0":
    sys.exit("error: training diverged by iteration 10: a loss is not finite")
if name == "gan-1":
    sys.exit("error: no space left")
folder, metrics = pathlib.Path("checkpoints", name), pathlib.Path("metrics/runs", name)
for each in (folder, metrics):
    each.mkdir(parents=True, exist_ok=True)
threads = None
if name == "infogan-0":
    import torch
    threads = torch.get_num_threads()
with FileLock(folder / "lock"):
    state = folder / "steps"
    began = int(state.read_text()) if state.exists() else 0
    (folder / "worker").write_text(str(os.getppid()))
    for step in range(began, {STEPS}):
        time.sleep(0.1)
        state.write_text(str(step + 1))
        print(f"train {{name}}:  1%| | {{step + 1}}/{STEPS} [00:00<00:01]", flush=True)
    (metrics / "training.json").write_text(json.dumps({{"began": began, "threads": threads}}))
"""
OTHER = """
import pathlib, sys
if sys.argv[1:]:
    pathlib.Path("metrics/runs", "-".join(sys.argv[1:]), pathlib.Path(__file__).stem + ".json").write_text("{}")
"""
MODULES = {"__init__": "", "measure/__init__": "", "download": OTHER, "train": TRAIN}
MODULES |= {f"measure/{measure}": OTHER for measure in worker.MEASURES}
PROJECT = {f"replicate/{name}.py": code.encode() for name, code in MODULES.items()}


def kill_the_worker(of_run: str, folder: Path) -> None:
    """Kill the worker of a run in the middle of its training; give up after two minutes."""
    for _ in range(6000):
        for steps in folder.glob(f"infogan-*-{of_run}/checkpoints/*/steps"):
            if (steps.read_text() or "0") > "1":
                os.kill(int((steps.parent / "worker").read_text()), signal.SIGKILL)
                return
        time.sleep(0.02)


def test_runs_are_made_though_a_worker_is_killed_and_the_failed_are_named(
    params: Parameters, tmp_path, monkeypatch, capsys
):
    seeds = {"infogan": [0, 1, 2], "gan": [0, 1]}
    variants = {name: params.variants[name].model_copy(update={"seeds": of}) for name, of in seeds.items()}
    planned = params.model_copy(update={"variants": variants})
    monkeypatch.chdir(tmp_path)
    (STUDIES / "infogan-2").mkdir(parents=True)  # a run that is there
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(make.parameters, "load", lambda: planned)
    monkeypatch.setattr(make, "project", lambda: PROJECT)
    monkeypatch.setattr(sys, "argv", ["make", "gan", "infogan", "gan", "--jobs=2", "--threads=2"])
    killer = threading.Thread(target=kill_the_worker, args=["infogan-1", tmp_path])
    killer.start()
    with pytest.raises(BadInput, match=r"1 of 4 runs failed:\ngan-1: stage train of gan-1(.|\n)*no space left"):
        make.main()
    killer.join()
    assert "gan-0: training diverged by iteration 10: a loss is not finite\n" in capsys.readouterr().out
    assert {path.name for path in STUDIES.iterdir()} == {"infogan-0", "infogan-1", "infogan-2", "gan-0"}
    assert {path.name for path in Path("studies").iterdir()} == {"runs"}
    for name in ("infogan-0", "infogan-1"):
        made = {path.stem for path in (STUDIES / name).iterdir()}
        assert made == {"training", *worker.MEASURES}
    assert files.read_json(STUDIES / "infogan-0/training.json") == {"began": 0, "threads": 2}
    assert 0 < files.read_json(STUDIES / "infogan-1/training.json")["began"] <= STEPS
    record = files.read_json(STUDIES / "gan-0/run.json")
    assert record["failed"].startswith("training diverged") and record["seed"] == 0
    assert [this.name for this in make.missing(["infogan", "gan"], planned)] == ["gan-1"]
