"""Who does many tasks: this process, several of this machine, or the workers of a Dask cluster. What comes of them is the same.

Comes in: a function and things to call it with. Goes out: what it made of each, as they are done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from weightlens.errors import BadInput
from weightlens.stopping import CleanupPending

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

T = TypeVar("T")  # what a task takes
R = TypeVar("R")  # what it makes of it
AHEAD = 4  # tasks given to each worker at a time
RETRIES = 3  # of a task whose Dask worker was lost
LOCAL = "local"  # in place of an address: a cluster on this machine
PATIENCE = 5  # seconds until a scheduler has to answer


def do_all(task: Callable[[T], R], things: Sequence[T], workers: int = 1, scheduler: str | None = None) -> Iterator[tuple[T, R | None]]:
    """Each thing with what the task makes of it, each once, as they are done; ``None`` where processes died of it."""
    if scheduler is not None:
        yield from on_dask(task, things, workers, scheduler)
    elif workers > 1 and len(things) > 1:
        yield from in_processes(task, things, workers)
    else:
        for thing in things:
            yield thing, task(thing)


def in_processes(task: Callable[[T], R], things: Sequence[T], workers: int) -> Iterator[tuple[T, R | None]]:
    """In several processes of this machine. What they were doing when one died is done again, one at a time."""
    from concurrent.futures import FIRST_COMPLETED, wait
    from concurrent.futures.process import BrokenProcessPool

    waiting, suspects = list(reversed(things)), list[T]()
    while waiting:
        running: dict[Future[R], T] = {}
        with pool(workers) as executor, suppress(BrokenProcessPool):
            while waiting or running:
                while waiting and len(running) < workers * AHEAD:
                    future = executor.submit(task, waiting[-1])  # which fails where a process has just died
                    running[future] = waiting.pop()
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running[future], future.result()
                    del running[future]
        suspects += running.values()  # none, unless one died
    for thing in suspects:
        with pool(1) as executor:
            try:
                made = executor.submit(task, thing).result()
            except BrokenProcessPool:
                made = None
        yield thing, made


@contextmanager
def pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that share nothing with this one; they end with the block, at once where it is left before they are done."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    with CleanupPending(), ProcessPoolExecutor(workers, mp_context=context, initializer=leave_signals) as executor:
        try:
            yield executor
        except BaseException:  # somebody pressed Ctrl-C: the executor sees that they ended, and ends too
            for process in (executor._processes or {}).values():
                process.terminate()
            # While this end of the pipe is open, the last that is, the rest of what one of them was sending is waited for.
            executor._result_queue._writer.close()  # type: ignore[attr-defined]  # there is no public way to it
            raise


def leave_signals() -> None:
    """In a worker: Ctrl-C is for the process that it works for, which ends it."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


def on_dask(task: Callable[[T], R], things: Sequence[T], workers: int, scheduler: str) -> Iterator[tuple[T, R | None]]:
    """On the workers of a Dask cluster. What a lost worker was doing is done again by another."""
    with CleanupPending(), client(workers, scheduler) as dask:
        from concurrent.futures import FIRST_COMPLETED

        from distributed import KilledWorker
        from distributed import wait as any_of

        waiting = list(reversed(things))
        running: dict[Any, T] = {}
        while waiting or running:
            room = max(1, len(dask.scheduler_info(n_workers=-1)["workers"])) * AHEAD
            while waiting and len(running) < room:
                thing = waiting.pop()
                running[dask.submit(task, thing, pure=False, retries=RETRIES)] = thing
            for future in any_of(list(running), return_when=FIRST_COMPLETED).done:
                try:
                    yield running[future], future.result()
                except KilledWorker:
                    yield running[future], None
                del running[future]
                future.release()


@contextmanager
def client(workers: int, scheduler: str) -> Iterator[Any]:
    """A connection to the cluster; to a new one on this machine, which ends with the block, where the address is ``local``."""
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise BadInput(
            "--scheduler needs Dask: pip install 'dask[distributed]' (it is in the extra [store]); --workers does without"
        ) from None
    if scheduler == LOCAL:
        cluster = LocalCluster(n_workers=max(1, workers), threads_per_worker=1, dashboard_address=None)
        with cluster, Client(cluster) as dask:
            yield dask
        return
    try:
        dask = Client(scheduler, timeout=PATIENCE)
    except (OSError, ValueError, TimeoutError) as error:
        raise BadInput(f"--scheduler {scheduler}: there is no Dask scheduler that answers ({error})") from None
    with dask:
        yield dask
