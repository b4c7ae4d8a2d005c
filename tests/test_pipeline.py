"""The pipeline through DVC, from made-up files of MNIST's format to the report; whether committed results are current."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, idx
from dvc.utils.hydra import apply_overrides

from replicate.base import quick
from replicate.findings import results

VARIANTS = ("infogan", "infomax")
PER_RUN = ("train", "evaluate", "milestones", "yardstick", "represent", "evidence")


def dvc(*arguments: str, cwd: Path) -> subprocess.CompletedProcess:
    return quick.dvc(*arguments, cwd=cwd, capture_output=True, text=True)


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
            (folder / f"{split}-{kind}-ubyte").write_bytes(idx(array))
            checksums[f"{split}-{kind}-ubyte"] = hashlib.sha256(idx(array)).hexdigest()
    return checksums


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A tiny run of the whole pipeline, with two variants."""
    folder = tmp_path_factory.mktemp("project")
    training = {"iterations": 4, "batch_size": 20, "training_images": 140, "batchnorm_images": 40}
    sizes = {"matching_images": 100, "samples_per_category": 6, "bound_samples": 20, "real_images": 40}
    epochs = {"training_samples": 40, "least_epochs": 1, "most_epochs": 1, "batch_size": 20}
    probes = {"labels_per_digit": [5], "label_draws": 1, "penalties": [0.1]}
    changes = {
        "runs": {"variants": list(VARIANTS)},
        "mnist": {"sha256": made_up_mnist(folder / "mine")},
        "train": training | {"log_every": 2, "milestones": [2]},
        "judge": {"epochs": 2, "batch_size": 20},
        "evaluate": sizes | {"traversals_per_category": 1},
        "milestones": {"matching_images": 100, "samples": 150, "pull_images": 20},
        "yardstick": epochs | {"validation_samples": 20, "test_samples": 20},
        "represent": probes | {"kmeans_images": 100, "style_images": 140},
        "cost": {"pairs": 2},
        "explorer": {"draws": 1, "grid_values": 2},
    }
    quick.copy(folder, changes)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("MNIST_DIR", str(folder / "mine"))
        monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")  # in a cell of a notebook
        monkeypatch.setenv("TQDM_DISABLE", "1")
        monkeypatch.setenv("PATH", os.defpath)  # without .venv activated
        done = dvc("repro", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_pipeline_makes_everything(project: Path):
    measured = results.read(project / "metrics" / "results.csv").runs
    assert set(measured) == set(VARIANTS)
    for variant, of_seed in measured.items():
        assert 0 <= of_seed[0]["classification.error_one_to_one"] <= 1
        assert "representation.trunk.probe_error_5" in of_seed[0]
        assert len((project / "metrics" / "training" / f"{variant}-0.csv").read_text().splitlines()) == 3
        weights = sorted(path.name for path in (project / "runs" / f"{variant}-0").iterdir())
        assert weights == ["weights-000002.safetensors", "weights-000004.safetensors"]
    report = (project / "REPORT.md").read_text(encoding="utf-8")
    for figure in ("figure1", "figure2", "figure2-infomax", "samples", "codes", "confusion", "milestones"):
        assert (project / "figures" / f"{figure}.png").stat().st_size > 1000
        assert f"figures/{figure}.png" in report
    page = (project / "explorer" / "index.html").read_text(encoding="utf-8")
    assert all(f"{variant}-0" in page for variant in VARIANTS)
    assert not list((project / "checkpoints").glob("*/*.safetensors"))


def test_evidence_gives_what_was_measured(project: Path):
    command = [sys.executable, "-m", "replicate.studies.recompute"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    names, *rows = map(str.split, done.stdout.splitlines())
    assert names == ["error", "ami", "purity", "slant_change", "width_change"], done.stderr
    assert [folder for folder, *_ in rows] == [f"metrics/evidence/{variant}-0" for variant in VARIANTS]
    for _, error, measured_error, ami, measured_ami, *_ in rows:
        assert error == measured_error and ami == measured_ami
    unknown = subprocess.run([*command, "metrics/evidence/infogan-7"], cwd=project, capture_output=True, text=True)
    assert "expected some of metrics/evidence/infogan-0" in unknown.stderr


def test_a_second_run_does_nothing(project: Path):
    assert "Data and pipelines are up to date" in dvc("repro", cwd=project).stdout


def reruns(project: Path) -> set[str]:
    """The stages that `dvc repro` would run first; what depends on these is not counted, as it may come out the same. But
    `code`, which is quick, is run: what depends on it tells what has changed."""
    of_code = dvc("repro", "code", cwd=project)
    done = dvc("status", "--json", cwd=project)
    assert of_code.returncode == done.returncode == 0, of_code.stderr + done.stderr
    changed = {"code"} if "Running stage 'code'" in of_code.stdout else set()
    for stage, problems in json.loads(done.stdout).items():
        changed |= {stage for problem in problems if isinstance(problem, dict) and "changed deps" in problem}
    return changed


def of_each_run(*stages: str, variants: tuple[str, ...] = VARIANTS) -> set[str]:
    return {f"{stage}@{variant}-0" for stage in stages for variant in variants}


A_COMMENT, CODE = (("\n\n\n", f"\n\n\n{more}\n\n\n") for more in ("# more", "more = 1"))


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([("params.yaml", "dimensions: 16", "dimensions: 8"),
          ("params.yaml", "estimator: infonce", "estimator: jensen_shannon")],
         of_each_run(*PER_RUN, variants=("infomax",)) | {"compare", "explorer", "figures", "report", "summarise"}),
        ([("params.yaml", "checkpoint_seconds: 60", "checkpoint_seconds: 30"),
          ("params.yaml", "device: auto", "device: cpu")], set()),
        ([("replicate/gan/layers.py", '"""', '""" '), ("replicate/gan/networks.py", *A_COMMENT),
          ("replicate/base/progress.py", "mininterval=0.2", "mininterval=0.3")], {"code"}),
        ([("replicate/measures/naturalness.py", *CODE), ("replicate/yardstick.py", *CODE)],
         {"code"} | of_each_run("evaluate", "yardstick")),
        ([("replicate/measures/downstream.py", *CODE)], {"code", "baselines"} | of_each_run("represent")),
        ([("replicate/gan/networks.py", *CODE)],
         {"code", "baselines", "compare", "cost", "explorer", "figures", "report"}
         | of_each_run(*PER_RUN)),
        ([("metrics/evaluation/infomax-0.json", "{", "{ "), ("replicate/reporting/study_figures.py", *CODE),
          ("replicate/reporting/report.md.j2", "{#", "{# ")], {"code", "summarise", "figures", "report"}),
    ],
)  # fmt: skip
def test_a_change_reruns_what_depends_on_it_and_nothing_else(edits, expected, project: Path):
    originals = {project / name: (project / name).read_bytes() for name, *_ in edits}
    try:
        for name, old, new in edits:
            text = (project / name).read_text(encoding="utf-8")
            assert old in text
            (project / name).write_text(text.replace(old, new), encoding="utf-8")
        assert reruns(project) == expected
    finally:
        for path, content in originals.items():
            path.write_bytes(content)


def test_files_of_a_run_that_is_no_longer_made_are_removed_and_change_nothing(project: Path):
    assert reruns(project) <= {"code"}  # of the tests before
    lock = (project / "dvc.lock").read_bytes()
    left = [
        copied.with_name(copied.name.replace("infogan-0", "infogan-7"))
        for copied in [*project.glob("runs/infogan-0"), *project.glob("metrics/*/infogan-0*")]
        if (shutil.copytree if copied.is_dir() else shutil.copy)(copied, str(copied).replace("infogan-0", "infogan-7"))
    ]
    assert len(left) == 11
    assert reruns(project) == {"explorer", "figures", "summarise"}
    done = dvc("repro", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not any(path.exists() for path in left)
    assert (project / "dvc.lock").read_bytes() == lock
    assert reruns(project) == set()


def test_figures_and_curves_are_plots(project: Path, tmp_path: Path):
    done = dvc("plots", "show", "--json", "--out", str(tmp_path), cwd=project)
    plots = json.loads(done.stdout)["data"]
    curves = {f"metrics/{kind}/{variant}-0.csv" for kind in ("training", "milestones") for variant in VARIANTS}
    figures = {path.relative_to(project).as_posix() for path in project.glob("figures/*.png")}
    assert {name.replace(os.sep, "/") for name, drawn in plots.items() if drawn} == curves | figures


def test_an_extra_file_among_the_data_reruns_nothing(project: Path):
    extra = project / "data" / "mnist" / ".left-over"
    extra.write_text("half a file")
    assert reruns(project) == set()
    extra.unlink()


def test_metrics_are_those_of_the_claims_and_fit_on_a_screen(project: Path):
    done = dvc("metrics", "show", "--json", cwd=project)
    assert "failed" not in done.stderr
    shown = json.loads(done.stdout)[""]["data"]
    paths = [os.path.join("metrics", f"claims-{of}.json") for of in ("pipeline", "studies")]
    of_pipeline, of_studies = (shown[path]["data"] for path in paths)
    assert "purity.mean" in of_pipeline["fig2a"] and "free-cost" not in of_pipeline
    assert sum(map(len, of_pipeline.values())) <= 45
    assert of_studies == {}  # of these settings there is no run


@pytest.mark.parametrize("override", ["train.lambda_continuous=0.5", "variants.infomax.critic.dimensions=8"])
def test_an_experiment_changes_one_line_of_the_parameters(override: str, tmp_path: Path):
    """`dvc exp run -S` writes params.yaml anew, by the function that is called here."""
    path = Path(shutil.copy(ROOT / "params.yaml", tmp_path))
    before = path.read_text(encoding="utf-8").splitlines()
    apply_overrides(path, [override])
    after = path.read_text(encoding="utf-8").splitlines()
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1


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
                    absent = state in ("deleted", "not in cache") and path.startswith(("data", "judge", "runs"))
                    if not absent:
                        stale.append(f"{stage}: {path}: {state}")
    assert stale == []
