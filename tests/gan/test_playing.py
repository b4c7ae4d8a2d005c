import pytest
import torch
from conftest import CPU, change, needs_gpu
from replicate.gan.playing import FIRST, Playing

from replicate.gan import game, model
from replicate.parameters import Parameters


def played(device: torch.device, variant: str, digits, params: Parameters, recorded: bool) -> list[torch.Tensor]:
    """The weights and the log after a few iterations, with a graph or without one."""
    settings = change(params.settings(variant), train={"batch_size": 16, "iterations": FIRST + 4})
    training = game.start(0, digits, settings, device)
    playing = Playing(training, settings)
    for iteration in range(settings.train.iterations):
        playing.iterate(iteration) if recorded else game.iterate(training, iteration, settings)
    return [*model.to_tensors(training.model).values(), training.log.cpu()]


@needs_gpu
@pytest.mark.parametrize("variant", ["infogan", "gan", "infomax", "views"])
def test_a_graph_plays_the_same_game(variant: str, digits, params: Parameters):
    found, expected = (played(torch.device("cuda"), variant, digits, params, recorded) for recorded in (True, False))
    assert all(torch.equal(*both) for both in zip(found, expected))


def test_without_a_gpu_there_is_no_graph(digits, params: Parameters):
    found, expected = (played(CPU, "gan", digits, params, recorded) for recorded in (True, False))
    assert all(torch.equal(*both) for both in zip(found, expected))
