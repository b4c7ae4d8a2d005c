import pytest
import torch

from replicate import checkpoint


@pytest.fixture
def tensors() -> dict[str, torch.Tensor]:
    return {
        "weight": torch.arange(6.0).view(2, 3),
        "random": torch.arange(16, dtype=torch.uint8),
        "step": torch.tensor(3.0),
    }


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


def flip(content: bytes, position: int) -> bytes:
    return content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda content: flip(content, len(content) - 1),
        lambda content: flip(content, content.index(b'{"') + 1),
        lambda content: b"",
    ],
    ids=["half", "shortened", "bit in a tensor", "bit in the header", "empty"],
)
def test_a_damaged_one_is_noticed(damage, tensors, tmp_path, capsys):
    path = tmp_path / "checkpoint.safetensors"
    checkpoint.save(path, tensors, 250, "abc")
    spoiled = damage(path.read_bytes())
    assert spoiled != path.read_bytes()
    path.write_bytes(spoiled)
    assert checkpoint.load(path, "abc") is None
    assert "is damaged" in capsys.readouterr().out


def test_each_flipped_bit_of_a_tensor_changes_the_checksum(tensors):
    found = {checkpoint.checksum(tensors, 2, "print")}
    for bit in range(8):
        found.add(checkpoint.checksum(tensors | {"random": torch.bitwise_xor(tensors["random"], 1 << bit)}, 2, "print"))
    found.add(
        checkpoint.checksum(
            {"heavy" if name == "weight" else name: tensor for name, tensor in tensors.items()}, 2, "print"
        )
    )
    found.add(checkpoint.checksum(tensors | {"weight": tensors["weight"].view(3, 2)}, 2, "print"))
    assert len(found) == 11


def test_the_memory_format_does_not_change_the_checksum(tensors):
    image = torch.rand(2, 3, 4, 4)
    other = image.to(memory_format=torch.channels_last)
    assert checkpoint.checksum({"image": image}, 2, "print") == checkpoint.checksum({"image": other}, 2, "print")


def test_another_iteration_or_fingerprint_changes_the_checksum(tensors):
    sums = {checkpoint.checksum(tensors, iteration, name) for iteration in (2, 3) for name in ("print", "other")}
    assert len(sums) == 4
