import time

import pytest

from replicate.base.stage import Progress


def test_time_is_counted_from_where_it_resumed_to_where_it_ended(capsys):
    with Progress(desc="train", initial=90, total=100) as progress:
        time.sleep(0.2)
        progress.update(10)
    time.sleep(0.3)
    assert progress.seconds_per_iteration == pytest.approx(0.02, rel=0.4)
    assert "train" in capsys.readouterr().err


def test_what_was_done_before_is_not_timed():
    with Progress(initial=30, total=30) as progress:
        pass
    assert progress.seconds_per_iteration is None


def test_one_that_is_disabled_shows_and_times_nothing(capsys):
    with Progress(total=2, disable=True) as progress:  # as TQDM_DISABLE=1 has it
        progress.update(2)
    assert progress.seconds_per_iteration is None
    assert capsys.readouterr().err == ""


def test_elsewhere_than_in_a_terminal_a_line_is_a_line(capsys):
    with Progress(desc="judge", total=2) as progress:
        progress.update(2)
    assert "\r" not in capsys.readouterr().err
