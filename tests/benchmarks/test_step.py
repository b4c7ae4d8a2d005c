import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import step
from replicate import train
from replicate.params import Params


@pytest.mark.parametrize("new_codes", [True, False])
def test_the_bound_counts_what_an_iteration_does(new_codes: bool, digits, small: Params, monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)  # PyTorch's counter does not know its product
    config = small.model_copy(update={"train": small.train.model_copy(update={"new_codes_for_generator": new_codes})})
    training = train.start("infogan", 0, digits, config, torch.device("cpu"))
    with FlopCounterMode(display=False) as counter:
        train.iterate(training, "infogan", 0, config)
    counted = 2 * step.multiply_adds(config) * config.train.batch_size
    assert counter.get_total_flops() == pytest.approx(counted, rel=1e-3)


def test_a_step_of_the_papers_size_is_forty_gigaflop(config: Params):
    assert 2 * step.multiply_adds(config) * config.train.batch_size == pytest.approx(40.2e9, rel=1e-3)


def test_shares_are_of_the_whole(digits, small: Params):
    training = train.start("infogan", 0, digits, small, torch.device("cpu"))
    shares = step.shares(training, small)
    assert sum(shares.values()) == pytest.approx(1)
    assert shares.keys() == {*step.KINDS, "rest"}
    assert all(share > 0 for share in shares.values())  # every kind of operation is found by its name
