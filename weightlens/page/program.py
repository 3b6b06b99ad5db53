"""The plan of a workbook as a program for a page: patterns of formulas, and the places in memory that each of them reads.

Every block of the plan gets a stretch of the page's memory, row by row as it stands on a sheet, without the blank cells. Blocks
are kept in the order of the trace, so running them one after the other computes the network: no graph of cells is needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import gcd
from typing import Any

import numpy as np

from weightlens.workbook.formulas.cell_arrays import MAX_ROWS, ROW, Expression, Piece
from weightlens.workbook.layout.plan import Placed, Plan

Hole = tuple[int, int, int, bool]  # height and width of an area, cells from one of its rows to the next, and whether it holds texts


@dataclass(frozen=True)
class Runs:
    """Places relative to the first of them: a run is repeated at each place of the run around it, and last at the ``rest``.

    Element i of a picture's convolution reads a window that begins one cell further than that of element i - 1; at the end of a row
    it jumps: ``levels`` are ``((length, step), ...)``, the innermost run first, however deep; what is not regular is listed.
    """

    levels: tuple[tuple[int, int], ...]
    rest: tuple[int, ...] = ()


@dataclass
class Part:
    """Elements of a block with one pattern: where they are, the pattern, and the runs and the first place of each of its holes."""

    count: int
    at: tuple[int, int]
    pattern: int
    holes: list[tuple[int, int]]


@dataclass
class Program:
    """Everything that the page computes with. ``starts``: where each block begins in memory; ``parts``: how each is computed."""

    placed: list[Placed]
    starts: list[int] = field(default_factory=list)
    size: int = 0
    parts: list[list[Part]] = field(default_factory=list)
    reads: list[list[int]] = field(default_factory=list)  # the blocks whose cells each block's formulas read
    arguments: list[tuple[int, int] | None] = field(default_factory=list)  # of an activation: the number that each of its own is made of
    patterns: dict[tuple[str | Hole, ...], int] = field(default_factory=dict)
    runs: dict[Runs, int] = field(default_factory=dict)


class Writer:
    """Turns the plan's expressions into parts."""

    def __init__(self, plan: Plan) -> None:
        self.program = Program(list(plan.placed.values()))
        program, self.formulas = self.program, plan.formulas
        self.rows, self.columns = [], []  # of each block, the place among those used of each row and column, blank ones too
        for placed in program.placed:
            a = placed.block.arrangement
            program.starts.append(program.size)
            program.size += len(a.rows) * len(a.columns)
            self.rows.append(packed(a.rows))
            self.columns.append(packed(a.columns))
        self.block_of = {placed.block.first >> 34: k for k, placed in enumerate(program.placed)}

    def write(self) -> Program:
        """All blocks."""
        for k, placed in enumerate(self.program.placed):
            made = None if placed.block.make is None else placed.block.make()
            self.reading: set[int] = set()
            self.program.parts.append([] if made is None else self.parts(k, made))
            self.program.arguments.append(None if made is None else self.argument(placed))
            self.program.reads.append(sorted(self.reading))
        return self.program

    def parts(self, k: int, made: Expression) -> list[Part]:
        """One part for each pattern that some element has, over the elements in the order of the array."""
        placed = self.program.placed[k]
        shape = placed.made.shape
        own = placed.block.cells.reshape(-1)
        choice = None if made.choice is None else np.broadcast_to(made.choice, shape).reshape(-1)
        found = []
        for option, pieces in enumerate(made.options):
            chosen = slice(None) if choice is None else np.flatnonzero(choice == option)
            if own[chosen].size:
                found.append(self.part(own[chosen], pieces, shape, chosen))
        return found

    def part(self, own: np.ndarray, pieces: list[Piece], shape: tuple[int, ...], chosen: Any) -> Part:
        """The elements ``chosen`` of a block, which all have this pattern."""
        program, pattern, holes = self.program, list[str | Hole](), []
        for piece in pieces:
            if isinstance(piece, str):
                pattern.append(piece)
                continue
            first = np.broadcast_to(piece.first, shape).reshape(-1)[chosen]
            read = program.placed[self.block_of[int(first[0]) >> 34]]  # what a formula has to know of an area besides its place
            width = len(read.block.arrangement.columns) if piece.height > 1 else 0
            pattern.append((piece.height, piece.width, width, read.made.dtype.kind == "U"))
            holes.append(self.places(first))
        text = tuple(joined(pattern))
        return Part(len(own), self.places(own, reading=False), program.patterns.setdefault(text, len(program.patterns)), holes)

    def argument(self, placed: Placed) -> tuple[int, int] | None:
        """Where what an activation function was called with stands, number by number; ``None`` where it has no cells of one block."""
        x = placed.made.function[1]
        cells = None if x is None or np.shape(x) != placed.made.shape else self.formulas.cells(x)
        if cells is None or not cells.size or (cells < 0).any() or len(np.unique(cells >> 34)) > 1:
            return None
        return self.places(cells.reshape(-1), reading=False)

    def places(self, addresses: np.ndarray, reading: bool = True) -> tuple[int, int]:
        """Addresses, all of one block, as places in memory: the number of their runs, and the first place."""
        k = self.block_of[int(addresses[0]) >> 34]
        if reading:
            self.reading.add(k)
        rows, columns = self.rows[k], self.columns[k]
        row, column = (addresses >> 14) & (MAX_ROWS - 1), addresses & (ROW - 1)
        width = len(self.program.placed[k].block.arrangement.columns)
        memory = (row if rows is None else rows[row]) * width + (column if columns is None else columns[column])
        known = self.program.runs  # equal entries are kept once
        return known.setdefault(runs(memory), len(known)), self.program.starts[k] + int(memory[0])


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
    return length if length > 1 and (steps[np.arange(1, len(places)) % length != 0] == steps[0]).all() else 1


def packed(used: np.ndarray) -> np.ndarray | None:
    """For each row or column of a block its place among those that are used; ``None`` where all are."""
    if not used.size or int(used[-1]) + 1 == len(used):
        return None
    found = np.zeros(int(used[-1]) + 1, np.int64)
    found[used] = np.arange(len(used))
    return found


def joined(pattern: list[str | Hole]) -> list[str | Hole]:
    """Texts that follow one another as one."""
    found: list[str | Hole] = []
    for piece in pattern:
        if isinstance(piece, str) and found and isinstance(found[-1], str):
            found[-1] += piece
        else:
            found.append(piece)
    return found


def values(placed: Placed) -> np.ndarray:
    """What a block's cells hold, in the order of memory."""
    table: np.ndarray = placed.block.arrangement.table(np.asarray(placed.made.value))
    return table.reshape(-1)
