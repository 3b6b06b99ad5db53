"""Matrices as aligned numbers with heat colours: blocks of rows and columns under their labels."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from weightlens.terminal import Screen
from weightlens.terminal.escape import to_right, width_of
from weightlens.terminal.matrices import View

INDENT = "    "  # before every line of a matrix
BETWEEN = "  "  # blocks that stand side by side


def number_format(values: np.ndarray, precision: int) -> Callable[[Any], str]:
    """One number format for a whole matrix, so that its decimal points are aligned."""
    if values.dtype.kind in "iu":
        return lambda value: format(value, "d")
    if values.dtype.kind == "b":
        return lambda value: str(bool(value))
    if values.dtype.kind == "c":
        return lambda value: f"{value:.{precision}g}"
    sizes = np.abs(values[np.isfinite(values)].astype(np.float64))
    largest = float(sizes.max()) if sizes.size else 0.0
    kind = "e" if largest >= 1e6 or 0 < largest < 10.0 ** -min(precision, 3) else "f"
    pattern, minus_zero = f".{precision}{kind}", format(-0.0, f".{precision}{kind}")

    def write(value: float) -> str:
        text = format(value, pattern)
        return text if text != minus_zero else text[1:]

    return write


def matrix_lines(shown: View, screen: Screen, precision: int = 4, wrap: bool = True) -> Iterator[str]:
    """The lines of a matrix: blocks of rows and columns with their labels, side by side or one after another."""
    values = shown.values
    if values.size == 0:
        yield f"{INDENT}empty"
        return
    finite = np.where(np.isfinite(values), values, 0).astype(complex if values.dtype.kind == "c" else float)
    printer = Printer(shown, screen, number_format(values, precision), float(np.abs(finite).max()), wrap)
    if values.ndim == 0:
        yield INDENT + printer.write(values.item())
        return
    if shown.tiled:
        yield from map(screen.dim, screen.wrapped(direction_words(shown), INDENT))
    yield from titled_blocks(shown, screen, printer.tiles if shown.tiled else printer.block)


def titled_blocks(shown: View, screen: Screen, block: Callable[[tuple[int, ...], str], Iterator[str]]) -> Iterator[str]:
    """One block, or blocks side by side, for each place along the slow axes, which stands above it in brackets.

    What there is only one of is not said. ``block`` has the lines at a place, with an indent.
    """
    for place in itertools.product(*map(range, shown.values.shape[: -3 if shown.tiled else -2])):
        said = [(axis, listed[i]) for axis, listed, i in zip(shown.axes, shown.indices, place, strict=False) if listed != [0]]
        if said:
            yield INDENT + screen.dim(f"[{', '.join(shown.label.text(axis, i) for axis, i in said)}]")
        yield from block(place, INDENT + "  " * bool(said))
        if any(gap and i + 1 == gap for gap, i in zip(shown.gaps, place, strict=False)):
            yield INDENT + screen.dim("…")


def tile_titles(shown: View) -> list[str]:
    """The titles of blocks that stand side by side; what there is only one of is not said."""
    return [shown.label.text(shown.axes[-3], i) for i in shown.indices[-3]] if shown.indices[-3] != [0] else [""]


def direction_words(shown: View) -> str:
    """What runs down and across in each block."""
    down, across = (shown.label.name(axis) or f"axis {axis}" for axis in shown.axes[-2:])
    return f"{down} down, {across} across"


def groups(count: int, fit: int, gap: int) -> Iterator[range]:
    """The numbers 0, 1, 2... in groups that ``fit`` side by side. A group ends before ``gap``, where some were left out (0: nowhere)."""
    for first, last in ((0, gap), (gap, count)) if gap else ((0, count),):
        for start in range(first, last, fit):
            yield range(start, min(start + fit, last))


class Grid(NamedTuple):
    """What the blocks of a matrix have in common: labels of columns and rows, and how wide a column is. A bare picture has no labels."""

    heads: list[str]
    sides: list[str]
    width: int
    column_gap: int = 0
    row_gap: int = 0

    @property
    def side(self) -> int:
        """Letters of the labels of rows."""
        return max(map(width_of, self.sides))

    def total(self, columns: int) -> int:
        """Letters of a line with so many columns."""
        return self.side + columns * self.width + 3 * bool(self.column_gap) - (not self.heads)


class Printer(NamedTuple):
    """Prints the blocks of a matrix: all with one number format, and colours relative to the ``largest`` number."""

    shown: View
    screen: Screen
    write: Callable[[Any], str]
    largest: float
    wrap: bool

    def tiles(self, place: tuple[int, ...], indent: str) -> Iterator[str]:
        """Blocks side by side under their titles, as many as fit; blocks wider than the screen one below the other."""
        shown, screen = self.shown, self.screen
        blocks = shown.values[place]
        titles = tile_titles(shown)
        first, columns = self.grid(blocks), range(blocks.shape[-1])
        others = first._replace(sides=[""] * len(first.sides))  # rows are named at the left
        width = max(others.total(len(columns)), *map(len, titles))
        room = screen.width - len(indent) - first.side
        fit = (room + len(BETWEEN)) // (width + len(BETWEEN)) if self.wrap else len(titles)
        for group in groups(len(titles), max(fit, 1), shown.gaps[-3]):
            start = group[0]
            if any(titles):
                margin = " " * (first.side + 2 * bool(first.heads))
                yield indent + margin + screen.dim(BETWEEN.join(titles[i].ljust(width) for i in group).rstrip())
            if fit < 1:
                yield from self.block((*place, start), indent + "  ")
                continue
            padding = " " * (width - others.total(len(columns)))
            tiles = (self.lines(others if i > start else first, blocks[i].tolist(), columns) for i in group)
            for lines in zip(*tiles, strict=True):
                yield indent + (padding + BETWEEN).join(lines)
            if shown.gaps[-3] == group.stop:
                yield indent + screen.dim("…")

    def grid(self, blocks: np.ndarray) -> Grid:
        """The labels of blocks that stand side by side: numbers where the axes are counted; none at a whole picture."""
        shown = self.shown
        heads, sides = ([shown.label.brief(shown.axes[d], i) for i in shown.indices[d]] for d in (-1, -2))
        widest = max(len(self.write(value)) for value in blocks.flat)
        if shown.picture and not any(shown.gaps[-2:]) and all(listed == list(range(len(listed))) for listed in shown.indices[-2:]):
            return Grid([], [""] * len(sides), widest + 1)
        return Grid(heads, sides, max(widest, *map(width_of, heads)) + 2, shown.gaps[-1], shown.gaps[-2])

    def block(self, place: tuple[int, ...], indent: str) -> Iterator[str]:
        """One block of rows and columns; a block wider than the screen is split, its pieces one below the other."""
        shown, screen, label = self.shown, self.screen, self.shown.label
        numbers = np.atleast_2d(shown.values[place]).tolist()
        heads = [label.text(shown.axes[-1], i) for i in shown.indices[-1]]
        sides = [label.text(shown.axes[-2], i) for i in shown.indices[-2]] if shown.values.ndim > 1 else [""]
        widest = max(len(self.write(value)) for row in numbers for value in row)
        grid = Grid(heads, sides, max(widest, *map(width_of, heads)) + 2, shown.gaps[-1], shown.gaps[-2] if shown.values.ndim > 1 else 0)
        room = screen.width - len(indent) - grid.side
        fit = max(1, (room - 3 * bool(grid.column_gap)) // grid.width) if self.wrap else len(heads)
        if grid.column_gap and len(heads) > fit:  # the few columns of an abbreviated matrix stay together
            heads = [label.brief(shown.axes[-1], i) for i in shown.indices[-1]]
            grid = grid._replace(heads=heads, width=max(widest, *map(width_of, heads)) + 2)
            fit = max(1, (room - 3) // grid.width)
        units = 1 if grid.column_gap else label.together(shown.axes[-1])
        fit -= fit % units if fit > units else 0  # no gate is broken
        for start in range(0, len(heads), fit):
            for line in self.lines(grid, numbers, range(start, min(start + fit, len(heads)))):
                yield indent + line

    def lines(self, grid: Grid, numbers: list[list[Any]], columns: range) -> Iterator[str]:
        """The lines of some columns of a block, all of one width."""
        dots = {i: "  …" for i in columns if i + 1 == grid.column_gap}
        if grid.heads:
            heads = "".join(to_right(grid.heads[i], grid.width) + dots.get(i, "") for i in columns)
            yield " " * grid.side + self.screen.dim(heads)
        gap = "  " if grid.heads else " "
        for number, (row, side) in enumerate(zip(numbers, grid.sides, strict=True), 1):
            texts = [self.write(row[i]).rjust(grid.width - len(gap)) for i in columns]
            cells = [self.screen.heat(text, row[i], self.largest) + dots.get(i, "") for text, i in zip(texts, columns, strict=True)]
            yield gap.join([self.screen.dim(to_right(side, grid.side)), *cells] if grid.heads else cells)
            if number == grid.row_gap:
                mark = "…".rjust(grid.side + grid.width)
                yield self.screen.dim(mark) + " " * (grid.total(len(columns)) - len(mark))
