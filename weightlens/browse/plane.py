"""A matrix as it is browsed: two of its axes run down and across, the others stand at one place each."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from weightlens.browse.listing import Item
from weightlens.errors import BadInput
from weightlens.inputs.indices import one_index
from weightlens.model import Weight
from weightlens.specs.sizes import tuple_text
from weightlens.specs.words.number_words import counted
from weightlens.terminal.matrices import as_slice, order_of, read_part

Index = tuple[int, ...]


class Plane(NamedTuple):
    """Which axes of a matrix are its rows and columns; an axis that there is not is None."""

    weight: Weight
    slow: list[int]
    down: int | None
    across: int | None

    @property
    def rows(self) -> int:
        """How many there are."""
        return 1 if self.down is None else self.weight.shape[self.down]

    @property
    def columns(self) -> int:
        """How many there are."""
        return 1 if self.across is None else self.weight.shape[self.across]

    @property
    def slices(self) -> int:
        """How many planes the matrix has."""
        return math.prod(self.weight.shape[axis] for axis in self.slow)

    def numbers(self, index: Index, rows: range, columns: range) -> np.ndarray:
        """The numbers of some rows and columns of the plane in which an element is; nothing else is read."""
        key: list[Any] = list(index)
        for axis, places in ((self.down, rows), (self.across, columns)):
            if axis is not None:
                key[axis] = as_slice(places)
        values = np.asarray(read_part(self.weight, tuple(key)))
        if self.down is not None and self.across is not None and self.down > self.across:
            values = values.T
        return values.reshape(len(rows) if self.down is not None else 1, len(columns) if self.across is not None else 1)

    def place(self, index: Index) -> tuple[int, int]:
        """Row and column of an element."""
        return 0 if self.down is None else index[self.down], 0 if self.across is None else index[self.across]

    def moved(self, index: Index, down: int, across: int) -> Index:
        """The element so many rows and columns further, at most at the edge."""
        new = list(index)
        for axis, by in ((self.down, down), (self.across, across)):
            if axis is not None:
                new[axis] = min(max(new[axis] + by, 0), self.weight.shape[axis] - 1)
        return tuple(new)

    def number_of_slice(self, index: Index) -> int:
        """Which plane it is, counted from 0."""
        shape = [self.weight.shape[axis] for axis in self.slow]
        return int(np.ravel_multi_index([index[axis] for axis in self.slow], shape)) if shape else 0

    def turned(self, index: Index, by: int) -> Index:
        """The index that lies at the same place ``by`` planes further on, at most in the first or the last plane."""
        number = min(max(self.number_of_slice(index) + by, 0), self.slices - 1)
        shape, new = [self.weight.shape[axis] for axis in self.slow], list(index)
        for axis, i in zip(self.slow, np.unravel_index(number, shape) if shape else (), strict=True):
            new[axis] = int(i)
        return tuple(new)

    def jumped(self, index: Index, text: str) -> Index:
        """The element at ``12,3``, counted as ``--slice`` counts; axes that are left out stay where they are."""
        shape, new = self.weight.shape, list(index)
        pieces = [piece.strip() for piece in text.strip().strip("[]").split(",")]
        if len(pieces) > len(shape):
            raise BadInput(f"{text}: {counted(len(pieces), 'index', 'indices')}, but the matrix has shape {tuple_text(shape)}")
        for axis, piece in enumerate(pieces):
            try:
                new[axis] = one_index(int(piece), shape[axis])
            except ValueError:
                raise BadInput(f"{text}: {piece!r} is not an index; write for example {','.join('0' * len(shape))}") from None
            except IndexError:
                raise BadInput(f"{text}: there is no index {piece} in a matrix of shape {tuple_text(shape)}") from None
        return tuple(new)


def plane_of(item: Item) -> Plane:
    """How a matrix is browsed: as it is printed."""
    shape = item.weight.shape
    order: list[int | None] = [*order_of([item.label.name(axis) for axis in range(len(shape))], shape).axes]
    *slow, down, across = [None] * (2 - len(order)) + order
    return Plane(item.weight, [axis for axis in slow if axis is not None], down, across)
