import numpy as np
import torch
from conftest import change

from replicate import baselines


def test_baselines_are_pixels_their_components_and_an_untrained_trunk(small):
    random = torch.Generator().manual_seed(0)
    images = torch.randint(256, (300, 28, 28), dtype=torch.uint8, generator=random)
    labels = torch.arange(300) % 10
    sizes = {"batch_size": 30, "training_images": 260, "batchnorm_images": 60}
    settings = change(small, train=sizes).settings("infogan")
    features = baselines.baselines((images[:260], labels[:260]), (images[260:], labels[260:]), settings)
    assert {name: tuple(split.shape for split in splits) for name, splits in features.items()} == {
        "pixels": ((260, 784), (40, 784)),
        "pca_128": ((260, 128), (40, 128)),
        "untrained_trunk": ((260, 1024), (40, 1024)),
    }
    assert all(split.dtype == np.float32 for splits in features.values() for split in splits)
    pixels, pca = features["pixels"][0], features["pca_128"][0]
    assert pixels.min() == 0 and pixels.max() == 1
    values = np.linalg.eigvalsh(np.cov(pixels.T.astype(np.float64)))[::-1][:128]
    np.testing.assert_allclose(pca.var(axis=0, ddof=1), values, rtol=1e-3)
    np.testing.assert_allclose(features["untrained_trunk"][0].mean(axis=0), 0, atol=1e-4)
