"""Which cell each element of an array has: its axes sent to the rows and the columns of a sheet."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from weightlens.workbook.formulas.cell_arrays import ROW, Cells


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
            steps, step = {}, 1
            for position, axis in enumerate(reversed(axes)):
                step += gap if position and position == len(axes) - 1 else 0
                steps[axis] = step
                step *= self.shape[axis]
            return steps

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

    @cached_property
    def elements(self) -> tuple[dict[int, np.ndarray], dict[int, np.ndarray]]:
        """Which element along each axis a row holds, and a column."""

        def along(axes: tuple[int, ...]) -> dict[int, np.ndarray]:
            sizes = [self.shape[axis] for axis in axes]
            return dict(zip(axes, np.unravel_index(np.arange(math.prod(sizes)), sizes), strict=True)) if axes else {}

        return along(self.row_axes), along(self.column_axes)

    @property
    def height(self) -> int:
        return int(self.rows[-1]) + 1 if self.rows.size else 0

    @property
    def width(self) -> int:
        return int(self.columns[-1]) + 1 if self.columns.size else 0

    def cells(self, origin: int) -> Cells:
        """The address of every element, the first one at ``origin``."""
        total = np.full((1,) * len(self.shape), origin, np.int64)
        for offsets in self.along_axes:
            total = total + offsets
        return total

    @cached_property
    def along_axes(self) -> list[np.ndarray]:
        """How far along each axis its elements stand from the first one. Kept: the time steps of a layer share one arrangement."""
        rows, columns = self.steps
        each = [np.arange(n, dtype=np.int64) * (rows[d] * ROW if d in rows else columns[d]) for d, n in enumerate(self.shape)]
        return [offsets.reshape([-1 if d == axis else 1 for d in range(len(each))]) for axis, offsets in enumerate(each)]

    def table(self, array: np.ndarray) -> np.ndarray:
        """An array that broadcasts to the shape, as the two-dimensional table that stands on the sheet."""
        full = array if array.shape == self.shape else np.broadcast_to(array, self.shape)
        return np.transpose(full, self.row_axes + self.column_axes).reshape(len(self.rows), len(self.columns))

    @property
    def is_c_order(self) -> bool:
        """Whether reading the rectangle row by row gives the array in C order."""
        order = [axis for axis in self.row_axes + self.column_axes if self.shape[axis] > 1]
        return order == sorted(order) and self.height * self.width == int(np.prod(self.shape, dtype=np.int64))
