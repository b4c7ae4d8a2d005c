"""Parameters that are broken on purpose: one case of each kind of mistake, each named, before anything is computed."""

import math
import sys
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, change
from ruamel.yaml import YAML

from replicate import parameters, train
from replicate.base.stage import BadInput
from replicate.parameters import Parameters


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Load the committed parameters in a folder of their own, with other values at some keys; `...` takes a key out."""
    monkeypatch.chdir(tmp_path)

    def load(changes: dict[str, Any]) -> Parameters:
        content = {name: YAML(typ="safe").load(ROOT / f"{name}.yaml") for name in ("params", "variants")}
        for key, value in changes.items():
            *groups, last = key.split(".")
            group = reduce(getitem, groups, content)
            group[last] = value
            if value is ...:
                del group[last]
        for name, of_file in content.items():
            YAML().dump(of_file, Path(f"{name}.yaml"))
        return parameters.load()

    return load


def few(**changes: Any) -> dict[str, Any]:
    """Changes of `params.train`."""
    return {f"params.train.{key}": value for key, value in changes.items()}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (few(digits=[4, 5], training_images=2000, batch_size=512), "batch_size: got 512, expected at most 200"),
        (few(batchsize=128), r"train\.batchsize\n.*not permitted"),
        (few(lambda_discrete=math.nan), r"train\.lambda_discrete\n.*finite"),
        ({"params.runs.variants": ["gan", "wgan"]}, r"runs\.variants: got \['wgan'\], expected names"),
        ({"variants.k20.settings": ...}, r"variants\.k20\.settings\n.*required"),
        ({"variants.k20.settings": {"train": {"log_every": 7}}}, r"k20: .*\n.*train\n.*multiple of log_every \(7\)"),
        ({"variants.infomax.settings": {"objective": "infomax"}}, "critic: got None, expected one for the objective"),
        ({"params.variants": {}}, "params.yaml: variants stand in variants.yaml"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_mistake_is_named(load, changes: dict[str, Any], message: str):
    with pytest.raises(BadInput, match=message):
        load(changes)


def test_a_variant_changes_what_it_names_and_nothing_else(load):
    changed = {"latent": {"categories": 20}, "train": {"lambda_continuous": 0.1}}
    params = load({"variants.k20.settings": changed})
    defaults, settings = params.settings("infogan"), params.settings("k20")
    assert settings == change(defaults, latent={"categories": 20}, train={"lambda_continuous": 0.1})
    assert settings.latent.size == 84
    assert params.settings("gan") == change(defaults, objective="gan")


def test_a_stage_stops_before_it_writes_anything_whatever_the_mistake_is_about(load, monkeypatch):
    with pytest.raises(BadInput):
        load({"params.classifier.epochs": -4})
    monkeypatch.setattr(sys, "argv", ["train", "infogan", "0"])
    with pytest.raises(BadInput, match=r"classifier\.epochs\n.*greater than 0"):
        train.main()
    assert sorted(path.name for path in Path().iterdir()) == ["params.yaml", "variants.yaml"]
