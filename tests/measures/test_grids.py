import numpy as np
import pytest
import torch
from conftest import change
from PIL import Image
from torch import nn

from replicate.gan import model
from replicate.measures import grids


def test_a_grid_holds_its_images(tmp_path):
    images = np.random.default_rng(0).random((3, 5, 28, 28))
    grid = grids.grid(images)
    assert grid.shape == (84, 140) and grid.dtype == np.uint8
    np.testing.assert_array_equal(grid[28:56, 56:84], np.round(255 * images[1, 2]))
    Image.fromarray(grid).save(tmp_path / "grid.png")
    np.testing.assert_allclose(grids.read(tmp_path / "grid.png"), images, atol=0.5 / 255 + 1e-9)


@pytest.mark.parametrize(("categories", "samples", "rows"), [(10, 36, 40), (20, 18, 40), (40, 9, 80)])
def test_grids_have_rows_of_each_category_and_columns_of_each_value(categories, samples, rows, params):
    prior = params.latent.model_copy(update={"categories": categories})
    options = change(params, codes={"samples_per_category": 36}).codes
    generator = Flat(categories)
    trained = model.Model(generator, generator, generator)
    grid = grids.samples(trained, prior, options)
    assert grid.shape == (categories, samples, 28, 28)
    np.testing.assert_allclose(grid.mean(axis=(1, 2, 3)), (np.arange(categories) + 1) / (categories + 1), rtol=1e-5)
    traversals = grids.traversals(trained, prior, options)
    assert traversals.shape == (rows, 9, 28, 28)
    c2, c3 = traversals[:, :, 0, 0].reshape(2, -1, 9)
    np.testing.assert_allclose(c2, np.broadcast_to(params.codes.traversal_values, c2.shape))
    assert np.all(c3 == c3[:, :1])


class Flat(nn.Module):
    """A generator of plain images: the category's grey, and c2 in the first pixel of a traversal."""

    def __init__(self, categories: int):
        super().__init__()
        self.categories = categories

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        _, category, continuous = inputs.split([inputs.shape[1] - self.categories - 2, self.categories, 2], dim=1)
        images = (category.argmax(dim=1) + 1)[:, None, None, None] / (self.categories + 1) * torch.ones(1, 1, 28, 28)
        whole = continuous[:, 0] * 2 == (continuous[:, 0] * 2).round()
        images[whole, 0, 0, 0] = continuous[whole, 0]
        return images
