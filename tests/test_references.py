import numpy as np
import torch
from conftest import change

from replicate import references, train


def test_references(small):
    random = torch.Generator().manual_seed(0)
    images = torch.randint(256, (300, 28, 28), dtype=torch.uint8, generator=random)
    features = references.references(images[:260], images[260:], change(small, "train", batch_size=30))
    assert {name: tuple(split.shape for split in splits) for name, splits in features.items()} == {
        "pixels": ((260, 784), (40, 784)),
        "pca_128": ((260, 128), (40, 128)),
        "untrained_trunk": ((260, 1024), (40, 1024)),
    }
    pixels, pca = features["pixels"][0], features["pca_128"][0]
    assert pixels.min() == 0 and pixels.max() == 1
    values = np.linalg.eigvalsh(np.cov(pixels.T.astype(np.float64)))[::-1][:128]
    np.testing.assert_allclose(pca.var(axis=0, ddof=1), values, rtol=1e-3)


def test_the_untrained_trunk_has_the_initial_weights_and_population_statistics(small, digits):
    run = references.untrained(digits, small)
    start = train.start("gan", small.seeds[0], digits, small, torch.device("cpu")).run
    for name, weight in start.discriminator.features.named_parameters():
        assert torch.equal(weight, dict(run.discriminator.features.named_parameters())[name])
    assert not run.discriminator.training
    assert run.discriminator.features.batchnorm2.running_mean.abs().sum() > 0
