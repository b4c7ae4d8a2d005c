import time

from replicate.base.stage import Progress


def test_time_is_counted_from_where_it_resumed_to_where_it_ended(capsys):
    with Progress(desc="train", initial=90, total=100) as progress:
        time.sleep(0.2)
        progress.update(10)
    time.sleep(0.3)
    assert 0.02 <= progress.seconds_per_iteration < 0.045
    shown = capsys.readouterr().err
    assert "train" in shown and "\r" not in shown  # elsewhere than in a terminal a line is a line
    with Progress(initial=30, total=30) as progress:
        pass
    assert progress.seconds_per_iteration is None  # what was done before is not timed
