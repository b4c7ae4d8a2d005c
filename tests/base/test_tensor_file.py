"""Files of tensors: what is written comes back, and whatever is not as it was written is refused."""

import sys

import pytest
import torch
from safetensors.torch import save_file

from replicate.base import tensor_file
from replicate.base.stage import BadInput


def test_tensors_survive_the_file_and_the_same_give_the_same_bytes(tensors, tmp_path):
    path, again = tmp_path / "folder" / "a.safetensors", tmp_path / "b.safetensors"
    for each in (path, again):
        tensor_file.save(each, tensors, "gan-0 after 250 iterations")
    assert path.read_bytes() == again.read_bytes()
    loaded, origin = tensor_file.load(path)
    assert origin == "gan-0 after 250 iterations"
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert torch.equal(loaded[name], tensor) and loaded[name].dtype == tensor.dtype


def flip(content: bytes, position: int) -> bytes:
    return content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda content: flip(content, len(content) - 1),
        lambda content: flip(content, content.index(b'{"') + 1),
        lambda content: content.replace(b"gan-0", b"gan-1"),
        lambda content: b"",
    ],
    ids=["half", "shortened", "bit in a tensor", "bit in the header", "another origin", "empty"],
)
def test_a_damaged_file_is_refused(damage, tensors, tmp_path):
    path = tmp_path / "a.safetensors"
    tensor_file.save(path, tensors, "gan-0")
    spoiled = damage(path.read_bytes())
    assert spoiled != path.read_bytes()
    path.write_bytes(spoiled)
    with pytest.raises(BadInput):
        tensor_file.load(path)


@pytest.mark.parametrize("metadata", [None, {"origin": "gan-0"}, {"format": "pt"}])
def test_a_file_without_an_origin_or_a_checksum_is_refused(metadata, tensors, tmp_path):
    save_file(tensors, tmp_path / "a.safetensors", metadata)
    with pytest.raises(BadInput, match="it does not say what it is of"):
        tensor_file.load(tmp_path / "a.safetensors")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_refused(value: float, tensors, tmp_path):
    tensor_file.save(tmp_path / "a.safetensors", tensors | {"step": torch.tensor(value)}, "gan-0")
    with pytest.raises(BadInput, match="step is not finite"):
        tensor_file.load(tmp_path / "a.safetensors")


def test_each_flipped_bit_of_a_tensor_changes_the_checksum(tensors):
    found = {tensor_file.checksum(tensors, "gan-0")}
    for bit in range(8):
        found.add(tensor_file.checksum(tensors | {"random": torch.bitwise_xor(tensors["random"], 1 << bit)}, "gan-0"))
    renamed = {"heavy" if name == "weight" else name: tensor for name, tensor in tensors.items()}
    found.add(tensor_file.checksum(renamed, "gan-0"))
    found.add(tensor_file.checksum(tensors | {"weight": tensors["weight"].view(3, 2)}, "gan-0"))
    found.add(tensor_file.checksum(tensors, "gan-1"))
    assert len(found) == 12


def test_the_memory_format_does_not_change_the_checksum():
    image = torch.rand(2, 3, 4, 4)
    other = image.to(memory_format=torch.channels_last)
    assert tensor_file.checksum({"image": image}, "gan-0") == tensor_file.checksum({"image": other}, "gan-0")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of a file's size")
def test_a_file_that_cannot_be_written_to_its_end_is_named_and_leaves_the_old_one(tensors, tmp_path):
    import resource

    path = tmp_path / "a.safetensors"
    tensor_file.save(path, tensors, "gan-0")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"a\.safetensors cannot be written: .*File too large"):
            tensor_file.save(path, {"large": torch.zeros(100_000)}, "gan-0")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert tensor_file.load(path)[0].keys() == tensors.keys()
    assert list(tmp_path.iterdir()) == [path]
