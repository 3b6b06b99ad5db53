"""Who audits the files: this process, several of this machine, or the workers of a Dask cluster. The results are the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from weightlens.auditing.finding import Hit
from weightlens.auditing.one_file import Result, audit_file
from weightlens.auditing.places import Place
from weightlens.errors import BadInput

AHEAD = 4  # files given to each worker at a time
RETRIES = 3
LOCAL = "local"  # in place of an address: a cluster on this machine


def results(wanted: Sequence[Place], inputs: str | None, workers: int, scheduler: str | None) -> Iterator[Result]:
    """The result of every file, each once, as they are done."""
    if scheduler is not None:
        yield from on_dask(wanted, inputs, workers, scheduler)
    elif workers > 1 and len(wanted) > 1:
        yield from in_processes(wanted, inputs, workers)
    else:
        for place in wanted:
            yield audit_file(place, inputs)


def in_processes(wanted: Sequence[Place], inputs: str | None, workers: int) -> Iterator[Result]:
    """In several processes. A file at which a process dies is tried once more alone; if that dies too, this is its finding."""
    waiting, suspects = list(reversed(wanted)), list[Place]()
    while waiting:
        with pool(workers) as executor:
            running: dict[Future[Result], Place] = {}
            try:
                while waiting or running:
                    while waiting and len(running) < workers * AHEAD:
                        place = waiting.pop()
                        running[executor.submit(audit_file, place, inputs)] = place
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        yield future.result()
                        del running[future]
            except BrokenProcessPool:
                suspects += running.values()
            except BaseException:
                stop(executor)
                raise
    for place in suspects:
        yield alone(place, inputs)


def alone(place: Place, inputs: str | None) -> Result:
    """The result of a file that may kill the process that reads it."""
    with pool(1) as executor:
        try:
            return executor.submit(audit_file, place, inputs).result()
        except BrokenProcessPool:
            return died(place)


def died(place: Place) -> Result:
    """The result of a file at which its process died."""
    result = Result(place.name, place.changed)
    result.identity.size = place.size
    result.hits = [Hit("unreadable", "the process that read it died: damaged in a way that no check sees, or too large for this machine")]
    return result


def pool(workers: int) -> ProcessPoolExecutor:
    """Processes that share nothing with this one."""
    import multiprocessing

    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=leave_signals)


def leave_signals() -> None:
    """In a worker: Ctrl-C is for the process that it works for, which ends it."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


def stop(executor: ProcessPoolExecutor) -> None:
    """End the processes now: somebody pressed Ctrl-C."""
    for process in (executor._processes or {}).values():
        process.terminate()
    executor.shutdown(wait=False, cancel_futures=True)


def on_dask(wanted: Sequence[Place], inputs: str | None, workers: int, scheduler: str) -> Iterator[Result]:
    """On the workers of a Dask cluster, one task for each file. What a lost worker was doing is done again by another."""
    with client(workers, scheduler) as dask:
        waiting = list(reversed(wanted))
        running: dict[Any, Place] = {}
        from distributed import KilledWorker
        from distributed import wait as any_of

        while waiting or running:
            room = max(1, len(dask.scheduler_info(n_workers=-1)["workers"])) * AHEAD
            while waiting and len(running) < room:
                place = waiting.pop()
                running[dask.submit(audit_file, place, inputs, pure=False, retries=RETRIES)] = place
            for future in any_of(list(running), return_when=FIRST_COMPLETED).done:
                place = running.pop(future)
                try:
                    yield future.result()
                except KilledWorker:
                    yield died(place)
                future.release()


def client(workers: int, scheduler: str) -> Any:
    """A connection to the cluster; to a new one on this machine where the address is ``local``."""
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise BadInput(
            "--scheduler needs Dask: install dask[distributed], or this project's extra [store]; --workers N does without"
        ) from None
    if scheduler == LOCAL:
        cluster = LocalCluster(n_workers=max(1, workers), threads_per_worker=1, dashboard_address=None)
        return Owned(Client(cluster), cluster)
    try:
        return Client(scheduler, timeout=5)
    except (OSError, ValueError, TimeoutError) as error:
        raise BadInput(f"--scheduler {scheduler}: there is no Dask scheduler that answers ({error})") from None


class Owned:
    """A client that ends its cluster too."""

    def __init__(self, dask: Any, cluster: Any) -> None:
        self.dask, self.cluster = dask, cluster

    def __enter__(self) -> Any:
        return self.dask

    def __exit__(self, *error: object) -> None:
        self.dask.close()
        self.cluster.close()
