"""Stage evaluate: measure one run against what the paper says of it.

    python -m replicate.evaluate OBJECTIVE SEED
"""

import copy
import csv
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from replicate import information, judge, latent, mnist, networks, params, stage
from replicate.latent import Codes
from replicate.measures import classification, continuous_codes, convergence, extrapolation, purity
from replicate.params import Params
from replicate.progress import Progress
from replicate.stage import BadInput

FIGURE_1 = 1000  # iterations that the paper's Figure 1 spans
NEARLY_ALL = 0.95  # of H(c1)
LOG_COLUMNS = ("iteration", "loss_discriminator", "information_c1")


class Evaluation(NamedTuple):
    """What is known of one run: metrics, nested by question, and the tables behind two of them."""

    metrics: dict[str, dict]
    confusion: list[dict]  # a row for each test image: its digit, and the digit that c1 gives it
    traversal: list[dict]  # a row for each continuous code, value and category


@torch.inference_mode()
def categories(run: networks.Run, images: Tensor, batch_size: int = 500) -> np.ndarray:
    """c1 of real images, the category that is likeliest by Q(c1|x): uint8 (N, 28, 28) -> (N,)."""
    batches = (mnist.as_input(batch) for batch in images.split(batch_size))
    logits = [run.head.category_logits(run.discriminator.features(batch)) for batch in batches]
    return torch.cat(logits).argmax(dim=1).numpy()


def of_every_category(draws: int, config: Params, random: torch.Generator) -> Codes:
    """Latent variables from their prior, but with `draws` of each category, one category after the other."""
    codes = latent.sample(draws * config.latent.categories, config.latent, random)
    return codes._replace(category=torch.arange(config.latent.categories).repeat_interleave(draws))


@torch.inference_mode()
def lower_bounds(run: networks.Run, config: Params, random: torch.Generator) -> list[float]:
    """L_I of c1, c2, c3 on fresh latent variables, estimated as in training: in batches, with their own statistics."""
    run = networks.Run(*(copy.deepcopy(network).train() for network in run))
    size = config.train.batch_size
    batches = max(config.evaluate.samples_per_category * config.latent.categories // size, 1)
    bounds = []
    for _ in range(batches):
        codes = latent.sample(size, config.latent, random)
        features = run.discriminator.features(run.generator(latent.inputs(codes, config.latent)))
        bounds.append(information.lower_bounds(run.head, features, codes, config))
    return torch.stack(bounds).mean(dim=0).tolist()


def measure_information(
    log: dict[str, np.ndarray], bounds: list[float], entropy: float
) -> dict[str, float | int | None]:
    """The lower bounds of a finished run, and how they rose in its training `log` (Fig. 1); shares are of H(c1)."""
    iterations, curve = log["iteration"], log["information_c1"]
    at_1000 = convergence.mean_up_to(iterations, curve, FIGURE_1)
    return {
        "entropy_c1": entropy,
        "lower_bound_c1_at_1000": at_1000,
        "lower_bound_c1": bounds[0],
        "lower_bound_c2": bounds[1],
        "lower_bound_c3": bounds[2],
        "share_at_1000": None if at_1000 is None else at_1000 / entropy,
        "share_at_end": bounds[0] / entropy,
        "iterations_to_95_percent": convergence.first_at_least(iterations, curve, NEARLY_ALL * entropy),
    }


def evaluate(
    run: networks.Run,
    judged: Callable[[Tensor], Tensor],
    train: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    log: dict[str, np.ndarray],
    config: Params,
) -> Evaluation:
    """Measure `run`. `train` and `test` are images uint8 (N, 28, 28) and labels (N,); `log` holds the log's columns.

    `judged` gives the judge's probabilities (N, 10) of images (N, 1, 28, 28).
    """
    progress = Progress(desc="evaluate", total=5, unit="measure")
    random = torch.Generator().manual_seed(config.evaluate.seed)
    generate = partial(networks.generate, run.generator, params=config.latent)
    K, settings = config.latent.categories, config.evaluate

    counts = classification.contingency(categories(run, train[0]), train[1].numpy(), K)
    category, digit = categories(run, test[0]), test[1].numpy()
    predicted = classification.match_one_to_one(counts)[category]
    progress.update()

    codes = of_every_category(settings.samples_per_category, config, random)
    seen = judged(generate(codes)).argmax(dim=1)
    of_categories = purity.scores(codes.category.numpy(), seen.numpy(), K)
    progress.update()

    beyond = extrapolation.scores(
        generate,
        judged,
        of_every_category(settings.samples_per_category, config, random),
        of_categories["digit_of_category"],
    )
    progress.update()
    traversal = continuous_codes.traverse(
        generate, of_every_category(settings.traversals_per_category, config, random), K, settings.traversal_values
    )
    progress.update()
    bounds = lower_bounds(run, config, random)
    progress.update()
    progress.close()
    metrics = {
        "classification": classification.scores(counts, category, digit),
        "information": measure_information(log, bounds, latent.entropies(config.latent)[0]),
        "purity": of_categories,
        **continuous_codes.scores(traversal),
        "extrapolation": beyond,
        "convergence": {
            "iterations_information": convergence.settled(log["iteration"], log["information_c1"]),
            "iterations_adversarial": convergence.settled(log["iteration"], log["loss_discriminator"]),
        },
    }
    confusion = [{"actual": a, "predicted": p} for a, p in zip(digit.tolist(), predicted.tolist())]
    return Evaluation(metrics, confusion, continuous_codes.table(traversal))


def read_log(path: Path) -> dict[str, np.ndarray]:
    """The columns of a training log that are measured. Raises BadInput when one is missing or not finite."""
    try:
        with open(path, newline="") as file:
            rows = list(csv.DictReader(file))
        log = {column: np.array([float(row[column]) for row in rows]) for column in LOG_COLUMNS}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: not a training log ({error!r}); expected columns {', '.join(LOG_COLUMNS)}") from error
    for column, values in log.items():
        if len(values) == 0 or not np.isfinite(values).all():
            raise BadInput(f"{path}: column {column}: expected finite numbers in every row")
    return log


def write_table(path: Path, rows: list[dict]) -> None:
    with stage.whole_file(path) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write(folder: Path, evaluation: Evaluation) -> None:
    """Write evaluation.json, confusion.csv and traversal.csv. A metric that is NaN raises ValueError."""
    stage.write_json(folder / "evaluation.json", evaluation.metrics)
    write_table(folder / "confusion.csv", evaluation.confusion)
    write_table(folder / "traversal.csv", evaluation.traversal)


def main() -> None:
    objective, seed = params.run_arguments(__doc__)
    name = f"{objective}-{seed}"
    config = params.load()
    run = networks.load(Path("runs", name, "weights.safetensors"), objective, config)
    train_images, train_labels = mnist.load("train", config.mnist)
    seen = config.train.training_images  # the matching is fitted on the images that the run was trained on
    metrics = Path("metrics", name)
    evaluation = evaluate(
        run,
        partial(judge.probabilities, judge.load()),
        (train_images[:seen], train_labels[:seen]),
        mnist.load("t10k", config.mnist),
        read_log(metrics / "training.csv"),
        config,
    )
    write(metrics, evaluation)


if __name__ == "__main__":
    stage.run(main)
