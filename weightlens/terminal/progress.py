"""A progress bar on stderr, only on a terminal and only for long tasks."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator

from weightlens.stopping import CleanupPending
from weightlens.terminal import QUIET

WORTH_A_BAR = 20_000_000  # things to do, below which a bar would only flash
WORTH_A_BAR_OF_FILES = 20


def is_shown() -> bool:
    """Whether somebody sees a bar, and wants it."""
    return sys.stderr.isatty() and not QUIET.get()


@contextlib.contextmanager
def progress(title: str, total: int, worth: int = WORTH_A_BAR) -> Iterator[Callable[[int], None]]:
    """A progress bar; yields the function that advances it."""
    if total < worth or not is_shown():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with CleanupPending(), Progress(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(title, total=total)
        yield lambda done: bars.advance(task, done)


@contextlib.contextmanager
def progress_stages(count: int, worth: bool) -> Iterator[Callable[[str], None]]:
    """A progress bar over stages, with a clock; yields the function that announces the next stage."""
    if not worth or not is_shown():
        yield lambda title: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with (
        CleanupPending(),
        os.fdopen(os.dup(sys.stderr.fileno()), "w") as own,
        Progress(*columns, console=Console(file=own), transient=True) as bars,
    ):
        task = bars.add_task("", total=count, completed=-1)  # a file of its own: stderr is silenced while Keras speaks
        yield lambda title: bars.update(task, description=title, advance=1)


@contextlib.contextmanager
def progress_of_files(count: int) -> Iterator[Callable[[str], None]]:
    """A progress bar over files, with the rate and the time left; yields the function that is told of each file that is done."""
    if count < WORTH_A_BAR_OF_FILES or not is_shown():
        yield lambda name: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        """Files per second."""

        def render(self, task: Task) -> Text:
            return Text(f"{task.finished_speed or task.speed or 0:.1f} files/s")

    columns = TextColumn("auditing"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn()
    with CleanupPending(), Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=count)
        yield lambda name: bars.update(task, advance=1)
