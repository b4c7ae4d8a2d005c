"""The stage on made-up metrics of a few runs: what is in its table, what in its summary, and what it refuses."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import ROOT

from replicate import summarise
from replicate.base.stage import BadInput
from replicate.findings import results
from replicate.gan.run import Run

CLAIMS = """
version: 2
revised: never
claims:
  pure:
    brief: in brief
    statement: A category is a digit
    where: Fig. 2a
    published: by eye
    variant: infogan
    control: gan
    holds:
    - {metric: purity.mean, at_least: 0.9, above_control: 0.2}
    - {metric: information.iterations, at_most: 100}
    partly:
    - {metric: yardstick.share_c1, at_least: 0.5}
    beside: [purity.lowest]
  cheap:
    brief: in brief
    statement: It costs nothing
    where: §6
    published: negligible
    holds:
    - {metric: cost.ratio, at_most: 1.05}
  absent:
    brief: in brief
    statement: A critic does it too
    where: a note
    published: argued
    variant: infomax
    holds:
    - {metric: purity.mean, at_least: 0.9}
"""
COMMITTED = (ROOT / "claims.yaml").read_text(encoding="utf-8")
OTHERS = COMMITTED[COMMITTED.index("\nstudies:") :]  # what else the file holds


def write(path: Path, content: dict | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with claims.yaml and metrics of three runs, which the pipeline is said to make."""
    monkeypatch.chdir(tmp_path)
    Path("claims.yaml").write_text(CLAIMS + OTHERS, encoding="utf-8")
    settings = SimpleNamespace(train=SimpleNamespace(digits=range(10)))
    made = [Run("infogan", 0, settings), Run("infogan", 3, settings), Run("gan", 0, settings)]
    for i, run in enumerate(made):
        purity = {"mean": 0.8 + i / 20, "lowest": 0.5, "by_category": [1.0, 0.5]}
        information = {"iterations": None if run.seed == 3 else 80}
        evaluation = {"purity": purity, "rotation": {"code": "c2"}, "information": information}
        write(run.json("evaluation"), evaluation)
        write(run.json("milestones"), {"speed": {"iterations": 400}})
        write(run.json("yardstick"), {"share_c1": 0.75})
        run.evidence.mkdir(parents=True)
        np.savez(run.evidence / "codes.npz", train_category=[0, 0, 0, i], test_category=[])
        write(run.csv("training"), f"iteration,loss_discriminator\n10,{0.5 + i}\n20,{1.0 + i}\n")
        write(run.json("representation"), {"trunk": {"probe_error_all": 0.01}})
    write(Path("metrics/judge.json"), {"test_accuracy": 0.99})
    write(Path("metrics/baselines.json"), {"pixels": {"kmeans_error": 0.48}})
    write(Path("metrics/cost.json"), {"ratio": 1.01, "quartiles": [0.9, 1.1], "device": "cpu"})
    monkeypatch.setattr(
        summarise.parameters, "load", lambda: SimpleNamespace(variants=["infogan", "gan", "infomax"], mnist=None)
    )
    monkeypatch.setattr(summarise.run, "of_pipeline", lambda params: made)
    monkeypatch.setattr(summarise.mnist, "training_images", lambda *_: (torch.zeros(4, 28, 28), None))
    ring = np.array([[1], [2], [3], [0]])  # the neighbour of each of four images
    monkeypatch.setattr(summarise.neighbours, "nearest", lambda images, n: ring)
    return tmp_path


def test_every_metric_of_every_run_is_in_the_table(project):
    summarise.main()
    found = results.read("metrics/results.csv")
    assert {variant: list(runs) for variant, runs in found.runs.items()} == {"infogan": [0, 3], "gan": [0]}
    assert found.runs["infogan"][3] == {
        "purity.mean": 0.8 + 1 / 20, "purity.lowest": 0.5, "purity.by_category.0": 1.0, "purity.by_category.1": 0.5,
        "rotation.code": "c2", "information.iterations": None, "speed.iterations": 400,
        "yardstick.share_c1": 0.75, "representation.trunk.probe_error_all": 0.01,
        "training.loss_discriminator": 2.0, "neighbours.agreement": 0.5,
    }  # fmt: skip
    assert found.of_no_run == {
        "judge.test_accuracy": 0.99, "baselines.pixels.kmeans_error": 0.48,
        "cost.ratio": 1.01, "cost.quartiles.0": 0.9, "cost.quartiles.1": 1.1, "cost.device": "cpu",
    }  # fmt: skip


def test_the_summary_has_the_means_that_claims_rest_on_and_neither_times_nor_blanks(project):
    summarise.main()
    summary = json.loads(Path("metrics/claims-pipeline.json").read_text())
    assert summary == {
        "pure": {"purity.mean": pytest.approx(0.825), "yardstick.share_c1": 0.75},
    }


def test_the_same_metrics_give_the_same_bytes_whatever_the_cost(project):
    summarise.main()
    before = [Path("metrics", name).read_bytes() for name in ("results.csv", "claims-pipeline.json")]
    summarise.main()
    assert [Path("metrics", name).read_bytes() for name in ("results.csv", "claims-pipeline.json")] == before
    write(Path("metrics/cost.json"), {"ratio": 1.5})
    summarise.main()
    assert Path("metrics/claims-pipeline.json").read_bytes() == before[1] != Path("metrics/results.csv").read_bytes()


def test_a_claim_about_no_variant_of_the_parameters_is_refused(project):
    for key, variant in (("variant", "infomax"), ("control", "gan")):
        text = CLAIMS.replace(f"{key}: {variant}", f"{key}: wgan")
        Path("claims.yaml").write_text(text + OTHERS, encoding="utf-8")
        with pytest.raises(BadInput, match=rf"\.{key}: got 'wgan', expected a variant of params.yaml: infogan, gan, "):
            summarise.main()
    assert not Path("metrics/results.csv").exists()


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("metrics/evaluation/infogan-3.json", None, "metrics/evaluation/infogan-3.json"),
        ("metrics/milestones/gan-0.json", None, "metrics/milestones/gan-0.json"),
        ("metrics/yardstick/gan-0.json", None, "metrics/yardstick/gan-0.json"),
        ("metrics/representation/gan-0.json", None, "metrics/representation/gan-0.json"),
        ("metrics/baselines.json", None, "metrics/baselines.json"),
        ("metrics/yardstick/infogan-3.json", '{"share": 1}', "needs 'yardstick.share_c1'.*it: yardstick.share"),
        ("metrics/yardstick/gan-0.json", '{"share_c1": "all"}', "which is no number of gan"),
    ],
)
def test_missing_and_broken_files_are_named_and_leave_nothing(project, path, content, said):
    Path(path).unlink()
    if content is not None:
        Path(path).write_text(content)
    with pytest.raises((BadInput, OSError), match=said):
        summarise.main()
    assert not Path("metrics/results.csv").exists() and not Path("metrics/claims-pipeline.json").exists()
