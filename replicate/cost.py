"""Stage cost: does InfoGAN come for free (§6)? An iteration of it, timed against one of a GAN that has no Q.

    python -m replicate.cost

A record of the machine that ran it, like environment.json, and no metric of a run: it depends on no result and on no image.
"""

import statistics
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.benchmark import Timer

from replicate import environment, latent, params, stage, train
from replicate.params import Params
from replicate.progress import Progress


def iterate_without_q(training: train.Training, iteration: int, config: Params) -> None:
    """`train.iterate` of a GAN that has no Q: neither step knows of the codes."""
    run, optimisers = training.run, training.optimisers
    real = train.next_batch(training, iteration, config.train.batch_size)

    def draw() -> Tensor:
        codes = latent.sample(len(real), config.latent, training.random["codes"]).to(real.device)
        return latent.inputs(codes, config.latent)

    with torch.set_grad_enabled(not config.train.new_codes_for_generator):
        fake = run.generator(draw())
    adversarial, _ = train.discriminator_loss(run.discriminator, real, fake.detach())
    train.minimise(adversarial, optimisers["discriminator"])

    if config.train.new_codes_for_generator:
        fake = run.generator(draw())
    run.discriminator.requires_grad_(False)
    loss, _ = train.generator_loss(run.discriminator, fake)
    train.minimise(loss, optimisers["generator"])
    run.discriminator.requires_grad_(True)


def noise_training(objective: str, config: Params, device: torch.device) -> train.Training:
    """A training on noise instead of digits: what the images show does not change the time of an iteration."""
    images = torch.randint(256, (10 * config.train.batch_size, 28, 28), dtype=torch.uint8)
    return train.start(objective, config.seeds[0], images, config, device)


def in_turn(functions: dict[str, Callable[[], object]], rounds: int, title: str) -> dict[str, list[float]]:
    """Seconds of each function in each round. One follows the other, so that what slows the machine slows them alike."""
    timers = {
        name: Timer("function()", globals={"function": function}, num_threads=torch.get_num_threads())
        for name, function in functions.items()
    }
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in Progress(range(rounds), desc=title, unit="round"):
        for name, timer in timers.items():
            seconds[name].append(timer.timeit(1).median)  # after two calls that are not timed
    return seconds


def measure(config: Params, device: torch.device) -> dict[str, float | int | list[float]]:
    """The time of an iteration of InfoGAN over that of a GAN without Q: median and quartiles over pairs timed in turn."""
    infogan, gan = (noise_training("infogan", config, device) for _ in range(2))
    seconds = in_turn(
        {
            "infogan": lambda: train.iterate(infogan, "infogan", 0, config),
            "gan_without_q": lambda: iterate_without_q(gan, 0, config),
        },
        config.cost.pairs,
        "cost of Q",
    )
    ratios = [a / b for a, b in zip(*seconds.values())]
    quartiles = statistics.quantiles(ratios, n=4)
    return {
        "ratio": statistics.median(ratios),
        "quartiles": [quartiles[0], quartiles[2]],
        "pairs": len(ratios),
        **{f"seconds_{name}": statistics.median(times) for name, times in seconds.items()},
    }


def main() -> None:
    config = params.load()
    device = environment.prepare(config.train.device)
    stage.write_json(Path("metrics", "cost.json"), measure(config, device) | environment.numerics(device))


if __name__ == "__main__":
    stage.run(main)
