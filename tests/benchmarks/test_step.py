import pytest
import torch
from conftest import change
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.step import multiply_adds
from replicate.gan import step
from replicate.parameters import Parameters


@pytest.mark.parametrize(("variant", "new_codes"), [("infogan", True), ("infogan", False), ("views", True)])
def test_the_bound_counts_what_an_iteration_does(variant: str, new_codes: bool, digits, small: Parameters, monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)  # whose product the counter does not know
    settings = change(small.settings(variant), train={"new_codes_for_generator": new_codes})
    training = step.start(0, digits, settings, torch.device("cpu"))
    with FlopCounterMode(display=False) as counter:
        step.iterate(training, 0, settings)
    counted = 2 * multiply_adds(settings) * settings.train.batch_size
    assert counter.get_total_flops() == pytest.approx(counted, rel=1e-3)


def test_a_step_of_the_papers_size_is_forty_gigaflop(params: Parameters):
    settings = params.settings("infogan")
    assert 2 * multiply_adds(settings) * settings.train.batch_size == pytest.approx(40.2e9, rel=1e-3)
