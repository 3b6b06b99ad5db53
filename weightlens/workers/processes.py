"""Tasks in several processes of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress

from weightlens.stopping import CleanupPending
from weightlens.workers.tasks import AHEAD, R, T


def in_processes(task: Callable[[T], R], things: Sequence[T], workers: int) -> Iterator[tuple[T, R | None]]:
    """In several processes. What they were doing when one died is done again, one at a time."""
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
        yield thing, alone(task, thing)


def alone(task: Callable[[T], R], thing: T) -> R | None:
    """What the task makes of a thing in a process of its own; ``None`` where that dies."""
    with pool(1) as executor:
        try:
            return executor.submit(task, thing).result()
        except BrokenProcessPool:
            return None


@contextmanager
def pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that share nothing with this one; they end with the block, at once where it is left before they are done."""
    import multiprocessing

    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    with CleanupPending(), ProcessPoolExecutor(workers, mp_context=context, initializer=leave_signals) as executor:
        try:
            yield executor
        except BaseException:
            stop(executor)
            raise


def leave_signals() -> None:
    """In a worker: Ctrl-C is for the process that it works for, which ends it."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


def stop(executor: ProcessPoolExecutor) -> None:
    """End the processes now: somebody pressed Ctrl-C. The executor sees it, and ends too, also where one had sent half of its result."""
    for process in (executor._processes or {}).values():
        process.terminate()
    # While this end of the pipe is open, the last that is, the rest of what one of them was sending is waited for.
    executor._result_queue._writer.close()  # type: ignore[attr-defined]
