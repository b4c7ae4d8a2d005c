import os
import subprocess
import sys

import pytest
import torch

from replicate.base import checkpoint
from replicate.base.stage import BadInput


def test_a_checkpoint_survives_the_file(tensors, tmp_path):
    path = tmp_path / "folder" / "checkpoint.safetensors"
    checkpoint.save(path, tensors, 250, "abc")
    iteration, loaded = checkpoint.load(path, "abc")
    assert iteration == 250
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert torch.equal(loaded[name], tensor) and loaded[name].dtype == tensor.dtype


def test_without_a_file_there_is_none(tmp_path, capsys):
    assert checkpoint.load(tmp_path / "checkpoint.safetensors", "abc") is None
    assert capsys.readouterr().out == ""


def test_one_of_another_training_is_not_loaded(tensors, tmp_path, capsys):
    checkpoint.save(tmp_path / "checkpoint.safetensors", tensors, 250, "abc")
    assert checkpoint.load(tmp_path / "checkpoint.safetensors", "abd") is None
    assert "of other settings, code or machine: starting from the first iteration" in capsys.readouterr().out


def test_a_damaged_one_is_not_loaded_and_a_folder_in_its_place_is_refused(tensors, tmp_path, capsys):
    path = tmp_path / "checkpoint.safetensors"
    checkpoint.save(path, tensors, 250, "abc")
    path.write_bytes(path.read_bytes()[:-1])
    assert checkpoint.load(path, "abc") is None
    assert "is damaged" in capsys.readouterr().out
    with pytest.raises(BadInput, match="is a folder, expected a checkpoint or nothing"):
        checkpoint.load(tmp_path, "abc")


HOLD = """
import sys, time
from filelock import FileLock
lock = FileLock(sys.argv[1]).acquire()
print("held", flush=True)
time.sleep(60)
"""


def test_one_training_at_a_time_and_a_dead_one_lets_go(tmp_path):
    folder = tmp_path / "infogan-0"
    with checkpoint.alone(folder):
        assert (folder / "process").read_text() == str(os.getpid())
    other = subprocess.Popen([sys.executable, "-c", HOLD, folder / "lock"], stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline() == b"held\n"
        (folder / "process").write_text("4711")
        with pytest.raises(BadInput, match="process 4711 is training infogan-0 already"), checkpoint.alone(folder):
            pass
    finally:
        other.kill()
        other.communicate()
    with checkpoint.alone(folder):
        assert (folder / "process").read_text() == str(os.getpid())
