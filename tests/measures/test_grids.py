import numpy as np
import pytest
import torch
from conftest import change
from constructed import codes
from PIL import Image

from replicate.gan import model
from replicate.gan.latent import Codes
from replicate.measures import grids, switching


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
    trained = model.Model(flat, None, None)
    grid = grids.samples(trained, prior, options)
    assert grid.shape == (categories, samples, 28, 28)
    np.testing.assert_allclose(grid.mean(axis=(1, 2, 3)), (np.arange(categories) + 1) / (categories + 1), rtol=1e-5)
    traversals = grids.traversals(trained, prior, options)
    assert traversals.shape == (rows, 9, 28, 28)
    c2, c3 = traversals[:, :, 0, 0].reshape(2, -1, 9)
    np.testing.assert_allclose(c2, np.broadcast_to(params.codes.traversal_values, c2.shape))
    assert np.all(c3 == c3[:, :1])


def flat(inputs: torch.Tensor) -> torch.Tensor:
    """A generator of plain images: the category's grey, and c2 in the first pixel of a traversal."""
    categories = inputs[:, 62:-2]
    images = (categories.argmax(dim=1) + 1)[:, None, None, None] / (categories.shape[1] + 1) * torch.ones(1, 1, 28, 28)
    whole = inputs[:, -2] * 2 == (inputs[:, -2] * 2).round()
    images[whole, 0, 0, 0] = inputs[whole, -2]
    return images


def classified(images: torch.Tensor) -> torch.Tensor:
    """Sees the digit that the first pixel holds."""
    return torch.nn.functional.one_hot(images[:, 0, 0, 0].long(), 10).float()


def images(first_pixel: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.pad(first_pixel.float()[:, None, None, None], (0, 27, 0, 27))


def test_a_row_varies_c1_alone():
    seen, drawn = [], codes(1, 4)

    def generate(codes: Codes) -> torch.Tensor:
        seen.append(codes)
        return images(codes.category)

    assert switching.rows(generate, classified, drawn, 3).tolist() == [[0, 1, 2]] * 4
    for category, step in enumerate(seen):
        assert step.category.tolist() == [category] * 4 and torch.equal(step.continuous, drawn.continuous)


def test_switching_by_hand_and_of_a_c1_that_does_nothing():
    by_hand = {"switched": pytest.approx(5 / 6), "digits_in_a_row": 2.5}
    assert switching.scores(np.array([[1, 2, 2], [1, 2, 3]])) == by_hand
    idle = switching.rows(lambda codes: images(5 + 4 * codes.continuous[:, 0]), classified, codes(1, 20), 10)
    assert switching.scores(idle) == {"switched": 0, "digits_in_a_row": 1}
