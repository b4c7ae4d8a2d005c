import pandas as pd
import pytest
from conftest import change
from test_codes import CLASSIFIER, MODEL, labelled

from replicate.base import mnist
from replicate.measure import milestones
from replicate.measures import classifier, convergence
from replicate.parameters import Milestones


@pytest.mark.parametrize(
    ("shares", "distances", "expected"),
    [
        ([0.5, 0.96, 0.9, 0.99], [20.0, 8.0, 4.0, 2.0], (200, 8.0, 2.0, 4.0)),
        ([0.5, 0.95, 0.99], [20.0, 4.0, 4.0], (200, 4.0, 4.0, 1.0)),  # at the level itself; no better afterwards
        ([0.2, 0.94, 0.3], [9.0, 5.0, 2.0], (None, None, 2.0, None)),
    ],
)
def test_speed_compares_the_distance_when_the_information_was_there_with_the_last(shares, distances, expected):
    milestones = [
        {"iteration": 100 * (i + 1), "share_c1": share, "frechet": distance}
        for i, (share, distance) in enumerate(zip(shares, distances, strict=True))
    ]
    names = ("information_iteration", "distance_then", "distance_at_end", "distance_ratio")
    assert convergence.speed(milestones) == dict(zip(names, expected))


def test_a_run_that_has_learned_everything(params, monkeypatch):
    monkeypatch.setattr(milestones, "gradient_rms", lambda *_: {})  # it needs a D, which this model has not
    settings, split = change(params.settings("infogan"), train={"batch_size": 16}), labelled(40)
    options = Milestones(seed=0, matching_images=40, samples=136, gradient_images=16)
    real = classifier.features(CLASSIFIER, mnist.as_input(split[0])).numpy()
    found = milestones.measure(MODEL, CLASSIFIER, real, split, (split[0], (split[1] + 1) % 10), options, settings)
    assert found["share_c1"] == pytest.approx(1, abs=1e-4)
    assert found["consistency"] == found["ami"] == pytest.approx(1)
    assert found["error"] == 1  # matched on training images: each test image has another label


def test_the_end_of_a_run_beside_its_milestones():
    log = pd.DataFrame({"loss_discriminator": [9.0] * 90 + [1.0, 2.0] * 5})
    gradients = {f"gradient_{term}": [1.0, 2.0, 3.0] for term in ("adversarial", "c1", "continuous")}
    columns = {"iteration": [500, 3500, 5000], "share_c1": [0.5, 0.96, 0.99], "frechet": [9.0, 6.0, 2.0], **gradients}
    rows = pd.DataFrame(columns | {"error": [0.3, 0.1, 0.15]}).to_dict("records")
    found = milestones.at_end(rows, log)
    assert found["speed"]["information_iteration"] == 3500 and found["speed"]["distance_ratio"] == 3
    drop, rise = pytest.approx(0.15), pytest.approx(0.05)
    assert found["progress"] == {"error_drop_from_500": drop, "error_rise_at_end": rise}
    assert found["training"] == {"loss_discriminator": 1.5} and found["gradient"]["adversarial"] == 3
    for other in (rows[1:], rows[:1]):  # no milestone at 500, and a training that ended there
        assert milestones.at_end(other, log)["progress"]["error_drop_from_500"] is None
    without = milestones.at_end([row | {"error": None} for row in rows], log)
    assert without["progress"] == {"error_drop_from_500": None, "error_rise_at_end": None}
