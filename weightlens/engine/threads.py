"""Portions of samples on all cores: NumPy lets other threads go on while it computes."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

MOST = 8  # threads, each of which holds the values of a portion


def side_by_side(compute: Callable[[int], list[Any]], starts: Sequence[int]) -> list[list[Any]]:
    """What is computed from each start, on all cores. The first error in order is raised."""
    threads = min(cores(), len(starts))
    if threads < 2:
        return list(map(compute, starts))
    from concurrent.futures import ThreadPoolExecutor  # few commands predict so much

    with ONE_CORE.each(), ThreadPoolExecutor(threads) as pool:
        return list(pool.map(compute, starts))


def cores() -> int:
    """How many processors compute side by side: those that this program may use, if they are few."""
    return min(MOST, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


class OneCore:
    """Matrix products on one core each, as long as somebody asks for it.

    Their own threads beside ours would wait for each other: with large kernels this took ten times as long.
    """

    def __init__(self) -> None:
        self.lock, self.asking = Lock(), 0
        self.limit: Any = None

    @contextmanager
    def each(self) -> Iterator[None]:
        """So many threads of one library as before come back when the last one leaves, whoever came first."""
        with self.lock:
            if not self.asking:
                self.limit = libraries().limit(limits=1, user_api="blas")
            self.asking += 1
        try:
            yield
        finally:
            with self.lock:
                self.asking -= 1
                if not self.asking:
                    self.limit.restore_original_limits()


ONE_CORE = OneCore()


@functools.cache
def libraries() -> Any:
    """The libraries of this process that have threads of their own; looked for once."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
