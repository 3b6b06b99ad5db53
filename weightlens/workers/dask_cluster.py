"""Tasks on the workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED
from typing import Any

from weightlens.errors import BadInput
from weightlens.stopping import CleanupPending
from weightlens.workers.tasks import AHEAD, R, T

RETRIES = 3
LOCAL = "local"  # in place of an address: a cluster on this machine
PATIENCE = 5  # seconds until a scheduler has to answer


def on_dask(task: Callable[[T], R], things: Sequence[T], workers: int, scheduler: str) -> Iterator[tuple[T, R | None]]:
    """On the workers of a Dask cluster. What a lost worker was doing is done again by another."""
    with CleanupPending(), client(workers, scheduler) as dask:
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


def client(workers: int, scheduler: str) -> Any:
    """A connection to the cluster; to a new one on this machine where the address is ``local``."""
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise BadInput(
            "--scheduler needs Dask: pip install 'dask[distributed]' (it is in the extra [store]); --workers does without"
        ) from None
    if scheduler == LOCAL:
        cluster = LocalCluster(n_workers=max(1, workers), threads_per_worker=1, dashboard_address=None)
        return Owned(Client(cluster), cluster)
    try:
        return Client(scheduler, timeout=PATIENCE)
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
