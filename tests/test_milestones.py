import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import change
from test_evaluate import JUDGE, MODEL, labelled
from torch import nn

from replicate import milestones
from replicate.base import mnist, tables
from replicate.gan import model, run
from replicate.gan.run import Run
from replicate.measures import judge
from replicate.parameters import Milestones

OPTIONS = Milestones(seed=0, matching_images=40, samples=136, pull_images=16)


@pytest.fixture(scope="module")
def judging() -> nn.Sequential:
    torch.manual_seed(0)
    return judge.build().eval()


@pytest.fixture(scope="module")
def real(judging) -> np.ndarray:
    images = torch.rand(150, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    return judge.features(judging, images).numpy()


def test_a_model_measured_twice_gives_the_same(small, judging, real, digits):
    settings, split = small.settings("infogan"), (digits, torch.arange(40) % 10)
    trained = model.fresh(settings, np.random.SeedSequence(0)).eval()
    first, again, drawn_anew = (
        milestones.measure(trained, judging, real, split, split, options, settings)
        for options in (OPTIONS, OPTIONS, OPTIONS.model_copy(update={"seed": 1}))
    )
    assert first == again
    assert drawn_anew["error"] == first["error"] and drawn_anew["frechet"] != first["frechet"]
    pulls = ("pull_adversarial", "pull_c1", "pull_continuous")
    assert list(first) == ["information_c1", "share_c1", "error", "ami", "purity", "frechet", *pulls]


def test_a_run_that_has_learned_everything(params, monkeypatch):
    monkeypatch.setattr(milestones, "pulls", lambda *_: {})  # they need a D, which this model has not
    settings, split = change(params, train={"batch_size": 16}).settings("infogan"), labelled(40)
    real = judge.features(JUDGE, mnist.as_input(split[0])).numpy()
    found = milestones.measure(MODEL, JUDGE, real, split, split, OPTIONS, settings)
    assert found["share_c1"] == pytest.approx(1, abs=1e-4)
    assert found["purity"] == found["ami"] == pytest.approx(1)
    assert found["error"] == 0


def test_the_stage_measures_every_snapshot_and_how_fast_it_got_there(tmp_path, monkeypatch, small, judging, digits):
    this = Run("infogan", 0, small.settings("infogan"))
    measured = {
        2: {"share_c1": 0.96, "error": None, "frechet": 6.0},
        4: {"share_c1": 0.99, "error": None, "frechet": 2.0},
    }
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "from_command_line", lambda description: (this, small))
    monkeypatch.setattr(Run, "load", lambda self, iteration=None: iteration)
    monkeypatch.setattr(judge, "load", lambda: judging)
    monkeypatch.setattr(mnist, "load", lambda split, mnist: (digits, torch.arange(40) % 10))
    monkeypatch.setattr(milestones, "measure", lambda iteration, *rest: measured[iteration])
    milestones.main()
    columns = {"iteration": int, "share_c1": float, "error": tables.number, "frechet": float}
    table = tables.read("metrics/milestones/infogan-0.csv", **columns)
    assert table["iteration"].tolist() == [2, 4]
    assert table["frechet"].tolist() == [6, 2]
    assert np.isnan(table["error"]).all()
    found = json.loads(Path("metrics/milestones/infogan-0.json").read_text())
    assert found["speed"]["information_iteration"] == 2 and found["speed"]["distance_ratio"] == 3
    assert found["progress"] == {"error_drop_from_500": None}
