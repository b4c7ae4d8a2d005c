"""Stage train: the minimax game between G, Q and D (§5), one objective and one seed.

    python -m replicate.train OBJECTIVE SEED

As in the released code, an iteration is two steps, each with its own codes: the D step trains D and Q (so the trunk that
they share as well) on V(D, G) and L_I, the G step trains G alone. The objectives differ only in what G and Q are given:
`infogan` the variational bound L_I, `infomax` an InfoMax estimate in its place, `gan` (§7.1's baseline) nothing for G,
while Q learns to read the codes.
"""

import csv
import hashlib
import json
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import update_bn

from replicate import environment, information, latent, mnist, networks, params, stage
from replicate.latent import Codes
from replicate.params import Params
from replicate.progress import Progress
from replicate.stage import BadInput

LOG_COLUMNS = ("loss_discriminator", "loss_generator", "information_c1", "information_c2", "information_c3")
COLLAPSED = 1e-4  # a discriminator loss, in nats, that leaves the generator nothing to learn from


class Training(NamedTuple):
    """Everything that an iteration reads and changes; all of it is in the checkpoint but for the images."""

    run: networks.Run
    optimisers: dict[str, torch.optim.Adam]  # discriminator (with Q) and generator
    random: dict[str, torch.Generator]  # one stream each for data order and latent samples
    order: Tensor  # (training_images,) the current epoch's order of the images, on the device
    log: Tensor  # (iterations, 5) LOG_COLUMNS of every iteration, on the device
    images: Tensor  # (training_images, 28, 28) uint8


def start(objective: str, seed: int, images: Tensor, config: Params, device: torch.device) -> Training:
    """A training before its first iteration. One seed gives three independent streams: weights, data order, codes."""
    weights, data, codes = (
        torch.Generator().manual_seed(int(stream.generate_state(1)[0])) for stream in np.random.SeedSequence(seed).spawn(3)
    )
    run = networks.build(objective, config)
    networks.initialise(run, weights)
    run = networks.Run(*(network.to(device) for network in run))

    def adam(parameters: Iterable[nn.Parameter], learning_rate: float) -> torch.optim.Adam:
        betas = (config.train.adam_beta1, config.train.adam_beta2)
        return torch.optim.Adam(parameters, lr=learning_rate, betas=betas, fused=True)

    return Training(
        run,
        {
            "discriminator": adam(
                [*run.discriminator.parameters(), *run.head.parameters()], config.train.learning_rate_discriminator
            ),
            "generator": adam(run.generator.parameters(), config.train.learning_rate_generator),
        },
        {"data": data, "codes": codes},
        torch.empty(len(images), dtype=torch.int64, device=device),
        torch.empty(config.train.iterations, len(LOG_COLUMNS), device=device),
        images.to(device),
    )


def next_batch(training: Training, iteration: int, batch_size: int) -> Tensor:
    """Images (batch_size, 1, 28, 28) of one iteration, in [0, 1]. Each epoch has its own order; its remainder is left out."""
    position = iteration % (len(training.images) // batch_size) * batch_size
    if position == 0:
        training.order.copy_(torch.randperm(len(training.images), generator=training.random["data"]))
    return mnist.as_input(training.images[training.order[position : position + batch_size]])


def weighted(bounds: Tensor, config: Params) -> Tensor:
    """λ L_I: the bounds (3,) of c1, c2, c3, weighted by the λ of discrete and of continuous codes (§6)."""
    return config.train.lambda_discrete * bounds[0] + config.train.lambda_continuous * bounds[1:].sum()


def discriminator_loss(discriminator: networks.Discriminator, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """−V(D, G), nats, and the trunk's features of the generated images: (N, 1, 28, 28) each -> (), (N, 1024).

    Real and generated images pass the trunk together, each normalised by the statistics of its own batch.
    """
    features = discriminator.features(torch.cat([real, fake]), batches=2)
    real_logit, fake_logit = discriminator.logit(features).chunk(2)
    return F.softplus(-real_logit).mean() + F.softplus(fake_logit).mean(), features[len(real) :]


def generator_loss(discriminator: networks.Discriminator, fake: Tensor) -> tuple[Tensor, Tensor]:
    """−log D(G(z, c)), nats, the non-saturating loss of the released code, and the trunk's features (N, 1024)."""
    features = discriminator.features(fake)
    return F.softplus(-discriminator.logit(features)).mean(), features


def minimise(loss: Tensor, optimiser: torch.optim.Optimizer) -> None:
    loss.backward()
    optimiser.step()
    optimiser.zero_grad()


def iterate(training: Training, objective: str, iteration: int, config: Params) -> None:
    """One iteration: a D step and a G step. Nothing in it waits for the device."""
    run, optimisers = training.run, training.optimisers
    real = next_batch(training, iteration, config.train.batch_size)

    def draw() -> Codes:
        return latent.sample(len(real), config.latent, training.random["codes"]).to(real.device)

    codes = draw()
    with torch.set_grad_enabled(not config.train.new_codes_for_generator):
        fake = run.generator(latent.inputs(codes, config.latent))
    adversarial, features = discriminator_loss(run.discriminator, real, fake.detach())
    bounds = information.lower_bounds(run.head, features, codes, config)
    minimise(adversarial - weighted(bounds, config), optimisers["discriminator"])

    if config.train.new_codes_for_generator:
        codes = draw()
        fake = run.generator(latent.inputs(codes, config.latent))
    run.discriminator.requires_grad_(False)  # the G step needs gradients through D and Q, not of their weights
    run.head.requires_grad_(False)
    loss, features = generator_loss(run.discriminator, fake)
    regularised = loss
    if objective != "gan":
        regularised = loss - weighted(information.lower_bounds(run.head, features, codes, config), config)
    minimise(regularised, optimisers["generator"])
    run.discriminator.requires_grad_(True)
    run.head.requires_grad_(True)
    torch.cat([adversarial.detach()[None], loss.detach()[None], bounds.detach()], out=training.log[iteration])


def check(training: Training, first: int, last: int) -> None:
    """Raise BadInput when a loss of the iterations first … last − 1 is not finite, or D's has collapsed throughout."""
    rows = training.log[first:last].cpu()
    bad = ~rows.isfinite().all(dim=1)
    if bad.any():
        iteration = first + int(bad.nonzero()[0]) + 1
        values = ", ".join(f"{name} {value:g}" for name, value in zip(LOG_COLUMNS, rows[iteration - 1 - first].tolist()))
        raise BadInput(f"training diverged at iteration {iteration}: {values}; the last good checkpoint is kept")
    if (rows[:, 0] < COLLAPSED).all():
        raise BadInput(
            f"training collapsed by iteration {last}: the discriminator's loss has stayed below {COLLAPSED:g} nats since "
            f"iteration {first + 1}, and the generator learns nothing; the last good checkpoint is kept"
        )


def fingerprint(objective: str, seed: int, config: Params, device: torch.device) -> str:
    """SHA-256 over everything that the bits of a training depend on."""
    code = [Path(module.__file__).read_text() for module in (information, latent, mnist, networks, sys.modules[__name__])]
    everything = {
        "run": [objective, seed],
        "params": {group: getattr(config, group).model_dump() for group in ("mnist", "latent", "networks", "train")},
        "environment": environment.numerics(device),
        "code": code,
    }
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()


def save_checkpoint(path: Path, training: Training, iteration: int, print_of_run: str) -> None:
    """Write the state after `iteration` iterations, whole or not at all."""
    tensors = networks.to_tensors(training.run)
    tensors |= {f"random.{name}": generator.get_state() for name, generator in training.random.items()}
    tensors |= {"order": training.order.cpu(), "log": training.log[:iteration].cpu()}
    for name, optimiser in training.optimisers.items():
        for index, moments in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{name}.{index}.{key}": value.cpu().contiguous() for key, value in moments.items()}
    if not all(tensor.isfinite().all() for tensor in tensors.values()):
        raise BadInput(f"training diverged at iteration {iteration}: a weight is not finite; the last good checkpoint is kept")
    with stage.whole_file(path) as temporary:
        save_file(tensors, temporary, {"fingerprint": print_of_run, "iteration": str(iteration)})


def resume(path: Path, training: Training, print_of_run: str) -> int:
    """Set `training` to the checkpoint at `path`; the number of iterations done, 0 when there is none for this run."""
    if not path.exists():
        return 0
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            tensors = {key: file.get_tensor(key) for key in file.keys()} if metadata["fingerprint"] == print_of_run else None
    except (SafetensorError, KeyError, TypeError) as error:
        print(f"{path} is damaged ({error}): starting from the first iteration", flush=True)
        return 0
    if tensors is None:
        print(f"{path} is of other parameters, code or machine: starting from the first iteration", flush=True)
        return 0
    networks.from_tensors(training.run, tensors)
    for name, generator in training.random.items():
        generator.set_state(tensors[f"random.{name}"])
    training.order.copy_(tensors["order"])
    training.log[: len(tensors["log"])] = tensors["log"]
    for name, optimiser in training.optimisers.items():
        saved = optimiser.state_dict()
        for index, parameter in enumerate(optimiser.param_groups[0]["params"]):
            moments = {key: tensors[f"optimiser.{name}.{index}.{key}"] for key in ("step", "exp_avg", "exp_avg_sq")}
            # The fused step walks a parameter and its moments in memory order, so they must share a memory format.
            for key in ("exp_avg", "exp_avg_sq"):
                moments[key] = torch.empty_like(parameter).copy_(moments[key])
            saved["state"][index] = moments
        optimiser.load_state_dict(saved)
    return int(metadata["iteration"])


def train(
    objective: str, seed: int, images: Tensor, config: Params, checkpoint: Path, device: torch.device
) -> tuple[networks.Run, Tensor, float]:
    """The finished networks, on the CPU with batchnorm's population statistics; the log (iterations, 5); seconds an iteration.

    `images` are (N, 28, 28) uint8. Resumes from `checkpoint` when it is of this very run. Raises BadInput on divergence.
    """
    training = start(objective, seed, images, config, device)
    print_of_run = fingerprint(objective, seed, config, device)
    done = resume(checkpoint, training, print_of_run)
    every, iterations = config.train.log_every, config.train.iterations
    with Progress(desc=f"train {objective}-{seed}", initial=done, total=iterations, unit="iteration") as progress:
        while done < iterations:
            for iteration in range(done, done + every):
                iterate(training, objective, iteration, config)
            done += every
            check(training, done - every, done)
            progress.set_postfix_str(f"L_I(c1) {training.log[done - 1, 2]:.2f} nats", refresh=False)
            progress.update(every)
            if done % config.train.checkpoint_every == 0 or done == iterations:
                save_checkpoint(checkpoint, training, done, print_of_run)
    settle_batchnorm(training, config, f"batchnorm {objective}-{seed}")
    run = networks.Run(*(network.cpu().eval() for network in training.run))
    return run, training.log.cpu(), progress.seconds_per_iteration


def settle_batchnorm(training: Training, config: Params, title: str) -> None:
    """Give batchnorm the population statistics of what each network reads afterwards: G of its latent codes, D and Q of
    real images. Training uses batch statistics, and so does the released code when it tests."""
    run, size = training.run, config.train.batch_size
    batches = len(training.images) // size
    device = training.images.device
    with Progress(desc=title, total=2 * batches, unit="batch") as progress:

        def generated() -> Iterator[Tensor]:
            for _ in range(batches):
                yield latent.inputs(latent.sample(size, config.latent, training.random["codes"]).to(device), config.latent)
                progress.update()

        def real() -> Iterator[Tensor]:
            for batch in training.images[: batches * size].split(size):
                yield mnist.as_input(batch)
                progress.update()

        update_bn(generated(), run.generator)
        update_bn(real(), nn.Sequential(run.discriminator.features, run.head.hidden))


def write_log(path: Path, log: Tensor, every: int) -> None:
    """The training log: a row is the mean over the `every` iterations up to the one it names."""
    means = log.view(-1, every, len(LOG_COLUMNS)).mean(dim=1).tolist()
    with stage.whole_file(path) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["iteration", *LOG_COLUMNS])
        writer.writerows([every * row, *(f"{value:.6f}" for value in values)] for row, values in enumerate(means, 1))


def main() -> None:
    objective, seed = params.run_arguments(__doc__)
    name = f"{objective}-{seed}"
    config = params.load()
    images, _ = mnist.load("train", config.mnist)
    images = images[: config.train.training_images]
    checkpoint = Path("checkpoints", name, "checkpoint.safetensors")
    device = environment.prepare(config.train.device)
    run, log, seconds = train(objective, seed, images, config, checkpoint, device)
    with stage.whole_file(Path("runs", name, "weights.safetensors")) as temporary:
        save_file(networks.to_tensors(run), temporary)
    write_log(Path("metrics", name, "training.csv"), log, config.train.log_every)
    environment.write(Path("metrics", name, "environment.json"), device, seconds)
    shutil.rmtree(checkpoint.parent)  # with what a kill in the middle of writing may have left beside it


if __name__ == "__main__":
    stage.run(main)
