"""A table: its name, its first row, and its rows, read in blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from weightlens.errors import BadInput
from weightlens.specs.words.number_words import counted

INDEX = {"", "unnamed: 0", "__index_level_0__"}  # how pandas titles the numbers of the rows
Grid = dict[int, dict[int, str]]  # the cells of a sheet by row and column, counted from 1
Row = tuple[int, list[str]]  # where it stands in the file, for messages, and its cells


class Block(NamedTuple):
    """A block of rows: one matrix if every cell is a plain number, else cells."""

    rows: list[Row]
    matrix: np.ndarray | None = None


class Table:
    """Rows of cells. ``begin`` says whether the first row holds the titles of the columns."""

    decimal = ""  # the decimal mark, once one was seen

    def __init__(self, name: str, rows: Iterator[Row], titled: bool | None = None, separator: str = "", loose: bool = False) -> None:
        """``titled``: whether the first row holds titles, where the file says so; ``separator``: that of a text file.

        ``loose``: rows may have any number of cells, and empty ones are kept.
        """
        self.name, self.titled, self.separator, self.loose = name, titled, separator, loose
        self.titles: list[str] | None = None
        self.number, self.first = next((row for row in rows if any(row[1])), (0, []))
        self.rest = rows
        if not self.number:
            raise BadInput(f"{name}: holds no rows")

    @property
    def width(self) -> int:
        """How many columns the first row has."""
        return len(self.first)

    def begin(self, titled: bool) -> None:
        """Say whether the first row holds the titles; if not, it is the first row of cells."""
        self.titles = [" ".join(title.split()) for title in (self.first[0].removeprefix("#"), *self.first[1:])] if titled else None

    def rows(self) -> list[Row]:
        """All rows below the titles."""
        return [row for block in self.blocks(None, plain=False) for row in block.rows]

    def blocks(self, size: int | None, plain: bool = True) -> Iterator[Block]:
        """The rows below the titles, ``size`` at a time; ``plain``: as matrices where possible."""
        rows = self.rest if self.titles else chain([(self.number, self.first)], self.rest)
        while chunk := list(islice(rows, size)):
            if checked := self.checked(chunk):
                yield Block(checked)

    def checked(self, rows: list[Row]) -> list[Row]:
        """The rows that are not empty, in a loose table all of them, each checked to have as many cells as it may."""
        rows = [row for row in rows if self.loose or any(row[1])]
        for number, row in rows:
            if not self.fits(row):
                comma = "; a number is written with a point: 0.5" if len(row) > self.width and self.separator == "," else ""
                raise BadInput(f"{self.name}: row {number} has {counted(len(row), 'column')}, the first row has {self.width}{comma}")
        return rows

    def fits(self, row: list[str]) -> bool:
        """Whether a row has as many cells as the first one; in a loose table no more than there are titles, any number without titles."""
        return not (self.titles and any(row[self.width :])) if self.loose else len(row) == self.width


def has_index_title(titles: Sequence[str] | None) -> bool:
    """Whether the first column has the title that pandas gives to row numbers."""
    return bool(titles and titles[0].casefold() in INDEX)


def pick_sheet(names: list[str], wanted: str, path: Path) -> str:
    """The sheet that is meant: the first one where none is."""
    if not names:
        raise BadInput(f"{path.name}: has no sheet")
    if wanted and wanted not in names:
        raise BadInput(f"{path.name}: has no sheet {wanted!r}; its sheets are: {', '.join(islice(names, 10))}")
    return wanted or names[0]
