import torch

from replicate.base import checkpoint


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
