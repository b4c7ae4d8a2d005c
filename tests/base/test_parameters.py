"""Parameters that are broken on purpose: each mistake is named with what was got and what was expected."""

import importlib
import math
import re
import sys
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, change
from ruamel.yaml import YAML

from replicate.base import parameters
from replicate.base.parameters import Parameters
from replicate.base.stage import BadInput

COMMITTED = (ROOT / "params.yaml").read_text()


def load(changes: dict[str, Any], folder: Path) -> Parameters:
    """The committed parameters with other values at some keys; `...` takes a key out."""
    content = YAML(typ="safe").load(COMMITTED)
    for key, value in changes.items():
        *groups, last = key.split(".")
        group = reduce(getitem, groups, content)
        if value is ...:
            del group[last]
        else:
            group[last] = value
    YAML().dump(content, folder / "params.yaml")
    return parameters.load(folder / "params.yaml")


def test_the_committed_file_is_as_expected(params: Parameters):
    assert params.latent.size == 74
    assert (params.train.learning_rate_discriminator, params.train.learning_rate_generator) == (0.0002, 0.001)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("train.iterations", "many", "train.iterations: got 'many', expected to be a valid integer"),
        ("train.iterations", 5000.5, "train.iterations: got 5000.5, expected to be a valid integer"),
        ("train.iterations", 5001, r"iterations: got 5001, expected a multiple of log_every \(10\)"),
        ("train.milestones", [100, 105], r"milestones: got 105, expected a multiple of log_every \(10\)"),
        ("train.milestones", [300, 250], r"milestones: got \[300, 250\], expected ascending iterations, each once"),
        ("train.milestones", [250, 250], r"milestones: got \[250, 250\], expected ascending iterations, each once"),
        ("train.batch_size", ..., "train.batch_size: missing"),
        ("train.batchsize", 128, r"train.batchsize: unknown key \(got 128, expected no such key\)"),
        ("train.batch_size", 56000, r"got 56000, expected at most training_images \(55000\)"),
        ("train.batchnorm_images", 100, r"got 100, expected batch_size \(128\) to training_images \(55000\)"),
        ("train.batchnorm_images", 55001, r"got 55001, expected batch_size \(128\) to training_images \(55000\)"),
        ("train.lambda_discrete", math.nan, "train.lambda_discrete: got nan, expected to be"),
        ("train.new_codes_for_generator", 1, "train.new_codes_for_generator: got 1, expected to be a"),
        ("latent.noise", "laplace", "latent.noise: got 'laplace', expected to be 'uniform' or 'normal'"),
        ("networks.leaky_slope", -0.1, "networks.leaky_slope: got -0.1, expected to be greater than or equal"),
        ("objective", "wgan", "objective: got 'wgan', expected to be 'infogan', 'gan' or 'infomax'"),
        ("yardstick.averaging", 1.0, "yardstick.averaging: got 1.0, expected to be less than 1"),
        ("yardstick.least_rise", math.inf, "yardstick.least_rise: got inf, expected to be a finite number"),
        ("yardstick.least_epochs", 9, r"least_epochs: got 9, expected at most most_epochs \(8\)"),
        (
            "represent.labels_per_digit",
            [10, 4],
            "represent.labels_per_digit.1: got 4, expected to be greater than or equal",
        ),
        ("represent.style_images", 399, "style_images: got 399, expected 400 or more for labels_per_digit"),
        ("train.digits", [3, 1], r"digits: got \[3, 1\], expected ascending digits, each once"),
        ("train.digits", [3], r"train.digits: got \[3\]"),
        ("explorer.grid_values", 1, "explorer.grid_values: got 1, expected to be greater than or equal"),
        ("explorer.grid_values", 10**30, "explorer.grid_values: got 1000.*, expected to be less than or equal to 100"),
        (
            "explorer.milestones",
            [250, 300],
            r"explorer.milestones: got \[300\], expected some of train.milestones of infogan",
        ),
        ("explorer.draws", 10**6, "explorer.draws: got 1000000, expected to be less than or equal to 100"),
        ("represent.penalties", [], r"represent.penalties: got \[\]"),
        ("mnist.sha256.train-images-idx3-ubyte", "xyz", "mnist.sha256.train-images-idx3-ubyte: got 'xyz'"),
        ("machine.checkpoint_every", 0, "machine.checkpoint_every: got 0, expected to be greater than 0"),
        ("machine.device", "tpu", "machine.device: got 'tpu', expected to be 'auto', 'cpu', 'cuda' or 'mps'"),
        ("latent.categories", 10**9, "latent.categories: got 1000000000, expected to be less than or equal to 1000"),
        ("evaluate.bound_samples", 10**12, "evaluate.bound_samples: got 1000000000000, expected to be less than"),
        # Runs.
        ("runs.seeds", 0, "runs.seeds: got 0, expected to be a valid list"),
        (
            "runs.variants",
            ["gan", "wgan"],
            r"runs.variants: got \['wgan'\], expected names of variants: infogan, gan, infomax",
        ),
        ("runs.variants", ["gan", "gan"], r"runs.variants: got \['gan', 'gan'\], expected each once"),
        ("runs.variants", [], r"runs.variants: got \[\]"),
        ("runs.seeds", [0, 0], r"runs.seeds: got \[0, 0\], expected each once"),
        ("runs.seeds", [-1], "runs.seeds.0: got -1, expected to be greater than or equal to 0"),
        ("runs.seeds", [], r"runs.seeds: got \[\]"),
        # A variant, here one named k20.
        (
            "variants.k20",
            {"latent": {"categoriez": 20}},
            r"variants.k20.latent.categoriez: unknown key \(got 20, expected no",
        ),
        (
            "variants.k20",
            {"latent": {"categories": "many"}},
            "variants.k20.latent.categories: got 'many', expected to be a",
        ),
        ("variants.k20", {"laten": {"categories": 20}}, "variants.k20.laten: unknown key"),
        ("variants.k20", {"latent": 20}, "variants.k20.latent: got 20, expected to be"),
        ("variants.k20", {"judge": {"epochs": 2}}, "variants.k20.judge: unknown key"),
        ("variants.k20", {"machine": {"device": "cpu"}}, "variants.k20.machine: unknown key"),
        (
            "variants.k20",
            {"train": {"iterations": 5005}},
            "variants.k20.train: iterations: got 5005, expected a multiple of",
        ),
        ("variants.k20", 20, "variants.k20: got 20, expected to be a valid dictionary"),
        ("variants.K20", {}, "variants.K20"),
        (
            "variants.gan.objective",
            "wgan",
            "variants.gan.objective: got 'wgan', expected to be 'infogan', 'gan' or 'infomax'",
        ),
        # The claims and the reports know an objective by its variant's name.
        ("variants.gan.objective", ..., "variants.gan.objective: got 'infogan', expected 'gan'"),
        ("variants.infomax", {}, "variants.infomax.objective: got 'infogan', expected 'infomax'"),
        ("objective", "gan", "variants.infogan.objective: got 'gan', expected 'infogan'"),
        # The critic belongs to infomax.
        ("variants.infomax.critic", ..., "variants.infomax.critic: got None, expected one for the objective infomax"),
        (
            "variants.infomax.objective",
            ...,
            "variants.infomax.critic: got Critic.*, expected one for the objective infomax",
        ),
        (
            "variants.infomax.critic.estimator",
            "mine",
            "variants.infomax.critic.estimator: got 'mine', expected to be 'infonce', ",
        ),
    ],
)
def test_a_mistake_is_named(tmp_path, key: str, value: Any, message: str):
    with pytest.raises(BadInput, match=message):
        load({key: value}, tmp_path)


def test_more_labels_than_there_are_images_are_refused(tmp_path):
    many = {"represent.labels_per_digit": [10, 2751], "represent.style_images": 20000}
    with pytest.raises(BadInput, match=r"labels_per_digit: got 2751, expected at most 2750, .* of infogan"):
        load(many, tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"evaluate.samples_per_category": 5000}, "evaluate.samples_per_category: got 5000 images of each of 1000"),
        ({"evaluate.traversals_per_category": 5000}, "traversal_values: got 45000 images of each of 1000 categories"),
        ({"explorer.draws": 13}, "explorer.draws, grid_values: got 1053 images of each of 1000 categories of infogan"),
    ],
)
def test_more_images_than_memory_holds_are_refused(tmp_path, changes, message: str):
    load({"latent.categories": 1000}, tmp_path)
    with pytest.raises(BadInput, match=f"{message}.*, expected at most 1000000 in all"):
        load({"latent.categories": 1000} | changes, tmp_path)


def test_all_mistakes_are_named(tmp_path):
    with pytest.raises(BadInput) as error:
        load({"judge.epochs": 0, "machine.device": "tpu"}, tmp_path)
    assert "judge.epochs: got 0" in str(error.value) and "machine.device: got 'tpu'" in str(error.value)
    with pytest.raises(BadInput) as error:
        load({"variants.k20": {"latent": {"categories": 1, "noise": "laplace"}}}, tmp_path)
    assert "variants.k20.latent.categories: got 1" in str(error.value)
    assert "variants.k20.latent.noise: got 'laplace'" in str(error.value)


def test_a_file_that_is_no_yaml_or_absent_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"params\.yaml cannot be read"):
        parameters.load(tmp_path / "params.yaml")
    for text in ("runs: [0\n", "runs: 2020-13-45\n", f"runs: {'9' * 5000}\n", "[" * 5000):
        (tmp_path / "params.yaml").write_text(text)
        with pytest.raises(BadInput, match=r"params\.yaml cannot be read"):
            parameters.load(tmp_path / "params.yaml")


def test_a_variant_changes_what_it_names_and_nothing_else(tmp_path):
    params = load({"variants.k20": {"latent": {"categories": 20}, "train": {"lambda_continuous": 0.1}}}, tmp_path)
    defaults, settings = params.settings("infogan"), params.settings("k20")
    assert settings == change(defaults, latent={"categories": 20}, train={"lambda_continuous": 0.1})
    assert settings.latent.size == 84
    assert params.settings("gan") == change(defaults, objective="gan")
    infomax = params.settings("infomax")
    assert infomax == change(defaults, objective="infomax", critic=infomax.critic) and infomax.critic is not None


def test_which_bounds_are_in_nats(params: Parameters):
    assert params.settings("infogan").in_nats and params.settings("infomax").in_nats
    infomax = params.settings("infomax")
    jensen_shannon = infomax.critic.model_copy(update={"estimator": "jensen_shannon"})
    assert not change(infomax, critic=jensen_shannon).in_nats


def test_snapshots_are_the_milestones_that_are_reached_and_the_end(params: Parameters):
    train = params.train.model_copy(update={"iterations": 500, "milestones": [100, 250, 500, 1000]})
    assert train.snapshots() == [100, 250, 500]


def test_a_number_in_scientific_notation_is_a_number(tmp_path):
    text = COMMITTED.replace("learning_rate_discriminator: 0.0002", "learning_rate_discriminator: 2e-4")
    assert text != COMMITTED
    (tmp_path / "params.yaml").write_text(text)
    assert parameters.load(tmp_path / "params.yaml").train.learning_rate_discriminator == 0.0002


STAGES = re.findall(r"cmd: python -m replicate\.(?!code)(\w+)(.*)", (ROOT / "dvc.yaml").read_text())  # code reads none


@pytest.mark.parametrize(("module", "arguments"), STAGES, ids=[module for module, _ in STAGES])
def test_every_stage_stops_at_once(tmp_path, module: str, arguments: str, monkeypatch):
    """Before it writes anything, and whatever the mistake is about."""
    with pytest.raises(BadInput):
        load({"judge.epochs": -4}, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [module, *(["infogan", "0"] if "item.variant" in arguments else [])])
    with pytest.raises(BadInput, match="judge.epochs: got -4, expected to be greater than 0"):
        importlib.import_module(f"replicate.{module}").main()
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]
