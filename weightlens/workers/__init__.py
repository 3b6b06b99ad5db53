"""Who does many tasks: this process, several of this machine, or the workers of a Dask cluster. What comes of them is the same.

Comes in: a function and things to call it with. Goes out: what it made of each, as they are done.
May import ``errors`` and ``stopping`` only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from weightlens.workers.tasks import R, T


def do_all(task: Callable[[T], R], things: Sequence[T], workers: int = 1, scheduler: str | None = None) -> Iterator[tuple[T, R | None]]:
    """Each thing with what the task makes of it, each once, as they are done; ``None`` where processes died of it."""
    if scheduler is not None:
        from weightlens.workers.dask_cluster import on_dask

        yield from on_dask(task, things, workers, scheduler)
    elif workers > 1 and len(things) > 1:
        from weightlens.workers.processes import in_processes

        yield from in_processes(task, things, workers)
    else:
        for thing in things:
            yield thing, task(thing)
