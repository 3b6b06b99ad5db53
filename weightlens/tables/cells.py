"""Cells as numbers: decimal point or decimal comma, percent, TRUE and FALSE. What could be two numbers is refused."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from weightlens.errors import BadInput
from weightlens.tables.table import INDEX, Row, Table

EXPONENT = r"(?:[eE][-+]?\d+)?"
POINT = re.compile(rf"[-+]?(?:\d+\.?\d*|\.\d+){EXPONENT}", re.ASCII)
COMMA = re.compile(rf"[-+]?\d*,\d+{EXPONENT}", re.ASCII)
THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}", re.ASCII)  # 1,250: one and a quarter, or twelve hundred and fifty
GROUPED = re.compile(r"[-+]?\d{1,3}(?:[.,' \u00a0\u2009\u202f]\d{3})+(?:[.,]\d+)?")
LOGICAL = {"true": "1", "false": "0"}
NO_NUMBERS = {"nan", "inf", "infinity", "na", "n/a", "null", "none", "?", "-", "#n/a", "true", "false"}  # seen in rows, not in titles


def is_number(cell: str) -> bool:
    """Whether a cell holds a number in any spelling."""
    plain = simple(cell)
    return bool(POINT.fullmatch(plain) or COMMA.fullmatch(plain))


def is_content(cell: str) -> bool:
    """Whether a cell is one that stands under a title: a number, or a word that stands for one or for none."""
    return is_number(cell) or cell.lower().lstrip("-+") in NO_NUMBERS


def seems_titled(table: Table) -> bool:
    """Whether the first row of a table holds the titles of its columns: words, or the numbers that pandas gives to columns."""
    cells = table.first
    if table.titled is not None or not any(cells):
        return bool(table.titled)
    numbered = cells[0].casefold() in INDEX and cells[1:] == [str(i) for i in range(len(cells) - 1)]
    return numbered or not any(map(is_content, cells))


def simple(cell: str) -> str:
    """A cell without percent sign and with a plain minus."""
    return cell.removesuffix("%").rstrip().replace("\u2212", "-")


class Numbers:
    """Makes numbers of a table's cells, and remembers how they are written: a table has one decimal mark."""

    def __init__(self, table: Table) -> None:
        self.table, self.percent = table, False
        self.told: list[str] = []

    def matrix(self, rows: Sequence[Row], columns: Sequence[int]) -> np.ndarray:
        """Some columns of some rows. The first cell that is no number is named."""
        for number, row in rows:
            for i in columns:
                if not is_number(row[i]) and row[i].lower() not in LOGICAL:
                    raise BadInput(f"{self.place(number, i)}: {no_number(row[i])}")
        self.settle([(number, i, row[i]) for number, row in rows for i in columns if "," in row[i] or "." in row[i]])
        found = np.array([[self.value(row[i]) for i in columns] for _, row in rows], dtype=np.float64).reshape(len(rows), len(columns))
        if not np.isfinite(found).all():
            at, which = np.argwhere(~np.isfinite(found))[0]
            number, row = rows[at]
            raise BadInput(f"{self.place(number, columns[which])}: {row[columns[which]]!r} is too large a number")
        return found

    def settle(self, marked: list[tuple[int, int, str]]) -> None:
        """Find the decimal mark, given the cells that have any. Two marks are refused, and what may be a thousand."""
        commas, points = ([found for found in marked if ("," in found[2]) is comma] for comma in (True, False))
        sure = [found for found in commas if not THOUSANDS.fullmatch(simple(found[2]))]
        known = self.table.decimal
        if not marked:
            return
        number, i, cell = (sure or commas or points)[0]
        where = f"{self.place(number, i)}: {cell!r}"
        if commas and self.table.separator == ",":
            raise BadInput(f"{where} has a comma inside; write {cell.replace(',', '.')} or, for thousands, {cell.replace(',', '')}")
        if (points and (commas or known == ",")) or (commas and known == "."):
            raise BadInput(f"{where}: some numbers have a decimal comma, others a decimal point; write all of them in one way")
        if commas and not sure and not known:
            raise BadInput(f"{where} may be either of two numbers: write {cell.replace(',', '.')} or {cell.replace(',', '')}")
        self.table.decimal = "," if commas else "."

    def value(self, cell: str) -> float:
        """The number of a cell that holds one."""
        text = LOGICAL.get(cell.lower(), simple(cell).replace(",", "."))
        if not cell.endswith("%"):
            return float(text)
        self.percent = True
        return float(text) / 100

    def place(self, number: int, column: int) -> str:
        """Where a cell stands: ``x.csv: row 3, column 2 (x1)``."""
        title = f" ({self.table.titles[column]})" if self.table.titles else ""
        return f"{self.table.name}: row {number}, column {column + 1}{title}"

    def news(self) -> list[str]:
        """How the cells are written, where that is worth a word; each is told once."""
        told = {"decimal commas: 0,5 is read as 0.5": self.table.decimal == ",", "percent: 50% is read as 0.5": self.percent}
        fresh = [words for words, true in told.items() if true and words not in self.told]
        self.told += fresh
        return fresh


def no_number(cell: str) -> str:
    """What is wrong with a cell that holds no number."""
    if not cell:
        return "the cell is empty"
    separators = f"; write it without separators between thousands: {re.sub(r'[^-+0-9]', '', cell)}" if GROUPED.fullmatch(cell) else ""
    return f"{cell[:60]!r} is not a number{separators}"
