"""Stage evidence: what stays in git of a run whose weights do not: some 200 kB.

    python -m replicate.evidence VARIANT SEED

`recompute.py` computes the run's main numbers from it again. It holds the category that Q gives to every image of MNIST
that the run was trained or scored on, Q's c2 and c3 of the test images, and sheets of generated images.
"""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from replicate import environment, mnist, model, reading, run, stage
from replicate.evaluate import of_every_category
from replicate.measures.continuous_codes import CODES
from replicate.model import Model
from replicate.parameters import Evaluate, Latent
from replicate.progress import Progress

SIDE = 28  # pixels of an image
SAMPLES = 360  # on the sheet of samples, as many of each category: the first of those of which evaluate measures purity
TRAVERSALS = 20  # along each code, on the sheet of traversals
PARTS = 3  # into which the progress bar divides the work


def sheet(images: np.ndarray) -> np.ndarray:
    """Rows and columns of images as one image: (rows, columns, 28, 28) in [0, 1] -> uint8 (28 rows, 28 columns)."""
    rows, columns = images.shape[:2]
    pixels = np.round(255 * images).astype(np.uint8)
    return pixels.swapaxes(1, 2).reshape(SIDE * rows, SIDE * columns)


def images_on(sheet: np.ndarray) -> np.ndarray:
    """The images of a sheet: uint8 (28 rows, 28 columns) -> (rows, columns, 28, 28) in [0, 1]."""
    rows, columns = (size // SIDE for size in sheet.shape)
    return sheet.reshape(rows, SIDE, columns, SIDE).swapaxes(1, 2) / 255


def samples(trained: Model, prior: Latent, options: Evaluate) -> np.ndarray:
    """Generated images, a row for each category: (K, n, 28, 28)."""
    codes = of_every_category(options.samples_per_category, prior, torch.Generator().manual_seed(options.seed))
    images = model.generate(trained.generator, codes, prior)[:, 0].numpy()
    return images.reshape(prior.categories, -1, SIDE, SIDE)[:, : SAMPLES // prior.categories]


def traversals(trained: Model, prior: Latent, options: Evaluate) -> np.ndarray:
    """Images along c2, then along c3, a column for each value, a row for each category and draw: (2 K draws, values, 28,
    28)."""
    draws = max(TRAVERSALS // prior.categories, 1)
    codes = of_every_category(draws, prior, torch.Generator().manual_seed(options.seed))
    columns = []
    for value in options.traversal_values:
        of_code = []
        for code in range(len(CODES)):
            continuous = codes.continuous.clone()
            continuous[:, code] = value
            of_code.append(model.generate(trained.generator, codes._replace(continuous=continuous), prior)[:, 0])
        columns.append(torch.cat(of_code).numpy())
    return np.stack(columns, axis=1)


def write(folder: Path, codes: dict[str, np.ndarray], sheets: dict[str, np.ndarray]) -> None:
    """Write the codes as one compressed file and each sheet as a PNG."""
    with stage.whole_file(folder / "codes.npz") as temporary:
        np.savez_compressed(temporary, **codes)
    for name, images in sheets.items():
        with stage.whole_file(folder / f"{name}.png") as temporary:
            Image.fromarray(sheet(images)).save(temporary, optimize=True)


def main() -> None:
    this, params = run.from_command_line(__doc__)
    environment.prepare("cpu")
    trained, prior = this.load(), this.settings.latent
    train, _ = mnist.training_images(params.mnist, this.settings.train)
    test, _ = mnist.test_images(params.mnist, this.settings.train)
    with Progress(desc=f"evidence {this.name}", total=PARTS, unit="part") as progress:
        train_category = reading.categories(trained, train)
        progress.update()
        test_category, test_continuous = reading.codes(trained, test)
        codes = {
            "train_category": train_category.astype(np.uint8),
            "test_category": test_category.astype(np.uint8),
            "test_continuous": test_continuous.astype(np.float16),
        }
        progress.update()
        sheets = {
            "samples": samples(trained, prior, params.evaluate),
            "traversals": traversals(trained, prior, params.evaluate),
        }
        progress.update()
    write(this.evidence, codes, sheets)


if __name__ == "__main__":
    stage.run(main)
