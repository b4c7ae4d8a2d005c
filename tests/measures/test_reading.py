import numpy as np
import pytest
import torch
from conftest import change
from torch import nn

from replicate.base import mnist
from replicate.base.parameters import Parameters
from replicate.gan import model
from replicate.gan.latent import Codes
from replicate.gan.model import Model
from replicate.measures import reading


def fresh(params: Parameters, variant: str) -> Model:
    """A model with initial weights, in evaluation mode."""
    built = model.build(params.settings(variant))
    model.initialise(built, np.random.SeedSequence(0))
    return built.eval()


@pytest.mark.parametrize("variant", ["infogan", "infomax"])
def test_categories_do_not_depend_on_the_batches(variant, small, digits):
    trained = fresh(small, variant)
    found = reading.categories(trained, digits)
    assert found.shape == (40,) and found.min() >= 0 and found.max() < 10
    assert np.array_equal(found, reading.categories(trained, digits, batch_size=7))


@pytest.mark.parametrize("variant", ["infogan", "infomax"])
def test_codes_are_the_categories_and_what_the_head_expects_of_the_continuous_ones(variant, small, digits):
    trained = fresh(small, variant)
    category, continuous = reading.codes(trained, digits, batch_size=7)
    assert np.array_equal(category, reading.categories(trained, digits))
    assert continuous.shape == (40, 2) and continuous.dtype == np.float32
    with torch.inference_mode():
        features = trained.discriminator.features(mnist.as_input(digits[:9]))
        expected = trained.head.continuous_codes(features).numpy()
    np.testing.assert_allclose(continuous[:9], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("variant", ["infogan", "infomax"])
def test_the_same_seed_gives_the_same_bounds_and_leaves_the_weights(variant, small):
    trained, settings = fresh(small, variant), small.settings(variant)
    before = {name: tensor.clone() for name, tensor in model.to_tensors(trained).items()}
    first, again, other = (
        reading.lower_bounds(trained, 24, settings, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert len(first) == 3 and first == again != other
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.to_tensors(trained).items())
    assert not trained.training


class Counting(nn.Module):
    """A head that says how many images it was given, and remembers it."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def lower_bounds(self, features: torch.Tensor, codes: Codes) -> torch.Tensor:
        assert len(features) == len(codes.category)
        self.batches.append(len(features))
        return torch.tensor([len(self.batches), 0.0, -1.0])


class Through(nn.Module):
    def features(self, images: torch.Tensor) -> torch.Tensor:
        return images


@pytest.mark.parametrize(("samples", "batches"), [(8, 1), (31, 3), (5, 1)])
def test_bounds_are_the_mean_over_whole_batches_and_over_one_at_least(samples, batches, small):
    head = Counting()
    trained = Model(nn.Identity(), Through(), head)
    bounds = reading.lower_bounds(trained, samples, small.settings("infogan"), torch.Generator().manual_seed(0))
    assert head.batches == [8] * batches
    assert bounds == [(batches + 1) / 2, 0, -1]


class Linear(nn.Module):
    """A trunk and a head whose terms of G's loss have the gradients 2 · 0.5 = 1, 3 and 4 − 5 at each pixel."""

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return images

    def logit(self, images: torch.Tensor) -> torch.Tensor:
        return -2 * (images - images.detach())

    def lower_bounds(self, images: torch.Tensor, codes: Codes) -> torch.Tensor:
        return torch.stack([factor * images.sum() / len(images) for factor in (3.0, 4.0, -5.0)])


@pytest.mark.parametrize("batch_size", [8, 16])
def test_pulls_are_gradients_of_an_image_however_large_the_batch(batch_size, small):
    train = {"batch_size": batch_size, "lambda_discrete": 2.0, "lambda_continuous": 0.5}
    settings = change(small.settings("infogan"), train=train)
    linear = Linear()
    generator = nn.Linear(settings.latent.size, 1)
    found = reading.pulls(Model(generator, linear, linear), 32, settings, torch.Generator().manual_seed(0))
    assert found == pytest.approx({"adversarial": 1, "c1": 6, "continuous": 0.5})


@pytest.mark.parametrize(
    ("variant", "code_std", "outputs"), [("infogan", "learned", 14), ("gan", "fixed", 12), ("infomax", "fixed", 48)]
)
def test_layers_are_those_of_the_model(variant, code_std, outputs, small, digits):
    trained = fresh(change(small, networks={"code_std": code_std}), variant)
    layers = reading.layers(trained, digits, batch_size=7)
    assert {name: layer.shape for name, layer in layers.items()} == {
        "posterior_c1": (40, 10), "head_outputs": (40, outputs), "head_hidden": (40, 128), "trunk": (40, 1024)
    }  # fmt: skip
    np.testing.assert_allclose(layers["posterior_c1"].sum(axis=1), 1, rtol=1e-5)
    with torch.no_grad():
        trunk = trained.discriminator.features(digits[:, None].float() / 255)
        expected = trained.head.category_logits(trunk).log_softmax(dim=1)
    np.testing.assert_allclose(layers["trunk"], trunk, atol=1e-6)
    np.testing.assert_allclose(np.log(layers["posterior_c1"]), expected, atol=1e-5)
    assert np.array_equal(layers["posterior_c1"].argmax(axis=1), reading.categories(trained, digits))
