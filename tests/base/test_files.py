"""Files: whole or not at all, and whatever is not as it was written is refused."""

import pytest
import torch

from replicate.base import files
from replicate.base.stage import BadInput


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "folder" / "file.txt"
    with files.whole_file(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        temporary.write_text("whole")
    assert path.read_text() == "whole" and list(path.parent.iterdir()) == [path]
    with pytest.raises(OSError, match=r"file\.txt cannot be written: .*No space"), files.whole_file(path) as temporary:
        temporary.write_text("half")
        raise OSError("No space left")
    assert path.read_text() == "whole"


def test_a_place_that_takes_no_output_is_noticed_before(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data").symlink_to("elsewhere")
    with pytest.raises(BadInput, match="data is a symbolic link"):
        files.check_output("data/mnist/images")
    (tmp_path / "runs").write_text("no folder")
    with pytest.raises(OSError, match="runs"):
        files.check_output("runs/gan-0/weights")
    with pytest.raises(BadInput, match="elsewhere is a folder"):
        files.check_output("elsewhere")
    files.check_output("elsewhere/weights")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_the_same_tensors_give_the_same_bytes_and_come_back_and_damaged_ones_are_refused(tensors, tmp_path):
    path, again = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    for each in (path, again):
        files.save_tensors(each, tensors, "gan-0 after 250 iterations")
    content = path.read_bytes()
    assert content == again.read_bytes()
    loaded, origin = files.load_tensors(path)
    assert origin == "gan-0 after 250 iterations" and loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert torch.equal(loaded[name], tensor) and loaded[name].dtype == tensor.dtype
    flipped = content[:-1] + bytes([content[-1] ^ 1])
    for spoiled in (content[: len(content) // 2], content[:-1], flipped, content.replace(b"gan-0", b"gan-1"), b""):
        assert spoiled != content
        path.write_bytes(spoiled)
        with pytest.raises(BadInput, match=r"a\.safetensors (cannot be read|is damaged)"):
            files.load_tensors(path)
