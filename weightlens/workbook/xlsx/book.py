"""A workbook while it is planned: its sheets, what stands on them, and the names of areas."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any

from weightlens.workbook.formulas.cell_arrays import SHEET
from weightlens.workbook.xlsx.blocks import Block, Text
from weightlens.workbook.xlsx.strings import CODE
from weightlens.workbook.xlsx.styles import Styles

Texts = dict[int, str] | Sequence[str]  # one after another, or some of the places by number
RESERVED = "history"  # Excel keeps this name, however it is written, for a sheet of its own


@dataclass(eq=False)
class Sheet:
    """One sheet while it is planned: blocks, written cells, and what openpyxl adds (links, notes, widths)."""

    title: str
    number: int
    heading: str = ""  # what its first rows say: a heading, a line about it, a hint what to do
    about: str = ""
    hint: str = ""
    numbered: bool = False
    blocks: list[Block] = field(default_factory=list)
    texts: dict[tuple[int, int], Text] = field(default_factory=dict)
    solved: dict[tuple[int, int], Text] = field(default_factory=dict)  # of an exercise: words that follow from the right numbers
    links: dict[tuple[int, int], str] = field(default_factory=dict)
    notes: dict[tuple[int, int], str] = field(default_factory=dict)
    widths: dict[tuple[int, int], float] = field(default_factory=dict)
    heats: list[tuple[str, str]] = field(default_factory=list)  # area, kind of colour scale
    freeze: tuple[int, int] = (0, 0)  # rows and columns that stay in view
    hidden: bool = False
    print_area: str = ""  # all of it where this is empty
    printed_rows: int = 0  # so many rows are printed; all where this is 0
    sections: dict[int, int] = field(default_factory=dict)  # parts with a title: from which column to before which; on one page if they fit
    parts: list[int] = field(default_factory=list)  # columns with which a page may begin in a block that is wider than one: its gates
    wide: bool = False  # printed on several pages beside each other where one would be too small, as the layers' sheets are
    kept: list[tuple[int, int]] = field(default_factory=list)  # from which row to before which no page ends
    one_page: int = 60  # a sheet of up to so many rows is printed on one page
    heights: dict[int, float] = field(default_factory=dict)
    default_width: float = 9.0
    default_height: float = 15.0
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)  # first row, first column, last row, last column
    rules: list[tuple[str, str, str]] = field(default_factory=list)  # area, look of a condition (right, wrong, dead), formula
    finishing: list[Callable[[Any], None]] = field(default_factory=list)  # charts, drop-downs...: run on openpyxl's sheet

    def rule(self, area: str, look: str, formula: str) -> None:
        """Cells of ``area`` get the look wherever the formula (for the area's first cell) is true."""
        self.rules.append((area.replace("$", ""), look, formula))

    def write(self, row: int, column: int, text: str, style: int) -> None:
        """A caption or a label."""
        if text:
            self.texts[(row, column)] = Text(text, style)

    def merge(self, row: int, first: int, last: int) -> None:
        """One cell of those from one column to another; a single one is one already."""
        if last > first:
            self.merges.append((row, first, row, last))

    def make_room(self, row: int, lines: int) -> None:
        """A row as high as so many lines of text, if it is not higher already."""
        self.heights[row] = max(self.heights.get(row, 0.0), 13.0 * lines + 3)

    def across(self, row: int, column: int, texts: Texts, styles: Styles, name: str) -> None:
        """Captions or labels side by side from a column on, in the style of that name."""
        for j, text in texts.items() if isinstance(texts, dict) else enumerate(texts):
            self.write(row, column + j, text, styles[name])

    def down(self, row: int, column: int, texts: Texts, styles: Styles, name: str) -> None:
        """Captions or labels under each other from a row on, in the style of that name."""
        for i, text in texts.items() if isinstance(texts, dict) else enumerate(texts):
            self.write(row + i, column, text, styles[name])

    def put(self, block: Block, row: int, column: int, style: int | None = None) -> Block:
        """Give a block its place on this sheet, and a style."""
        block.style = block.style if style is None else style
        block.first = self.number * SHEET + (row << 14) + column
        block.check()
        self.blocks.append(block)
        return block


class Book:
    """The sheets in order, and the defined names: name -> (number of the sheet, area)."""

    def __init__(self) -> None:
        self.sheets: list[Sheet] = []
        self.titles: list[str] = []  # of the sheets, by number
        self.names: dict[str, tuple[int, str]] = {}

    def sheet(self, title: str, heading: str = "", about: str = "", hint: str = "", numbered: bool = False) -> Sheet:
        """A new sheet with what its first rows say; its title cleaned, shortened, numbered if it is to be, and unique."""
        clean = CODE.sub("_x_", " ".join(re.sub(r"[^\w ]+", " ", title).split())) or "layer"
        number = sum(sheet.numbered for sheet in self.sheets) + 1
        wanted = f"{number} {clean}"[:31].strip() if numbered else clean[:31].strip()
        taken = {RESERVED, *map(str.lower, self.titles)}
        endings = chain(("",), map(" {}".format, count(2)))
        name = next(name for end in endings if (name := wanted[: 31 - len(end)] + end).lower() not in taken)
        self.titles.append(name)
        self.sheets.append(Sheet(name, len(self.sheets), heading or title, about, hint, numbered))
        return self.sheets[-1]

    def define(self, name: str, sheet: Sheet, block: Block) -> str:
        """A defined name for a block: letters, digits and underscores, unique, never like a cell."""
        clean = CODE.sub("_x_", re.sub(r"[^A-Za-z0-9_]", "_", name))
        clean = clean if len(clean) <= 200 else clean[:100] + "_" + clean[-99:]
        unique, i = clean, 1
        taken = set(map(str.lower, self.names))
        while unique.lower() in taken:
            i += 1
            unique = f"{clean.split('_', 1)[0]}{i}_{clean.split('_', 1)[-1]}"
        self.names[unique] = (sheet.number, block.area)
        return unique
