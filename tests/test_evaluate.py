import csv
import json
import math

import numpy as np
import pytest
import torch
from replicate import evaluate, networks, params
from replicate.stage import BadInput
from torch import nn

LEVELS = 0.4 + 0.06 * torch.arange(10)  # brightness of the bars that the made generator draws for each category
DIGITS = torch.tensor([3, 1, 4, 0, 5, 9, 2, 6, 8, 7])  # and the digit that the made judge takes each for
LOG = {
    "iteration": np.arange(10.0, 2001, 10),
    "loss_discriminator": np.where(np.arange(10.0, 2001, 10) > 1000, 1.0, 0.2),
    "information_c1": np.minimum(np.arange(10.0, 2001, 10) / 500, 1) * math.log(10),
}


class Bars(nn.Module):
    """A generator (N, 74) -> (N, 1, 28, 28): c1 sets a bar's brightness, c2 widens it, c3 turns it left."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        y, x = torch.meshgrid(torch.arange(28) - 13.5, torch.arange(28) - 13.5, indexing="ij")
        widening, turning = inputs[:, -2, None, None], inputs[:, -1, None, None]
        distance = (x - (0.1 * turning).tan() * y).abs()
        bars = ((8 + widening) / 2 + 0.5 - distance).clamp(0, 1) * (y.abs() < 9)
        return (bars * LEVELS[inputs[:, -12:-2].argmax(dim=1), None, None])[:, None]


class Reader(nn.Module):
    """A trunk whose only feature is the brightness."""

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1).amax(dim=1, keepdim=True)


class Levels(nn.Module):
    """A head that knows which brightness is which category, and nothing of c2 and c3."""

    def category_logits(self, features: torch.Tensor) -> torch.Tensor:
        return -2000 * (features - LEVELS).abs()

    def posterior(self, features: torch.Tensor) -> networks.Posterior:
        zeros = torch.zeros(len(features), 2)
        return networks.Posterior(self.category_logits(features), zeros, zeros + 1)


RUN = networks.Run(Bars(), Reader(), Levels())


def judged(images: torch.Tensor) -> torch.Tensor:
    """A judge that knows the digits, and doubts them where the bar is wider than any in training."""
    seen = Levels().category_logits(Reader().features(images)).argmax(dim=1)
    probabilities = torch.full((len(images), 10), 0.01)
    probabilities[torch.arange(len(images)), DIGITS[seen]] = 0.91
    too_wide = images[:, 0, 14].sum(dim=1) / Reader().features(images)[:, 0] > 9.05
    return torch.where(too_wide[:, None], torch.full((10,), 0.1), probabilities)


@pytest.fixture(scope="module")
def config() -> params.Params:
    config = params.load()
    few = {"samples_per_category": 24, "traversals_per_category": 2, "traversal_values": [-2.0, -1.0, 0.0, 1.0, 2.0]}
    train = config.train.model_copy(update={"batch_size": 16})
    return config.model_copy(update={"evaluate": config.evaluate.model_copy(update=few), "train": train})


def labelled(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images uint8 (N, 28, 28) of bars of all ten brightnesses, and their digits."""
    category = torch.arange(n) % 10
    inputs = torch.zeros(n, 74)
    inputs[torch.arange(n), 62 + category] = 1
    return (255 * Bars()(inputs)[:, 0]).round().to(torch.uint8), DIGITS[category]


@pytest.fixture(scope="module")
def evaluation(config: params.Params) -> evaluate.Evaluation:
    return evaluate.evaluate(RUN, judged, labelled(100), labelled(40), LOG, config)


def test_a_run_that_does_all_the_paper_says_scores_so(evaluation):
    metrics = evaluation.metrics
    assert metrics["classification"] == pytest.approx(
        {"error_one_to_one": 0, "error_majority": 0, "digits_reached": 10, "nmi": 1, "ari": 1}
    )
    assert metrics["purity"] == {
        "mean": 1,
        "lowest": 1,
        "digits_reached": 10,
        "by_category": [1] * 10,
        "digit_of_category": DIGITS.tolist(),
    }
    assert (metrics["rotation"]["code"], metrics["rotation"]["sign"]) == ("c3", -1)
    assert (metrics["width"]["code"], metrics["width"]["sign"]) == ("c2", 1)
    assert metrics["rotation"]["slant_range"] == pytest.approx(0.4, abs=0.02)
    # A quarter of the images beyond 1 is too wide. Where the judge doubts, it says 0: right for one category of ten.
    assert metrics["extrapolation"] == pytest.approx(
        {f"agreement_{where}": 1 for where in ("within_1", "at_1")}
        | {f"confidence_{where}": 0.91 for where in ("within_1", "at_1")}
        | {f"agreement_{where}": 0.775 for where in ("at_1_5", "at_2")}
        | {f"confidence_{where}": 0.7075 for where in ("at_1_5", "at_2")}
        | {"relative_agreement_at_2": 0.775}
    )
    assert metrics["convergence"]["iterations_information"] < 600
    assert metrics["convergence"]["iterations_adversarial"] == pytest.approx(1095, abs=5)


def test_information_comes_from_the_log_and_from_fresh_codes(evaluation):
    information = evaluation.metrics["information"]
    assert information["entropy_c1"] == pytest.approx(math.log(10))
    assert information["share_at_1000"] == pytest.approx(1)
    assert information["iterations_to_95_percent"] == 480  # the first row at or above 0.95 · 500
    assert information["share_at_end"] == pytest.approx(1, abs=1e-4)
    # log 2 − ½ log 2π − E[c²] / 2, of a Q that knows nothing of c2, c3 ~ Unif(−1, 1)
    expected = math.log(2) - 0.5 * math.log(2 * math.pi) - 1 / 6
    assert information["lower_bound_c2"] == pytest.approx(expected, abs=0.05)
    assert information["lower_bound_c3"] == pytest.approx(expected, abs=0.05)


def test_tables(evaluation):
    assert len(evaluation.confusion) == 40
    assert all(row["actual"] == row["predicted"] for row in evaluation.confusion)
    assert len(evaluation.traversal) == 2 * 5 * 10


def test_information_that_never_rises_or_ends_early_is_none():
    log = {"iteration": np.arange(10.0, 501, 10), "information_c1": np.full(50, 0.1)}
    information = evaluate.measure_information(log, [0.1, 0.0, 0.0], math.log(10))
    assert information["lower_bound_c1_at_1000"] is None
    assert information["share_at_1000"] is None
    assert information["iterations_to_95_percent"] is None


@pytest.mark.parametrize("objective", ["infogan", "infomax"])
def test_real_networks_same_seed_same_numbers_and_weights_untouched(objective, config):
    run = networks.build(objective, config)
    networks.initialise(run, torch.Generator().manual_seed(0))
    for network in run:
        network.eval()
    before = {name: tensor.clone() for name, tensor in networks.to_tensors(run).items()}
    bounds = [evaluate.lower_bounds(run, config, torch.Generator().manual_seed(0)) for _ in range(2)]
    assert bounds[0] == bounds[1]
    assert all(torch.equal(tensor, before[name]) for name, tensor in networks.to_tensors(run).items())
    assert not any(network.training for network in run)
    images, _ = labelled(30)
    found = evaluate.categories(run, images)
    assert np.array_equal(found, evaluate.categories(run, images, batch_size=7))
    assert found.shape == (30,) and found.min() >= 0 and found.max() < 10


def test_written_files_read_back(evaluation, tmp_path):
    evaluate.write(tmp_path, evaluation)
    assert json.loads((tmp_path / "evaluation.json").read_text()) == evaluation.metrics
    with open(tmp_path / "traversal.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["code", "value", "category", "slant", "width", "thickness"]
    assert [float(row["slant"]) for row in rows] == [row["slant"] for row in evaluation.traversal]
    assert (tmp_path / "confusion.csv").read_text().splitlines()[:2] == ["actual,predicted", "3,3"]


def test_nan_is_never_written(evaluation, tmp_path):
    with pytest.raises(ValueError):
        evaluate.write(tmp_path, evaluation._replace(metrics={"purity": {"mean": math.nan}}))
    assert not list(tmp_path.iterdir())


def test_log_is_read_by_the_names_of_its_columns(tmp_path):
    path = tmp_path / "training.csv"
    path.write_text("iteration,loss_generator,information_c1,loss_discriminator\n10,9,0.5,1.25\n")
    assert {name: values.tolist() for name, values in evaluate.read_log(path).items()} == {
        "iteration": [10],
        "loss_discriminator": [1.25],
        "information_c1": [0.5],
    }


@pytest.mark.parametrize(
    "content",
    [
        "",
        "iteration\n10\n",
        "iteration,loss_discriminator\n10,1\n",
        "iteration,loss_discriminator,information_c1\n",
        "iteration,loss_discriminator,information_c1\n10,1,nan\n",
        "iteration,loss_discriminator,information_c1\n10,1,2\n20,1\n",
        "iteration,loss_discriminator,information_c1\n10,1,many\n",
    ],
)
def test_a_damaged_log_is_bad_input(content, tmp_path):
    path = tmp_path / "training.csv"
    path.write_text(content)
    with pytest.raises(BadInput, match="training.csv"):
        evaluate.read_log(path)


def test_a_missing_log_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match="training.csv"):
        evaluate.read_log(tmp_path / "training.csv")
