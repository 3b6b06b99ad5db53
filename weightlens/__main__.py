"""``python -m weightlens``, and the command ``weightlens``."""

import os

try:
    from weightlens.stopping import listen

    listen()
except KeyboardInterrupt:  # so early that nobody listened yet
    os._exit(130)

import gc
import sys
from typing import NoReturn

SELDOM = 100_000  # new objects between two collections of garbage: a short command makes none worth collecting


def run() -> NoReturn:
    """Run the command line, then leave at once: to take all modules apart takes as long as to print a small network."""
    gc.set_threshold(SELDOM)
    stand_in()
    from weightlens.cli.main import main

    code = main()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # full or closed, which has been said
            code = code or 2
    os._exit(code)


def stand_in() -> None:
    """Put something that fails in the place of closed streams: the next files that are opened would get their numbers."""
    for name, mode, wrong in (("stdin", "r", os.O_WRONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_RDWR)):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.open(os.devnull, wrong), mode))  # noqa: PTH123, SIM115 - it lasts as long as the process


if __name__ == "__main__":
    run()
