"""Which code a fingerprint is of: made-up packages, and the repository's own modules."""

import shutil
from pathlib import Path

import pytest
from conftest import ROOT
from ruamel.yaml import YAML

from replicate.base import source

FILES = {
    "pack/__init__.py": '"""A package."""\nimport os\n',
    "pack/a.py": "import sys\nfrom pack import b, value\nfrom pack.deep import (\n    c,\n    constant,\n)\n",
    "pack/b.py": (
        '"""B."""\n\n\ndef f(x=None, *, y):\n    """F."""\n    import pack.d\n    return f"{x!r} and {y:.2f}"  # both\n'
    ),
    "pack/d.py": "from pack.deep.e import X as Y\nfrom pack.progress import Progress\n",
    "pack/progress.py": "import pack.unused\n",
    "pack/unused.py": "",
    "pack/deep/__init__.py": "constant = 1\n",
    "pack/deep/c.py": "class C:\n    x: int = 1\n",
    "pack/deep/e.py": "from . import g\nX = 1\n",
    "pack/deep/g.py": "match = [lambda *of: {**of[0], 1: b''}]\n",
    "requirements.txt": "numpy==1\n    # via torch==1\ntorch==2.14.1 \\\n    --hash=sha256:0\n",
}
FOLLOWED = FILES.keys() - {"pack/progress.py", "pack/unused.py", "requirements.txt"}


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A folder with the packages, of which one module has no effect."""
    monkeypatch.setattr(source, "WITHOUT_EFFECT", {"pack.progress": "shows"})
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_a_fingerprint_is_of_the_code_that_is_imported_alone_and_of_pytorchs_version(root: Path):
    assert set(source.modules("pack.a", root).values()) == {root / name for name in FOLLOWED}
    before = source.fingerprint("pack.a", root)
    assert before == "e40ac4b3aa1b78b9"  # in every version of Python
    for name, text in FILES.items():
        (root / name).write_text(text + "more = 1\n")
        assert (source.fingerprint("pack.a", root) != before) == (name in FOLLOWED), name
        (root / name).write_text(text)
    for old, new in (('"""F."""', '"""G."""'), ('"""B."""', ""), ("  # both", "\n\n# all"), ("*, y)", "*,  y,)")):
        (root / "pack/b.py").write_text(FILES["pack/b.py"].replace(old, new))
        assert source.fingerprint("pack.a", root) == before, new
    for old, new, changes in (("torch==2.14.1", "torch==2.14.2", True), ("numpy==1", "numpy==2", False)):
        (root / "requirements.txt").write_text(FILES["requirements.txt"].replace(old, new))
        assert (source.fingerprint("pack.a", root) != before) == changes


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
