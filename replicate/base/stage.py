"""What every stage of the pipeline shares: how it ends on bad input, and how it reads and writes a file."""

import glob
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class BadInput(Exception):
    """A file or a parameter is not what the stage expects; the message says which, what it is and what was expected."""


def run(main: Callable[[], None]) -> None:
    """Call `main`. Bad input, a file that cannot be read or written and Ctrl-C end the process with a message (exit
    status 1), not with a traceback."""
    try:
        main()
    except (BadInput, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt as interrupt:
        sys.exit(f"interrupted{f': {interrupt}' if interrupt.args else ''}")


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path; its file takes the place of `path` when the block ends without an exception.

    So a reader finds the file whole or not at all, whenever the process is killed. The temporary path is in a folder of
    its own beside `path`, where a library may have temporary files too; the next call removes what a kill has left.
    Raises OSError, naming `path`, when it cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}-{os.getpid()}") / path.name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left_over in path.parent.glob(f".{glob.escape(path.name)}-*"):
            shutil.rmtree(left_over)
        temporary.parent.mkdir()
        try:
            yield temporary
            os.chmod(temporary, temporary.parent.stat().st_mode & 0o666)  # safetensors hides its files from other users
            with open(temporary, "rb") as written:
                os.fsync(written.fileno())
            os.replace(temporary, path)
        finally:
            shutil.rmtree(temporary.parent, ignore_errors=True)
    except OSError as error:
        raise OSError(f"{path} cannot be written: {error}") from error


def check_output(path: str | Path) -> None:
    """Check that a file can be written at `path`, for a stage that would find out after hours.

    Raises OSError when it cannot, BadInput when a folder is there, or DVC could not take the file as an output.
    """
    path = Path(path)
    if links := [str(folder) for folder in path.parents if folder.is_symlink()]:
        raise BadInput(f"{links[0]} is a symbolic link, behind which DVC takes no output; expected a folder")
    if path.is_dir():
        raise BadInput(f"{path} is a folder, expected a file or nothing")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path.parent):
        pass


def read_json(path: str | Path) -> dict[str, Any]:
    """The object in a JSON file that `write_json` wrote."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_json(path: str | Path, content: dict[str, Any]) -> None:
    """Write `content`, whole or not at all. JSON has no NaN: one raises ValueError."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")
