"""Stage evidence: what stays in git of a run whose weights do not: some 200 kB.

    python -m replicate.evidence VARIANT SEED

`recompute.py` computes the run's main numbers from it again. It holds the category that Q gives to every image of MNIST
that the run was trained or scored on, Q's c2 and c3 of the test images, and sheets of generated images.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from replicate.base import environment, mnist, stage
from replicate.gan import run
from replicate.measures import reading, sheets


def write(folder: Path, codes: dict[str, np.ndarray], drawn: dict[str, np.ndarray]) -> None:
    """Write the codes as one compressed file and each sheet as a PNG."""
    with stage.whole_file(folder / "codes.npz") as temporary:
        np.savez_compressed(temporary, **codes)
    for name, images in drawn.items():
        with stage.whole_file(folder / f"{name}.png") as temporary:
            Image.fromarray(sheets.sheet(images)).save(temporary, optimize=True)


def main() -> None:
    this, params = run.from_command_line(__doc__)
    environment.prepare("cpu")
    trained, prior = this.load(), this.settings.latent
    train, _ = mnist.training_images(params.mnist, this.settings.train)
    test, _ = mnist.test_images(params.mnist, this.settings.train)
    test_category, test_continuous = reading.codes(trained, test)
    codes = {
        "train_category": reading.categories(trained, train).astype(np.uint8),
        "test_category": test_category.astype(np.uint8),
        "test_continuous": test_continuous.astype(np.float16),
    }
    drawn = {
        "samples": sheets.samples(trained, prior, params.evaluate),
        "traversals": sheets.traversals(trained, prior, params.evaluate),
    }
    write(this.evidence, codes, drawn)


if __name__ == "__main__":
    stage.run(main)
