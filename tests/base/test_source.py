"""Which code a fingerprint is of."""

import shutil

from conftest import ROOT
from ruamel.yaml import YAML

from replicate.base import source


def test_the_code_of_a_training_has_its_settings_and_not_what_loads_them_or_goes_on_from_them(tmp_path):
    shutil.copytree(ROOT / "replicate", tmp_path / "replicate", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    before = source.fingerprint("replicate.train", tmp_path)
    for name, old, new, changes in (
        ("gan/settings.py", "blur: Amount = 0.0", "blur: Amount = 0.5", True),
        ("gan/settings.py", "if each < self.iterations", "if each <= self.iterations", True),
        ("gan/step.py", "F.softplus(-real_logit)", "F.softplus(real_logit)", True),
        ("base/machine.py", "allow_tf32 = False", "allow_tf32 = True", True),
        ("gan/step.py", '"""The training step of the minimax game', '"""A step of the game', False),
        ("base/checkpoint.py", "folder.mkdir(parents=True, exist_ok=True)", "pass", False),
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
