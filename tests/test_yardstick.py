import json
import math

import pytest
import torch
from conftest import change
from torch import nn

from replicate import latent, networks, params, yardstick
from replicate.latent import Codes
from replicate.params import Params
from replicate.stage import BadInput
from replicate.yardstick import Posteriors

K = 4
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def few(config: Params) -> Params:
    return change(
        change(config, "latent", categories=K),
        "yardstick",
        iterations=40,
        batch_size=32,
        learning_rate=0.003,
        averaging=0.8,
        bins=8,
        validation_samples=200,
        validate_every=20,
        patience=2,
        test_samples=500,
    )


def ignorant(inputs: torch.Tensor) -> torch.Tensor:
    """Images that depend on the noise alone."""
    pattern = torch.linspace(0, 6, 784).view(1, 1, 28, 28)
    return 0.5 + 0.5 * torch.sin(pattern + 3 * inputs[:, 0].view(-1, 1, 1, 1))


def plain(inputs: torch.Tensor) -> torch.Tensor:
    """Below, a column for each category; above, the sign of c2. Nothing of c3."""
    images = ignorant(inputs)
    category, positive = inputs[:, -2 - K : -2], (inputs[:, -2] > 0).float()
    images[:, 0, 14:] = category.repeat_interleave(28 // K, dim=1)[:, None]
    images[:, 0, :10] = positive[:, None, None]
    return images


def half_the_time(inputs: torch.Tensor) -> torch.Tensor:
    """As `plain` where a noise variable is positive, else as `ignorant`."""
    return torch.where(inputs[:, 1, None, None, None] > 0, plain(inputs), ignorant(inputs))


@pytest.mark.parametrize(("generator", "share"), [(ignorant, 0), (plain, 1), (half_the_time, 0.5)])
def test_bounds_come_close_to_the_known_information_and_do_not_exceed_it(generator, share, few):
    result = yardstick.measure(generator, few, CPU)
    for code, truth in {"c1": share * math.log(K), "c2": share * math.log(2), "c3": 0}.items():
        bound, error = result[f"lower_bound_{code}"], result[f"standard_error_{code}"]
        assert truth - 0.1 < bound < truth + 4 * error + 1e-6
        assert 0 <= error < 0.05
    assert result["share_c1"] == pytest.approx(result["lower_bound_c1"] / math.log(K))
    for code in ("c2", "c3"):  # a Gaussian fits neither the halves of an interval nor the whole
        assert result[f"lower_bound_{code}"] == result[f"lower_bound_discretised_{code}"]
        assert result[f"lower_bound_discretised_{code}"] > result[f"lower_bound_gaussian_{code}"]


def graded(inputs: torch.Tensor) -> torch.Tensor:
    """c2 as the brightness of the upper half, c3 of the lower one: as much to know of them as the posteriors can say."""
    halves = (inputs[:, -2:, None, None] + 1) / 2
    return halves.repeat_interleave(14, dim=2).reshape(-1, 1, 28, 1).expand(-1, -1, -1, 28)


def test_continuous_codes_that_are_written_plainly_are_read_well(few):
    result = yardstick.measure(graded, change(few, "yardstick", iterations=150), CPU)
    assert result["lower_bound_c2"] > 1.2 and result["lower_bound_c3"] > 1.2
    assert max(result["lower_bound_discretised_c2"], result["lower_bound_discretised_c3"]) <= math.log(8)
    assert abs(result["lower_bound_c1"]) < 0.05


def test_training_stops_when_no_bound_rises_any_more(few):
    picky = change(few, "yardstick", validate_every=2, patience=2, least_rise=0.5, test_samples=20)
    assert yardstick.measure(ignorant, picky, CPU)["iterations"] == 4


def test_the_same_seed_gives_the_same_bits(few):
    def measure(seed: int) -> dict:
        short = change(few, "yardstick", seed=seed, iterations=2, validate_every=1, test_samples=20)
        return yardstick.measure(plain, short, CPU)

    first = measure(0)
    assert first == measure(0) != measure(1)
    assert first["iterations"] == 2


def test_bounds_by_hand():
    codes = Codes(torch.zeros(2, 0), torch.tensor([1, 0]), torch.tensor([[-1.0, 0.3], [0.999, -0.3]]))
    log_std = torch.tensor([[0.0, math.log(0.5)]]).repeat(2, 1)
    bins = torch.tensor([[0.7, 0.1, 0.1, 0.1], [0.1, 0.1, 0.7, 0.1]]).log().repeat(2, 1, 1)
    posteriors = Posteriors(torch.tensor([[0.2, 0.8], [0.2, 0.8]]).log(), torch.zeros(2, 2), log_std, bins)
    density = torch.distributions.Normal(torch.zeros(2), torch.tensor([1.0, 0.5])).log_prob(codes.continuous)
    expected = torch.cat(
        [torch.tensor([[1.6], [0.4]]).log(), density + math.log(2), torch.tensor([[2.8, 2.8], [0.4, 0.4]]).log()], dim=1
    )
    torch.testing.assert_close(yardstick.lower_bounds(posteriors, codes), expected)


def test_a_fresh_network_knows_the_prior_and_nothing_else(few):
    network = yardstick.PosteriorNetwork(few, torch.Generator().manual_seed(0))
    codes = latent.sample(50, few.latent, torch.Generator().manual_seed(1))
    bounds = yardstick.score(network, plain(latent.inputs(codes, few.latent)), codes)
    assert bounds[:, [0, 3, 4]].abs().max() < 1e-6


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"information": {}}', '{"information": {"lower_bound_c1": null}}', None]
)
def test_an_evaluation_without_the_bound_is_bad_input(content, tmp_path):
    path = tmp_path / "evaluation.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadInput, match=r"evaluation\.json"):
        yardstick.read_reported(path)
    path.write_text(json.dumps({"information": {"lower_bound_c1": 2.25}}))
    assert yardstick.read_reported(path) == 2.25


class Ignorant(nn.Module):
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return ignorant(inputs)


@pytest.mark.parametrize(
    ("objective", "estimator", "has_gap"),
    [("infogan", "jensen_shannon", True), ("infomax", "infonce", True), ("infomax", "jensen_shannon", False)],
)
def test_the_gap_is_that_to_the_reported_bound_where_both_are_in_nats(
    objective, estimator, has_gap, few, tmp_path, monkeypatch
):
    config = change(
        change(few, "train", infomax_estimator=estimator, device="cpu"), "yardstick", iterations=1, test_samples=20
    )
    folder = tmp_path / "metrics" / f"{objective}-3"
    folder.mkdir(parents=True)
    (folder / "evaluation.json").write_text('{"information": {"lower_bound_c1": 0.25}}')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["yardstick", objective, "3"])
    monkeypatch.setattr(params, "load", lambda: config)
    monkeypatch.setattr(networks, "load", lambda path, objective, config: networks.Run(Ignorant(), None, None))
    yardstick.main()
    found = json.loads((folder / "yardstick.json").read_text())
    assert found["gap_c1"] == (pytest.approx(found["lower_bound_c1"] - 0.25) if has_gap else None)
