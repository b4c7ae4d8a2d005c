import pytest
import torch
from conftest import change, needs_gpu

from replicate.gan import model, step
from replicate.gan.cuda_graph import FIRST, Stepper
from replicate.parameters import Parameters


def trained(variant: str, digits, params: Parameters, recorded: bool) -> list[torch.Tensor]:
    """The weights and the log after a few iterations, with a graph or without one."""
    settings = change(params.settings(variant), train={"batch_size": 16, "iterations": FIRST + 4})
    training = step.start(0, digits, settings, torch.device("cuda"))
    stepper = Stepper(training, settings)
    for iteration in range(settings.train.iterations):
        stepper.iterate(iteration) if recorded else step.iterate(training, iteration, settings)
    return [*model.to_tensors(training.model).values(), training.log.cpu()]


@needs_gpu
@pytest.mark.parametrize("variant", ["infogan", "gan", "infomax", "views"])
def test_a_graph_gives_the_same_bits(variant: str, digits, params: Parameters):
    found, expected = (trained(variant, digits, params, recorded) for recorded in (True, False))
    assert all(torch.equal(*both) for both in zip(found, expected))
