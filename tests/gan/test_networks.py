"""Table 1: sizes of layers, shapes, and what passes the networks."""

import pytest
import torch
from conftest import change
from torch import nn

from replicate.gan import model, networks
from replicate.gan.model import Model
from replicate.parameters import Parameters


@pytest.fixture(scope="module")
def built(params: Parameters) -> Model:
    """The networks of a run, their weights as PyTorch leaves them."""
    return model.build(params.settings("infogan"))


def counts(network: nn.Module) -> list[tuple[int, int]]:
    """The numbers of weights (or gains) and biases of each layer that has any."""
    layers = [layer for layer in network.modules() if isinstance(getattr(layer, "weight", None), nn.Parameter)]
    return [(layer.weight.numel(), layer.bias.numel()) for layer in layers]


def test_table_1_has_the_papers_layers(built: Model):
    """The counts that stand beside the layers in networks.py, and their sums."""
    generator, discriminator, head = (counts(network) for network in built.children())
    assert generator == [
        *((75_776, 1_024), (1_024, 1_024), (6_422_528, 6_272), (6_272, 6_272)),
        *((131_072, 64), (64, 64), (1_024, 1)),
    ]
    assert discriminator == [*((1_024, 64), (131_072, 128), (128, 128), (6_422_528, 1_024), (1_024, 1_024), (1_024, 1))]
    assert head == [(131_072, 128), (128, 128), (1_792, 14)]
    assert [sum(map(sum, layers)) for layers in (generator, discriminator, head)] == [6_652_481, 6_559_169, 133_262]
    for network, layers in zip(built.children(), (generator, discriminator, head), strict=True):
        assert sum(parameter.numel() for parameter in network.parameters()) == sum(map(sum, layers))


def test_batches_keep_their_own_statistics(built: Model):
    trunk = built.discriminator.features
    real, fake = torch.rand(4, 1, 28, 28), 3 * torch.rand(4, 1, 28, 28)
    together = trunk(torch.cat([real, fake]), [4, 4])
    torch.testing.assert_close(together, torch.cat([trunk(real), trunk(fake)]))


def test_the_fixed_std_is_one_and_the_learned_one_is_not(params: Parameters):
    features = torch.randn(6, 1024)
    settings = params.settings("infogan")
    assert networks.RecognitionHead(settings).posterior(features).std.eq(1).all()
    learned = networks.RecognitionHead(change(settings, networks={"code_std": "learned"}))
    std = learned.posterior(features).std
    assert std.gt(0).all() and std.std() > 0


def test_the_order_of_layers_is_that_of_the_code_or_of_table_1(params: Parameters):
    released, printed = params.networks, params.networks.model_copy(update={"layer_order": "as_printed"})
    kinds = {order: [type(layer) for layer in networks.Generator(74, order).modules()] for order in (released, printed)}
    first = {order: [of.index(nn.BatchNorm1d), of.index(nn.ReLU)] for order, of in kinds.items()}
    assert first[released] == sorted(first[released]) and first[printed] == sorted(first[printed], reverse=True)
    images = torch.rand(6, 1, 28, 28)
    features = networks.Trunk(printed)(images)
    torch.testing.assert_close(features.mean(dim=0), torch.zeros(1024), atol=1e-5, rtol=0)  # a batchnorm comes last
    assert networks.Trunk(released)(images).mean(dim=0).abs().max() > 0.1


def test_as_printed_the_mean_logit_of_a_batch_says_nothing_of_its_images(params: Parameters):
    """Batchnorm is then the last layer before D's output, so the mean over real and over generated images is D's bias."""
    printed = params.networks.model_copy(update={"layer_order": "as_printed"})
    discriminator = networks.Discriminator(printed)
    for images in (torch.rand(6, 1, 28, 28), torch.rand(6, 1, 28, 28).round()):
        mean = discriminator.logit(discriminator.features(images)).mean()
        torch.testing.assert_close(mean, discriminator.logit.bias[0], atol=1e-5, rtol=0)
