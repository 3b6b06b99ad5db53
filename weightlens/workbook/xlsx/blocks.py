"""What stands on a sheet: blocks of cells, each an array, and single cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from weightlens.errors import WorkbookTooLarge
from weightlens.workbook.formulas.arrangement import Arrangement
from weightlens.workbook.formulas.cell_arrays import MAX_COLUMNS, MAX_ROWS, ROW, Cells, Expression, rectangle
from weightlens.workbook.xlsx.strings import Strings, escape, literal


@dataclass(eq=False, slots=True)
class Block:
    """A rectangle of cells that holds one array: numbers, or the formulas that compute them.

    ``first`` is the address of the first cell; ``values`` what the cells show; ``make`` (called only while the
    block is written, so that formulas take memory one block at a time) how they are computed. ``is_operand``: formulas
    read these values. ``named_in``: the column in which its rows are named.
    """

    arrangement: Arrangement
    values: np.ndarray | None
    style: int = 0
    first: int = 0
    make: Callable[[], Expression | None] | None = None
    flows: Sequence[tuple[int, int]] = ()  # rows of tables in which a reference moves along when a formula is dragged down
    is_operand: bool = False
    named_in: int = 0

    @property
    def cells(self) -> Cells:
        """The address of every element."""
        return self.arrangement.cells(self.first)

    @property
    def sheet(self) -> int:
        """The number of the sheet."""
        return self.first >> 34

    @property
    def row(self) -> int:
        return (self.first >> 14) & (MAX_ROWS - 1)

    @property
    def column(self) -> int:
        return self.first & (ROW - 1)

    @property
    def area(self) -> str:
        """The rectangle in absolute terms: ``$B$7:$C$10``."""
        return rectangle(self.first, self.first + (self.arrangement.height - 1) * ROW + self.arrangement.width - 1)

    def column_area(self, j: int) -> str:
        """One of its columns in absolute terms."""
        return rectangle(self.first + j, self.first + j + (self.arrangement.height - 1) * ROW)

    def check(self) -> None:
        """Refuse what no sheet can hold."""
        if self.row + self.arrangement.height > MAX_ROWS or self.column + self.arrangement.width > MAX_COLUMNS:
            raise WorkbookTooLarge(
                f"a block of {self.arrangement.height:,} rows and {self.arrangement.width:,} columns does not fit a sheet "
                f"({MAX_ROWS:,} x {MAX_COLUMNS:,}); try fewer samples if there are several, --layers A..B, or --detail weights"
            )


def runs(blocks: Sequence[Block]) -> list[str]:
    """The areas that blocks of the same columns take together, without the rows in between that belong to others."""
    rows = np.sort(np.concatenate([block.row + block.arrangement.rows for block in blocks]))
    edges = [0, *(np.flatnonzero(np.diff(rows) > 1) + 1).tolist(), len(rows)]
    left, width = blocks[0].column, blocks[0].arrangement.width
    return [rectangle(int(rows[i]) * ROW + left, int(rows[j - 1]) * ROW + left + width - 1) for i, j in pairwise(edges)]


@dataclass(slots=True)
class Text:
    """One written cell: a caption, a label, a single formula with its value, or a single number."""

    text: str = ""
    style: int = 0
    formula: str = ""
    value: float | str | None = None

    @classmethod
    def showing(cls, value: float | str, style: int) -> Text:
        """A word or a number."""
        return cls(value, style) if isinstance(value, str) else cls(style=style, value=value)

    def xml(self, place: str, strings: Strings) -> str:
        """The cell."""
        head = f'<c r="{place}" s="{self.style}"'
        if self.formula:
            if isinstance(self.value, str):
                return f'{head} t="str"><f>{escape(self.formula)}</f><v>{escape(literal(self.value))}</v></c>'
            return f"{head}><f>{escape(self.formula)}</f>{'' if self.value is None else f'<v>{self.value!r}</v>'}</c>"
        if isinstance(self.value, (int, float)):
            return f"{head}><v>{self.value!r}</v></c>"
        return strings.cell(head, self.text) if self.text else f"{head}/>"
