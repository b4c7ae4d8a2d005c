"""The main numbers of the runs in git, from their evidence instead of their weights, beside those that were measured.

    python -m replicate.studies.recompute [RUN ...]

RUN is the folder of a study's run, such as studies/seeds/infogan-1, or of the evidence of one of the pipeline's, such as
metrics/evidence/infogan-0; without any all of them are computed.

Error and adjusted mutual information come from the same categories, so they are the same numbers. Purity, slant and
width come from the images on the sheets, which are fewer than were measured, so they agree to the width of a sample.
The first of two numbers is computed anew. Needs MNIST and the judge: dvc repro download judge.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from replicate.base import environment, mnist, parameters, stage
from replicate.base.stage import BadInput
from replicate.gan import run
from replicate.gan.run import Run
from replicate.measures import classification, continuous_codes, judge, partitions, purity
from replicate.measures.continuous_codes import CODES
from replicate.measures.reading import Split
from replicate.measures.sheets import images_on
from replicate.parameters import Evaluate, Parameters
from replicate.studies import plan

MEASURED = {  # where the stage evaluate has each number
    "error": ("classification", "error_one_to_one"),
    "ami": ("classification", "ami"),
    "purity": ("purity", "mean"),
    "slant_change": ("rotation", "slant_change"),
    "width_change": ("width", "width_change"),
}


def recompute(
    folder: Path, train_digit: np.ndarray, test: Split, judging: torch.nn.Sequential, options: Evaluate
) -> dict[str, float | None]:
    """The numbers of MEASURED from a run's evidence; `train_digit` (N,) and `test` are what the run was about."""
    codes = partitions.read(folder)
    # Samples (K, n, 28, 28) and traversals (rows, values, 28, 28).
    samples, traversals = (
        images_on(np.asarray(Image.open(folder / f"{name}.png"))) for name in ("samples", "traversals")
    )
    K, n = samples.shape[:2]
    images, digit = test
    matched = slice(options.matching_images)
    counts = classification.contingency(codes.train[matched], train_digit[matched], K)
    scores = classification.scores(counts, codes.test, digit.numpy())
    seen = judge.probabilities(judging, torch.from_numpy(samples).float().reshape(K * n, 1, 28, 28)).argmax(dim=1)
    pure = purity.scores(np.repeat(np.arange(K), n), seen.numpy(), K)
    drawn = traversals.reshape(len(CODES), -1, *traversals.shape[1:]).swapaxes(1, 2)
    traversal = continuous_codes.measured(torch.from_numpy(drawn[:, :, :, None]).float(), options.traversal_values, K)
    moved = continuous_codes.scores(traversal, continuous_codes.spread(images[: options.real_images].numpy()))
    everything = {"classification": scores, "purity": pure, **moved}
    return {name: everything[group][metric] for name, (group, metric) in MEASURED.items()}


def in_git(params: Parameters) -> dict[Path, tuple[Run, Path]]:
    """Every run with evidence, and where its evaluation stands, by the folder of the evidence. Raises BadInput."""
    pipeline = {each.evidence: (each, each.file("evaluation.json")) for each in run.of_pipeline(params)}
    found = {folder: of for folder, of in pipeline.items() if folder.exists()}
    for folders in plan.made(params).values():
        found |= {folder: (each, folder / "evaluation.json") for folder, each in folders.items()}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, metavar="RUN")
    wanted, params = parser.parse_args().folders, parameters.load()
    known = in_git(params)
    if unknown := [str(folder) for folder in wanted if folder not in known]:
        raise BadInput(f"RUN: got {', '.join(unknown)}, expected some of {', '.join(map(str, known))}")
    environment.prepare("cpu")
    judging = judge.load()
    print(f"{'':34}" + "".join(f"{name:>18}" for name in MEASURED))
    for folder in wanted or known:
        this, evaluation = known[folder]
        _, train_digit = mnist.training_images(params.mnist, this.settings.train)
        test = mnist.test_images(params.mnist, this.settings.train)
        found = recompute(folder, train_digit.numpy(), test, judging, params.evaluate)
        measured = stage.read_json(evaluation)
        pairs = [(value, measured[group][metric]) for value, (group, metric) in zip(found.values(), MEASURED.values())]
        cells = (" ".join("none" if value is None else f"{value:.4f}" for value in pair) for pair in pairs)
        print(f"{folder.as_posix():34}" + "".join(f"{cell:>18}" for cell in cells), flush=True)


if __name__ == "__main__":
    stage.run(main)
