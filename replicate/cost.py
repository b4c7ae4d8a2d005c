"""Stage cost: does InfoGAN come for free (§6)? An iteration of it, timed against one of a GAN that has no Q.

    python -m replicate.cost

A record of the machine that ran it, like those of the runs, and no metric of a run: it depends on no result and on
no image.
"""

import statistics
from collections.abc import Callable

import torch
from torch.utils.benchmark import Timer

from replicate import parameters
from replicate.base import files, machine, stage
from replicate.base.stage import Progress
from replicate.gan import step
from replicate.gan.settings import Settings


def without_q(settings: Settings) -> Settings:
    """Those of a GAN that has no Q, which no run has: D's step leaves the codes to G's, which a regular GAN's ignores."""
    train = settings.train.model_copy(update={"recognition_step": "generator"})
    return settings.model_copy(update={"objective": "gan", "train": train})


def noise_training(settings: Settings, device: torch.device) -> step.Training:
    """A training on noise instead of digits: what the images show does not change the time of an iteration."""
    images = torch.randint(256, (10 * settings.train.batch_size, 28, 28), dtype=torch.uint8)
    return step.start(0, images, settings, device)


def in_turn(functions: dict[str, Callable[[], object]], rounds: int, title: str) -> dict[str, list[float]]:
    """Seconds of each function in each round. One follows the other: what slows the machine slows them alike."""
    timers = {
        name: Timer("function()", globals={"function": function}, num_threads=torch.get_num_threads())
        for name, function in functions.items()
    }
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in Progress(range(rounds), desc=title, unit="round"):
        for name, timer in timers.items():
            seconds[name].append(timer.timeit(1).median)  # after two calls that are not timed
    return seconds


def measure(settings: Settings, pairs: int, device: torch.device) -> dict[str, float | int]:
    """The time of an iteration of InfoGAN over that of a GAN without Q: a median of pairs timed in turn."""
    infogan, gan = (noise_training(settings, device) for _ in range(2))
    functions = {
        "infogan": lambda: step.iterate(infogan, 0, settings),
        "gan_without_q": lambda: step.iterate(gan, 0, without_q(settings)),
    }
    seconds = in_turn(functions, pairs, "cost of Q")
    ratios = [a / b for a, b in zip(*seconds.values())]
    return {
        "ratio": statistics.median(ratios),
        "pairs": len(ratios),
        **{f"seconds_{name}": statistics.median(times) for name, times in seconds.items()},
    }


def main() -> None:
    params = parameters.load()
    device = machine.prepare(params.machine.device)
    cost = measure(params.settings("infogan"), params.cost.pairs, device)
    files.write_json("metrics/cost.json", cost | machine.numerics(device))


if __name__ == "__main__":
    stage.run(main)
