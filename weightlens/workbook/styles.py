"""The looks of cells: one fixed set of roles, told apart by colour, border and weight of the letters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openpyxl import Workbook

# Okabe and Ito's palette, lightened: told apart by colour-blind eyes, and by their brightness in print.
FILLS = {"input": "DCEBF7", "weight": "FFF2CC", "bias": "FFE3B3", "output": "DFF0D8", "check": "EDE3F3", "constant": "F2F2F2", "bad": "F8D7DA", "title": ""}
LINE = "BFBFBF"


@dataclass(frozen=True)
class Look:
    """One kind of cell."""

    fill: str = ""
    bold: bool = False
    italic: bool = False
    size: float = 10
    colour: str = "222222"
    border: str = ""  # thin, medium, dashed...
    format: str = "General"
    align: str = ""
    wrap: bool = False


LOOKS: dict[str, Look] = {
    "plain": Look(),
    "title": Look(bold=True, size=14),
    "hint": Look(italic=True, colour="666666"),
    "caption": Look(bold=True, align="center"),
    "caption left": Look(bold=True),
    "math": Look(italic=True, colour="7F6000", align="center"),
    "math left": Look(italic=True, colour="7F6000"),
    "label": Look(colour="666666", size=9, align="center"),
    "label right": Look(colour="666666", size=9, align="right"),
    "label left": Look(colour="666666", size=9),
    "path": Look(colour="999999", size=8),
    "link": Look(colour="0563C1"),
    "input": Look(FILLS["input"], border="medium", format="0.###", align="center"),
    "weight": Look(FILLS["weight"], border="thin", format="0.000", align="center"),
    "bias": Look(FILLS["weight"], border="thin", format="0.000", align="center"),
    "step": Look(border="thin", format="0.000", align="center"),
    "helper": Look(border="hair", format="0.000", align="center", colour="777777"),
    "constant": Look(FILLS["constant"], border="hair", format="0.######", align="center"),
    "output": Look(FILLS["output"], bold=True, border="medium", format="0.000", align="center"),
    "winner": Look(FILLS["output"], bold=True, border="thin", align="center"),
    "check": Look(FILLS["check"], border="thin", format="0.00E+00", align="center"),
    "expected": Look(FILLS["check"], border="thin", format="0.000000", align="center"),
    "verdict": Look(FILLS["check"], bold=True, border="medium", align="center"),
    "head": Look(FILLS["constant"], bold=True, border="thin"),
    "text": Look(wrap=True),
    "count": Look(format="#,##0", align="right"),
}


class Styles:
    """Style ids of the looks in one workbook: openpyxl keeps the tables, our rows refer to them."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self._sheet: Any = book.create_sheet("styles")
        self._ids: dict[Look, int] = {}

    def __getitem__(self, name: str) -> int:
        return self.of(LOOKS[name])

    def of(self, look: Look) -> int:
        """The id of a look; made at the first use."""
        if look not in self._ids:
            from openpyxl.styles import Alignment, Border, Font, PatternFill, Side

            cell = self._sheet.cell(1, len(self._ids) + 1)  # a cell of its own: openpyxl changes styles in place
            cell.font = Font(name="Calibri", bold=look.bold, italic=look.italic, size=look.size, color=look.colour)
            cell.fill = PatternFill("solid", fgColor=look.fill) if look.fill else PatternFill()
            side = Side(look.border or None, color=LINE if look.border != "medium" else "7F7F7F")
            cell.border = Border(side, side, side, side) if look.border else Border()
            cell.number_format = look.format
            cell.alignment = Alignment(horizontal=look.align or None, vertical="center", wrap_text=look.wrap or None)
            self._ids[look] = cell.style_id
        return self._ids[look]

    def done(self) -> None:
        """Take the scratch sheet away; the styles stay."""
        self._book.remove(self._sheet)
