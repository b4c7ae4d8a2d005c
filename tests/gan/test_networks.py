"""Table 1: sizes of layers, shapes, what passes the networks; the critic; layers beside PyTorch's own."""

import pytest
import torch
from conftest import DEVICES, change
from torch import nn

from replicate.gan import information, latent, layers, model, networks
from replicate.gan.latent import Codes
from replicate.parameters import Parameters


def counts(network: nn.Module) -> list[tuple[int, int]]:
    """The numbers of weights (or gains) and biases of each layer that has any."""
    layers = [layer for layer in network.modules() if isinstance(getattr(layer, "weight", None), nn.Parameter)]
    return [(layer.weight.numel(), layer.bias.numel()) for layer in layers]


def test_table_1_has_the_papers_layers(params: Parameters):
    """The counts that stand beside the layers in networks.py, and their sums."""
    built = model.build(params.settings("infogan"))
    generator, discriminator, head = (counts(network) for network in built.children())
    assert generator == [
        *((75_776, 1_024), (1_024, 1_024), (6_422_528, 6_272), (6_272, 6_272)),
        *((131_072, 64), (64, 64), (1_024, 1)),
    ]
    assert discriminator == [*((1_024, 64), (131_072, 128), (128, 128), (6_422_528, 1_024), (1_024, 1_024), (1_024, 1))]
    assert head == [(131_072, 128), (128, 128), (1_792, 14)]
    sums = [sum(parameter.numel() for parameter in network.parameters()) for network in built.children()]
    assert sums == [6_652_481, 6_559_169, 133_262]


def test_the_order_of_layers_is_that_of_the_code_or_of_table_1(params: Parameters):
    released, printed = params.networks, params.networks.model_copy(update={"layer_order": "as_printed"})
    kinds = {order: [type(layer) for layer in networks.Generator(74, order).modules()] for order in (released, printed)}
    first = {order: [of.index(nn.BatchNorm1d), of.index(nn.ReLU)] for order, of in kinds.items()}
    assert first[released] == sorted(first[released]) and first[printed] == sorted(first[printed], reverse=True)
    images = torch.rand(6, 1, 28, 28)
    features = networks.Trunk(printed)(images)
    torch.testing.assert_close(features.mean(dim=0), torch.zeros(1024), atol=1e-5, rtol=0)  # a batchnorm comes last
    assert networks.Trunk(released)(images).mean(dim=0).abs().max() > 0.1


@pytest.fixture(scope="module")
def critic(params: Parameters) -> tuple[networks.CriticHead, torch.Tensor, Codes]:
    """A critic, six features and codes. It has no batch statistics: a pair's score depends on nothing but the pair."""
    head, random = networks.CriticHead(params.settings("infomax")).eval(), torch.Generator().manual_seed(0)
    head.initialise_embeddings(random)
    return head, torch.randn(6, 1024, generator=random), latent.sample(6, params.latent, random)


def test_a_critic_is_as_large_as_qs_head_and_its_logits_are_the_scores_of_categories(critic):
    head, features, codes = critic
    assert sum(parameter.numel() for parameter in head.parameters()) == pytest.approx(133_262, rel=0.1)
    scores = head.scores(features, codes)  # rows are images, columns are codes
    assert [matrix.shape for matrix in scores] == [(6, 6)] * 3
    for i, k in ((0, 0), (1, 4), (5, 2)):
        pair = head.scores(features[i : i + 1], Codes(*(part[k : k + 1] for part in codes)))
        for matrix, score in zip(scores, pair, strict=True):
            torch.testing.assert_close(matrix[i, k], score[0, 0])
    torch.testing.assert_close(head.category_logits(features)[:, codes.category], scores[0])


def test_the_bounds_are_those_of_the_estimator(critic, params: Parameters):
    _, features, codes = critic
    for estimator, of_scores in information.ESTIMATORS.items():
        head = networks.CriticHead(change(params.settings("infomax"), critic={"estimator": estimator})).eval()
        expected = torch.stack([of_scores(scores) for scores in head.scores(features, codes)])
        torch.testing.assert_close(head.lower_bounds(features, codes), expected)


def test_continuous_codes_are_the_means_that_the_scores_imply(critic):
    head, features, codes = critic
    values = torch.linspace(-1, 1, 401)
    grid = Codes(codes.noise[:1], codes.category[:1].expand(401), values[:, None].expand(401, 2))
    for code, scores in enumerate(head.scores(features, grid)[1:]):
        expected = scores.softmax(dim=1) @ values
        torch.testing.assert_close(head.continuous_codes(features)[:, code], expected, atol=5e-3, rtol=0)


@pytest.mark.parametrize("device", DEVICES, ids=str)
@pytest.mark.parametrize(
    ("kind", "sizes", "shape"),
    [
        ("Linear", (7, 5), (3, 7)),
        ("ConvTranspose2d", (6, 4, 4, 2, 1), (3, 6, 7, 5)),
        ("ConvTranspose2d", (6, 1, 4, 2, 1), (3, 6, 7, 5)),
        ("Conv2d", (4, 6, 4, 2, 1), (3, 4, 14, 10)),
        ("Conv2d", (1, 6, 4, 2, 1), (3, 1, 14, 10)),
    ],
)
def test_a_layer_and_its_gradients_are_those_of_pytorch(device, kind: str, sizes, shape, monkeypatch):
    layer, plain = (getattr(module, kind)(*sizes).to(device) for module in (layers, nn))
    layer.load_state_dict(plain.state_dict())
    x = torch.randn(shape, device=device).requires_grad_()
    for onednn in (torch.backends.mkldnn.is_available, lambda: False):
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", onednn)
        found, expected = (
            [output := network(x), *torch.autograd.grad(output.square().sum(), [x, *network.parameters()])]
            for network in (layer, plain)
        )
        torch.testing.assert_close(found, expected)
