import numpy as np
import pytest
import torch
from conftest import labelled_bars

import replicate.classifier as stage_classifier
from replicate.base import mnist
from replicate.measures import classifier, frechet
from replicate.parameters import Parameters


def test_it_learns_to_classify_with_the_same_bits_every_time(params: Parameters):
    images, labels = labelled_bars(400)
    settings = params.classifier.model_copy(update={"epochs": 2, "batch_size": 20})
    trained, again = (stage_classifier.fit(images[:300], labels[:300], settings) for _ in range(2))
    assert all(map(torch.equal, trained.state_dict().values(), again.state_dict().values()))
    probabilities = classifier.probabilities(trained, mnist.as_input(images[300:]))
    assert probabilities.shape == (100, 10)
    assert probabilities.sum(dim=1).tolist() == pytest.approx([1] * 100)
    assert probabilities.argmax(dim=1).eq(labels[300:]).double().mean() > 0.9


def test_features_are_the_means_of_the_last_maps_and_survive_the_file(tmp_path):
    torch.manual_seed(0)
    untrained, images = classifier.build().eval(), mnist.as_input(labelled_bars(10)[0])
    with torch.no_grad():
        maps = untrained[:11](images)
        named = untrained[11:](maps).softmax(dim=1)
    classifier.save(tmp_path / "classifier", untrained)
    kept = classifier.load(tmp_path / "classifier")
    torch.testing.assert_close(classifier.features(kept, images, batch_size=3), maps.mean(dim=(2, 3)))
    torch.testing.assert_close(classifier.probabilities(kept, images), named)


def test_the_frechet_distance_of_equal_shifted_and_scaled_sets():
    random = np.random.default_rng(0)
    features = (random.normal(size=(400, 5)) @ random.normal(size=(5, 5)) + 3).astype(np.float32)  # correlated
    assert frechet.distance(features, features[::-1]) == pytest.approx(0, abs=1e-6)
    shift = np.array([1.0, -2.0, 0.0, 0.5, 0.0])
    assert frechet.distance(features, features + shift) == pytest.approx(np.square(shift).sum(), rel=1e-4)

    centred = features.astype(np.float64) - features.mean(axis=0, dtype=np.float64)
    expected = np.cov(centred, rowvar=False).trace()  # Σ |σ − 2σ|² over the principal axes
    assert frechet.distance(centred, 2 * centred) == pytest.approx(expected, rel=1e-6)
