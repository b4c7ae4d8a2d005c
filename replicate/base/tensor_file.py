"""Files of tensors (safetensors), whole or not at all. Each says what it is of, and has a checksum of its content."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from replicate.base.stage import BadInput, whole_file

CHECKSUM = ", SHA-256 "  # stands between the origin and the checksum


def checksum(tensors: Mapping[str, Tensor], origin: str) -> str:
    """SHA-256 over names, shapes, types and values of tensors on the CPU, and over their origin."""
    digest = hashlib.sha256(json.dumps(origin).encode())
    for name in sorted(tensors):
        digest.update(json.dumps([name, list(tensors[name].shape), str(tensors[name].dtype)]).encode())
        digest.update(tensors[name].contiguous().numpy().data)
    return digest.hexdigest()


def save(path: Path, tensors: dict[str, Tensor], origin: str) -> None:
    """Write contiguous `tensors` on the CPU; `origin` tells what they are of. Raises OSError when they cannot be written."""
    # A single entry: safetensors writes several in any order, and the same tensors shall give the same bytes.
    metadata = {"origin": f"{origin}{CHECKSUM}{checksum(tensors, origin)}"}
    with whole_file(path) as temporary:
        try:
            save_file(tensors, temporary, metadata)
        except SafetensorError as error:
            raise OSError(error) from error


def load(path: str | Path) -> tuple[dict[str, Tensor], str]:
    """The tensors and the origin that `save` wrote. Raises BadInput, saying why, when the file is missing or damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}
            origin, _, written = (file.metadata() or {}).get("origin", "").partition(CHECKSUM)
    except (OSError, SafetensorError) as error:
        raise BadInput(f"{path} cannot be read: {error}") from error
    if written != checksum(tensors, origin):
        raise BadInput(f"{path} is damaged: its content is not what was written")
    return tensors, origin
