"""A run's main numbers, from its evidence instead of its weights, beside those that were measured.

    python -m replicate.recompute VARIANT SEED

Error and adjusted mutual information come from the same categories, so they are the same numbers. Purity, slant and
width come from the images on the sheets, which are fewer than were measured, so they agree to the width of a sample.
Needs MNIST and the judge: dvc repro download judge.
"""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from PIL import Image

from replicate import environment, judge, mnist, run, stage
from replicate.evidence import images_on
from replicate.measures import classification, continuous_codes, purity
from replicate.measures.continuous_codes import CODES
from replicate.parameters import Evaluate
from replicate.reading import Split

MEASURED = {  # where the stage evaluate has each number
    "error": ("classification", "error_one_to_one"),
    "ami": ("classification", "ami"),
    "purity": ("purity", "mean"),
    "slant_change": ("rotation", "slant_change"),
    "width_change": ("width", "width_change"),
}


def read(folder: Path) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """The codes, the samples (K, n, 28, 28) and the traversals (rows, values, 28, 28) of a run. Raises BadInput."""
    try:
        with np.load(folder / "codes.npz") as file:
            codes = dict(file)
        sheets = [images_on(np.asarray(Image.open(folder / f"{name}.png"))) for name in ("samples", "traversals")]
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise stage.BadInput(f"{folder} is not the evidence of a run: {error}") from error
    return codes, *sheets


def recompute(
    folder: Path, train_digit: np.ndarray, test: Split, judging: torch.nn.Sequential, options: Evaluate
) -> dict[str, float | None]:
    """The numbers of MEASURED from a run's evidence; `train_digit` (N,) and `test` are what the run was about."""
    codes, samples, traversals = read(folder)
    K, n = samples.shape[:2]
    images, digit = test
    for name, of_images in (("train_category", len(train_digit)), ("test_category", len(digit))):
        if name not in codes or codes[name].shape != (of_images,) or codes[name].max() >= K:
            raise stage.BadInput(f"{folder}: {name}: expected one of {K} categories for each of {of_images} images")
    matched = slice(options.matching_images)
    counts = classification.contingency(codes["train_category"][matched].astype(int), train_digit[matched], K)
    scores = classification.scores(counts, codes["test_category"].astype(int), digit.numpy())
    seen = judge.probabilities(judging, torch.from_numpy(samples).float().reshape(K * n, 1, 28, 28)).argmax(dim=1)
    pure = purity.scores(np.repeat(np.arange(K), n), seen.numpy(), K)
    drawn = traversals.reshape(len(CODES), -1, *traversals.shape[1:]).swapaxes(1, 2)
    traversal = continuous_codes.measured(torch.from_numpy(drawn[:, :, :, None]).float(), options.traversal_values, K)
    moved = continuous_codes.scores(traversal, continuous_codes.spread(images[: options.real_images].numpy()))
    everything = {"classification": scores, "purity": pure, **moved}
    return {name: everything[group][metric] for name, (group, metric) in MEASURED.items()}


def main() -> None:
    this, params = run.from_command_line(__doc__)
    environment.prepare("cpu")
    _, train_digit = mnist.training_images(params.mnist, this.settings.train)
    test = mnist.test_images(params.mnist, this.settings.train)
    found = recompute(this.evidence, train_digit.numpy(), test, judge.load(), params.evaluate)
    measured = stage.read_json(this.json("evaluation"))
    print(f"{'':16}{'recomputed':>12}{'measured':>12}")
    for name, (group, metric) in MEASURED.items():
        cells = ("none" if value is None else f"{value:.4f}" for value in (found[name], measured[group][metric]))
        print(f"{name:16}" + "".join(f"{cell:>12}" for cell in cells))


if __name__ == "__main__":
    stage.run(main)
