import numpy as np
import pytest
import torch
from conftest import change
from torch import nn

from replicate.base import mnist
from replicate.gan import model
from replicate.gan.latent import Codes
from replicate.gan.model import Model
from replicate.measures import reading


@pytest.mark.parametrize(("variant", "code_std"), [("infogan", "learned"), ("gan", "fixed"), ("infomax", "fixed")])
def test_what_is_read_is_what_the_model_says_whatever_the_batches(variant, code_std, params, digits):
    settings = change(params.settings(variant), networks={"code_std": code_std})
    trained = model.fresh(settings, np.random.SeedSequence(0)).eval()
    with torch.inference_mode():
        trunk = trained.discriminator.features(mnist.as_input(digits))
        logits = trained.head.category_logits(trunk)
        continuous, hidden = trained.head.continuous_codes(trunk), trained.head.hidden(trunk)
    np.testing.assert_allclose(reading.trunk(trained, digits, batch_size=7), trunk, atol=1e-6)
    np.testing.assert_allclose(reading.hidden(trained, digits, batch_size=7), hidden, atol=1e-6)
    category, means = reading.codes(trained, digits, batch_size=7)
    assert np.array_equal(category, logits.argmax(dim=1)) and means.dtype == np.float32
    assert np.array_equal(category, reading.categories(trained, digits, batch_size=9))
    np.testing.assert_allclose(means, continuous, rtol=1e-4, atol=1e-6)


def test_batch_statistics_leave_the_model_as_it_was():
    trained = Model(nn.Sequential(nn.BatchNorm1d(3)), nn.Identity(), nn.Identity()).eval()
    inputs = torch.arange(12.0).view(4, 3)
    before = trained.generator(inputs)
    assert reading.with_batch_statistics(trained).generator(inputs).mean(dim=0).abs().max() < 1e-6
    assert torch.equal(trained.generator(inputs), before) and not trained.generator.training


class Linear(nn.Module):
    """A trunk and a head whose terms of G's loss have the gradients 2 · 0.5 = 1, 3 and 4 − 5 at each pixel."""

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return images

    def logit(self, images: torch.Tensor) -> torch.Tensor:
        return -2 * (images - images.detach())

    def lower_bounds(self, images: torch.Tensor, codes: Codes) -> torch.Tensor:
        return torch.stack([factor * images.sum() / len(images) for factor in (3.0, 4.0, -5.0)])


@pytest.mark.parametrize("batch_size", [8, 16])
def test_the_gradient_is_that_of_an_image_however_large_the_batch(batch_size, params):
    train = {"batch_size": batch_size, "lambda_discrete": 2.0, "lambda_continuous": 0.5}
    settings = change(params.settings("infogan"), train=train)
    linear = Linear()
    generator = nn.Linear(settings.latent.size, 1)
    found = reading.gradient_rms(Model(generator, linear, linear), 32, settings, torch.Generator().manual_seed(0))
    assert found == pytest.approx({"adversarial": 1, "c1": 6, "continuous": 0.5})
