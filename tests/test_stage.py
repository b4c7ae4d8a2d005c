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


def test_json_comes_back_as_it_was_written(tmp_path):
    content = {"purity": {"mean": 0.1, "by_category": [1, 0.5]}, "code": "c2", "none": None}
    stage.write_json(tmp_path / "metrics.json", content)
    assert stage.read_json(tmp_path / "metrics.json") == content


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"a": ', "cannot be read"),
        ('{"a": {"b": NaN}}', r"a\.b: got NaN, expected a finite number"),
        ('{"a": -Infinity}', "a: got -Infinity"),
        ('{"a": [1, 1e999]}', r"a\.1: got Infinity"),
        ('{"a": true}', "a: got true"),
        ("[1]", r"got \[1\], expected an object"),
        ("null", "got null, expected an object"),
        ("true", "got true, expected an object"),
        ("NaN", "got NaN, expected an object"),
        ("", "cannot be read"),
    ],
)
def test_json_that_holds_no_metrics_is_refused_naming_file_and_key(tmp_path, content, said):
    path = tmp_path / "metrics.json"
    path.write_text(content)
    with pytest.raises(stage.BadInput, match=said) as refusal:
        stage.read_json(path)
    assert str(path) in str(refusal.value)


def test_json_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(stage.BadInput, match="metrics.json cannot be read"):
        stage.read_json(tmp_path / "metrics.json")
