"""Which cells a value gets: the shapes that its matrix can take on a sheet, and the choice among them.

An ``Arrangement`` sends each axis of an array to rows or to columns. The choice follows the cost of the
formulas that will read the cells, and what a person would draw: samples as rows, pictures as pictures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from weightlens.workbook.formulas.cell_arrays import ROW, Cells

FEW_CHANNELS = 16  # up to so many channels stand side by side as pictures; a convolution adds one term per channel
WIDEST = 8192  # columns that one block may take


@dataclass(frozen=True)
class Arrangement:
    """Axes of an array sent to rows and columns, outermost first; ``gap``: blank cells between outermost entries.

    ``stretch`` spreads the rows: entry i stands ``i * stretch`` rows down (the table of a recurrent layer,
    where the rows in between belong to the other time steps).
    """

    shape: tuple[int, ...]
    row_axes: tuple[int, ...]
    column_axes: tuple[int, ...]
    row_gap: int = 0
    column_gap: int = 0
    stretch: int = 1

    @cached_property
    def steps(self) -> tuple[dict[int, int], dict[int, int]]:
        """How many rows, or columns, one step along each axis moves."""

        def along(axes: tuple[int, ...], gap: int) -> dict[int, int]:
            found, step = {}, 1
            for position, axis in enumerate(reversed(axes)):
                step += gap if position and position == len(axes) - 1 else 0
                found[axis] = step
                step *= self.shape[axis]
            return found

        rows = {axis: step * self.stretch for axis, step in along(self.row_axes, self.row_gap).items()}
        return rows, along(self.column_axes, self.column_gap)

    def _offsets(self, axes: tuple[int, ...], steps: dict[int, int]) -> np.ndarray:
        total = np.zeros((1,), np.int64)
        for axis in axes:
            total = (total[:, None] + np.arange(self.shape[axis]) * steps[axis]).reshape(-1)
        return total

    @cached_property
    def rows(self) -> np.ndarray:
        """The rows used, counted from the first."""
        return self._offsets(self.row_axes, self.steps[0])

    @cached_property
    def columns(self) -> np.ndarray:
        """The columns used, counted from the first."""
        return self._offsets(self.column_axes, self.steps[1])

    @property
    def height(self) -> int:
        return int(self.rows[-1]) + 1 if self.rows.size else 0

    @property
    def width(self) -> int:
        return int(self.columns[-1]) + 1 if self.columns.size else 0

    def cells(self, origin: int) -> Cells:
        """The address of every element, the first one at ``origin``."""
        rows, columns = self.steps
        total = np.full((1,) * len(self.shape), origin, np.int64)
        for axis, n in enumerate(self.shape):
            step = rows[axis] * ROW if axis in rows else columns[axis]
            total = total + (np.arange(n, dtype=np.int64) * step).reshape([-1 if d == axis else 1 for d in range(len(self.shape))])
        return total

    def table(self, array: np.ndarray) -> np.ndarray:
        """An array that broadcasts to the shape, as the two-dimensional table that stands on the sheet."""
        full = np.broadcast_to(array, self.shape)
        return np.transpose(full, self.row_axes + self.column_axes).reshape(len(self.rows), len(self.columns))

    @property
    def is_c_order(self) -> bool:
        """Whether reading the rectangle row by row gives the array in C order."""
        order = [axis for axis in self.row_axes + self.column_axes if self.shape[axis] > 1]
        return order == sorted(order) and self.height * self.width == int(np.prod(self.shape, dtype=np.int64))


def in_rows(shape: tuple[int, ...], last: int | None = None) -> Arrangement:
    """C order: the last axis (or the ``last`` axes) side by side, all others under each other."""
    rank = len(shape)
    if last is None:
        last = 2 if rank > 3 and shape[-1] * shape[-2] <= WIDEST else 1
    last = min(last, max(rank - 1, 0)) if rank > 1 else 0
    return Arrangement(shape, tuple(range(rank - last)), tuple(range(rank - last, rank)))


def in_columns(shape: tuple[int, ...]) -> Arrangement:
    """A sample is a column: ``(samples, units)`` turned round, so that sums of products run down two columns."""
    return Arrangement(shape, (1,), (0,))


def as_planes(shape: tuple[int, ...]) -> Arrangement:
    """One picture per channel, side by side; samples under each other: ``(samples, height, width, channels)``."""
    return Arrangement(shape, (0, 1), (3, 2), 1, 1)


def kernel_candidates(shape: tuple[int, ...]) -> list[Arrangement]:
    """Ways to lay out a weight of three or more axes; the cheapest to multiply with is taken."""
    rank = len(shape)
    last = rank - 1
    found = [Arrangement(shape, (last, *range(rank - 3)), (rank - 3, rank - 2), 1)]  # a filter under the other, taps x channels
    if rank >= 4:
        found.append(Arrangement(shape, (last, *range(rank - 3)), (rank - 2, rank - 3), 1, 1))  # one plane per channel
        found.append(Arrangement(shape, (last, rank - 2, *range(rank - 3)), (rank - 3,), 1))
        found.append(Arrangement(shape, tuple(range(rank - 2)), (rank - 2, last)))
    if rank == 3:
        found.append(Arrangement(shape, (2, 0), (1,), 1))
        found.append(Arrangement(shape, (0, 1), (2,)))
        found.append(Arrangement(shape, (0,), (1, 2)))
        found.append(Arrangement(shape, (2, 1), (0,), 1))
    if rank >= 5:
        found.append(Arrangement(shape, (last, *range(rank - 2)), (rank - 2,)))
    return [a for a in found if a.width <= WIDEST]


def for_weight(shape: tuple[int, ...]) -> Arrangement:
    """A vector is a row, a matrix stands as stored."""
    if len(shape) == 1:
        return Arrangement(shape, (), (0,)) if shape[0] <= WIDEST else Arrangement(shape, (0,), ())
    if len(shape) == 2 and shape[1] > WIDEST:
        return Arrangement(shape, (1,), (0,))
    return in_rows(shape, 1) if len(shape) <= 2 else kernel_candidates(shape)[0]


def for_step(shape: tuple[int, ...], picture: bool, columns: bool, repeats: int) -> Arrangement:
    """Cells for one step.

    ``picture``: feature maps, not tables; ``columns``: a sample is a column; ``repeats``: the step occurs so
    often under this name, and its occurrences make one table.
    """
    rank = len(shape)
    if rank == 0:
        return Arrangement(shape, (), ())
    if rank == 1:
        return Arrangement(shape, (0,), (), stretch=repeats)
    if rank == 2:
        if columns and repeats == 1:
            return in_columns((shape[0], shape[1]))
        chosen = in_rows(shape)
        chosen = chosen if chosen.width <= WIDEST else in_columns((shape[0], shape[1]))
        return Arrangement(shape, chosen.row_axes, chosen.column_axes, stretch=repeats)
    if rank == 4 and picture and shape[3] <= FEW_CHANNELS and (shape[2] + 1) * shape[3] <= WIDEST:
        return as_planes(shape)
    return in_rows(shape, None if picture else 1)


def extent(arrangements: Iterable[Arrangement]) -> tuple[int, int]:
    """Largest height and width."""
    found = list(arrangements)
    return max((a.height for a in found), default=0), max((a.width for a in found), default=0)
