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
from replicate.base.stage import BadInput
from replicate.parameters import Parameters

COMMITTED = (ROOT / "params.yaml").read_text()


def load(changes: dict[str, Any], folder: Path) -> Parameters:
    """The committed parameters with other values at some keys; `...` takes a key out."""
    content = YAML(typ="safe").load(COMMITTED)
    for key, value in changes.items():
        *groups, last = key.split(".")
        group = reduce(getitem, groups, content)
        group[last] = value
        if value is ...:
            del group[last]
    YAML().dump(content, folder / "params.yaml")
    return parameters.load(folder / "params.yaml")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("train.iterations", "5000", "train.iterations: got '5000', expected to be a valid integer"),
        ("train.iterations", 5001, r"iterations: got 5001, expected a multiple of log_every \(10\)"),
        ("train.milestones", [100, 105], r"milestones: got 105, expected a multiple of log_every \(10\)"),
        ("train.milestones", [250, 250], r"milestones: got \[250, 250\], expected ascending values, each once"),
        ("train.digits", [3, 1], r"digits: got \[3, 1\], expected ascending values, each once"),
        ("train.batch_size", ..., "train.batch_size: missing"),
        ("train.batchsize", 128, "train.batchsize: unknown key"),
        ("train.batchnorm_images", 100, r"got 100, expected batch_size \(128\) to training_images \(55000\)"),
        ("train.lambda_discrete", math.nan, "train.lambda_discrete: got nan, expected to be a finite number"),
        ("objective", "wgan", "objective: got 'wgan', expected to be 'infogan', 'gan' or 'infomax'"),
        ("evaluate.traversal_values", [-2.0, 0.0, 1.0, 1.5, 2.0], "traversal_values: got .* symmetric about 0"),
        ("yardstick.least_epochs", 9, r"least_epochs: got 9, expected at most most_epochs \(8\)"),
        ("represent.labels_per_digit", [10, 2751], r"got 2751, expected at most 2750, .* of infogan"),
        ("represent.style_images", 399, "style_images: got 399, expected 400 or more for labels_per_digit"),
        ("explorer.milestones", [250, 300], r"got \[300\], expected some of train.milestones of infogan"),
        ("mnist.sha256.train-images-idx3-ubyte", "xyz", "mnist.sha256.train-images-idx3-ubyte: got 'xyz'"),
        ("runs.seeds", [0, 0], r"runs.seeds: got \[0, 0\], expected each once"),
        ("runs.seeds", [], r"runs.seeds: got \[\]"),
        ("runs.variants", ["gan", "wgan"], r"got \['wgan'\], expected names of variants: infogan, gan, i"),
        # A variant, here one named k20.
        ("variants.k20", {"latent": {"categoriez": 20}}, r"variants.k20.latent.categoriez: unknown key"),
        ("variants.k20", {"latent": 20}, "variants.k20.latent: got 20, expected to be"),
        ("variants.k20", {"judge": {"epochs": 2}}, "variants.k20.judge: unknown key"),
        ("variants.k20", {"train": {"iterations": 5005}}, "variants.k20.train: iterations: got 5005, expected a mult"),
        ("variants.K20", {}, "variants.K20"),
        # The claims and the reports know an objective by its variant's name.
        ("variants.gan.objective", ..., "variants.gan.objective: got 'infogan', expected 'gan'"),
        # The critic belongs to infomax, and a regular GAN's G step knows of no code.
        ("variants.infomax.critic", ..., "variants.infomax.critic: got None, expected one for the objective infomax"),
        ("variants.gan.train", {"recognition_step": "generator"}, "variants.gan.train.recognition_step: got 'gen"),
    ],
)
def test_a_mistake_is_named(tmp_path, key: str, value: Any, message: str):
    changes = {"represent.style_images": 20000} if key == "represent.labels_per_digit" else {}
    with pytest.raises(BadInput, match=message):
        load(changes | {key: value}, tmp_path)


def test_all_mistakes_are_named(tmp_path):
    with pytest.raises(BadInput) as error:
        load({"judge.epochs": 0, "machine.device": "tpu"}, tmp_path)
    assert "judge.epochs: got 0" in str(error.value) and "machine.device: got 'tpu'" in str(error.value)


def test_a_file_that_is_no_yaml_or_absent_is_named(tmp_path):
    (tmp_path / "broken.yaml").write_text("runs: [0\n")
    for name in ("broken.yaml", "absent.yaml"):
        with pytest.raises(BadInput, match=f"{name} cannot be read"):
            parameters.load(tmp_path / name)


def test_a_variant_changes_what_it_names_and_nothing_else(tmp_path):
    params = load({"variants.k20": {"latent": {"categories": 20}, "train": {"lambda_continuous": 0.1}}}, tmp_path)
    defaults, settings = params.settings("infogan"), params.settings("k20")
    assert settings == change(defaults, latent={"categories": 20}, train={"lambda_continuous": 0.1})
    assert settings.latent.size == 84
    assert params.settings("gan") == change(defaults, objective="gan")
    infomax = params.settings("infomax")
    assert infomax == change(defaults, objective="infomax", critic=infomax.critic) and infomax.critic is not None


def test_snapshots_are_the_milestones_that_are_reached_and_the_end(params: Parameters):
    train = params.train.model_copy(update={"iterations": 500, "milestones": [100, 250, 500, 1000]})
    assert train.snapshots() == [100, 250, 500]


def test_a_number_in_scientific_notation_is_a_number(tmp_path):
    text = COMMITTED.replace("learning_rate_discriminator: 0.0002", "learning_rate_discriminator: 3e-4")
    (tmp_path / "params.yaml").write_text(text)
    assert parameters.load(tmp_path / "params.yaml").train.learning_rate_discriminator == 0.0003


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
