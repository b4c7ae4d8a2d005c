"""The model of a run: its initial weights, batchnorm's population statistics, and its file."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from replicate.base import mnist
from replicate.base.parameters import Parameters, Settings
from replicate.gan import latent, model
from replicate.gan.model import Model


@pytest.fixture(scope="module")
def settings(params: Parameters) -> Settings:
    return params.settings("infogan")


@pytest.fixture(scope="module")
def built(settings: Settings) -> Model:
    """The networks of infogan with their initial weights, in training mode."""
    return model.fresh(settings, np.random.SeedSequence(0))


class Saved(NamedTuple):
    path: Path
    tensors: dict[str, Tensor]


@pytest.fixture(scope="module")
def saved(built: Model, tmp_path_factory) -> Saved:
    """The file of the run infogan-0 after 2000 iterations, and what it holds."""
    path = tmp_path_factory.mktemp("saved") / "folder" / "weights.safetensors"
    model.save(path, built, "infogan-0", 2000)
    return Saved(path, {name: tensor.clone() for name, tensor in model.to_tensors(built).items()})


def test_initial_weights_are_as_in_the_released_code(built: Model):
    assert built.generator.fully_connected[3].weight.std().item() == pytest.approx(0.02, rel=0.01)
    convolution = built.discriminator.features.convolution2
    assert 0.035 < convolution.weight.abs().max() <= 0.04
    assert built.generator.upconvolutional[0].weight.abs().max() > 0.06
    gains = built.generator.fully_connected[4].weight.detach()
    assert gains.mean().item() == pytest.approx(1, abs=0.002) and gains.std().item() == pytest.approx(0.02, rel=0.05)
    assert not any(tensor.any() for name, tensor in model.to_tensors(built).items() if name.endswith("bias"))


def test_each_layer_draws_its_own_weights(built: Model):
    """Of layers with as many weights none has those of another."""
    weights = [tensor.flatten()[:64] for name, tensor in model.to_tensors(built).items() if name.endswith("weight")]
    assert len({tuple((tensor - tensor.mean()).sign().tolist()) for tensor in weights}) == len(weights)


def test_batchnorm_is_given_the_statistics_of_what_is_read(settings: Settings, digits):
    """Means over the whole batches: five of eight images here, of the 43 that there are."""
    settled = model.build(settings)
    images = torch.cat([digits, digits[:3]])
    model.settle_batchnorm(settled, images, settings.latent, 8, torch.Generator().manual_seed(0))

    def close(batchnorm: torch.nn.Module, read: list[Tensor]) -> None:
        assert batchnorm.num_batches_tracked == 5
        axes = [axis for axis in range(read[0].dim()) if axis != 1]
        torch.testing.assert_close(batchnorm.running_mean, torch.stack([x.mean(axes) for x in read]).mean(0))
        torch.testing.assert_close(batchnorm.running_var, torch.stack([x.var(axes) for x in read]).mean(0))

    with torch.no_grad():
        trunk = settled.discriminator.features
        batches = mnist.as_input(digits).split(8)
        close(
            trunk.batchnorm2,
            [trunk.convolution2(torch.nn.functional.leaky_relu(trunk.convolution1(x), 0.1)) for x in batches],
        )
        close(settled.head.hidden[1], [settled.head.hidden[0](trunk(x)) for x in batches])
        random = torch.Generator().manual_seed(0)
        inputs = [latent.inputs(latent.sample(8, settings.latent, random), settings.latent) for _ in range(5)]
        close(settled.generator.fully_connected[1], [settled.generator.fully_connected[0](x) for x in inputs])


def test_images_come_in_batches(saved: Saved, settings: Settings):
    generator = model.load(saved.path, settings).generator
    codes = latent.sample(5, settings.latent, torch.Generator().manual_seed(0))
    images = model.generate(generator, codes, settings.latent, batch_size=2)
    assert images.shape == (5, 1, 28, 28) and not images.requires_grad
    torch.testing.assert_close(images, generator(latent.inputs(codes, settings.latent)).detach())


def test_weights_survive_the_file(saved: Saved, settings: Settings):
    loaded = model.load(saved.path, settings)
    assert not loaded.training
    tensors = model.to_tensors(loaded)
    assert tensors.keys() == saved.tensors.keys()
    assert [name for name in tensors if not torch.equal(tensors[name], saved.tensors[name])] == []
