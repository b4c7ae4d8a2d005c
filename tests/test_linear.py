import pytest
import torch

from replicate.linear import Linear


@pytest.mark.parametrize("onednn", [True, False])
def test_linear_is_a_fully_connected_layer(onednn: bool, monkeypatch):
    if not onednn:
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    layer, plain = Linear(7, 5), torch.nn.Linear(7, 5)
    plain.load_state_dict(layer.state_dict())
    inputs = [torch.randn(3, 7).requires_grad_() for _ in range(2)]
    inputs[1].data.copy_(inputs[0].data)
    outputs = [network(x) for network, x in zip((layer, plain), inputs, strict=True)]
    torch.testing.assert_close(*outputs)
    for output in outputs:
        output.square().sum().backward()
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad)
    torch.testing.assert_close(layer.weight.grad, plain.weight.grad)
    torch.testing.assert_close(layer.bias.grad, plain.bias.grad)
