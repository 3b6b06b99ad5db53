"""What the commands say on standard error: notes and errors, one line each; and the line that says what was written."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from typing import TYPE_CHECKING, Any

import typer

from weightlens.errors import first_few

if TYPE_CHECKING:
    from pathlib import Path

    from weightlens.model import Model


TERMS = {  # of click, and plain ones
    "a valid int range": "a whole number", "a valid integer range": "a whole number", "a valid integer": "a whole number",
    "a valid int": "a whole number", "a valid float range": "a number", "a valid float": "a number",
}  # fmt: skip


def note(text: str) -> None:
    """Print a note on stderr, below what was printed before; raises ``OSError`` where that could not be written."""
    from weightlens.terminal import QUIET, clean

    if not QUIET.get():
        sys.stdout.flush()
        print_to_stderr(f"Note: {clean(text, 300)}")


def note_non_finite_weights(model: Model) -> None:
    """A note on the weights in use that contain NaN or infinities."""
    if words := non_finite_words(model):
        note(words)


def non_finite_words(model: Model) -> str:
    """Which weights, as far as they were read, contain NaN or infinities; empty if none does."""
    odd = [f"{name} ({w.not_finite:,} of {w.size:,})" for name, w in model.weights.items() if w.not_finite]
    return f"NaN or infinite numbers are in the weights {first_few(odd, 4)}" if odd else ""


def report_error(message: str) -> int:
    """Print an error in one line on stderr; returns the exit code."""
    from weightlens.terminal.escape import clean

    with contextlib.suppress(OSError):  # full, or nobody reads on
        sys.stdout.flush()
    print_to_stderr(f"Error: {clean(message, 1000)}")
    return 2


def print_to_stderr(line: str) -> None:
    """Print a line on stderr, ignoring errors: there is nowhere to report them."""
    with contextlib.suppress(OSError):
        typer.echo(line, err=True)


def report_done(*lines: str, output_format: str = "table", command: str = "", **facts: Any) -> None:
    """Print what a command has written: in lines, or its facts as JSON."""
    from weightlens.terminal import QUIET, clean

    if output_format == "json":
        from weightlens.terminal.machine import json_line

        typer.echo(json_line(command, **facts), nl=False)
    elif not QUIET.get():
        for line in lines:
            typer.echo(clean(line, 1000))


def printable_path(path: Path) -> Path:
    """A path as it is said: a folder without a name of its own (``.``, or an empty name) in full."""
    return path if path.name not in ("", "..") else path.resolve()


def unexpected_error(error: Exception) -> int:
    """Report any other exception: errors of the operating system and click's own, and our bugs, which are called so."""
    if isinstance(error, OSError) and error.errno is not None and error.strerror == os.strerror(error.errno):  # not HDF5's own
        return report_error(f"{error.filename or 'standard input or output'}: cannot be read or written ({error.strerror})")
    if hasattr(error, "format_message"):  # a wrong option, a missing argument; empty where help was printed instead
        message = functools.reduce(lambda text, term: text.replace(*term), TERMS.items(), error.format_message())
        return report_error(f"{message} (--help lists what there is)") if message else 2
    if type(error).__name__ == "Abort":
        return 130
    if os.environ.get("WEIGHTLENS_DEBUG"):
        raise error
    return report_error(
        f"a mistake in weightlens itself, please report it: {type(error).__name__}: {error} (WEIGHTLENS_DEBUG=1 shows where)"
    )
