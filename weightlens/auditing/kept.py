"""Findings and fingerprints of any number of files in little memory: they wait in a temporary file of our own."""

from __future__ import annotations

import pickle
import tempfile
from array import array
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

IN_MEMORY = 8 << 20  # bytes; more are written to disk


class Kept(Generic[T]):
    """Values in the order in which they came; of each only where it begins stays in memory."""

    def __init__(self) -> None:
        self.file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - open as long as the values are wanted
        self.starts = array("Q")

    def __del__(self) -> None:
        self.file.close()

    def append(self, value: T) -> None:
        """Keep a value."""
        self.file.seek(0, 2)
        self.starts.append(self.file.tell())
        pickle.dump(value, self.file, pickle.HIGHEST_PROTOCOL)

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, number: int) -> T:
        self.file.seek(self.starts[number])
        value: T = pickle.load(self.file)
        return value

    def __iter__(self) -> Iterator[T]:
        return (self[number] for number in range(len(self)))

    def in_order(self, key: Callable[[T], float]) -> Iterator[T]:
        """The values by a number that each has; those with the same one as they came."""
        keys = array("d", map(key, self))
        return (self[number] for number in sorted(range(len(self)), key=keys.__getitem__))
