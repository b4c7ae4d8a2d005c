"""The runs that there are, where their files are, and how the command line names one."""

import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
from conftest import ROOT, change

from replicate.base.stage import BadInput
from replicate.gan import model, run
from replicate.parameters import Parameters


def test_the_pipeline_makes_each_variant_with_each_seed(params: Parameters):
    runs = run.of_pipeline(change(params, runs={"variants": ["gan", "infomax"], "seeds": [0, 7]}))
    assert [this.name for this in runs] == ["gan-0", "gan-7", "infomax-0", "infomax-7"]
    assert [this.settings.objective for this in runs] == ["gan", "gan", "infomax", "infomax"]


def test_a_run_loads_its_last_weights_or_a_snapshot(small: Parameters, monkeypatch):
    asked = []
    monkeypatch.setattr(model, "load", lambda *arguments: asked.append(arguments))
    this = run.of("gan", 0, small)
    this.load()
    this.load(2)
    assert asked == [
        (Path("runs/gan-0/weights-000004.safetensors"), this.settings),
        (Path("runs/gan-0/weights-000002.safetensors"), this.settings),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("infomax", "12"), None),
        (("wgan", "0"), r"variant: got 'wgan', expected one of infogan, gan, infomax.* \(variants in params.yaml\)"),
        (("infogan", "-5"), "seed: got -5, expected 0 or more"),
    ],
)
def test_the_command_line_names_a_run(arguments: tuple[str, str], message: str | None, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["train", *arguments])
    with pytest.raises(BadInput, match=message) if message else nullcontext():
        assert run.from_command_line("Stage train: the game.")[0].name == "infomax-12"


def test_a_stage_ends_with_the_message():
    command = [sys.executable, "-m", "replicate.train", "infogan", "-5"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "error: seed: got -5, expected 0 or more\n"
