"""Formulas as text: of the cells of a column, which are alike, what is the same is written once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from weightlens.errors import WorkbookTooLarge
from weightlens.workbook.formulas.cell_arrays import COLUMN, MAX_ROWS, ROW, Area, Expression
from weightlens.workbook.xlsx.blocks import Block
from weightlens.workbook.xlsx.strings import escape

MAX_FORMULA = 8192


class Printer:
    """Writes one block's formulas, the rows with the same options together."""

    def __init__(self, expression: Expression, block: Block, titles: Sequence[str]) -> None:
        arrangement = block.arrangement
        self.choice = None if expression.choice is None else arrangement.table(expression.choice)
        self.titles, self.home = titles, block.sheet
        self.down, self.across = arrangement.elements
        self.options = [[in_form(p) if isinstance(p, str) else p for p in option] for option in expression.options]
        self.block = block

    def groups(self, top: int, bottom: int) -> list[np.ndarray]:
        """The table rows from ``top`` to ``bottom``, those together whose cells have the same options."""
        rows = np.arange(top, bottom)
        if self.choice is None or len(rows) == 1:
            return [rows]
        _, kinds = np.unique(self.choice[rows], axis=0, return_inverse=True)
        return [rows[kinds.reshape(-1) == kind] for kind in range(int(kinds.max()) + 1)]

    def columns(self, rows: np.ndarray) -> list[Form]:
        """The formulas of the table rows of a group, column by column."""
        width = self.block.arrangement.columns.size
        choice = np.zeros(width, int) if self.choice is None else self.choice[rows[0]]
        forms = [Form() for _ in range(width)]
        for option in sorted(set(choice.tolist())):
            at = np.flatnonzero(choice == option)
            its = [forms[column] for column in at.tolist()]
            for piece in self.options[option]:
                if isinstance(piece, Area):
                    self.refer(its, piece, rows, at)
                else:
                    for form in its:
                        form.text += piece
        for form in forms:
            form.check_length()
        return forms

    def refer(self, forms: list[Form], area: Area, rows: np.ndarray, at: np.ndarray) -> None:
        """Add the references to an area from the cells of some rows and columns."""
        first, arrangement = self.table(area.first, rows, at), self.block.arrangement
        sheet = int(first[0, 0] >> 34)
        fixed = self.fixed(self.table(area.first, np.arange(min(2, arrangement.rows.size)), np.arange(min(2, arrangement.columns.size))))
        add_names(forms, first, "" if sheet == self.home else in_form(f"'{self.titles[sheet]}'!"), *fixed)
        if area.height * area.width > 1:
            add_names(forms, first + ((area.height - 1) * ROW + area.width - 1), ":", *fixed)

    def table(self, first: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """An array that broadcasts to the block's, at some rows and columns. There may be a hundred areas: none is copied whole."""
        shape = self.block.arrangement.shape
        every = first if first.shape == shape else np.broadcast_to(first, shape)
        places = {axis: along[rows][:, None] for axis, along in self.down.items()} | {
            axis: along[columns] for axis, along in self.across.items()
        }
        some = every[tuple(places[axis] if step else 0 for axis, step in enumerate(every.strides))]
        return some if some.shape == (len(rows), len(columns)) else np.broadcast_to(some, (len(rows), len(columns)))

    def fixed(self, first: np.ndarray) -> tuple[str, str]:
        """``$`` where the reference stays while the formula is dragged across or down, told by the first two rows and columns."""
        height, width = first.shape
        same_row = height > 1 and (first[0, 0] >> 14) == (first[1, 0] >> 14)
        if height == 1:
            row = (first[0, 0] >> 14) & (MAX_ROWS - 1)
            flows = row == self.block.row or any(top <= row <= bottom for top, bottom in self.block.flows)
            same_row = not flows or (first[0, 0] >> 34) != self.home
        same_column = width > 1 and (first[0, 0] & (ROW - 1)) == (first[0, 1] & (ROW - 1))
        return "$" if same_column else "", "$" if same_row else ""


@dataclass(slots=True)
class Form:
    """Texts that are alike, of one cell in each of some rows: what all of them have, with a hole for each list of what they have not."""

    text: str = ""
    lists: list[list[str]] = field(default_factory=list)

    def check_length(self) -> None:
        """Excel stops at 8,192 characters and no other program says so: check."""
        length = len(self.text) + sum(max(len(texts[0]), len(texts[-1])) for texts in self.lists)
        if length > MAX_FORMULA - 64:
            raise WorkbookTooLarge(
                f"a formula of {length:,} characters is longer than a spreadsheet takes ({MAX_FORMULA:,}); "
                "try --detail weights, or --layers A..B to leave this layer out"
            )


@lru_cache(maxsize=1024)
def in_form(text: str) -> str:
    """Text as it stands in a form."""
    return escape(text).replace("%", "%%")


def add_names(forms: list[Form], addresses: np.ndarray, before: str, column_sign: str, row_sign: str) -> None:
    """Add the names of a table of cells, a form for each column."""
    add(forms, addresses & (ROW - 1), before + column_sign, COLUMN.__getitem__)
    add(forms, ((addresses >> 14) & (MAX_ROWS - 1)) + 1, row_sign, str)


def add(forms: list[Form], table: np.ndarray, before: str, text: Callable[[int], str]) -> None:
    """Add the texts of a table of numbers, a form for each column; what is the same in all rows is written once."""
    if len(table) == 1 or (table == table[:1]).all():
        for form, number in zip(forms, table[0].tolist(), strict=True):
            form.text += before + text(number)
        return
    same = bool((table == table[:, :1]).all())
    lists = [[text(n) for n in column] for column in (table.T[:1] if same else table.T).tolist()]
    for form, texts in zip(forms, lists * len(forms) if same else lists, strict=True):
        form.text += before + "%s"
        form.lists.append(texts)
