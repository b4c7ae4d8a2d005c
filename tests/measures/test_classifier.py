import numpy as np
import pytest
import torch

import replicate.classifier as stage_classifier
from replicate.base import mnist
from replicate.measures import classifier, frechet
from replicate.parameters import Classifier, Parameters


@pytest.fixture(scope="module")
def settings(params: Parameters) -> Classifier:
    return params.classifier.model_copy(update={"epochs": 2, "batch_size": 20})


@pytest.fixture(scope="module")
def bars() -> tuple[torch.Tensor, torch.Tensor]:
    """(400, 28, 28): a bar whose place is the label, on noise."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(400) % 10
    images = torch.randint(0, 60, (400, 28, 28), dtype=torch.uint8, generator=generator)
    for image, label in zip(images, labels):
        image[4:24, 4 + 2 * label : 6 + 2 * label] = 255
    return images, labels


def test_it_learns_to_classify(bars, settings):
    images, labels = bars
    trained = stage_classifier.fit(images[:300], labels[:300], settings)
    probabilities = classifier.probabilities(trained, mnist.as_input(images[300:]))
    assert probabilities.shape == (100, 10)
    assert probabilities.sum(dim=1).tolist() == pytest.approx([1] * 100)
    assert probabilities.argmax(dim=1).eq(labels[300:]).double().mean() > 0.9


def test_the_same_bits_every_time(bars, settings):
    once = settings.model_copy(update={"epochs": 1})
    first, second = (stage_classifier.fit(*bars, once).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_features_are_the_means_of_the_last_maps_and_survive_the_file(bars, tmp_path):
    torch.manual_seed(0)
    untrained, images = classifier.build().eval(), mnist.as_input(bars[0][:10])
    with torch.no_grad():
        maps = untrained[:11](images)
        named = untrained[11:](maps).softmax(dim=1)
    classifier.save(tmp_path / "classifier", untrained)
    kept = classifier.load(tmp_path / "classifier")
    torch.testing.assert_close(classifier.features(kept, images, batch_size=3), maps.mean(dim=(2, 3)))
    torch.testing.assert_close(classifier.probabilities(kept, images), named)


@pytest.fixture
def features() -> np.ndarray:
    """(400, 5) float32: correlated, and not centred."""
    random = np.random.default_rng(0)
    return (random.normal(size=(400, 5)) @ random.normal(size=(5, 5)) + 3).astype(np.float32)


def test_equal_sets_are_at_distance_0_and_a_shift_counts_by_its_square(features):
    assert frechet.distance(features, features[::-1]) == pytest.approx(0, abs=1e-6)
    shift = np.array([1.0, -2.0, 0.0, 0.5, 0.0])
    assert frechet.distance(features, features + shift) == pytest.approx(np.square(shift).sum(), rel=1e-4)


def test_a_scale_counts_by_the_difference_of_the_standard_deviations(features):
    centred = features.astype(np.float64) - features.mean(axis=0, dtype=np.float64)
    expected = np.cov(centred, rowvar=False).trace()  # Σ |σ − 2σ|² over the principal axes
    assert frechet.distance(centred, 2 * centred) == pytest.approx(expected, rel=1e-6)
    assert frechet.distance(2 * centred, centred) == pytest.approx(expected, rel=1e-6)
