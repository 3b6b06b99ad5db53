"""Areas of cells as workbooks and people write them: ``'Layer dense'!$B$6:$D$8``, ``g3:h6``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

CORNERS = r"\$?(?P<c1>[A-Z]{1,3})\$?(?P<r1>\d{1,7})(?::\$?(?P<c2>[A-Z]{1,3})\$?(?P<r2>\d{1,7}))?"
SHEET = r"(?:'(?P<quoted>(?:[^']|'')+)'|(?P<plain>[^'!,]+))!"
ON_SHEETS = re.compile(SHEET + CORNERS)
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

    def rows(self) -> Iterator[list[str]]:
        """The references of its cells, row by row."""
        for row in range(self.top, self.bottom + 1):
            yield [f"{column_letters(column)}{row}" for column in range(self.left, self.right + 1)]


def cell_area(text: str) -> CellArea | None:
    """The one area that a text names, in capitals or not; ``None`` where it names none."""
    match = ONE.fullmatch(text)
    return None if match is None else _matched(match)


def area_cells(text: str) -> Iterator[tuple[str, str]]:
    """The sheet and reference of every cell of an area, row by row; several areas are separated by commas."""
    for area in map(_matched, ON_SHEETS.finditer(text)):
        yield from ((area.sheet, reference) for row in area.rows() for reference in row)


def _matched(match: re.Match[str]) -> CellArea:
    left, right = sorted(column_number((match[key] or match["c1"]).upper()) for key in ("c1", "c2"))
    top, bottom = sorted(int(match[key] or match["r1"]) for key in ("r1", "r2"))
    return CellArea((match["quoted"] or match["plain"] or "").replace("''", "'"), top, left, bottom, right)


def column_number(letters: str) -> int:
    """``A`` is 1, ``XFD`` is 16384."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def column_letters(number: int) -> str:
    """1 is ``A``, 16384 is ``XFD``."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
