import pytest
import torch
from conftest import DEVICES
from torch import nn

from replicate.gan import layers


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
    for onednn in (torch.backends.mkldnn.is_available(), False):
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: onednn)
        found, expected = (
            [output := network(x), *torch.autograd.grad(output.square().sum(), [x, *network.parameters()])]
            for network in (layer, plain)
        )
        torch.testing.assert_close(found, expected)


def test_the_gradient_by_parity_is_that_of_the_convolution():
    for size, stride, padding in ((4, 2, 1), (6, 3, 2)):
        x = torch.randn(3, 4, 6 * stride, 5 * stride, dtype=torch.float64).requires_grad_()
        weight = torch.randn(6, 4, size, size, dtype=torch.float64)
        output = nn.functional.conv2d(x, weight, None, stride, padding)
        gradient = torch.randn_like(output)
        (expected,) = torch.autograd.grad(output, x, gradient)
        found = layers.by_parity(weight, gradient, stride, padding)
        torch.testing.assert_close(found, expected[:, :, : found.shape[2], : found.shape[3]])
