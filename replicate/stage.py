"""What every stage of the pipeline shares: how it ends on bad input, and how it reads and writes a file."""

import json
import math
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
    """The object in a JSON file. Its values are texts, finite numbers, nulls, and lists and objects of them.

    Raises BadInput when it cannot be read, is no object, or holds NaN, an infinity (1e999 is one) or a boolean.
    """

    def unfit(content: Any, key: str) -> Iterator[str]:
        if isinstance(content, dict | list):
            for name, value in content.items() if isinstance(content, dict) else enumerate(content):
                yield from unfit(value, f"{key}.{name}" if key else str(name))
        elif isinstance(content, bool) or (isinstance(content, float) and not math.isfinite(content)):
            yield f"{key}: got {json.dumps(content)}, expected a finite number, a text or null"

    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise BadInput(f"{path}: got {json.dumps(content):.80}, expected an object")
    for problem in unfit(content, ""):
        raise BadInput(f"{path}: {problem}")
    return content


def write_json(path: str | Path, content: dict[str, Any]) -> None:
    """Write `content`, whole or not at all. JSON has no NaN: one raises ValueError."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")
