"""Areas of cells as workbooks and people write them: ``'Layer dense'!$B$6:$D$8``, ``g3:h6``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from weightlens.errors import UnreadableModel
from weightlens.workbook.formulas.cell_arrays import COLUMN, ROW

CORNERS = r"\$?(?P<c1>[A-Z]{1,3})\$?(?P<r1>\d{1,7})(?::\$?(?P<c2>[A-Z]{1,3})\$?(?P<r2>\d{1,7}))?"
SHEET = r"(?:'(?P<quoted>(?:[^']|'')+)'|(?P<plain>[^'!,]+))!"
ON_SHEETS = re.compile(SHEET + CORNERS)
REFERENCE = re.compile("([A-Z]{1,3})([1-9][0-9]{0,6})")
ONE = re.compile(f"(?:{SHEET})?{CORNERS}", re.IGNORECASE)


class CellArea(NamedTuple):
    """A rectangle of cells, rows and columns counted from 1; ``sheet`` is empty where none is named."""

    sheet: str
    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top + 1

    @property
    def width(self) -> int:
        return self.right - self.left + 1

    def addresses(self) -> np.ndarray:
        """The addresses of its cells, a row of the array for each row."""
        rows, columns = np.arange(self.top - 1, self.bottom), np.arange(self.left - 1, self.right)
        return rows[:, None] * ROW + columns


def cell_area(text: str) -> CellArea | None:
    """The one area that a text names, in capitals or not; ``None`` where it names none."""
    match = ONE.fullmatch(text)
    return None if match is None else _matched(match)


def cell_areas(text: str) -> Iterator[CellArea]:
    """The areas that a text names, separated by commas; each on a sheet."""
    yield from map(_matched, ON_SHEETS.finditer(text))


def _matched(match: re.Match[str]) -> CellArea:
    left, right = sorted(column_number((match[key] or match["c1"]).upper()) for key in ("c1", "c2"))
    top, bottom = sorted(int(match[key] or match["r1"]) for key in ("r1", "r2"))
    return CellArea((match["quoted"] or match["plain"] or "").replace("''", "'"), top, left, bottom, right)


def address(reference: str) -> int:
    """``B6`` as an integer: the row times 2^14, plus the column, both counted from 0. Refuses what no cell is called."""
    match = REFERENCE.fullmatch(reference)
    if match is None:
        raise UnreadableModel(f"no cell is called {reference[:20]!r}")
    return address_at(int(match[2]), column_number(match[1]))


def address_at(row: int, column: int) -> int:
    """The address of a cell by its row and column, counted from 1; columns end with XFD."""
    if not (row > 0 < column <= ROW):
        raise UnreadableModel(f"there is no row {row}, column {column} in a sheet")
    return (row - 1) * ROW + column - 1


def column_number(letters: str) -> int:
    """``A`` is 1, ``XFD`` is 16384."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def cell_names(addresses: np.ndarray) -> list[str]:
    """The references of some cells: ``D13``."""
    return [f"{COLUMN[at % ROW]}{at // ROW + 1}" for at in addresses.reshape(-1).tolist()]
