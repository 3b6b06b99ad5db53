"""Cells as numbers: decimal point or comma, percent, TRUE and FALSE. An ambiguous spelling is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from weightlens.errors import BadInput
from weightlens.tables.table import INDEX, Row, Table

EXPONENT = r"(?:[eE][-+]?\d+)?"
POINT = re.compile(rf"[-+]?(?:\d+\.?\d*|\.\d+){EXPONENT}", re.ASCII)
COMMA = re.compile(rf"[-+]?\d*,\d+{EXPONENT}", re.ASCII)
THOUSANDS = r"(?a)[-+]?[1-9]\d{0,2},\d{3}"  # 1,250: one and a quarter, or twelve hundred and fifty
GROUPED = r"[-+]?\d{1,3}(?:[.,' \u00a0\u2009\u202f]\d{3})+(?:[.,]\d+)?"
LOGICAL = {"true": "1", "false": "0"}
ASCII_MINUS = str.maketrans(dict.fromkeys("\u2212\u2013\u2010\u2011\ufe63\uff0d", "-"))  # a minus sign, and dashes typed for one
NO_NUMBERS = {"nan", "inf", "infinity", "na", "n/a", "null", "none", "?", "-", "#n/a", "true", "false"}  # seen in rows, not in titles


def is_number(cell: str) -> bool:
    """Whether a cell holds a number, in any accepted spelling."""
    plain = plain_spelling(cell)
    return bool(POINT.fullmatch(plain) or COMMA.fullmatch(plain))


def is_content(cell: str) -> bool:
    """Whether a cell holds data rather than a title: a number, or a word for a number or a missing value."""
    return is_number(cell) or cell.lower().lstrip("-+") in NO_NUMBERS


def seems_titled(table: Table, content: Callable[[str], object] = is_content) -> bool:
    """Whether the first row holds column titles: no cell with ``content``, or the numbers with which pandas titles columns."""
    cells = table.first
    if table.titled is not None or not any(cells):
        return bool(table.titled)
    numbered = cells[0].casefold() in INDEX and cells[1:] == [str(i) for i in range(len(cells) - 1)]
    return numbered or not any(map(content, cells))


def plain_spelling(cell: str) -> str:
    """A cell's number without its percent sign, with an ASCII minus."""
    return cell.removesuffix("%").rstrip().translate(ASCII_MINUS)


class Numbers:
    """Converts a table's cells to numbers, with one decimal mark for the whole table."""

    def __init__(self, table: Table) -> None:
        self.table, self.percent = table, False
        self.told: list[str] = []

    def matrix(self, rows: Sequence[Row], columns: Sequence[int]) -> np.ndarray:
        """The numbers in some columns of some rows; refuses the first cell that is not a number."""
        for number, row in rows:
            for i in columns:
                if not is_number(row[i]) and row[i].lower() not in LOGICAL:
                    raise BadInput(f"{self.cell_position(number, i)}: {number_fault(row[i])}")
        self.find_decimal_mark([(number, i, row[i]) for number, row in rows for i in columns if "," in row[i] or "." in row[i]])
        numbers = np.array([[self.value(row[i]) for i in columns] for _, row in rows], dtype=np.float64).reshape(len(rows), len(columns))
        if not np.isfinite(numbers).all():
            at, which = np.argwhere(~np.isfinite(numbers))[0]
            number, row = rows[at]
            raise BadInput(f"{self.cell_position(number, columns[which])}: {row[columns[which]]!r} is too large a number")
        return numbers

    def find_decimal_mark(self, marked: list[tuple[int, int, str]]) -> None:
        """Find the table's decimal mark in the cells that contain one; refuses mixed marks and possible thousands separators."""
        commas, points = ([place for place in marked if ("," in place[2]) is comma] for comma in (True, False))
        sure = [place for place in commas if not re.fullmatch(THOUSANDS, plain_spelling(place[2]))]
        known = self.table.decimal
        if not marked:
            return
        number, i, cell = (sure or commas or points)[0]
        where = f"{self.cell_position(number, i)}: {cell!r}"
        if commas and self.table.separator == ",":
            raise BadInput(f"{where} has a comma inside; write {cell.replace(',', '.')} or, for thousands, {cell.replace(',', '')}")
        if (points and (commas or known == ",")) or (commas and known == "."):
            raise BadInput(f"{where}: some numbers have a decimal comma, others a decimal point; write all of them in one way")
        if commas and not sure and not known:
            raise BadInput(f"{self.cell_position(number, i)}: {two_numbers(cell)}")
        self.table.decimal = "," if commas else "."

    def value(self, cell: str) -> float:
        """The number in a cell."""
        text = LOGICAL.get(cell.lower(), plain_spelling(cell).replace(",", "."))
        if not cell.endswith("%"):
            return float(text)
        self.percent = True
        return float(text) / 100

    def cell_position(self, number: int, column: int) -> str:
        """The position of a cell: ``x.csv: row 3, column 2 (x1)``."""
        title = f" ({self.table.titles[column]})" if self.table.titles else ""
        return f"{self.table.name}: row {number}, column {column + 1}{title}"

    def notes(self) -> list[str]:
        """Notes on how numbers are written in this table, such as decimal commas; each note is given once."""
        told = {"decimal commas: 0,5 is read as 0.5": self.table.decimal == ",", "percent: 50% is read as 0.5": self.percent}
        fresh = [words for words, true in told.items() if true and words not in self.told]
        self.told += fresh
        return fresh


def two_numbers(cell: str) -> str:
    """Why a number with one comma before three digits is refused."""
    return f"{cell!r} may be either of two numbers: write {cell.replace(',', '.')} or {cell.replace(',', '')}"


def number_fault(cell: str) -> str:
    """Why a cell does not hold a number."""
    if not cell:
        return "the cell is empty"
    separators = f"; write it without separators between thousands: {re.sub(r'[^-+0-9]', '', cell)}" if re.fullmatch(GROUPED, cell) else ""
    return f"{cell[:60]!r} is not a number{separators}"
