"""What every stage of the pipeline shares: how it ends on bad input, and how it reads and writes a file."""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class BadInput(Exception):
    """A file or a parameter is not what the stage expects; the message says which, what it is and what was expected."""


def run(main: Callable[[], None]) -> None:
    """Call `main`; bad input ends the process with its message (exit status 1), not with a traceback."""
    try:
        main()
    except BadInput as error:
        sys.exit(f"error: {error}")


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it takes the place of `path` when the block ends without an exception.

    So a reader finds the file whole or not at all, whenever the process is killed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    os.chmod(name, 0o644)  # mkstemp's own mode hides the file from other users
    try:
        yield Path(name)
        with open(name, "rb") as written:
            os.fsync(written.fileno())
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def read_json(path: str | Path) -> dict[str, Any]:
    """The object in a JSON file. Raises BadInput when it cannot be read, or holds NaN or an infinity."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON; a metric without a value is null")

    try:
        return json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=refuse)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read: {error}") from error


def write_json(path: str | Path, content: dict[str, Any]) -> None:
    """Write `content`, whole or not at all. JSON has no NaN: one raises ValueError."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")
