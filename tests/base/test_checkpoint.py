import os
import subprocess
import sys

import pytest
import torch

from replicate.base import checkpoint
from replicate.base.stage import BadInput


def test_a_checkpoint_is_loaded_whole_and_by_its_own_training_alone(tensors, tmp_path, capsys):
    path = tmp_path / "checkpoint.safetensors"
    assert checkpoint.load(path, "abc") is None and capsys.readouterr().out == ""
    checkpoint.save(path, tensors, 250, "abc")
    iteration, loaded = checkpoint.load(path, "abc")
    assert iteration == 250 and loaded.keys() == tensors.keys()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in tensors.items())
    assert checkpoint.load(path, "abd") is None
    assert "of other settings, code or machine: starting from the first iteration" in capsys.readouterr().out
    path.write_bytes(path.read_bytes()[:-1])
    assert checkpoint.load(path, "abc") is None
    assert "starting from the first iteration" in capsys.readouterr().out


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
