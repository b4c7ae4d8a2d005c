"""Stage train: the minimax game between G, Q and D (§5), one run.

python -m replicate.train VARIANT SEED
"""

import hashlib
import json
import math
import os
import shutil
from pathlib import Path
from time import monotonic

import torch
from torch import Tensor

from replicate.base import checkpoint, environment, mnist, source, stage, tables
from replicate.base.parameters import Machine, Mnist, Settings
from replicate.base.progress import Progress
from replicate.base.stage import BadInput
from replicate.gan import game, model, run
from replicate.gan.game import LOG_COLUMNS, Training
from replicate.gan.playing import Playing
from replicate.gan.run import Run

CHECKPOINT = "checkpoint.safetensors"
COLLAPSED = 1e-4  # a discriminator loss, in nats, that leaves the generator nothing to learn from
# A discriminator that tosses a coin has a loss of 2 log 2 nats, and can always get there by small weights. One whose loss
# stays ten times as large is not learning: each step overshoots.
DIVERGED = 10 * 2 * math.log(2)


def check(training: Training, first: int, last: int) -> None:
    """Raise BadInput when a loss of the iterations first … last − 1 is not finite, or D's is too large on average or has
    collapsed throughout."""
    rows = training.log[first:last].cpu()
    loss, since = rows[:, 0], f"since iteration {first + 1}"
    if not rows.isfinite().all():
        raise BadInput(f"training diverged by iteration {last}: a loss is not finite {since}")
    if loss.mean() > DIVERGED:
        raise BadInput(
            f"training diverged by iteration {last}: the discriminator's loss has been {loss.mean():.1f} nats on average "
            f"{since}, over {DIVERGED:.1f}, ten times what a coin toss has; lower the learning rates"
        )
    if (loss < COLLAPSED).all():
        raise BadInput(
            f"training collapsed by iteration {last}: the discriminator's loss has stayed below {COLLAPSED:g} nats "
            f"{since}, and the generator learns nothing"
        )


def fingerprint(seed: int, settings: Settings, mnist_files: Mnist, device: torch.device) -> str:
    """SHA-256 over everything that the bits of a training depend on."""
    everything = {
        "seed": seed,
        "settings": settings.model_dump(),
        "mnist": mnist_files.model_dump(),
        "environment": environment.numerics(device),
        "code": source.fingerprint("replicate.train"),
    }
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()


def to_tensors(training: Training, iteration: int) -> dict[str, Tensor]:
    """All that the iterations after `iteration` depend on, ready for safetensors. Raises BadInput when not all is finite."""
    tensors = model.to_tensors(training.model)
    tensors |= {f"random.{name}": generator.get_state() for name, generator in training.random.items()}
    tensors |= {"order": training.order, "log": training.log[:iteration].cpu()}
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


def train(
    this: Run, images: Tensor, mnist_files: Mnist, machine: Machine, device: torch.device
) -> tuple[Tensor, float | None]:
    """Train on `images` (N, 28, 28) uint8: the log (iterations, 5), and seconds an iteration (see `Progress`).

    Leaves the model after each snapshot's iterations, with batchnorm's population statistics, in the run's folder of
    checkpoints. Resumes from there when the checkpoint is of this very training. Raises BadInput on divergence.
    KeyboardInterrupt passes, with a word on where the next call goes on.
    """
    settings = this.settings
    training = game.start(this.seed, images, settings, device)
    print_of_run = fingerprint(this.seed, settings, mnist_files, device)
    done = 0
    if found := checkpoint.load(this.checkpoints / CHECKPOINT, print_of_run):
        done, tensors = found
        from_tensors(training, tensors)
    every, iterations, snapshots = settings.train.log_every, settings.train.iterations, settings.train.snapshots()
    kept, saved = done, monotonic()
    playing = Playing(training, settings)
    try:
        with Progress(desc=f"train {this.name}", initial=done, total=iterations, unit="iteration") as progress:
            while done < iterations:
                for iteration in range(done, done + every):
                    playing.iterate(iteration)
                done += every
                check(training, done - every, done)
                progress.set_postfix_str(f"L_I(c1) {training.log[done - 1, 2]:.2f} nats", refresh=False)
                progress.update(every)
                if done in snapshots:
                    settled = game.settled(training, this.seed, settings)
                    model.save(this.checkpoints / run.snapshot(done), settled, this.name, done)
                if done == iterations or monotonic() - saved >= machine.checkpoint_seconds:
                    checkpoint.save(this.checkpoints / CHECKPOINT, to_tensors(training, done), done, print_of_run)
                    kept, saved = done, monotonic()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"the next call goes on from iteration {kept} of {iterations}") from None
    return training.log.cpu(), progress.seconds_per_iteration


def write_log(path: Path, log: Tensor, every: int) -> None:
    """The training log: a row is the mean over the `every` iterations up to the one it names."""
    means = log.view(-1, every, len(LOG_COLUMNS)).mean(dim=1).tolist()
    columns = ("iteration", *LOG_COLUMNS)
    rows = ((every * row, *(f"{value:.6f}" for value in values)) for row, values in enumerate(means, 1))
    tables.write(path, [dict(zip(columns, row)) for row in rows])


def outputs(this: Run) -> list[Path]:
    """The files that the stage makes."""
    weights = [this.weights / run.snapshot(iteration) for iteration in this.settings.train.snapshots()]
    return [*weights, this.file("training.csv"), this.file("environment.json")]


def write(this: Run, log: Tensor, seconds: float | None, device: torch.device) -> None:
    """Write the outputs of a training that has ended, in the place of those of another one."""
    if this.weights.exists():
        shutil.rmtree(this.weights)
    for iteration in this.settings.train.snapshots():
        with stage.whole_file(this.weights / run.snapshot(iteration)) as temporary:
            shutil.copyfile(this.checkpoints / run.snapshot(iteration), temporary)
    write_log(this.file("training.csv"), log, this.settings.train.log_every)
    environment.write(this.file("environment.json"), device, seconds)


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
