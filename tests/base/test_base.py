"""Parameters that are broken on purpose, fingerprints of code, and files that are whole or not at all."""

import math
import shutil
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import ROOT, change
from ruamel.yaml import YAML

from replicate import parameters
from replicate.base import files, source
from replicate.base.stage import BadInput
from replicate.parameters import Parameters

TENSORS = {"weight": torch.arange(6.0).view(2, 3), "random": torch.ones(3, dtype=torch.uint8), "step": torch.ones(())}


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Load the committed parameters in a folder of their own, with other values at some keys."""
    monkeypatch.chdir(tmp_path)

    def load(changes: dict[str, Any]) -> Parameters:
        content = {name: YAML(typ="safe").load(ROOT / f"{name}.yaml") for name in ("params", "variants")}
        for key, value in changes.items():
            *groups, last = key.split(".")
            reduce(getitem, groups, content)[last] = value
        for name, of_file in content.items():
            YAML().dump(of_file, Path(f"{name}.yaml"))
        return parameters.load()

    return load


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"params.train.digits": [4, 5], "params.train.batch_size": 1001}, "batch_size: got 1001, .*at most 1000"),
        ({"params.train.batchsize": 128}, r"train\.batchsize\n.*not permitted"),
        ({"params.train.lambda_discrete": math.nan}, r"train\.lambda_discrete\n.*finite"),
        ({"params.runs.seeds": [1, 0, 1]}, r"got \[1, 0, 1\], expected each once"),
        ({"params.runs.variants": ["gan", "wgan"]}, r"runs\.variants: got \['wgan'\], expected names"),
        ({"variants.k20.settings": {"train": {"log_every": 7}}}, r"k20: .*\n.*train\n.*multiple of log_every \(7\)"),
        (
            {"variants.k20.settings": {"train": {"log_every": 500, "milestones": [500]}}},
            r"k20: .*\n.*train\n.*log_every: got 500, expected a divisor of 100",
        ),
        ({"variants.infomax.settings": {"objective": "infomax"}}, "critic: got None, expected one for the objective"),
    ],
)
def test_a_mistake_is_named(load, changes: dict[str, Any], message: str):
    with pytest.raises(BadInput, match=message):
        load(changes)


def test_a_variant_changes_what_it_names_and_nothing_else(load):
    changed = {"latent": {"categories": 20}, "train": {"lambda_continuous": 0.1}}
    params = load({"variants.k20.settings": changed})
    defaults, settings = params.settings("infogan"), params.settings("k20")
    assert settings == change(defaults, latent={"categories": 20}, train={"lambda_continuous": 0.1})
    assert params.settings("gan") == change(defaults, objective="gan")


def test_the_code_of_a_training_has_its_settings_and_not_what_loads_them_or_goes_on_from_them(tmp_path):
    shutil.copytree(ROOT / "replicate", tmp_path / "replicate", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    before = source.fingerprint("replicate.train", tmp_path)
    for name, old, new, changes in (
        ("gan/settings.py", "blur: Amount = 0.0", "blur: Amount = 0.5", True),
        ("gan/step.py", "F.softplus(-real_logit)", "F.softplus(real_logit)", True),
        ("base/machine.py", "allow_tf32 = False", "allow_tf32 = True", True),
        ("gan/step.py", '"""The training step of the minimax game', '"""A step of the game', False),
        ("parameters.py", "objective: Objective", "objective: str", False),
        ("measures/morphometry.py", "\n\n\ndef ", "\n\nmore = 1\n\ndef ", False),
        ("../requirements.txt", "torch==2.14.1", "torch==2.14.2", True),
        ("../requirements.txt", "numpy==", "numpy==1", False),
    ):
        path = tmp_path / "replicate" / name
        text = path.read_text()
        assert old in text, old
        path.write_text(text.replace(old, new))
        assert (source.fingerprint("replicate.train", tmp_path) != before) == changes, (name, new)
        path.write_text(text)


def test_each_stage_depends_on_its_own_fingerprint():
    stages = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
    assert [name for name in stages if {"code.json": [name]} not in stages[name].get("params", [])] == ["code"]


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "folder" / "file.txt"
    with files.whole_file(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        temporary.write_text("whole")
    assert path.read_text() == "whole" and list(path.parent.iterdir()) == [path]
    with pytest.raises(OSError, match=r"file\.txt cannot be written: .*No space"), files.whole_file(path) as temporary:
        temporary.write_text("half")
        raise OSError("No space left")
    assert path.read_text() == "whole"


def test_the_same_tensors_give_the_same_bytes_and_come_back_and_damaged_ones_are_refused(tmp_path):
    path, again = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    for each in (path, again):
        files.save_tensors(each, TENSORS, "gan-0 after 250 iterations")
    content = path.read_bytes()
    assert content == again.read_bytes()
    loaded, origin = files.load_tensors(path)
    assert origin == "gan-0 after 250 iterations" and loaded.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert torch.equal(loaded[name], tensor) and loaded[name].dtype == tensor.dtype
    flipped = content[:-1] + bytes([content[-1] ^ 1])
    for spoiled in (content[: len(content) // 2], content[:-1], flipped, content.replace(b"gan-0", b"gan-1"), b""):
        assert spoiled != content
        path.write_bytes(spoiled)
        with pytest.raises(BadInput, match=r"a\.safetensors (cannot be read|is damaged)"):
            files.load_tensors(path)
