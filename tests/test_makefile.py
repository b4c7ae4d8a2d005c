"""When the Makefile sets up .venv: when its content is not what requirements.txt lists, and never through a link."""

import os
import shutil
import subprocess

import pytest
from conftest import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")


def make(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(["make", *arguments], capture_output=True, text=True)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.txt").write_text("a==1\n")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "installed").write_text("a==1\n")
    return tmp_path


def test_it_is_made_anew_when_the_content_differs_whatever_the_times(folder):
    os.utime(folder / ".venv" / "installed", (0, 0))
    assert "--clear" not in make("--dry-run", "test").stdout
    (folder / "requirements.txt").write_text("a==2\n")
    assert "--clear" in make("--dry-run", "test").stdout
    (folder / ".venv" / "installed").unlink()
    assert "--clear" in make("--dry-run", "test").stdout


def test_what_is_behind_a_link_is_left_alone(folder):
    (folder / "requirements.txt").write_text("a==2\n")
    (folder / ".venv").rename(folder / "elsewhere")
    (folder / ".venv").symlink_to("elsewhere")
    done = make("test", "PYTHON=echo")
    assert done.returncode and ".venv is a symbolic link" in done.stderr and "--clear" not in done.stdout
    assert (folder / "elsewhere" / "installed").exists()
