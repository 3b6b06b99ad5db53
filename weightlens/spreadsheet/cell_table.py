"""The cells of one sheet: addresses and numbers in two arrays, and beside them the few cells that hold anything else."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from weightlens.errors import UnreadableModel
from weightlens.spreadsheet.cell_areas import cell_names

Value = float | str | bool


class CellError(str):
    """What a spreadsheet shows where a formula fails: ``#VALUE!``, ``#NUM!``."""

    __slots__ = ()


class CellDate(float):
    """A number formatted as a date or a time: what a spreadsheet makes of a typed ``1/2`` or ``3-4``."""

    __slots__ = ()


class Found(NamedTuple):
    """The values of some cells, in order: numbers, NaN where there is none, and ``others`` by position: texts, dates, truth values."""

    numbers: np.ndarray
    others: dict[int, Value]

    def value(self, i: int) -> Value | None:
        """One of the values."""
        number = float(self.numbers[i])
        return self.others.get(i) if math.isnan(number) else number

    @property
    def values(self) -> list[Value | None]:
        """One value a cell, ``None`` where it is empty."""
        values: list[Value | None] = self.numbers.tolist()
        for i in np.flatnonzero(np.isnan(self.numbers)).tolist():
            values[i] = self.others.get(i)
        return values


def joined(parts: Sequence[Found]) -> Found:
    """Several as one."""
    starts = np.cumsum([0, *(len(part.numbers) for part in parts)]).tolist()
    others = {start + i: value for start, part in zip(starts, parts, strict=False) for i, value in part.others.items()}
    return Found(np.concatenate([np.array([]), *(part.numbers for part in parts)]), others)


class CellTable(Mapping[str, Value]):
    """The values of a sheet by reference, ``cells["B6"]``; ``found`` and ``without_results`` are for many cells at once.

    Addresses count as in ``formulas.cell_arrays``; ``computed`` are the cells that hold formulas, with a value or without.
    """

    def __init__(self, at: np.ndarray, numbers: np.ndarray, computed: np.ndarray, others: dict[int, Value]) -> None:
        if len(at) and not (at[1:] > at[:-1]).all():
            order = np.argsort(at, kind="stable")
            at, numbers, computed = at[order], numbers[order], computed[order]
            if len(twice := np.flatnonzero(at[1:] == at[:-1])):
                raise UnreadableModel(f"cell {cell_names(at[twice[:1]])[0]} is written twice")
        self.at, self.numbers, self.computed, self.others = at, numbers, computed, others

    @cached_property
    def valued(self) -> np.ndarray:
        """Which cells have a value."""
        valued: np.ndarray = ~np.isnan(self.numbers)
        valued[np.searchsorted(self.at, list(self.others))] = True
        return valued

    @cached_property
    def by_reference(self) -> dict[str, Value]:
        """Every value as a Python object."""
        at, numbers = self.at[self.valued], self.numbers[self.valued].tolist()
        values = [self.others.get(a, number) for a, number in zip(at.tolist(), numbers, strict=True)] if self.others else numbers
        return dict(zip(cell_names(at), values, strict=True))

    def __getitem__(self, reference: str) -> Value:
        return self.by_reference[reference]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_reference)

    def __len__(self) -> int:
        return int(self.valued.sum())

    def found(self, addresses: np.ndarray) -> Found:
        """The values of these cells, row by row of the array."""
        wanted = addresses.reshape(-1)
        numbers = np.full(len(wanted), np.nan)
        if len(self.at):
            index = np.minimum(np.searchsorted(self.at, wanted), len(self.at) - 1)
            there = self.at[index] == wanted
            numbers[there] = self.numbers[index[there]]
        if not self.others:
            return Found(numbers, {})
        empty = np.flatnonzero(np.isnan(numbers))
        places = zip(empty.tolist(), wanted[empty].tolist(), strict=True)
        return Found(numbers, {i: self.others[at] for i, at in places if at in self.others})

    def without_results(self) -> np.ndarray:
        """The addresses of formulas without a value."""
        return np.asarray(self.at[self.computed & ~self.valued])

    def typed(self) -> np.ndarray:
        """The addresses of values that no formula computes."""
        return np.asarray(self.at[self.valued & ~self.computed])

    def with_results(self, fresh: CellTable) -> CellTable:
        """These cells, with the values that their formulas have in another table."""
        numbers, computed = self.numbers.copy(), self.at[self.computed]
        results = fresh.found(computed)
        numbers[self.computed] = results.numbers
        typed = set(self.typed().tolist())
        others = {at: value for at, value in self.others.items() if at in typed}
        return CellTable(self.at, numbers, self.computed, others | {int(computed[i]): value for i, value in results.others.items()})


NO_CELLS = CellTable(np.array([], np.int64), np.array([]), np.array([], bool), {})


class Formulas(Mapping[str, str]):
    """The formulas of a sheet by reference; their texts are read when one is asked for."""

    def __init__(self, cells: CellTable, read: Callable[[], dict[int, str]]) -> None:
        self.cells, self.read = cells, read

    @cached_property
    def texts(self) -> dict[str, str]:
        """Every formula, without its ``=``."""
        texts = self.read()
        return dict(zip(cell_names(np.array([*texts], np.int64)), texts.values(), strict=True))

    def __getitem__(self, reference: str) -> str:
        return self.texts[reference]

    def __iter__(self) -> Iterator[str]:
        return iter(cell_names(self.cells.at[self.cells.computed]))

    def __len__(self) -> int:
        return int(self.cells.computed.sum())
