import pytest
import torch
from safetensors.torch import save_file

from replicate import latent, networks
from replicate.params import Params
from replicate.stage import BadInput


def count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_table_1_has_the_papers_parameter_counts(config: Params):
    run = networks.build("infogan", config)
    assert [count(network) for network in run] == [6_652_481, 6_559_169, 133_262]


def test_the_critics_head_is_of_the_size_of_qs(config: Params):
    assert count(networks.CriticHead(config)) == pytest.approx(133_262, rel=0.1)


@pytest.mark.parametrize("objective", ["infogan", "infomax"])
def test_shapes(objective: str, config: Params):
    run = networks.build(objective, config)
    codes = latent.sample(5, config.latent, torch.Generator().manual_seed(0))
    images = run.generator(latent.inputs(codes, config.latent))
    assert images.shape == (5, 1, 28, 28)
    assert 0 <= images.min() and images.max() <= 1
    features = run.discriminator.features(images)
    assert features.shape == (5, 1024)
    assert run.discriminator.logit(features).shape == (5, 1)
    assert run.head.category_logits(features).shape == (5, 10)


def test_batches_keep_their_own_statistics(config: Params):
    trunk = networks.Trunk(config.networks.leaky_slope)
    real, fake = torch.rand(4, 1, 28, 28), 3 * torch.rand(4, 1, 28, 28)
    together = trunk(torch.cat([real, fake]), batches=2)
    torch.testing.assert_close(together, torch.cat([trunk(real), trunk(fake)]))


@pytest.mark.parametrize("onednn", [True, False])
def test_linear_is_a_fully_connected_layer(onednn: bool, monkeypatch):
    if not onednn:
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    layer, plain = networks.Linear(7, 5), torch.nn.Linear(7, 5)
    plain.load_state_dict(layer.state_dict())
    inputs = [torch.randn(3, 7).requires_grad_() for _ in range(2)]
    inputs[1].data.copy_(inputs[0].data)
    outputs = [network(x) for network, x in zip((layer, plain), inputs)]
    torch.testing.assert_close(*outputs)
    for output in outputs:
        output.square().sum().backward()
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad)
    torch.testing.assert_close(layer.weight.grad, plain.weight.grad)
    torch.testing.assert_close(layer.bias.grad, plain.bias.grad)


def test_initial_weights_are_as_in_the_released_code(config: Params):
    run = networks.build("infogan", config)
    networks.initialise(run, torch.Generator().manual_seed(0))
    assert run.generator.fully_connected[3].weight.std().item() == pytest.approx(0.02, rel=0.01)
    convolution = run.discriminator.features.convolution2
    assert convolution.weight.abs().max() <= 0.04
    assert not convolution.bias.any()
    gains = run.generator.fully_connected[4].weight.detach()
    assert gains.mean().item() == pytest.approx(1, abs=0.002) and gains.std().item() == pytest.approx(0.02, rel=0.05)


def test_the_fixed_std_is_one_and_the_learned_one_is_not(config: Params):
    features = torch.randn(6, 1024)
    assert networks.RecognitionHead(config).posterior(features).std.eq(1).all()
    learned = config.model_copy(update={"networks": config.networks.model_copy(update={"code_std": "learned"})})
    std = networks.RecognitionHead(learned).posterior(features).std
    assert std.gt(0).all() and std.std() > 0


def test_weights_survive_the_file(tmp_path, config: Params):
    run = networks.build("infomax", config)
    save_file(networks.to_tensors(run), tmp_path / "weights.safetensors")
    loaded = networks.load(tmp_path / "weights.safetensors", "infomax", config)
    assert not loaded.generator.training
    for key, tensor in networks.to_tensors(loaded).items():
        assert torch.equal(tensor, networks.to_tensors(run)[key])


def test_wrong_weights_are_refused(tmp_path, config: Params):
    with pytest.raises(BadInput, match="absent.safetensors"):
        networks.load(tmp_path / "absent.safetensors", "infogan", config)
    save_file(networks.to_tensors(networks.build("infomax", config)), tmp_path / "other.safetensors")
    with pytest.raises(BadInput, match="not the weights of a finished infogan training"):
        networks.load(tmp_path / "other.safetensors", "infogan", config)
