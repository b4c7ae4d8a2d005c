"""Files of tensors: what is written comes back, and whatever is not as it was written is refused."""

import sys

import pytest
import torch

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


def test_values_names_shapes_and_origin_are_in_the_checksum(tensors):
    flipped = tensors | {"random": torch.bitwise_xor(tensors["random"], 1)}
    renamed = {"heavy" if name == "weight" else name: tensor for name, tensor in tensors.items()}
    reshaped = tensors | {"weight": tensors["weight"].view(3, 2)}
    found = {tensor_file.checksum(each, "gan-0") for each in (tensors, flipped, renamed, reshaped)}
    assert len(found | {tensor_file.checksum(tensors, "gan-1")}) == 5


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
