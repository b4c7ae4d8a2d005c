import pytest
import torch
from torch import nn

from replicate.gan.layers import Conv2d, ConvTranspose2d, Linear


@pytest.mark.parametrize("onednn", [True, False])
@pytest.mark.parametrize(
    ("layer", "plain", "shape"),
    [
        (Linear(7, 5), nn.Linear(7, 5), (3, 7)),
        (ConvTranspose2d(6, 4, 4, stride=2, padding=1), nn.ConvTranspose2d(6, 4, 4, stride=2, padding=1), (3, 6, 7, 5)),
        (ConvTranspose2d(6, 1, 4, stride=2, padding=1), nn.ConvTranspose2d(6, 1, 4, stride=2, padding=1), (3, 6, 7, 5)),
        (Conv2d(4, 6, 4, stride=2, padding=1), nn.Conv2d(4, 6, 4, stride=2, padding=1), (3, 4, 14, 10)),
        (Conv2d(1, 6, 4, stride=2, padding=1), nn.Conv2d(1, 6, 4, stride=2, padding=1), (3, 1, 14, 10)),
    ],
)
def test_a_layer_and_its_gradients_are_those_of_pytorch(
    onednn: bool, layer: nn.Module, plain: nn.Module, shape: tuple[int, ...], monkeypatch
):
    if not onednn:
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    layer.load_state_dict(plain.state_dict())
    inputs = [torch.randn(shape).requires_grad_() for _ in range(2)]
    inputs[1].data.copy_(inputs[0].data)
    outputs = [network(x) for network, x in zip((layer, plain), inputs, strict=True)]
    torch.testing.assert_close(*outputs)
    for network, output in zip((layer, plain), outputs, strict=True):
        network.zero_grad()
        output.square().sum().backward()
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad)
    torch.testing.assert_close(layer.weight.grad, plain.weight.grad)
    torch.testing.assert_close(layer.bias.grad, plain.bias.grad)
