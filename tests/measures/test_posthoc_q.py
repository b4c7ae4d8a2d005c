import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import CPU, DEVICES, change
from scipy import stats
from torch import Tensor

from replicate.gan import latent, model
from replicate.gan.model import Model
from replicate.measures import posthoc_q
from replicate.parameters import Parameters

K = 4
LACK = 0.5 * math.log(2 * math.pi * math.e / 12)  # nats, of the best Gaussian for what is uniform over an interval
ONE_EPOCH = {"least_epochs": 1, "most_epochs": 1}


@pytest.fixture(scope="module")
def few(params: Parameters) -> Parameters:
    epochs = {"training_samples": 640, "batch_size": 32, "least_epochs": 3, "most_epochs": 3}
    validation = {"validation_samples": 200, "validate_every": 20, "patience": 3, "test_samples": 500}
    training = {"learning_rate": 0.003, "averaging": 0.8, "components": 3}
    return change(params, latent={"categories": K}, posthoc_q=epochs | validation | training)


def ignorant(inputs: Tensor) -> Tensor:
    """Images that depend on the noise alone."""
    pattern = torch.linspace(0, 6, 784, device=inputs.device).view(1, 1, 28, 28)
    return 0.5 + 0.5 * torch.sin(pattern + 3 * inputs[:, 0].view(-1, 1, 1, 1))


def plain(inputs: Tensor) -> Tensor:
    """Below, a column for each category; above, the signs of c2 and c3."""
    images = ignorant(inputs)
    images[:, 0, 14:] = inputs[:, -2 - K : -2].repeat_interleave(28 // K, dim=1)[:, None]
    images[:, 0, :10] = (inputs[:, -2:] > 0).float().repeat_interleave(14, dim=1)[:, None]
    return images


def half_the_time(inputs: Tensor) -> Tensor:
    """As `plain` where a noise variable is positive, else as `ignorant`."""
    return torch.where(inputs[:, 1, None, None, None] > 0, plain(inputs), ignorant(inputs))


def networks(generator: posthoc_q.Generator) -> Model:
    """A model of a made-up generator whose features are the image; its head takes the columns of `plain` for logits."""
    head = SimpleNamespace(category_logits=lambda images: images[:, 0, 27, :: 28 // K])
    return Model(generator, SimpleNamespace(features=lambda images: images), head)


def measure(generator: posthoc_q.Generator, few: Parameters, device: torch.device = CPU, **options: float) -> dict:
    return posthoc_q.measure(networks(generator), few.latent, few.posthoc_q.model_copy(update=options), device, "")


@pytest.mark.parametrize(("generator", "share"), [(ignorant, 0), (plain, 1), (half_the_time, 0.5)])
def test_bounds_come_close_to_the_known_information_and_do_not_exceed_it(generator, share, few):
    result = measure(generator, few)
    for code, values, lack in ("c1", K, 0.1), ("c2", 2, 0.3), ("c3", 2, 0.3):
        bound, error = result[f"lower_bound_{code}"], result[f"standard_error_{code}"]
        truth = share * math.log(values)
        assert truth - lack < bound < truth + 4 * error + 1e-6  # of a sign there is an edge, which takes long to learn
        assert 0 <= error < 0.05
    for code in ("c2", "c3"):
        bound, error = result[f"gaussian_bound_{code}"], result[f"gaussian_standard_error_{code}"]
        assert truth - 1 < bound < truth - LACK + 4 * error
        assert result[f"gaussian_gap_{code}"] == pytest.approx(result[f"lower_bound_{code}"] - bound)
    assert result["share_c1"] == pytest.approx(result["lower_bound_c1"] / math.log(K))


def test_training_stops_when_the_bound_of_c1_rises_no_more_or_is_cut_off_and_its_last_iteration_is_validated(few):
    options = {"least_epochs": 4, "most_epochs": 20, "validate_every": 4, "least_rise": 0.1, "test_samples": 20}
    options |= {"training_samples": 160, "validation_samples": 100, "learning_rate": 0.01}
    result = measure(ignorant, few, patience=2, **options)
    assert (result["iterations"], result["still_rising"]) == (20, 0)  # not before the least number of epochs
    result = measure(plain, few, patience=6, **options)
    assert 20 < result["iterations"] < 100 and result["still_rising"] == 0 and result["share_c1"] > 0.8
    result = measure(plain, few, **ONE_EPOCH, validate_every=5, least_rise=0, test_samples=20)
    assert (result["iterations"], result["still_rising"]) == (20, 1)
    assert measure(plain, few, **ONE_EPOCH, validate_every=1000, test_samples=20)["lower_bound_c1"] > 0.5


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_the_same_seed_gives_the_same_bits(device: torch.device, few):
    short = {**ONE_EPOCH, "training_samples": 64, "validate_every": 1, "test_samples": 20}
    first, again, other = (measure(plain, few, device, seed=seed, **short) for seed in (0, 0, 1))
    assert first == again != other and first["iterations"] == 2


def test_log_densities_of_mixtures_and_of_gaussians_by_hand():
    codes = torch.tensor([[-1.0, 0.3], [0.9, -0.3]])
    shares = torch.tensor([[0.75, 0.25], [0.5, 0.5]]).log()
    means = torch.tensor([[0.5, -0.9], [0.0, 0.0]])
    log_scales = torch.tensor([[0.5, 0.1], [0.2, 0.2]]).log()
    found = posthoc_q.mixtures(torch.stack([shares, means.atanh(), log_scales], dim=1).expand(2, 2, 3, 2), codes)

    def logistic(x: float, mean: float, scale: float) -> float:
        """The density of a logistic distribution, cut off beyond −1 and 1."""
        whole = stats.logistic(mean, scale)
        return whole.pdf(x) / (whole.cdf(1) - whole.cdf(-1))

    c2 = [math.log(0.75 * logistic(x, 0.5, 0.5) + 0.25 * logistic(x, -0.9, 0.1)) for x in (-1, 0.9)]
    c3 = [math.log(logistic(0.3, 0, 0.2))] * 2
    torch.testing.assert_close(found, torch.tensor([c2, c3]).T)

    outputs = torch.tensor([[0.5, math.log(0.5)], [1.2, math.log(0.1)]])[..., None].expand(2, 2, 2, 1)
    c2, c3 = stats.norm(0.5, 0.5).logpdf([-1, 0.9]), stats.norm(1.2, 0.1).logpdf([0.3, -0.3])
    torch.testing.assert_close(posthoc_q.gaussians(outputs, codes), torch.tensor(np.stack([c2, c3], 1)).float())


def test_the_posteriors_are_densities():
    """So that no bound exceeds the information: of any outputs, the sharpest and the flattest too."""
    n, random = 40_001, torch.Generator().manual_seed(0)
    points = torch.linspace(-1, 1, n)[:, None].expand(-1, 2)
    for outputs in 4 * torch.randn(8, 2, 3, 3, generator=random):
        density = posthoc_q.mixtures(outputs.expand(n, 2, 3, 3), points).double().exp()
        assert torch.trapezoid(density, dx=2 / (n - 1), dim=0).tolist() == pytest.approx([1, 1], abs=1e-3)


def test_the_gap_is_that_to_the_own_head_on_the_same_samples(few):
    result = measure(half_the_time, few, **ONE_EPOCH)
    _, _, _, unseen = np.random.SeedSequence(few.posthoc_q.seed).spawn(4)
    codes = latent.sample(few.posthoc_q.test_samples, few.latent, model.stream(unseen))
    logits = half_the_time(latent.inputs(codes, few.latent))[:, 0, 27, :: 28 // K]
    own = math.log(K) + logits.log_softmax(dim=1).gather(1, codes.category[:, None])[:, 0].double()
    assert result["own_bound_c1"] == pytest.approx(own.mean().item())
    assert result["own_standard_error_c1"] == pytest.approx(own.std().item() / 500**0.5)
    assert result["gap_c1"] == pytest.approx(result["lower_bound_c1"] - result["own_bound_c1"])
    # Where one of them reads little of a sample, so does the other: their difference varies less than each of them.
    unpaired = math.hypot(result["standard_error_c1"], result["own_standard_error_c1"])
    assert 0 < result["gap_standard_error_c1"] < unpaired
