"""A progress bar on stderr, shown on a terminal only, and only for what takes a while."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator

from weightlens.stopping import Begun

WORTH_A_BAR = 20_000_000  # things to do, below which a bar would only flash


@contextlib.contextmanager
def progress(title: str, total: int, worth: int = WORTH_A_BAR) -> Iterator[Callable[[int], None]]:
    """Gives the function that moves the bar on by so many things."""
    if total < worth or not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Begun(), Progress(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(title, total=total)
        yield lambda done: bars.advance(task, done)


@contextlib.contextmanager
def stages(count: int, worth: bool) -> Iterator[Callable[[str], None]]:
    """Gives the function that says which of so many stages begins; a clock runs beside it."""
    if not worth or not sys.stderr.isatty():
        yield lambda title: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Begun(), os.fdopen(os.dup(sys.stderr.fileno()), "w") as own, Progress(*columns, console=Console(file=own), transient=True) as bars:
        task = bars.add_task("", total=count, completed=-1)  # a file of its own: stderr is silenced while Keras speaks
        yield lambda title: bars.update(task, description=title, advance=1)
