"""The checkpoint of an unfinished training: all that its next iteration depends on, whole or not at all, with a checksum."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from replicate.stage import whole_file


def checksum(tensors: Mapping[str, Tensor], iteration: int, fingerprint: str) -> str:
    """SHA-256 over the whole content of a checkpoint."""
    digest = hashlib.sha256(json.dumps([iteration, fingerprint]).encode())
    for name in sorted(tensors):
        digest.update(json.dumps([name, list(tensors[name].shape), str(tensors[name].dtype)]).encode())
        digest.update(tensors[name].contiguous().numpy().data)
    return digest.hexdigest()


def save(path: Path, tensors: dict[str, Tensor], iteration: int, fingerprint: str) -> None:
    """Write `tensors`, the state after `iteration` iterations. `fingerprint` tells what the training depends on."""
    content = checksum(tensors, iteration, fingerprint)
    metadata = {"fingerprint": fingerprint, "iteration": str(iteration), "checksum": content}
    with whole_file(path) as temporary:
        save_file(tensors, temporary, metadata)


def load(path: Path, fingerprint: str) -> tuple[int, dict[str, Tensor]] | None:
    """The iteration and the tensors that `save` wrote; None, with a word on why, when they are not of this training."""
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            tensors = {key: file.get_tensor(key) for key in file.keys()}
        iteration, found = int(metadata["iteration"]), metadata["fingerprint"]
        if metadata["checksum"] != checksum(tensors, iteration, found):
            raise ValueError("its content is not what was written")
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        print(f"{path} is damaged ({error}): starting from the first iteration", flush=True)
        return None
    if found != fingerprint:
        print(f"{path} is of other settings, code or machine: starting from the first iteration", flush=True)
        return None
    return iteration, tensors
