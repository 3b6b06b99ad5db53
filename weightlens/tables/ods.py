"""The cells of one sheet of an ``.ods`` workbook, as texts; content.xml is parsed in pieces, and entities are refused."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from xml.parsers import expat

from weightlens.errors import BadInput
from weightlens.limits import CELLS
from weightlens.tables.table import Grid, pick_sheet
from weightlens.zips import check_member, open_zip

NUMBERS = {"float": "value", "percentage": "value", "currency": "value", "boolean": "boolean-value"}
OFFICE, TABLE, TEXT = (f"urn:oasis:names:tc:opendocument:xmlns:{part}:1.0 " for part in ("office", "table", "text"))
HIDDEN = {OFFICE + "annotation", TABLE + "shapes"}  # notes and drawings have paragraphs too


def grid(path: Path, sheet: str) -> Grid:
    """The cells of a sheet; without a name, of the first sheet."""
    reader = Reader(path, sheet)
    try:
        with open_zip(path) as archive:
            check_member(archive, "content.xml")
            with archive.open("content.xml") as stream:
                reader.parser.ParseFile(stream)
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError, NotImplementedError, OSError, zlib.error, expat.ExpatError):
        raise BadInput(f"{path.name}: is damaged, or no .ods workbook that can be read") from None
    return reader.sheets[pick_sheet(list(reader.sheets), sheet, path)]


class Reader:
    """The state of the parser between the XML events of content.xml."""

    def __init__(self, path: Path, wanted: str) -> None:
        self.path, self.wanted = path, wanted
        self.sheets: dict[str, Grid] = {}
        self.row = self.column = self.depth = self.count = self.hidden = (
            0  # depth: 1 in a table; hidden: inside an element that is not a cell
        )
        self.name, self.repeated = "", 1
        self.attributes: dict[str, str] = {}
        self.words: list[str] | None = None
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler, self.parser.EndElementHandler = self.start, self.end
        self.parser.CharacterDataHandler = self.text
        self.parser.StartDoctypeDeclHandler = self.refuse

    def refuse(self, *declared: object) -> None:
        """Refuse a document type: it could define entities, and no spreadsheet program writes one."""
        raise BadInput(f"{self.path.name}: declares a document type, which no spreadsheet program writes")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Handle the start of an element."""
        self.hidden += tag in HIDDEN or (tag == TABLE + "table" and self.depth > 0)
        if self.hidden:
            return
        if tag == TABLE + "table":
            self.depth, self.row = 1, 0
            self.name = attributes.get(TABLE + "name", f"Sheet{len(self.sheets) + 1}")
            self.sheets[self.name] = {}
        elif tag == TABLE + "table-row":
            self.row, self.column, self.repeated = self.row + 1, 0, repetitions(attributes, "rows")
        elif tag in (TABLE + "table-cell", TABLE + "covered-table-cell"):
            self.attributes, self.words = attributes, []
        elif tag == TEXT + "p" and self.words:
            self.words.append("\n")
        elif tag == TEXT + "s":
            self.text(" " * min(int(attributes.get(TEXT + "c", 1)), 1000))

    def text(self, words: str) -> None:
        """Collect the text of a cell."""
        if self.words is not None and not self.hidden:
            self.words.append(words)

    def end(self, tag: str) -> None:
        """Handle the end of an element."""
        if self.hidden:
            self.hidden -= tag in HIDDEN or tag == TABLE + "table"
        elif tag == TABLE + "table":
            self.depth = 0
        elif tag == TABLE + "table-row":
            self.repeat_row()
        elif tag in (TABLE + "table-cell", TABLE + "covered-table-cell"):
            self.cell()
            self.words = None

    def cell(self) -> None:
        """Add a cell, repeated as often as the file says."""
        kind = self.attributes.get(OFFICE + "value-type", "")
        value = "".join(self.words or ()).strip()
        if kind in NUMBERS:
            value = self.attributes.get(OFFICE + NUMBERS[kind], "")
        elif kind in ("date", "time"):
            value = "a date"  # not the number of its day
        often = repetitions(self.attributes, "columns")
        if value and self.wanted in ("", self.name) and self.depth:
            self.counted(often)
            row = self.sheets[self.name].setdefault(self.row, {})
            row |= dict.fromkeys(range(self.column + 1, self.column + often + 1), value)
        self.column += often

    def repeat_row(self) -> None:
        """Add a row repeated as often as the file says."""
        cells = self.sheets[self.name].get(self.row) if self.sheets else None
        if cells and self.repeated > 1:
            self.counted(len(cells) * (self.repeated - 1))
            self.sheets[self.name] |= {self.row + i: dict(cells) for i in range(1, self.repeated)}
        self.row += self.repeated - 1

    def counted(self, more: int) -> None:
        """Count cells; refuse more than the limit."""
        self.count += more
        if self.count > CELLS:
            raise BadInput(f"{self.path.name}: holds more than {CELLS:,} cells; save it as .csv")


def repetitions(attributes: dict[str, str], what: str) -> int:
    """How often a row or cell is repeated."""
    return max(int(attributes.get(f"{TABLE}number-{what}-repeated", 1)), 1)
