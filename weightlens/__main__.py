"""``python -m weightlens``, and the command ``weightlens``."""

import gc
import os
import sys
from typing import NoReturn

SELDOM = 100_000  # new objects between two collections of garbage: a short command makes none worth collecting


def run() -> NoReturn:
    """Run the command line, then leave at once: to take all modules apart takes as long as to print a small network."""
    gc.set_threshold(SELDOM)
    from weightlens.cli import main

    code = main()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
