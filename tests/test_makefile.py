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


def a_wheel(path: Path) -> None:
    """A package `tiny`, with a pytest that says which Python runs it."""
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("pytest.py", "import sys\nprint('tested by', sys.executable)\n")
        wheel.writestr("tiny-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n")
        wheel.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tiny-1.dist-info/RECORD", "")


def test_packages_come_into_venv_and_run_there_whatever_pips_settings_say(folder, monkeypatch):
    wheel = folder / "tiny-1-py3-none-any.whl"
    a_wheel(wheel)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (folder / "requirements.txt").write_text(f"./{wheel.name} --hash=sha256:{digest}\n")
    (folder / "pip.conf").write_text(f"[global]\nno-index = true\ntarget = {folder / 'elsewhere'}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(folder / "pip.conf"))
    monkeypatch.setenv("PIP_PREFIX", str(folder / "elsewhere"))
    monkeypatch.setenv("PIP_USER", "1")
    done = make("test", f"PYTHON={sys.executable}")
    assert done.returncode == 0, done.stderr
    assert f"tested by {folder / '.venv' / 'bin' / 'python'}" in done.stdout and not (folder / "elsewhere").exists()
    assert "and echo is another: make PYTHON='echo' install" in make("venv", "PYTHON=echo").stderr
    (folder / ".venv" / "bin" / "python").unlink()
    assert "error: .venv has lost its Python: make install" in make("venv").stderr
