"""When and how the Makefile sets up .venv: when its content is not what requirements.txt lists, and never through a link."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

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


def a_wheel(path: Path) -> None:
    """A package `tiny` with an empty module."""
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("tiny.py", "")
        wheel.writestr("tiny-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n")
        wheel.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tiny-1.dist-info/RECORD", "")


def test_packages_come_into_venv_whatever_pips_settings_say(folder, monkeypatch):
    wheel = folder / "tiny-1-py3-none-any.whl"
    a_wheel(wheel)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (folder / "requirements.txt").write_text(f"./{wheel.name} --hash=sha256:{digest}\n")
    (folder / "pip.conf").write_text(f"[global]\nno-index = true\ntarget = {folder / 'elsewhere'}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(folder / "pip.conf"))
    monkeypatch.setenv("PIP_PREFIX", str(folder / "elsewhere"))
    monkeypatch.setenv("PIP_USER", "1")
    done = make("venv", f"PYTHON={sys.executable}")
    assert done.returncode == 0, done.stderr
    assert list(folder.glob(".venv/lib/*/site-packages/tiny.py")) and not (folder / "elsewhere").exists()


def test_a_python_that_is_gone_or_another_than_the_one_that_is_named_is_an_error(folder):
    programs = folder / ".venv" / "bin"
    programs.mkdir()
    (programs / "python").symlink_to(folder / "gone")
    assert "error: .venv has lost its Python: make install" in make("venv").stderr
    (programs / "python").unlink()
    (programs / "python").symlink_to(sys.executable)
    assert make("venv").returncode == make("venv", f"PYTHON={sys.executable}").returncode == 0
    assert "and echo is another: make PYTHON=echo install" in make("venv", "PYTHON=echo").stderr
