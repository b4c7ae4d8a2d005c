import errno
import os

import pytest

from replicate.base import stage


def test_a_file_appears_whole(tmp_path):
    path = tmp_path / "folder" / "file.txt"
    with stage.whole_file(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        temporary.write_text("whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (KeyboardInterrupt(), None),
        (OSError(errno.ENOSPC, "No space left"), r"file\.txt cannot be written: .*No space left"),
    ],
)
def test_or_not_at_all(error: BaseException, raised: str | None, tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(type(error), match=raised), stage.whole_file(path) as temporary:
        temporary.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("make", [lambda path: path.mkdir(parents=True), lambda path: path.parent.write_text("a file")])
def test_a_place_that_takes_no_file_is_named_before_and_when_it_is_written(make, tmp_path):
    path = tmp_path / "folder" / "file.txt"
    make(path)
    with pytest.raises((OSError, stage.BadInput), match="folder"):
        stage.check_output(path)
    with pytest.raises(OSError, match=r"file\.txt cannot be written"), stage.whole_file(path) as temporary:
        temporary.write_text("whole")


def test_a_place_behind_a_link_is_refused_and_a_good_one_is_left_empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data").symlink_to("elsewhere")
    with pytest.raises(stage.BadInput, match="data is a symbolic link"):
        stage.check_output("data/mnist/images")
    assert not list((tmp_path / "elsewhere").iterdir())
    stage.check_output("runs/gan-0/weights")
    assert not list((tmp_path / "runs" / "gan-0").iterdir())


def test_what_a_kill_left_is_removed_and_what_is_of_another_file_is_not(tmp_path):
    path = tmp_path / "file.txt"
    left = [tmp_path / f".{name}-4711" / "half" for name in ("file.txt", "file.txt2", "other.txt")]
    for each in left:
        each.parent.mkdir()
        each.write_text("half")
    with stage.whole_file(path) as temporary:
        temporary.write_text("whole")
    assert [each.exists() for each in left] == [False, True, True]


def test_a_file_has_the_mode_that_others_get(tmp_path):
    before = os.umask(0o027)
    try:
        with stage.whole_file(tmp_path / "ours") as temporary:
            temporary.touch(0o600)
        (tmp_path / "other").touch()
    finally:
        os.umask(before)
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (stage.BadInput("key: got 1, expected 2"), "error: key: got 1, expected 2"),
        (PermissionError(errno.EACCES, "Permission denied", "runs"), "error: [Errno 13] Permission denied: 'runs'"),
        (KeyboardInterrupt(), "interrupted"),
        (KeyboardInterrupt("go on"), "interrupted: go on"),
    ],
)
def test_a_stage_ends_with_a_message_and_no_traceback(error: BaseException, message: str):
    def main():
        raise error

    with pytest.raises(SystemExit) as end:
        stage.run(main)
    assert end.value.code == message
