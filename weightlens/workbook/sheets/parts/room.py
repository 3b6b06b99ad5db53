"""Room for what is written: how wide columns have to be for their numbers and captions, how high rows for broken lines."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from weightlens.workbook.formulas.arrangement import Arrangement
from weightlens.workbook.sheets.frame import GAP, SQUARE, WIDTH, squares, widen
from weightlens.workbook.xlsx.book import Sheet
from weightlens.workbook.xlsx.styles import characters

MANY, CLOSE = 8, 7.2  # a block of many columns has closer ones
MOST_LINES = 5  # of a caption
FEW, MOST_WIDENED = 3, 500  # columns that are made wider for a word over them; columns of which every one gets a width
WIDEST_NAME, LETTER = 26.0, 1.12  # characters of a column that is made wider for a word; of one letter of a caption
MOST_LABEL = 40.0  # characters of a column of labels
LONGEST_TEXT = 60.0  # characters of a column of texts


def room_for(texts: Mapping[int, str]) -> float:
    """The width of a column of labels."""
    return min(MOST_LABEL, max([GAP, *(len(text) * 0.9 + 1 for text in texts.values())]))


def columns(sheet: Sheet, column: int, a: Arrangement, values: np.ndarray, words: str = "", small: bool = False) -> None:
    """Widths of the columns of a block: square cells for pictures; else wide enough for its numbers, and for every word over it."""
    if a.width > MOST_WIDENED:
        return
    if small or squares(sheet):
        usual = SQUARE
    else:
        longest = max((len(word) for word in words.split()), default=0)
        name = min(WIDEST_NAME, longest * LETTER + 1.5) if a.width <= FEW else 0.0
        usual = max(CLOSE if a.width >= MANY else WIDTH, characters(values), name / a.width)
    used = set(a.columns.tolist())
    for j in range(a.width):
        widen(sheet, column + j, usual if j in used else GAP)
    if values.dtype.kind == "U":
        for j, texts in enumerate(a.table(values).T):
            widen(sheet, column + j, min(LONGEST_TEXT, 2 + 1.1 * max(map(len, texts.tolist()), default=0)))


def make_room(sheet: Sheet, row: int, text: str, room: float) -> None:
    """Make a row high enough for a caption over columns of so many characters; it is broken between words."""
    letters = left = room / LETTER
    lines = 1
    for word in text.split():
        lines, left = (lines, left - len(word) - 1) if len(word) <= left else (lines + 1, letters - len(word) - 1)
    if lines > 1:
        sheet.make_room(row, min(lines, MOST_LINES))


def is_taken(sheet: Sheet, top: int, bottom: int, column: int) -> bool:
    """Whether a block stands in one of these rows (to before ``bottom``) of a column: a label right of it would be cut."""
    blocks = ((b.row, b.row + b.arrangement.height, b.column, b.column + b.arrangement.width) for b in sheet.blocks)
    return any(row < bottom and top < end and first <= column < after for row, end, first, after in blocks)
