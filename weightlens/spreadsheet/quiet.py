"""Silence native code, which writes to the file descriptors whatever Python says."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator

STDOUT, STDERR = 1, 2


@contextlib.contextmanager
def quiet(*descriptors: int) -> Iterator[None]:
    """Send file descriptors (1: output, 2: errors) to the null device, and ignore Python's warnings."""
    sys.stdout.flush()
    sys.stderr.flush()
    nowhere, saved = os.open(os.devnull, os.O_WRONLY), {number: os.dup(number) for number in descriptors}
    try:
        for number in descriptors:
            os.dup2(nowhere, number)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, copy in saved.items():
            os.dup2(copy, number)
            os.close(copy)
        os.close(nowhere)
