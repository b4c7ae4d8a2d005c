"""The model of a run: its prior, initial weights, batchnorm's population statistics, and its file."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from replicate.base import mnist
from replicate.gan import latent, model
from replicate.gan.model import Model
from replicate.gan.settings import Settings
from replicate.parameters import Parameters


@pytest.fixture(scope="module")
def settings(params: Parameters) -> Settings:
    return params.settings("infogan")


@pytest.fixture(scope="module")
def built(settings: Settings) -> Model:
    """The networks of infogan with their initial weights, in training mode."""
    return model.fresh(settings, np.random.SeedSequence(0))


def test_initial_weights_are_as_in_the_released_code(built: Model):
    assert built.generator.fully_connected[3].weight.std().item() == pytest.approx(0.02, rel=0.01)
    convolution = built.discriminator.features.convolution2
    assert 0.035 < convolution.weight.abs().max() <= 0.04
    assert built.generator.upconvolutional[0].weight.abs().max() > 0.06
    gains = built.generator.fully_connected[4].weight.detach()
    assert gains.mean().item() == pytest.approx(1, abs=0.002) and gains.std().item() == pytest.approx(0.02, rel=0.05)
    assert not any(tensor.any() for name, tensor in model.to_tensors(built).items() if name.endswith("bias"))


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


def test_weights_survive_the_file_and_draw_the_same_images_in_any_batches(built: Model, settings: Settings, tmp_path):
    model.save(tmp_path / "weights.safetensors", built, "infogan-0", 2000)
    loaded = model.load(tmp_path / "weights.safetensors", settings)
    assert not loaded.training
    before, after = model.to_tensors(built), model.to_tensors(loaded)
    assert after.keys() == before.keys() and all(torch.equal(after[name], before[name]) for name in after)
    codes = latent.sample(5, settings.latent, torch.Generator().manual_seed(0))
    images = model.generate(loaded.generator, codes, settings.latent, batch_size=2)
    assert images.shape == (5, 1, 28, 28) and not images.requires_grad
    torch.testing.assert_close(images, loaded.generator(latent.inputs(codes, settings.latent)).detach())


def test_the_prior_is_the_papers(params: Parameters):
    codes = latent.sample(20_000, params.latent, torch.Generator().manual_seed(0))
    assert codes.noise.shape == (20_000, 62) and codes.continuous.shape == (20_000, 2)
    assert torch.bincount(codes.category, minlength=10) / 20_000 == pytest.approx(torch.full((10,), 0.1), abs=0.01)
    for uniform in (codes.noise, codes.continuous):
        assert uniform.min() >= -1 and uniform.max() <= 1
        assert uniform.std() == pytest.approx(1 / math.sqrt(3), rel=0.01)
