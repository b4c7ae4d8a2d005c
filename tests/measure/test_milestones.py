import numpy as np
import pandas as pd
import pytest
import torch
from conftest import change
from constructed import lacking
from test_codes import CLASSIFIER, MODEL, labelled

from replicate.base import mnist
from replicate.gan import model
from replicate.measure import milestones
from replicate.measures import classifier
from replicate.parameters import Milestones

OPTIONS = Milestones(seed=0, matching_images=40, samples=136, gradient_images=16)
GRADIENTS = ("gradient_adversarial", "gradient_c1", "gradient_continuous")


def test_a_model_measured_twice_gives_the_same(params, digits):
    settings, split = change(params.settings("infogan"), train={"batch_size": 8}), (digits, torch.arange(40) % 10)
    torch.manual_seed(0)
    named = classifier.build().eval()
    real = classifier.features(named, torch.rand(150, 1, 28, 28)).numpy()
    trained = model.fresh(settings, np.random.SeedSequence(0)).eval()
    first, again, drawn_anew = (
        milestones.measure(trained, named, real, split, split, options, settings)
        for options in (OPTIONS, OPTIONS, OPTIONS.model_copy(update={"seed": 1}))
    )
    assert first == again
    assert drawn_anew["error"] == first["error"] and drawn_anew["frechet"] != first["frechet"]
    assert list(first) == ["information_c1", "share_c1", "error", "ami", "consistency", "frechet", *GRADIENTS]


def test_a_run_that_has_learned_everything(params, monkeypatch):
    monkeypatch.setattr(milestones, "gradient_rms", lambda *_: {})  # it needs a D, which this model has not
    settings, split = change(params.settings("infogan"), train={"batch_size": 16}), labelled(40)
    real = classifier.features(CLASSIFIER, mnist.as_input(split[0])).numpy()
    found = milestones.measure(MODEL, CLASSIFIER, real, split, split, OPTIONS, settings)
    assert found["share_c1"] == pytest.approx(1, abs=1e-4)
    assert found["consistency"] == found["ami"] == pytest.approx(1)
    assert found["error"] == 0


def rows(**columns: list) -> list[dict]:
    gradients = {name: [1.0, 2.0, 3.0] for name in GRADIENTS}
    columns = {"iteration": [500, 3500, 5000], "share_c1": [0.5, 0.96, 0.99]} | columns | gradients
    return [dict(zip(columns, row)) for row in zip(*columns.values())]


def test_the_end_of_a_run_beside_its_milestones():
    log = pd.DataFrame({"loss_discriminator": [9.0] * 90 + [1.0, 2.0] * 5})
    found = milestones.at_end(rows(error=[0.3, 0.1, 0.15], frechet=[9.0, 6.0, 2.0]), log)
    assert found["speed"]["information_iteration"] == 3500 and found["speed"]["distance_ratio"] == 3
    drop, rise = pytest.approx(0.15), pytest.approx(0.05)
    assert found["progress"] == {"error_drop_from_500": drop, "error_rise_at_end": rise}
    assert found["training"] == {"loss_discriminator": 1.5}
    assert lacking("milestones", found) == set()
    without = milestones.at_end(rows(error=[None] * 3, frechet=[9.0, 6.0, 2.0]), log)
    assert without["progress"] == {"error_drop_from_500": None, "error_rise_at_end": None}
