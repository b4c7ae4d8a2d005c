"""Parameters that are broken on purpose: each mistake is named with what was got and what was expected."""

import re
import subprocess
import sys

import pytest
from conftest import ROOT

from replicate import params
from replicate.stage import BadInput

COMMITTED = (ROOT / "params.yaml").read_text()


def test_the_committed_file_is_as_expected(config: params.Params):
    assert config.latent.size == 74
    assert (config.train.learning_rate_discriminator, config.train.learning_rate_generator) == (0.0002, 0.001)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("  iterations: 5000", "  iterations: many", "train.iterations: got 'many', expected to be a valid integer"),
        ("  iterations: 5000", "  iterations: 5000.5", "train.iterations: got 5000.5, expected to be a valid integer"),
        ("  iterations: 5000", "  iterations: 5001", r"iterations: got 5001, expected a multiple of log_every \(10\)"),
        ("  batch_size: 128  ", "  batchsize: 128  ", "train.batch_size: missing\n  train.batchsize: unknown key"),
        ("  batch_size: 128  ", "  batch_size: 56000  ", r"got 56000, expected at most training_images \(55000\)"),
        ("noise: uniform", "noise: laplace", "latent.noise: got 'laplace', expected to be 'uniform' or 'normal'"),
        ("leaky_slope: 0.1", "leaky_slope: -0.1", "networks.leaky_slope: got -0.1, expected to be greater than or equal"),
        ("lambda_discrete: 1.0", "lambda_discrete: .nan", "train.lambda_discrete: got nan, expected to be"),
        ("new_codes_for_generator: true", "new_codes_for_generator: 1", "new_codes_for_generator: got 1, expected to be a"),
        ("averaging: 0.98", "averaging: 1.0", "yardstick.averaging: got 1.0, expected to be less than 1"),
        ("least_rise: 0.002", "least_rise: .inf", "yardstick.least_rise: got inf, expected to be a finite number"),
        ("[10, 100]", "[10, 4]", "represent.labels_per_digit.1: got 4, expected to be greater than or equal to 5"),
        ("penalties: [0.001, 0.01, 0.1, 1.0, 10.0]", "penalties: []", r"represent.penalties: got \[\]"),
        ("- gan ", "- wgan ", "objectives.1: got 'wgan', expected to be 'infogan', 'gan' or 'infomax'"),
        ("seeds: [0]", "seeds: []", r"seeds: got \[\]"),
        ("seeds: [0]", "seeds: [0", "params.yaml cannot be read"),
        ("ba891046", "xyz", "mnist.sha256.train-images-idx3-ubyte: got 'xyz"),
    ],
)
def test_a_mistake_is_named(tmp_path, before, after, message):
    assert before in COMMITTED
    (tmp_path / "params.yaml").write_text(COMMITTED.replace(before, after, 1))
    with pytest.raises(BadInput, match=message):
        params.load(tmp_path / "params.yaml")


def test_a_number_in_scientific_notation_is_a_number(tmp_path):
    text = COMMITTED.replace("learning_rate_discriminator: 0.0002", "learning_rate_discriminator: 2e-4")
    (tmp_path / "params.yaml").write_text(text)
    assert params.load(tmp_path / "params.yaml").train.learning_rate_discriminator == 0.0002


@pytest.mark.parametrize("module", ["mnist", "train", "judge", "evaluate", "yardstick", "represent", "figures", "report"])
def test_every_stage_stops_at_once(tmp_path, module):
    (tmp_path / "params.yaml").write_text(COMMITTED.replace("  epochs: 4", "  epochs: -4"))
    arguments = ["infogan", "0"] if module in ("train", "evaluate", "yardstick", "represent") else []
    command = [sys.executable, "-m", f"replicate.{module}", *arguments]
    done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 1
    assert re.search("judge.epochs: got -4, expected to be greater than 0", done.stderr)
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]
