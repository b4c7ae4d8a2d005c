"""The folder of checkpoints of a training: a lock and the last checkpoint."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from torch import Tensor

from replicate.base import files
from replicate.base.stage import BadInput


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the lock of a training's folder; a process that dies, however it does, lets go of it.

    Raises BadInput, naming the process, when another one holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    holder = folder / "process"
    try:
        lock = FileLock(folder / "lock").acquire(blocking=False)
    except Timeout as error:
        raise BadInput(
            f"process {holder.read_text()} is training {folder.name} already; call again when it has ended"
        ) from error
    with lock:
        holder.write_text(str(os.getpid()))
        yield


def save(path: Path, state: dict[str, Tensor], iteration: int, fingerprint: str) -> None:
    """Write the state after `iteration` iterations; `fingerprint` tells what the training depends on."""
    files.save_tensors(path, state, f"{fingerprint} after {iteration}")


def load(path: Path, fingerprint: str) -> tuple[int, dict[str, Tensor]] | None:
    """The iteration and the state that `save` wrote; None, with a word on why, when they are not of this training."""
    if not path.exists():
        return None
    try:
        state, origin = files.load_tensors(path)
    except BadInput as error:
        print(f"{error}: starting from the first iteration", flush=True)
        return None
    found, _, iteration = origin.partition(" after ")
    if found != fingerprint:
        print(f"{path} is of other settings, code or machine: starting from the first iteration", flush=True)
        return None
    return int(iteration), state
