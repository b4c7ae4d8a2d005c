"""How a stage ends on bad input, and how it shows what it is doing and how long that still takes."""

import sys
from collections.abc import Callable

from tqdm import tqdm


class BadInput(Exception):
    """A file or a parameter is not what the stage expects; the message says which, what it is and what was expected."""


def run(main: Callable[[], None]) -> None:
    """Call `main`. Bad input, a file that cannot be read or written and Ctrl-C end the process with a message (exit
    status 1), not with a traceback."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # a path may have letters that a redirected stream has not
    try:
        main()
    except (BadInput, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt as interrupt:
        sys.exit(f"interrupted{f': {interrupt}' if interrupt.args else ''}")


class Progress(tqdm):
    """tqdm's bar in a terminal; elsewhere (a log file, CI) a plain line every half a minute."""

    def __init__(self, *args, **kwargs):
        self.in_terminal = sys.stderr.isatty()
        super().__init__(*args, dynamic_ncols=True, mininterval=0.2 if self.in_terminal else 30, miniters=1, **kwargs)

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        if self.in_terminal:
            super().display(msg, pos)
        else:
            print(msg or str(self), file=sys.stderr, flush=True)
