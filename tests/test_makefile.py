"""When and how the Makefile sets up .venv: when its content is not what requirements.txt lists, and never through a link."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")


def make(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(["make", *arguments], capture_output=True, text=True)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A project in a folder as users have them, set up for its requirements.txt."""
    folder = tmp_path / "Größe & Maß"
    (folder / ".venv").mkdir(parents=True)
    monkeypatch.chdir(folder)
    shutil.copy(ROOT / "Makefile", folder)
    for name in ("requirements.txt", ".venv/installed"):
        (folder / name).write_text("a==1\n")
    return folder


def test_it_is_made_anew_when_the_content_differs_whatever_the_times_and_never_through_a_link(folder):
    os.utime(folder / ".venv" / "installed", (0, 0))
    assert "--clear" not in make("--dry-run", "test").stdout
    (folder / "requirements.txt").write_text("a==2\n")
    assert "--clear" in make("--dry-run", "test").stdout
    (folder / ".venv").rename(folder / "elsewhere")
    (folder / ".venv").symlink_to("elsewhere")
    done = make("test", "PYTHON=echo")
    assert done.returncode and ".venv is a symbolic link" in done.stderr and "--clear" not in done.stdout
    assert (folder / "elsewhere" / "installed").exists()
