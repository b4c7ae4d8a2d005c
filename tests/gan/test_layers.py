import pytest
import torch
from torch import nn

from replicate.gan import layers


@pytest.mark.parametrize("onednn", [True, False])
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
def test_a_layer_and_its_gradients_are_those_of_pytorch(onednn: bool, kind: str, sizes, shape, monkeypatch):
    if not onednn:
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    layer, plain = getattr(layers, kind)(*sizes), getattr(nn, kind)(*sizes)
    layer.load_state_dict(plain.state_dict())
    x = torch.randn(shape).requires_grad_()
    found, expected = (
        [output := network(x), *torch.autograd.grad(output.square().sum(), [x, *network.parameters()])]
        for network in (layer, plain)
    )
    torch.testing.assert_close(found, expected)
