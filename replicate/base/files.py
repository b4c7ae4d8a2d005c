"""Files that appear whole or not at all: any file, JSON, CSV, and files of tensors (safetensors) with a checksum."""

import csv
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from replicate.base.stage import BadInput

CHECKSUM = ", SHA-256 "  # stands between the origin of tensors and their checksum


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path; its file takes the place of `path` when the block ends without an exception.

    So a reader finds the file whole or not at all, whenever the process is killed. The temporary path is in a folder of
    its own beside `path`, where a library may have temporary files too; the next call removes what a kill has left.
    Raises OSError, naming `path`, when it cannot be written.
    """
    path = Path(path)
    folder = path.with_name(f".{path.name}.part")
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        yield folder / path.name
        os.chmod(folder / path.name, folder.stat().st_mode & 0o666)  # safetensors hides its files from other users
        with open(folder / path.name, "r+b") as written:  # Windows syncs only what could be written
            os.fsync(written.fileno())
        os.replace(folder / path.name, path)
    except OSError as error:
        raise OSError(f"{path} cannot be written: {error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_folder(path: Path) -> None:
    """Check that files can be written into a folder, for a stage that would find out after hours.

    Raises OSError when they cannot, BadInput when DVC could not take them as outputs.
    """
    if links := [str(folder) for folder in (path, *path.parents) if folder.is_symlink()]:
        raise BadInput(f"{links[0]} is a symbolic link, behind which DVC takes no output; expected a folder")
    path.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path):
        pass


def read_json(path: str | Path) -> dict[str, Any]:
    """The object in a JSON file that `write_json` wrote."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_json(path: str | Path, content: dict[str, Any]) -> None:
    """Write `content`, whole or not at all. JSON has no NaN: one raises ValueError."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", newline="\n")


def write_csv(path: str | Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows with the columns of the first; None is written as an empty cell."""
    with whole_file(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def checksum(tensors: Mapping[str, Tensor], origin: str) -> str:
    """SHA-256 over names, shapes, types and values of tensors on the CPU, and over their origin."""
    digest = hashlib.sha256(json.dumps(origin).encode())
    for name in sorted(tensors):
        digest.update(json.dumps([name, list(tensors[name].shape), str(tensors[name].dtype)]).encode())
        digest.update(tensors[name].contiguous().numpy().data)
    return digest.hexdigest()


def save_tensors(path: Path, tensors: dict[str, Tensor], origin: str) -> None:
    """Write contiguous `tensors` on the CPU; `origin` tells what they are of. Raises OSError when they cannot be written."""
    # A single entry: safetensors writes several in any order, and the same tensors shall give the same bytes.
    metadata = {"origin": f"{origin}{CHECKSUM}{checksum(tensors, origin)}"}
    with whole_file(path) as temporary:
        try:
            save_file(tensors, temporary, metadata)
        except SafetensorError as error:
            raise OSError(error) from error


def load_tensors(path: str | Path) -> tuple[dict[str, Tensor], str]:
    """The tensors and the origin that `save_tensors` wrote. Raises BadInput when the file is missing or damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}
            origin, _, written = (file.metadata() or {}).get("origin", "").partition(CHECKSUM)
    except (OSError, SafetensorError) as error:
        raise BadInput(f"{path} cannot be read: {error}") from error
    if written != checksum(tensors, origin):
        raise BadInput(f"{path} is damaged: its content is not what was written")
    return tensors, origin
