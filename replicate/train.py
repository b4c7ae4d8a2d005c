"""Stage train: the minimax game between G, Q and D (§5), one run.

python -m replicate.train VARIANT SEED
"""

import hashlib
import json
import math
import os
from contextlib import AbstractContextManager
from pathlib import Path
from time import monotonic
from typing import Any

import torch
from filelock import FileLock, Timeout
from torch import Tensor

from replicate.base import files, machine, source, stage
from replicate.base.mnist import Mnist
from replicate.base.stage import BadInput, Progress
from replicate.gan import model, run, step
from replicate.gan.cuda_graph import Stepper
from replicate.gan.run import Run
from replicate.gan.settings import Settings
from replicate.gan.step import LOG_COLUMNS, Training

CHECKPOINT = "checkpoint.safetensors"
COLLAPSED = 1e-4  # a discriminator loss, in nats, that leaves the generator nothing to learn from
DIVERGED = 10 * 2 * math.log(2)  # nats: ten times chance level, to which small weights always lead


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
            f"{since}, over {DIVERGED:.1f}, ten times chance level; lower the learning rates"
        )
    if (loss < COLLAPSED).all():
        raise BadInput(
            f"training collapsed by iteration {last}: the discriminator's loss has stayed below {COLLAPSED:g} nats "
            f"{since}, and the generator learns nothing"
        )


def fingerprint(seed: int, settings: Settings, mnist_files: Mnist, device: torch.device) -> str:
    """SHA-256 over everything that the bits of a run depend on."""
    everything = {
        "seed": seed,
        "settings": settings.model_dump(),
        "mnist": mnist_files.model_dump(),
        "environment": machine.numerics(device),
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


def checkpoint(path: Path, origin: str) -> dict[str, Tensor] | None:
    """The state that a run left at `path`. None where there is none, or, with a word on it, where the file is damaged
    or of a run with another `fingerprint` than `origin`."""
    if not path.exists():
        return None
    try:
        tensors, found = files.load_tensors(path)
    except BadInput as error:
        print(f"{error}: starting from the first iteration", flush=True)
        return None
    if found != origin:
        print(f"{path} is of other settings, code or machine: starting from the first iteration", flush=True)
        return None
    return tensors


def alone(folder: Path) -> AbstractContextManager:
    """Hold the lock of a run's folder; a process that dies, however it does, lets go of it.

    Raises BadInput when another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return FileLock(folder / "lock").acquire(blocking=False)
    except Timeout as error:
        message = f"another process is training {folder.name} already; call again when it has ended"
        raise BadInput(message) from error


def train(
    this: Run, images: Tensor, mnist_files: Mnist, device: torch.device, checkpoint_seconds: float
) -> tuple[Tensor, float | None]:
    """Train on `images` (N, 28, 28) uint8: the log (iterations, 5), and seconds an iteration, None where none was left.

    Leaves the model of each snapshot in the run's folder of checkpoints, and resumes from there when the checkpoint is of
    this very training. Raises BadInput on divergence; KeyboardInterrupt passes, naming where the next call goes on.
    """
    settings = this.settings
    training = step.start(this.seed, images, settings, device)
    origin = fingerprint(this.seed, settings, mnist_files, device)
    first = 0
    if tensors := checkpoint(this.checkpoints / CHECKPOINT, origin):
        from_tensors(training, tensors)
        first = len(tensors["log"])
    every, iterations, snapshots = settings.train.log_every, settings.train.iterations, settings.train.snapshots()
    began = saved = monotonic()
    done = kept = first
    stepper = Stepper(training, settings)
    try:
        with Progress(desc=f"train {this.name}", initial=first, total=iterations, unit="iteration") as progress:
            while done < iterations:
                for iteration in range(done, done + every):
                    stepper.iterate(iteration)
                done += every
                check(training, done - every, done)
                progress.set_postfix_str(f"L_I(c1) {training.log[done - 1, 2]:.2f} nats", refresh=False)
                progress.update(every)
                if done in snapshots:
                    settled = step.settled(training, this.seed, settings)
                    model.save(this.checkpoints / run.snapshot(done), settled, this.name, done)
                if done == iterations or monotonic() - saved >= checkpoint_seconds:
                    files.save_tensors(this.checkpoints / CHECKPOINT, to_tensors(training, done), origin)
                    kept, saved = done, monotonic()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"the next call goes on from iteration {kept} of {iterations}") from None
    return training.log.cpu(), (monotonic() - began) / (iterations - first) if first < iterations else None


def log_rows(log: Tensor, every: int) -> list[dict[str, int | str]]:
    """The training log: a row is the mean over the `every` iterations up to the one it names."""
    means = log.view(-1, every, len(LOG_COLUMNS)).mean(dim=1).tolist()
    texts = ([f"{value:.6f}" for value in values] for values in means)
    return [{"iteration": every * row} | dict(zip(LOG_COLUMNS, values)) for row, values in enumerate(texts, 1)]


def write(this: Run, log: Tensor, record: dict[str, Any]) -> None:
    """Write the outputs of a run that has ended, and remove the weights of another one."""
    snapshots = [run.snapshot(iteration) for iteration in this.settings.train.snapshots()]
    for name in snapshots:
        with files.whole_file(this.weights / name) as temporary:
            temporary.write_bytes((this.checkpoints / name).read_bytes())
    for path in this.weights.glob("weights-*.safetensors"):
        if path.name not in snapshots:
            path.unlink()
    files.write_csv(this.folder / "training.csv", log_rows(log, this.settings.train.log_every))
    files.write_json(this.folder / "run.json", record)


def main() -> None:
    began_it = os.getppid()
    this, params = run.from_command_line(__doc__)
    images, _ = this.training_images(params.mnist)
    device = machine.prepare(params.machine.device)
    for folder in (this.weights, this.folder):
        files.check_folder(folder)
    with alone(this.checkpoints):
        log, seconds = train(this, images, params.mnist, device, params.machine.checkpoint_seconds)
        write(this, log, run.record(this, params.mnist) | {"environment": machine.record(device, seconds)})
        # Where the process that began this one was killed, nobody knows that the training has ended: the next call ends
        # from the last checkpoint at once.
        if os.getppid() == began_it:
            for path in this.checkpoints.glob("*.safetensors"):
                path.unlink()


if __name__ == "__main__":
    stage.run(main)
