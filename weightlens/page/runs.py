"""Long lists of places as a few numbers: the addresses that a block's formulas read are runs of runs.

Element i of a picture's convolution reads a window that begins one cell further than that of element i - 1; at the end of a row
it jumps. ``Runs`` says this as ``((length, step), ...)``, the innermost run first, however deep; what is not regular is listed.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import numpy as np


@dataclass(frozen=True)
class Runs:
    """Places relative to the first of them: a run is repeated at each place of the run around it, and last at the ``rest``."""

    levels: tuple[tuple[int, int], ...]
    rest: tuple[int, ...] = ()

    def places(self) -> np.ndarray:
        """All of them again, as a list."""
        found = np.array(self.rest or (0,), np.int64)
        for length, step in reversed(self.levels):
            found = np.add.outer(found, np.arange(length) * step).reshape(-1)
        return found


def runs(places: np.ndarray) -> Runs:
    """A list of places as runs, relative to the first place."""
    levels: list[tuple[int, int]] = []
    left = places - places[0]
    while len(left) > 1:
        length = first_run(left)
        if length == 1:
            return Runs(tuple(levels), tuple(left.tolist()))
        levels.append((length, int(left[1] - left[0])))
        left = left[::length]
    return Runs(tuple(levels))


def first_run(places: np.ndarray) -> int:
    """The length of a run with which the list begins, and which it is made of throughout; 1 where there is none."""
    steps = np.diff(places)
    other = np.flatnonzero(steps != steps[0])
    length = gcd(int(other[0]) + 1, len(places)) if len(other) else len(places)
    return length if length > 1 and (steps[inside(len(places), length)] == steps[0]).all() else 1


def inside(total: int, length: int) -> np.ndarray:
    """Which of the steps from one place to the next stay inside a run."""
    inner: np.ndarray = np.arange(1, total) % length != 0
    return inner
