"""Stage yardstick: how much information do the images of a finished generator carry about its latent code?

    python -m replicate.yardstick OBJECTIVE SEED

The same measurement for every objective. A fresh posterior network q(c|x) is trained on samples of the frozen generator
until it stops improving on held-out ones; its variational lower bound E[log q(c|x)] + H(c) ≤ I(c; x) (§5, eq. 5) on a
third set of samples is reported. Every training batch is drawn anew, so there are no training images to learn by heart.
"""

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from replicate import environment, latent, networks, params, stage
from replicate.latent import Codes
from replicate.params import Params
from replicate.progress import Progress
from replicate.stage import BadInput

BOUNDS = ("c1", "gaussian_c2", "gaussian_c3", "discretised_c2", "discretised_c3")
Generator = Callable[[Tensor], Tensor]  # what the generator reads (N, latent size) -> images (N, 1, 28, 28)


class Posteriors(NamedTuple):
    """q(c|x): a categorical distribution over c1; for each of c2, c3 a Gaussian and a histogram over [−1, 1]."""

    logits: Tensor  # (N, K)
    mean: Tensor  # (N, 2)
    log_std: Tensor  # (N, 2)
    bins: Tensor  # (N, 2, B): logits of equal bins


class PosteriorNetwork(nn.Module):
    """A trunk and a head as D and Q have them (Table 1): images (N, 1, 28, 28) -> Posteriors."""

    def __init__(self, config: Params, random: torch.Generator):
        super().__init__()
        codes, slope = config.latent.continuous_codes, config.networks.leaky_slope
        self.sizes = (config.latent.categories, codes * config.yardstick.bins)
        self.trunk = networks.Trunk(slope)
        self.head = networks.Head(sum(self.sizes), slope)
        self.gaussian = nn.Linear(networks.HIDDEN, 2 * codes)
        networks.initialise([self.trunk, self.head, self.gaussian], random)
        nn.init.zeros_(self.head.output.weight)  # c1 and the histograms start at their prior: at a bound of 0 nats
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Posteriors:
        hidden = self.head.hidden(self.trunk(images))
        logits, bins = self.head.output(hidden).split(self.sizes, dim=1)
        # A sharp Gaussian's gradient grows with 1/σ and would leave c1 none of the shared layers: it only reads them.
        mean, log_std = self.gaussian(hidden.detach()).chunk(2, dim=1)
        return Posteriors(logits, mean, log_std, bins.unflatten(1, (mean.shape[1], -1)))


def lower_bounds(posteriors: Posteriors, codes: Codes) -> Tensor:
    """log q(c_j|x) + H(c_j) of each sample: (N, 5) nats in the order of BOUNDS; a mean is a lower bound of I(c_j; x).

    c1 reaches at most log K. A histogram of B bins has the density p(bin) B / 2, so it reaches at most log B. The
    Gaussian has no such limit, but some of it lies beyond [−1, 1]: where nothing is known of the code, its best is
    −0.18 instead of 0.
    """
    logits, mean, log_std, bins = posteriors
    category = math.log(logits.shape[1]) - F.cross_entropy(logits, codes.category, reduction="none")
    deviation = (codes.continuous - mean) / log_std.exp()
    gaussian = -0.5 * deviation.square() - log_std - 0.5 * math.log(2 * math.pi) + math.log(2)
    bin_of_code = ((codes.continuous + 1) / 2 * bins.shape[2]).long().clamp(0, bins.shape[2] - 1)
    discretised = bins.log_softmax(dim=2).gather(2, bin_of_code[:, :, None]).squeeze(2) + math.log(bins.shape[2])
    return torch.cat([category[:, None], gaussian, discretised], dim=1)


def sample(
    generator: Generator, n: int, config: Params, random: torch.Generator, device: torch.device
) -> tuple[Tensor, Codes]:
    """n images (n, 1, 28, 28) of a frozen generator, and the latent variables that they are made from."""
    codes = latent.sample(n, config.latent, random).to(device)
    return networks.generate(generator, codes, config.latent), codes


@torch.inference_mode()
def score(network: PosteriorNetwork, images: Tensor, codes: Codes, batch_size: int = 500) -> Tensor:
    """`lower_bounds` (N, 5) with batchnorm's population statistics; float64, on the CPU."""
    network.eval()
    batches = zip(images.split(batch_size), *(part.split(batch_size) for part in codes))
    return torch.cat([lower_bounds(network(batch), Codes(*parts)) for batch, *parts in batches]).cpu().double()


class Best(NamedTuple):
    """The highest that one of BOUNDS came to on the held-out samples, and the network that it came from."""

    bound: float
    network: PosteriorNetwork


def fit(
    generator: Generator,
    config: Params,
    streams: tuple[torch.Generator, torch.Generator, torch.Generator],
    device: torch.device,
    title: str,
) -> tuple[list[Best], int]:
    """Train a fresh posterior network on samples of `generator` until none of BOUNDS rises on held-out samples.

    A rise counts when it is more than `yardstick.least_rise`; `yardstick.patience` validations without one, or
    `yardstick.iterations`, end the training. `streams` are of the weights, of training and of held-out samples. What is
    validated is a moving average of the weights, which is steadier than the last ones (Polyak and Juditsky 1992).
    Returns the best of each of BOUNDS, so that no code suffers from what training does for another, and the iterations.
    """
    settings = config.yardstick
    weights, train, held_out = streams
    network = PosteriorNetwork(config, weights).to(device)
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(settings.averaging), use_buffers=True)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, fused=True)
    validation = sample(generator, settings.validation_samples, config, held_out, device)
    best = [Best(-math.inf, network)] * len(BOUNDS)
    iteration = stale = 0
    with Progress(desc=title, total=settings.iterations, unit="iteration") as progress:
        while True:
            if iteration % settings.validate_every == 0 or iteration == settings.iterations:
                bounds = score(average.module, *validation).mean(dim=0).tolist()
                rises = [bound > known.bound + settings.least_rise for bound, known in zip(bounds, best)]
                now = copy.deepcopy(average.module) if any(rises) else None
                best = [Best(bound, now) if rise else known for bound, known, rise in zip(bounds, best, rises)]
                stale = 0 if any(rises) else stale + 1
                if stale == settings.patience or iteration == settings.iterations:
                    return best, iteration
                progress.set_postfix_str(f"I(c1; x) ≥ {best[0].bound:.2f} nats", refresh=False)
            images, codes = sample(generator, settings.batch_size, config, train, device)
            (-lower_bounds(network(images), codes).mean(dim=0).sum()).backward()
            optimiser.step()
            optimiser.zero_grad()
            average.update_parameters(network)
            iteration += 1
            progress.update()


def measure(
    generator: Generator, config: Params, device: torch.device, title: str = "yardstick"
) -> dict[str, float | int]:
    """Lower bounds, in nats, of the information that the images of `generator` carry about c1, c2 and c3.

    `generator` must be frozen, with population statistics in its batchnorm. The bound of c2 and of c3 is the one, Gaussian
    or discretised, that was higher on the held-out samples; both are beside it. Standard errors are of the test samples.
    """
    settings = config.yardstick
    *streams, unseen = (
        torch.Generator().manual_seed(int(stream.generate_state(1)[0]))
        for stream in np.random.SeedSequence(settings.seed).spawn(4)
    )
    best, iterations = fit(generator, config, tuple(streams), device, title)
    test = sample(generator, settings.test_samples, config, unseen, device)
    held_out = {name: known.bound for name, known in zip(BOUNDS, best)}
    tested = {name: score(known.network, *test)[:, j] for j, (name, known) in enumerate(zip(BOUNDS, best))}
    better = {code: max((f"gaussian_{code}", f"discretised_{code}"), key=held_out.get) for code in ("c2", "c3")}
    result = {}
    for name, bounds in (tested | {code: tested[name] for code, name in better.items()}).items():
        result[f"lower_bound_{name}"] = float(bounds.mean())
        result[f"standard_error_{name}"] = float(bounds.std() / len(bounds) ** 0.5)
    return result | {
        "share_c1": result["lower_bound_c1"] / latent.entropies(config.latent)[0],
        "iterations": iterations,
    }


def read_reported(path: Path) -> float:
    """L_I of c1 that the run itself came to, as evaluated. Raises BadInput."""
    try:
        return float(stage.read_json(path)["information"]["lower_bound_c1"])
    except (KeyError, TypeError) as error:
        raise BadInput(f"{path}: expected a number at information.lower_bound_c1 ({error!r})") from error


def main() -> None:
    objective, seed = params.run_arguments(__doc__)
    name = f"{objective}-{seed}"
    config = params.load()
    reported = read_reported(Path("metrics", name, "evaluation.json"))
    run = networks.load(Path("runs", name, "weights.safetensors"), objective, config)
    device = environment.prepare(config.train.device)
    metrics = measure(run.generator.to(device), config, device, f"yardstick {name}")
    metrics["gap_c1"] = metrics["lower_bound_c1"] - reported if config.in_nats(objective) else None
    stage.write_json(Path("metrics", name, "yardstick.json"), metrics)


if __name__ == "__main__":
    stage.run(main)
