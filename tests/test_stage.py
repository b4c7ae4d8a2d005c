import pytest

from replicate import stage


def test_a_file_appears_whole(tmp_path):
    path = tmp_path / "folder" / "file.txt"
    with stage.whole_file(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        temporary.write_text("whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_or_not_at_all(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), stage.whole_file(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_bad_input_ends_the_process_with_its_message(capsys):
    def main():
        raise stage.BadInput("key: got 1, expected 2")

    with pytest.raises(SystemExit) as end:
        stage.run(main)
    assert end.value.code == "error: key: got 1, expected 2"
