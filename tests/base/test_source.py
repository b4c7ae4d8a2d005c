"""Which code a fingerprint is of: made-up packages, and the repository's own modules."""

import importlib.util
import re
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
}
FOLLOWED = FILES.keys() - {"pack/progress.py", "pack/unused.py"}


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A folder with the packages, of which one module has no effect."""
    monkeypatch.setattr(source, "WITHOUT_EFFECT", {"pack.progress": "shows"})
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_every_import_is_followed_but_into_what_has_no_effect(root: Path):
    assert set(source.modules("pack.a", root).values()) == {root / name for name in FOLLOWED}
    assert source.fingerprint("pack.a", root) != source.fingerprint("pack.b", root)
    with pytest.raises(ImportError, match="pack.z"):
        source.fingerprint("pack.z", root)


def test_a_fingerprint_changes_with_the_code_of_what_is_followed_alone(root: Path):
    before = source.fingerprint("pack.a", root)
    for name, text in FILES.items():
        (root / name).write_text(text + "more = 1\n")
        assert (source.fingerprint("pack.a", root) != before) == (name in FOLLOWED)
        (root / name).write_text(text)
    for old, new in (
        ('"""F."""', '"""G."""'),
        ('"""B."""', ""),
        ("  # both", "\n\n# all"),
        ("(x=None, *, y)", "(x=None, *,  y,)"),
    ):
        (root / "pack/b.py").write_text(FILES["pack/b.py"].replace(old, new))
        assert source.fingerprint("pack.a", root) == before, new


def test_a_fingerprint_is_the_same_in_every_version_of_python(root: Path):
    assert source.fingerprint("pack.a", root) == "e4a79aab79d2dd57"


def test_each_stage_depends_on_its_own_fingerprint():
    stages = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
    assert [name for name in stages if {"code.json": [name]} not in stages[name].get("params", [])] == ["code"]


def test_modules_without_an_effect_are_there_and_change_no_fingerprint_and_each_other_one_does(tmp_path):
    shutil.copytree(ROOT / "replicate", tmp_path / "replicate", ignore=shutil.ignore_patterns("__pycache__"))
    stages = [command.split()[2] for command in re.findall("cmd: (python -m .*)", (ROOT / "dvc.yaml").read_text())]
    followed = {stage: source.modules(stage, tmp_path) for stage in stages if stage != "replicate.code"}
    before = {stage: source.fingerprint(stage, tmp_path) for stage in followed}

    def change(path: Path) -> None:
        path.write_text(path.read_text(encoding="utf-8") + "\nmore = 1\n", encoding="utf-8")

    for name in source.WITHOUT_EFFECT:
        change(tmp_path / Path(importlib.util.find_spec(name).origin).relative_to(ROOT))
    assert {stage: source.fingerprint(stage, tmp_path) for stage in followed} == before
    for name, path in set().union(*(modules.items() for modules in followed.values())):
        stage = next(stage for stage in followed if name in followed[stage])
        now = source.fingerprint(stage, tmp_path)
        change(path)
        assert source.fingerprint(stage, tmp_path) != now, name
