"""The pipeline through DVC, from made-up files of MNIST's format to the report, and whether committed results are current."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from replicate import quick


def dvc(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True)


def made_up_mnist(folder: Path) -> dict[str, str]:
    """Files of 160 and 140 images whose bars' places are the labels; their checksums."""
    folder.mkdir()
    random = np.random.default_rng(0)
    checksums = {}
    for split, n in (("train", 160), ("t10k", 140)):
        labels = np.arange(n) % 10
        images = random.integers(0, 40, (n, 28, 28))
        for image, label in zip(images, labels):
            image[4:24, 3 + 2 * label : 6 + 2 * label] = 255
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            content = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
            content += array.astype(np.uint8).tobytes()
            (folder / f"{split}-{kind}-ubyte").write_bytes(content)
            checksums[f"{split}-{kind}-ubyte"] = hashlib.sha256(content).hexdigest()
    return checksums


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A tiny run of the whole pipeline."""
    folder = tmp_path_factory.mktemp("project")
    changes = {
        "mnist": {"sha256": made_up_mnist(folder / "mine")},
        "train": {"iterations": 4, "batch_size": 20, "training_images": 140, "log_every": 2, "checkpoint_every": 2},
        "judge": {"epochs": 2, "batch_size": 20},
        "evaluate": {"samples_per_category": 6, "traversals_per_category": 1},
        "yardstick": {"iterations": 2, "batch_size": 20, "validation_samples": 20, "test_samples": 20},
        "represent": {"labels_per_digit": [5], "label_draws": 1, "penalties": [0.1], "kmeans_restarts": 1},
        "cost": {"pairs": 2},
    }
    quick.copy(folder, changes)
    done = dvc("repro", cwd=folder, MNIST_DIR=str(folder / "mine"))
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_pipeline_makes_everything(project: Path):
    for run in ("infogan-0", "gan-0", "infomax-0"):
        evaluation = json.loads((project / "metrics" / run / "evaluation.json").read_text())
        assert 0 <= evaluation["classification"]["error_one_to_one"] <= 1
        assert len((project / "metrics" / run / "training.csv").read_text().splitlines()) == 3
        assert (project / "runs" / run / "weights.safetensors").exists()
        yardstick = json.loads((project / "metrics" / run / "yardstick.json").read_text())
        assert yardstick["gap_c1"] == yardstick["lower_bound_c1"] - evaluation["information"]["lower_bound_c1"]
        assert "probe_error_5" in json.loads((project / "metrics" / run / "representation.json").read_text())["trunk"]
    report = (project / "REPORT.md").read_text()
    for figure in ("figure1", "figure2", "figure2-infomax", "samples", "codes", "confusion"):
        assert (project / "figures" / f"{figure}.png").stat().st_size > 1000
        assert f"figures/{figure}.png" in report
    assert not list((project / "checkpoints").iterdir())


def test_a_second_run_does_nothing(project: Path):
    done = dvc("repro", cwd=project)
    assert done.returncode == 0
    assert "Running stage" not in done.stdout
    assert "Data and pipelines are up to date" in done.stdout


def test_a_change_to_a_figure_retrains_nothing(project: Path):
    module = project / "replicate" / "figures.py"
    original = module.read_text()
    module.write_text(original + "\n# changed\n")
    done = dvc("repro", "--dry", cwd=project)
    module.write_text(original)
    assert [line for line in done.stdout.splitlines() if "Running stage" in line] == ["Running stage 'figures':"]


def test_metrics_and_params_are_shown(project: Path):
    metrics = json.loads(dvc("metrics", "show", "--json", cwd=project).stdout)[""]["data"]
    assert set(metrics) == {os.path.join("metrics", *name) for name in
                            [("judge.json",), ("references.json",),
                             *((run, f"{name}.json") for run in ("infogan-0", "gan-0", "infomax-0")
                               for name in ("evaluation", "yardstick", "representation"))]}  # fmt: skip
    assert dvc("plots", "show", cwd=project).returncode == 0
    assert "train@infogan-0" in dvc("dag", "--dot", cwd=project).stdout


def test_committed_results_come_from_the_committed_code():
    """What git holds is what dvc.lock recorded. Data and weights are not in git, so that they may be absent."""
    status = dvc("status", "--json", cwd=ROOT)
    assert status.returncode == 0, status.stderr
    stale = []
    for stage, problems in json.loads(status.stdout).items():
        for problem in problems:
            if isinstance(problem, str):
                stale.append(f"{stage}: {problem}")
                continue
            for paths in problem.values():
                for path, state in paths.items():
                    absent = state in ("deleted", "not in cache") and path.startswith(("data", "runs"))
                    if not absent:
                        stale.append(f"{stage}: {path}: {state}")
    assert stale == []
