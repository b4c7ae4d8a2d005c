"""Stage train: the minimax game between G, Q and D (§5), one run.

    python -m replicate.train VARIANT SEED

As in the released code, an iteration is two steps, each with its own codes: the D step trains D and Q (so the trunk that
they share as well) on V(D, G) and L_I, the G step trains G alone. The objectives differ only in what G and Q are given:
`infogan` the variational bound L_I, `infomax` an InfoMax estimate in its place, `gan` (§7.1's baseline) nothing for G,
while Q learns to read the codes. Where the paper and its code differ, or a code is read from a view of the image, the
settings say so.
"""

import copy
import csv
import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from replicate import checkpoint, code, environment, latent, mnist, model, networks, run, stage, views
from replicate.latent import Codes
from replicate.model import Model
from replicate.parameters import Machine, Mnist, Settings
from replicate.progress import Progress
from replicate.run import Run
from replicate.stage import BadInput
from replicate.views import Reading

VERSION = 1  # of the training; to be raised when its results change by more than rounding, which makes studies stale
LOG_COLUMNS = ("loss_discriminator", "loss_generator", "information_c1", "information_c2", "information_c3")
CHECKPOINT = "checkpoint.safetensors"
COLLAPSED = 1e-4  # a discriminator loss, in nats, that leaves the generator nothing to learn from
# A discriminator that tosses a coin has a loss of 2 log 2 nats, and can always get there by small weights. One whose loss
# stays ten times as large is not learning: each step overshoots.
DIVERGED = 10 * 2 * math.log(2)


class Training(NamedTuple):
    """Everything that an iteration reads and changes; all of it is in the checkpoint but for the images."""

    model: Model
    optimisers: dict[str, torch.optim.Adam]  # discriminator (with Q) and generator
    random: dict[str, torch.Generator]  # one stream each for data order, latent variables and views
    order: Tensor  # (training_images,) the current epoch's order of the images, on the device
    log: Tensor  # (iterations, 5) LOG_COLUMNS of every iteration, on the device
    images: Tensor  # (training_images, 28, 28) uint8


def streams(seed: int) -> dict[str, np.random.SeedSequence]:
    """The independent streams of random numbers that a run's seed gives."""
    purposes = ("weights", "data", "codes", "batchnorm", "views")
    return dict(zip(purposes, np.random.SeedSequence(seed).spawn(len(purposes))))


def start(seed: int, images: Tensor, settings: Settings, device: torch.device) -> Training:
    """A training before its first iteration."""
    of_purpose = streams(seed)
    built = model.build(settings)
    model.initialise(built, of_purpose["weights"])
    built = Model(*(network.to(device) for network in built))

    def adam(parameters: Iterable[nn.Parameter], learning_rate: float) -> torch.optim.Adam:
        betas = (settings.train.adam_beta1, settings.train.adam_beta2)
        return torch.optim.Adam(parameters, lr=learning_rate, betas=betas, fused=True)

    discriminating, generating = list(built.discriminator.parameters()), list(built.generator.parameters())
    (generating if settings.train.recognition_step == "generator" else discriminating).extend(built.head.parameters())
    return Training(
        built,
        {
            "discriminator": adam(discriminating, settings.train.learning_rate_discriminator),
            "generator": adam(generating, settings.train.learning_rate_generator),
        },
        {purpose: model.stream(of_purpose[purpose]) for purpose in ("data", "codes", "views")},
        torch.empty(len(images), dtype=torch.int64, device=device),
        torch.empty(settings.train.iterations, len(LOG_COLUMNS), device=device),
        images.to(device),
    )


def next_batch(training: Training, iteration: int, batch_size: int) -> Tensor:
    """Images (batch_size, 1, 28, 28) of one iteration, in [0, 1].

    Each epoch has its own order; its remainder is left out.
    """
    position = iteration % (len(training.images) // batch_size) * batch_size
    if position == 0:
        training.order.copy_(torch.randperm(len(training.images), generator=training.random["data"]))
    return mnist.as_input(training.images[training.order[position : position + batch_size]])


def weighted(bounds: Tensor, settings: Settings) -> Tensor:
    """λ L_I: the bounds (3,) of c1, c2, c3, weighted by the λ of discrete and of continuous codes (§6)."""
    return settings.train.lambda_discrete * bounds[0] + settings.train.lambda_continuous * bounds[1:].sum()


def discriminator_loss(
    discriminator: networks.Discriminator, real: Tensor, fake: Tensor, views: Sequence[Tensor] = ()
) -> tuple[Tensor, list[Tensor]]:
    """−V(D, G), nats, of images (N, 1, 28, 28), and the trunk's features (n, 1024) of the generated ones, then of each batch
    of `views` of them.

    All pass the trunk together, each batch normalised by its own statistics.
    """
    sizes = [len(batch) for batch in (real, fake, *views)]
    features = discriminator.features(torch.cat([real, fake, *views]), sizes)
    real_logit, fake_logit = discriminator.logit(features[: len(real) + len(fake)]).split(sizes[:2])
    return F.softplus(-real_logit).mean() + F.softplus(fake_logit).mean(), list(features.split(sizes))[1:]


def generator_loss(
    discriminator: networks.Discriminator, fake: Tensor, form: str, views: Sequence[Tensor] = ()
) -> tuple[Tensor, list[Tensor]]:
    """G's loss, nats, and the features as in `discriminator_loss`. Its form is non_saturating, −log D(G(z, c)), as in the
    released code, or minimax, log(1 − D(G(z, c))), as in eq. 1."""
    sizes = [len(batch) for batch in (fake, *views)]
    features = discriminator.features(torch.cat([fake, *views]) if views else fake, sizes)
    logit = discriminator.logit(features[: len(fake)])
    loss = F.softplus(-logit).mean() if form == "non_saturating" else -F.softplus(logit).mean()
    return loss, list(features.split(sizes))


def lower_bounds(head: networks.Head, codes: Codes, features: list[Tensor], seen: list[Reading]) -> Tensor:
    """L_I of c1, c2, c3: (3,) nats; of the images themselves, whose features stand first, or of a code's own reading."""
    bounds = list(head.lower_bounds(features[0], codes))
    for reading, of_reading in zip(seen, features[1:]):
        bounds[reading.code] = head.lower_bounds(of_reading, reading.codes)[reading.code]
    return torch.stack(bounds)


def minimise(loss: Tensor, optimiser: torch.optim.Optimizer) -> None:
    loss.backward()
    optimiser.step()
    optimiser.zero_grad()


def discriminator_step(
    training: Training, real: Tensor, fake: Tensor, codes: Codes, settings: Settings
) -> tuple[Tensor, Tensor | None]:
    """Train D, and on L_I Q and the trunk, unless `recognition_step` leaves Q to G's step: −V(D, G), and L_I (3,)."""
    _, discriminator, head = training.model
    if settings.train.recognition_step == "generator":
        adversarial, _ = discriminator_loss(discriminator, real, fake)
        minimise(adversarial, training.optimisers["discriminator"])
        return adversarial, None
    seen = views.readings(fake, codes, settings.train.recognition_views, training.random["views"])
    adversarial, features = discriminator_loss(discriminator, real, fake, [reading.images for reading in seen])
    if settings.train.recognition_trunk == "detached":
        features = [each.detach() for each in features]
    bounds = lower_bounds(head, codes, features, seen)
    minimise(adversarial - weighted(bounds, settings), training.optimisers["discriminator"])
    return adversarial, bounds


def generator_step(training: Training, fake: Tensor, codes: Codes, settings: Settings) -> tuple[Tensor, Tensor | None]:
    """Train G, on L_I too unless it is a regular GAN's, and Q with it where the settings say so: G's loss, and L_I."""
    _, discriminator, head = training.model
    discriminator.requires_grad_(False)  # gradients pass through D, and through Q, whose weights need none
    head.requires_grad_(settings.train.recognition_step == "generator")
    if settings.objective == "gan":
        bounds = None
        loss, _ = generator_loss(discriminator, fake, settings.train.generator_loss)
        minimise(loss, training.optimisers["generator"])
    else:
        seen = views.readings(fake, codes, settings.train.recognition_views, training.random["views"])
        of_views = [reading.images for reading in seen]
        loss, features = generator_loss(discriminator, fake, settings.train.generator_loss, of_views)
        bounds = lower_bounds(head, codes, features, seen)
        minimise(loss - weighted(bounds, settings), training.optimisers["generator"])
    discriminator.requires_grad_(True)
    head.requires_grad_(True)
    return loss, bounds


def iterate(training: Training, iteration: int, settings: Settings) -> None:
    """One iteration: a D step and a G step. Nothing in it waits for the device."""
    generator = training.model.generator
    real = next_batch(training, iteration, settings.train.batch_size)

    def draw() -> Codes:
        return latent.sample(len(real), settings.latent, training.random["codes"]).to(real.device)

    codes = draw()
    with torch.set_grad_enabled(not settings.train.new_codes_for_generator):
        fake = generator(latent.inputs(codes, settings.latent))
    adversarial, bounds = discriminator_step(training, real, fake.detach(), codes, settings)
    if settings.train.new_codes_for_generator:
        codes = draw()
        fake = generator(latent.inputs(codes, settings.latent))
    loss, of_generator = generator_step(training, fake, codes, settings)
    bounds = of_generator if bounds is None else bounds
    torch.cat([adversarial.detach()[None], loss.detach()[None], bounds.detach()], out=training.log[iteration])


def check(training: Training, first: int, last: int) -> None:
    """Raise BadInput when a loss of the iterations first … last − 1 is not finite, or D's is too large on average or has
    collapsed throughout."""
    rows = training.log[first:last].cpu()
    bad = ~rows.isfinite().all(dim=1)
    if bad.any():
        iteration = first + int(bad.nonzero()[0]) + 1
        values = ", ".join(
            f"{name} {value:g}" for name, value in zip(LOG_COLUMNS, rows[iteration - 1 - first].tolist())
        )
        raise BadInput(f"training diverged at iteration {iteration}: {values}")
    if (mean := float(rows[:, 0].mean())) > DIVERGED:
        raise BadInput(
            f"training diverged by iteration {last}: the discriminator's loss has been {mean:.1f} nats on average "
            f"since iteration {first + 1}, over {DIVERGED:.1f}, ten times what a coin toss has; lower the learning rates"
        )
    if (rows[:, 0] < COLLAPSED).all():
        raise BadInput(
            f"training collapsed by iteration {last}: the discriminator's loss has stayed below {COLLAPSED:g} nats since "
            f"iteration {first + 1}, and the generator learns nothing"
        )


def fingerprint(seed: int, settings: Settings, mnist_files: Mnist, device: torch.device) -> str:
    """SHA-256 over everything that the bits of a training depend on."""
    everything = {
        "seed": seed,
        "settings": settings.model_dump(),
        "mnist": mnist_files.model_dump(),
        "environment": environment.numerics(device),
        "code": code.fingerprint("replicate.train"),
    }
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()


def to_tensors(training: Training, iteration: int) -> dict[str, Tensor]:
    """All that the iterations after `iteration` depend on, ready for safetensors. Raises BadInput when not all is finite."""
    tensors = model.to_tensors(training.model)
    tensors |= {f"random.{name}": generator.get_state() for name, generator in training.random.items()}
    tensors |= {"order": training.order.cpu(), "log": training.log[:iteration].cpu()}
    for name, optimiser in training.optimisers.items():
        for index, moments in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{name}.{index}.{key}": value.cpu().contiguous() for key, value in moments.items()}
    if not all(tensor.isfinite().all() for tensor in tensors.values()):
        raise BadInput(f"training diverged by iteration {iteration}: a weight is not finite")
    return tensors


def from_tensors(training: Training, tensors: dict[str, Tensor]) -> None:
    """Set `training` to the state that `to_tensors` gave."""
    model.from_tensors(training.model, tensors)
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


def resume(training: Training, this: Run, fingerprint: str) -> int:
    """Set `training` to the checkpoint of this run; the number of iterations done, 0 when there is none to go on from."""
    found = checkpoint.load(this.checkpoints / CHECKPOINT, fingerprint)
    if found is None:
        return 0
    done, tensors = found
    for iteration in this.settings.train.snapshots():
        if iteration <= done:
            try:
                model.load(this.checkpoints / run.snapshot(iteration), this.name, iteration, this.settings)
            except BadInput as error:
                print(f"{error}: starting from the first iteration", flush=True)
                return 0
    from_tensors(training, tensors)
    return done


def settled(training: Training, this: Run) -> Model:
    """A copy of the model as it is now, on the CPU, with batchnorm's population statistics."""
    settings = this.settings
    now = copy.deepcopy(training.model)
    random = model.stream(streams(this.seed)["batchnorm"])
    images = training.images[: settings.train.batchnorm_images]
    model.settle_batchnorm(now, images, settings.latent, settings.train.batch_size, random)
    return Model(*(network.cpu().eval() for network in now))


def train(
    this: Run, images: Tensor, mnist_files: Mnist, machine: Machine, device: torch.device
) -> tuple[Tensor, float | None]:
    """Train on `images` (N, 28, 28) uint8: the log (iterations, 5), and seconds an iteration (see `Progress`).

    Leaves the model after each snapshot's iterations, with batchnorm's population statistics, in the run's folder of
    checkpoints. Resumes from there when the checkpoint is of this very training. Raises BadInput on divergence.
    KeyboardInterrupt passes, with a word on where the next call goes on.
    """
    settings = this.settings
    training = start(this.seed, images, settings, device)
    print_of_run = fingerprint(this.seed, settings, mnist_files, device)
    done = resume(training, this, print_of_run)
    every, iterations, snapshots = settings.train.log_every, settings.train.iterations, settings.train.snapshots()
    kept = done
    try:
        with Progress(desc=f"train {this.name}", initial=done, total=iterations, unit="iteration") as progress:
            while done < iterations:
                for iteration in range(done, done + every):
                    iterate(training, iteration, settings)
                done += every
                check(training, done - every, done)
                progress.set_postfix_str(f"L_I(c1) {training.log[done - 1, 2]:.2f} nats", refresh=False)
                progress.update(every)
                if done in snapshots:
                    model.save(this.checkpoints / run.snapshot(done), settled(training, this), this.name, done)
                if done in snapshots or done % machine.checkpoint_every < every:
                    checkpoint.save(this.checkpoints / CHECKPOINT, to_tensors(training, done), done, print_of_run)
                    kept = done
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"the next call goes on from iteration {kept} of {iterations}") from None
    return training.log.cpu(), progress.seconds_per_iteration


def write_log(path: Path, log: Tensor, every: int) -> None:
    """The training log: a row is the mean over the `every` iterations up to the one it names."""
    means = log.view(-1, every, len(LOG_COLUMNS)).mean(dim=1).tolist()
    with stage.whole_file(path) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["iteration", *LOG_COLUMNS])
        writer.writerows([every * row, *(f"{value:.6f}" for value in values)] for row, values in enumerate(means, 1))


def outputs(this: Run) -> list[Path]:
    """The files that the stage makes."""
    weights = [this.weights / run.snapshot(iteration) for iteration in this.settings.train.snapshots()]
    return [*weights, this.csv("training"), this.json("environment")]


def write(this: Run, log: Tensor, seconds: float | None, device: torch.device) -> None:
    """Write the outputs of a training that has ended, in the place of those of another one."""
    if this.weights.exists():
        shutil.rmtree(this.weights)
    for iteration in this.settings.train.snapshots():
        with stage.whole_file(this.weights / run.snapshot(iteration)) as temporary:
            shutil.copyfile(this.checkpoints / run.snapshot(iteration), temporary)
    write_log(this.csv("training"), log, this.settings.train.log_every)
    environment.write(this.json("environment"), device, seconds)


def main() -> None:
    began_it = os.getppid()
    this, params = run.from_command_line(__doc__)
    images, _ = mnist.training_images(params.mnist, this.settings.train)
    device = environment.prepare(params.machine.device)
    for path in outputs(this):
        stage.check_output(path)
    with checkpoint.alone(this.checkpoints):
        write(this, *train(this, images, params.mnist, params.machine, device), device)
        # Where the process that began this one was killed, nobody knows that the training has ended: the next call ends
        # from the last checkpoint at once.
        if os.getppid() == began_it:
            for path in this.checkpoints.glob("*.safetensors"):
                path.unlink()


if __name__ == "__main__":
    stage.run(main)
