"""A progress bar on stderr, shown on a terminal only, and only for what takes a while."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

WORTH_A_BAR = 20_000_000  # things to do, below which a bar would only flash


@contextlib.contextmanager
def progress(title: str, total: int, worth: int = WORTH_A_BAR) -> Iterator[Callable[[int], None]]:
    """Gives the function that moves the bar on by so many things."""
    if total < worth or not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(title, total=total)
        yield lambda done: bars.advance(task, done)
