"""The stage on made-up metrics of a few runs: what is in its table, what in its summary, and what it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, change

from replicate import summarise
from replicate.base.stage import BadInput
from replicate.findings import gathering, results
from replicate.findings.gathering import Digits
from replicate.gan import run
from replicate.measures.morphometry import Morphometry

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
_, OF_STUDIES = COMMITTED.split("\nhypotheses:")[0].split("\nstudies:")
OTHERS = (
    f"\nstudies:{OF_STUDIES}\nhypotheses: {{}}\nchoices:" + COMMITTED.split("\nchoices:")[1]
)  # what else the file holds


def write(path: Path, content: dict | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.fixture
def project(tmp_path, monkeypatch, params):
    """A folder with params.yaml and claims.yaml, and metrics of the four runs that the pipeline makes by them."""
    monkeypatch.chdir(tmp_path)
    Path("claims.yaml").write_text(CLAIMS + OTHERS, encoding="utf-8")
    changed = change(params, runs={"variants": ["infogan", "gan"], "seeds": [0, 3]})
    write(Path("params.yaml"), changed.model_dump(mode="json", exclude_none=True))  # JSON is YAML
    for i, this in enumerate(run.of_pipeline(changed)):
        evaluation = {
            "purity": {"mean": 0.8 + i / 20, "lowest": 0.5, "by_category": [1.0, 0.5]},
            "information": {"iterations": None if this.seed == 3 else 80},
            "rotation": {"code": "c3", "sign": -1},
            "disentanglement": {"rotation_own": 3, "rotation_other": 1, "width_own": 2, "width_other": 1},
        }
        write(this.file("evaluation.json"), evaluation)
        write(this.file("milestones.json"), {"speed": {"iterations": 400}})
        write(this.file("milestones.csv"), "iteration,error\n2000,0.5\n5000,0.25\n")
        write(this.file("yardstick.json"), {"share_c1": 0.75})
        write(this.file("representation.json"), {"trunk": {"probe_error_all": 0.01}})
        write(this.file("environment.json"), {"threads": 2})
        slants = {("c2", -1): [0] * 10, ("c2", 1): [1] * 10, ("c3", -1): range(10), ("c3", 1): [i] * 10}
        steps = [f"{code},{value},{k},{slants[code, value][k]}\n" for code, value in slants for k in range(10)]
        write(this.file("traversal.csv"), "code,value,category,slant\n" + "".join(steps))
        write(this.file("training.csv"), f"iteration,loss_discriminator\n10,{0.5 + i}\n20,{1.0 + i}\n")
        this.evidence.mkdir(parents=True)
        np.savez(this.evidence / "codes.npz", train_category=[0, 0, 0, i], test_category=[1, 1, 2, 2])
    write(Path("metrics/judge.json"), {"test_accuracy": 0.99})
    write(Path("metrics/baselines.json"), {"pixels": {"kmeans_error": 0.48}})
    write(Path("metrics/cost.json"), {"ratio": 1.01, "quartiles": [0.9, 1.1], "device": "cpu"})
    ring = np.array([[1], [2], [3], [0]])  # the neighbour of each of four images
    styles = Morphometry(*np.array([[0, 1, 0, 1]] * 4))
    about = Digits(None, np.array([2, 2, 2, 5]), None, np.array([7, 7, 8, 8]), ring, styles)
    monkeypatch.setattr(gathering, "digits", lambda *_: {tuple(range(10)): about})
    return tmp_path


def test_every_metric_of_every_run_is_in_the_table(project):
    summarise.main()
    found = results.read("metrics/results.csv")
    assert {variant: list(runs) for variant, runs in found.runs.items()} == {"infogan": [0, 3], "gan": [0, 3]}
    run = found.runs["infogan"][3]
    assert {metric: value for metric, value in run.items() if not metric.startswith(("sharing.", "disentanglement."))} == {
        "purity.mean": 0.8 + 1 / 20, "purity.lowest": 0.5, "purity.by_category.0": 1.0, "purity.by_category.1": 0.5,
        "information.iterations": None, "speed.iterations": 400, "milestones.error_rise_at_end": -0.25,
        "yardstick.share_c1": 0.75, "representation.trunk.probe_error_all": 0.01, "environment.threads": 2,
        "rotation.code": "c3", "rotation.sign": -1, "rotation.against": "2:-1.00",
        "training.loss_discriminator": 2.0, "neighbours.agreement": 0.5, "classification.ami_ceiling": pytest.approx(0),
    }  # fmt: skip
    assert run["disentanglement.specificity_within_lowest"] == 2 / 3  # all spread lies within digits
    assert run["sharing.error_without"] is not None and found.runs["gan"][0]["sharing.error_without"] is None
    assert found.of_no_run == {
        "judge.test_accuracy": 0.99, "baselines.pixels.kmeans_error": 0.48,
        "cost.ratio": 1.01, "cost.quartiles.0": 0.9, "cost.quartiles.1": 1.1, "cost.device": "cpu",
    }  # fmt: skip


def test_the_summary_has_the_means_that_claims_rest_on_and_neither_times_nor_blanks(project):
    summarise.main()
    summary = json.loads(Path("metrics/claims-pipeline.json").read_text())
    assert summary == {
        "pure": {"purity.mean": pytest.approx(0.825), "yardstick.share_c1": 0.75},
        "gan": {"purity.mean": pytest.approx(0.925), "yardstick.share_c1": 0.75},  # which no claim here is about
    }


def test_the_same_metrics_give_the_same_bytes_whatever_the_cost(project):
    summarise.main()
    before = [Path("metrics", name).read_bytes() for name in ("results.csv", "claims-pipeline.json")]
    summarise.main()
    assert [Path("metrics", name).read_bytes() for name in ("results.csv", "claims-pipeline.json")] == before
    write(Path("metrics/cost.json"), {"ratio": 1.5})
    summarise.main()
    assert Path("metrics/claims-pipeline.json").read_bytes() == before[1] != Path("metrics/results.csv").read_bytes()


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
