"""Files: whole or not at all, and whatever is not as it was written is refused."""

import os

import pytest
import torch

from replicate.base import files
from replicate.base.stage import BadInput


def test_a_file_appears_whole_and_in_the_mode_that_others_get(tmp_path):
    path, before = tmp_path / "folder" / "file.txt", os.umask(0o027)
    try:
        with files.whole_file(path) as temporary:
            temporary.touch(0o600)
            temporary.write_text("half")
            assert not path.exists()
            temporary.write_text("whole")
        (tmp_path / "other").touch()
    finally:
        os.umask(before)
    assert path.read_text() == "whole" and list(path.parent.iterdir()) == [path]
    assert path.stat().st_mode == (tmp_path / "other").stat().st_mode


def test_or_not_at_all_and_what_a_kill_left_goes_but_nothing_of_another_file(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    left = [tmp_path / f".{name}-4711" / "half" for name in ("file.txt", "file.txt2", "other.txt")]
    for each in left:
        each.parent.mkdir()
        each.write_text("half")
    with pytest.raises(OSError, match=r"file\.txt cannot be written: .*No space"), files.whole_file(path) as temporary:
        temporary.write_text("half")
        raise OSError("No space left")
    assert path.read_text() == "old"
    assert [each.exists() for each in left] == [False, True, True]


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


def test_a_table_or_an_object_that_would_mislead_is_not_written(tmp_path):
    files.write_csv(tmp_path / "table.csv", [{"a": 1, "b": None}])
    assert (tmp_path / "table.csv").read_bytes() == b"a,b\n1,\n"
    with pytest.raises(ValueError):
        files.write_csv(tmp_path / "other.csv", [{"a": 1}, {"a": 1, "b": 2}])
    with pytest.raises(ValueError):
        files.write_json(tmp_path / "object.json", {"error": float("nan")})
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_the_same_tensors_give_the_same_bytes_and_come_back(tensors, tmp_path):
    path, again = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    for each in (path, again):
        files.save_tensors(each, tensors, "gan-0 after 250 iterations")
    assert path.read_bytes() == again.read_bytes()
    loaded, origin = files.load_tensors(path)
    assert origin == "gan-0 after 250 iterations" and loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert torch.equal(loaded[name], tensor) and loaded[name].dtype == tensor.dtype


def test_damaged_tensors_are_refused(tensors, tmp_path):
    path = tmp_path / "a.safetensors"
    files.save_tensors(path, tensors, "gan-0")
    content = path.read_bytes()
    flipped = content[:-1] + bytes([content[-1] ^ 1])
    for spoiled in (content[: len(content) // 2], content[:-1], flipped, content.replace(b"gan-0", b"gan-1"), b""):
        assert spoiled != content
        path.write_bytes(spoiled)
        with pytest.raises(BadInput, match=r"a\.safetensors (cannot be read|is damaged)"):
            files.load_tensors(path)
