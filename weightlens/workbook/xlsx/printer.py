"""Formulas as text: patterns with holes, which the names of cells fill."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from weightlens.errors import WorkbookTooLarge
from weightlens.workbook.formulas.cell_arrays import COLUMN, MAX_ROWS, ROW, Area, Expression, Piece
from weightlens.workbook.xlsx.blocks import Block
from weightlens.workbook.xlsx.strings import escape

MAX_FORMULA = 8192


class Printer:
    """Writes one block's formulas: each option of its expression becomes a text with holes for cell names."""

    def __init__(self, expression: Expression, block: Block, titles: Sequence[str]) -> None:
        arrangement = block.arrangement
        self.choice = None if expression.choice is None else arrangement.table(expression.choice)
        self.titles, self.home = titles, block.sheet
        self.options = [
            [p if isinstance(p, str) else Area(arrangement.table(p.first), p.height, p.width) for p in option]
            for option in expression.options
        ]
        self.block = block

    def chunk(self, places: list[str], values: list[str], top: int, bottom: int, before: str, after: str) -> list[str]:
        """The cells of table rows ``top`` to ``bottom``."""
        if self.choice is None:
            holes, pattern = self.holes(self.options[0], slice(top, bottom), None)
            self.measure(pattern, holes)
            form = before + pattern + after
            return [form % parts for parts in zip(places, *holes, values, strict=True)]
        choice = self.choice[top:bottom].reshape(-1)
        cells = [""] * len(places)
        for option in np.unique(choice).tolist():
            at = np.flatnonzero(choice == option)
            holes, pattern = self.holes(self.options[option], slice(top, bottom), at)
            self.measure(pattern, holes)
            form = before + pattern + after
            for i, *parts in zip(at.tolist(), *holes, strict=True):
                cells[i] = form % (places[i], *parts, values[i])
        return cells

    def measure(self, pattern: str, holes: list[list[str]]) -> None:
        """Excel stops at 8,192 characters and no other program says so: check."""
        length = len(pattern) + sum(len(hole[0]) for hole in holes if hole)
        if length > MAX_FORMULA - 64:
            raise WorkbookTooLarge(
                f"a formula of {length:,} characters is longer than a spreadsheet takes ({MAX_FORMULA:,}); "
                "try --detail weights, or --layers A..B to leave this layer out"
            )

    def holes(self, option: list[Piece], rows: slice, at: np.ndarray | None) -> tuple[list[list[str]], str]:
        """Lists of cell names to fill in, and the text around them."""
        lists: list[list[str]] = []
        text: list[str] = []
        for piece in option:
            if isinstance(piece, str):
                text.append(escape(piece).replace("%", "%%"))
                continue
            first = piece.first[rows] if at is None else piece.first[rows].reshape(-1)[at][None, :]
            sheet = int(first[0, 0] >> 34)
            if sheet != self.home:
                text.append(f"'{self.titles[sheet]}'!")
            fixed = self.fixed(piece.first)
            lists.append(cell_names(first, *fixed))
            text.append("%s")
            if piece.height * piece.width > 1:
                lists.append(cell_names(first + ((piece.height - 1) * ROW + piece.width - 1), *fixed))
                text.append(":%s")
        return lists, "".join(text)

    def fixed(self, first: np.ndarray) -> tuple[str, str]:
        """``$`` where the reference stays while the formula is dragged across or down."""
        height, width = first.shape
        same_row = height > 1 and (first[0, 0] >> 14) == (first[1, 0] >> 14)
        if height == 1:
            row, (top, bottom) = (first[0, 0] >> 14) & (MAX_ROWS - 1), self.block.flows
            same_row = (row != self.block.row and not top <= row <= bottom) or (first[0, 0] >> 34) != self.home
        same_column = width > 1 and (first[0, 0] & (ROW - 1)) == (first[0, 1] & (ROW - 1))
        return "$" if same_column else "", "$" if same_row else ""


def cell_names(addresses: np.ndarray, column_sign: str, row_sign: str) -> list[str]:
    """Names of a table of cells, row by row. Mostly the row follows from one side of the table and the column from
    the other: then each is written once and the names are only put together."""
    height, width = addresses.shape
    columns, rows = addresses & (ROW - 1), (addresses >> 14) & (MAX_ROWS - 1)
    column_by, row_by = _follows(columns), _follows(rows)
    if column_by == "both" or row_by == "both":
        pairs = zip(columns.reshape(-1).tolist(), (rows.reshape(-1) + 1).tolist(), strict=True)
        return [f"{column_sign}{COLUMN[c]}{row_sign}{r}" for c, r in pairs]
    letters = [column_sign + COLUMN[c] for c in (columns[0] if column_by == "across" else columns[:, 0]).tolist()]
    numerals = [f"{row_sign}{r + 1}" for r in (rows[0] if row_by == "across" else rows[:, 0]).tolist()]
    if column_by == row_by:
        names = [c + r for c, r in zip(letters, numerals, strict=True)]
        return names * height if column_by == "across" else [name for name in names for _ in range(width)]
    if column_by == "across":
        return [c + r for r in numerals for c in letters]
    return [c + r for c in letters for r in numerals]


def _follows(table: np.ndarray) -> str:
    """Whether a table of numbers changes only from row to row (``down``), from column to column (``across``), or ``both``."""
    if (table == table[:, :1]).all():
        return "down"
    return "across" if (table == table[:1]).all() else "both"
