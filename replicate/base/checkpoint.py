"""The folder of checkpoints of a training: a lock and the last checkpoint."""

from contextlib import AbstractContextManager
from pathlib import Path

from filelock import FileLock, Timeout
from torch import Tensor

from replicate.base import files
from replicate.base.stage import BadInput


def alone(folder: Path) -> AbstractContextManager:
    """Hold the lock of a training's folder; a process that dies, however it does, lets go of it.

    Raises BadInput when another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return FileLock(folder / "lock").acquire(blocking=False)
    except Timeout as error:
        message = f"another process is training {folder.name} already; call again when it has ended"
        raise BadInput(message) from error


def load(path: Path, fingerprint: str) -> dict[str, Tensor] | None:
    """The state in a checkpoint. None where there is none, or, with a word on it, where `fingerprint`, which tells what a
    training depends on, is another one. Raises BadInput when the checkpoint is damaged."""
    if not path.exists():
        return None
    state, origin = files.load_tensors(path)
    if origin != fingerprint:
        print(f"{path} is of other settings, code or machine: starting from the first iteration", flush=True)
        return None
    return state
