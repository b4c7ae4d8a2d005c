"""The pipeline through DVC, one variant and one seed, from made-up files of MNIST's format to the report."""

import json
import os
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from conftest import ROOT, made_up_mnist, write

from replicate.analysis.table import ABSENT
from replicate.base import quick
from replicate.studies.worker import MEASURES


def dvc(*arguments: str, cwd: Path) -> subprocess.CompletedProcess:
    return quick.dvc(*arguments, cwd=cwd, capture_output=True, text=True)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A tiny run of the whole pipeline but the figures of the studies, which are drawn in test_figures."""
    folder, (files, checksums) = tmp_path_factory.mktemp("project"), made_up_mnist(560, 140)
    write(folder / "mine", files)
    quick.copy(folder, quick.TOY | {"runs": {"variants": ["infogan"]}, "mnist": checksums.model_dump()})
    (mine := folder / "runs" / "Nov30_06-26-51_host").mkdir(parents=True)
    (mine / "notes.txt").write_text("mine")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("MNIST_DIR", str(folder / "mine"))
        monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")  # in a cell of a notebook
        monkeypatch.setenv("TQDM_DISABLE", "1")
        monkeypatch.setenv("PATH", os.defpath)  # without .venv activated
        made = ("tabulate_pipeline", "tabulate_studies", "figures_pipeline", "explorer", "report")
        done = dvc("repro", *made, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_pipeline_makes_everything(project: Path):
    table = pd.read_csv(project / "metrics" / "pipeline.csv", index_col=["variant", "seed"])
    assert list(table.index) == [("infogan", 0)] and 0 <= table["error"].item() <= 1
    assert list(table.columns[(table == ABSENT).any()]) == ["probe_100"]  # of more labels than there are images
    run = project / "metrics" / "runs" / "infogan-0"
    assert len((run / "training.csv").read_text().splitlines()) == 3
    milestones = pd.read_csv(run / "milestones.csv")
    assert list(milestones["iteration"]) == [2, 4] and milestones["frechet"].nunique() == 2
    # A run of the pipeline is laid out as one of the studies.
    assert {path.name for path in run.iterdir()} == {path.name for path in (ROOT / "studies/runs/infogan-0").iterdir()}
    left = {str(path.relative_to(project / "runs")) for path in (project / "runs").glob("*/*")}
    weights = {f"infogan-0/weights-00000{iteration}.safetensors" for iteration in (2, 4)}
    assert left == weights | {"Nov30_06-26-51_host/notes.txt"}  # a user's own folder stays
    own = (project / "docs" / "pipeline.md").read_text(encoding="utf-8")
    for figure in ("figure1", "figure2-infogan", "samples", "codes", "confusion", "milestones"):
        assert (project / "figures" / "pipeline" / f"{figure}.png").stat().st_size > 1000
        assert f"figures/pipeline/{figure}.png" in own
    assert "infogan-0" in (project / "explorer" / "index.html").read_text(encoding="utf-8")
    assert not list((project / "checkpoints").glob("*/*.safetensors"))
    shown = json.loads(dvc("metrics", "show", "--json", cwd=project).stdout)[""]["data"]
    names = []
    for path, file in shown.items():
        names += [f"{path}  {variant}.{metric}" for variant, means in file["data"].items() for metric in means]
    # So that `dvc metrics diff` fits 100 columns.
    assert f"{Path('metrics/pipeline.json')}  infogan.test_error" in names and max(map(len, names)) < 60


def reruns(project: Path) -> set[str]:
    """The stages that `dvc repro` would run first; what depends on these is not counted, as it may come out the same. But
    `code`, which is quick, is run: what depends on it tells what has changed."""
    of_code = dvc("repro", "code", cwd=project)
    done = dvc("status", "--json", cwd=project)
    assert of_code.returncode == done.returncode == 0, of_code.stderr + done.stderr
    changed = {"code"} if "Running stage 'code'" in of_code.stdout else set()
    for stage, problems in json.loads(done.stdout).items():
        changed |= {stage for problem in problems if isinstance(problem, dict) and "changed deps" in problem}
    return changed - {"figures_studies"}  # which was never made


def of_run(*stages: str) -> set[str]:
    return {f"{stage}@infogan-0" for stage in stages}


CODE = ("\n\n\n", "\n\n\nmore = 1\n\n\n")


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        # An amount of each measure.
        ([("params.yaml", f"{name}: {old}", f"{name}: {old + 1}") for name, old in
          {"restarts": 5, "bound_samples": 20, "gradient_images": 20, "validate_every": 125, "probe_iterations": 1000,
           "rank": 64, "pairs": 2}.items()],
         of_run(*MEASURES) | {"cost", "baselines", "explorer"}),
        ([("variants.yaml", "  settings: {}\n", "  settings:\n    train:\n      lambda_discrete: 0.5\n"),
          ("params.yaml", "checkpoint_seconds: 60", "checkpoint_seconds: 30")],
         of_run("train", *MEASURES) | {"cost", "baselines", "explorer", "figures_pipeline", "report", "tabulate_studies"}),
        ([("variants.yaml", "  label: InfoGAN\n", "  label: another\n")],
         {"explorer", "figures_pipeline", "report", "tabulate_studies"}),
        # A docstring and a module without effect on results change nothing but `code`.
        ([("replicate/gan/layers.py", '"""', '""" '), ("replicate/base/stage.py", "else 30", "else 31"),
          ("replicate/measures/naturalness.py", *CODE), ("replicate/measures/posthoc_q.py", *CODE)],
         {"code"} | of_run("codes", "posthoc_q")),
        ([("metrics/runs/infogan-0/probes.json", "{", "{ "), ("replicate/reporting/REPORT.md.j2", "{#", "{# ")],
         {"code", "tabulate_pipeline", "figures_pipeline", "explorer", "report"}),
    ],
)  # fmt: skip
def test_a_change_reruns_what_depends_on_it_and_nothing_else(edits, expected, project: Path):
    originals = {project / name: (project / name).read_bytes() for name, *_ in edits}
    try:
        for name, old, new in edits:
            text = (project / name).read_text(encoding="utf-8")
            assert old in text
            (project / name).write_text(text.replace(old, new, 1), encoding="utf-8")
        assert reruns(project) == expected
    finally:
        for path, content in originals.items():
            path.write_bytes(content)
