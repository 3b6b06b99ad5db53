"""The cells of one sheet of an ``.ods`` workbook, as texts; content.xml is parsed row by row."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import IO
from xml.etree.ElementTree import Element, ParseError, iterparse

from weightlens.errors import BadInput
from weightlens.limits import CELLS
from weightlens.tables.table import Grid, pick_sheet
from weightlens.zips import check_member, open_zip

NUMBERS = {"float": "value", "percentage": "value", "currency": "value", "boolean": "boolean-value"}
OFFICE, TABLE, TEXT = (f"{{urn:oasis:names:tc:opendocument:xmlns:{part}:1.0}}" for part in ("office", "table", "text"))
MOST_SPACES = 1000  # that one element stands for
HEAD = 1 << 16  # bytes in which a document type would be declared


class TooManyCells(Exception):
    """The sheet has more cells than the limit, many of them repeated."""


def grid(path: Path, sheet: str) -> Grid:
    """The cells of a sheet; without a name, of the first sheet."""
    try:
        with open_zip(path) as archive:
            check_member(archive, "content.xml")
            with archive.open("content.xml") as stream:
                if b"<!DOCTYPE" in stream.read(HEAD):  # it could define entities, and no spreadsheet program writes one
                    raise BadInput(f"{path.name}: declares a document type, which no spreadsheet program writes")
            with archive.open("content.xml") as stream:
                sheets = read_sheets(stream, sheet)
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError, NotImplementedError, OSError, zlib.error, ParseError):
        raise BadInput(f"{path.name}: is damaged, or no .ods workbook that can be read") from None
    except TooManyCells:
        raise BadInput(f"{path.name}: holds more than {CELLS:,} cells; save it as .csv") from None
    return sheets[pick_sheet(list(sheets), sheet, path)]


def read_sheets(stream: IO[bytes], wanted: str) -> dict[str, Grid]:
    """Every sheet by its name; the cells only of the one that is wanted, or of all without a name."""
    sheets: dict[str, Grid] = {}
    table, name = Element("none"), ""
    depth = row = count = 0  # depth: 1 in a sheet, more in a table inside a cell
    for event, element in iterparse(stream, ("start", "end")):
        if element.tag == TABLE + "table":
            depth += 1 if event == "start" else -1
            if event == "start" and depth == 1:
                table, row, name = element, 1, element.get(TABLE + "name", f"Sheet{len(sheets) + 1}")
                sheets[name] = {}
        elif event == "end" and element.tag == TABLE + "table-row" and depth == 1:
            cells, times = cells_of_row(element) if wanted in ("", name) else {}, repetitions(element, "rows")
            count += len(cells) * times
            if count > CELLS:
                raise TooManyCells
            sheets[name] |= {row + i: cells for i in range(times)} if cells else {}
            row += times
            table.clear()  # memory does not grow with the file
    return sheets


def cells_of_row(row: Element) -> dict[int, str]:
    """The cells of a row that are not empty, by column; each as often as the file repeats it."""
    cells: dict[int, str] = {}
    column = 1
    for cell in row:
        if cell.tag in (TABLE + "table-cell", TABLE + "covered-table-cell"):
            text, times = cell_text(cell), repetitions(cell, "columns")
            if text and times > CELLS:
                raise TooManyCells
            cells |= dict.fromkeys(range(column, column + times), text) if text else {}
            column += times
    return cells


def cell_text(cell: Element) -> str:
    """A cell's number as it is stored, or its paragraphs."""
    kind = cell.get(OFFICE + "value-type", "")
    if kind in NUMBERS:
        return cell.get(OFFICE + NUMBERS[kind], "")
    if kind in ("date", "time"):
        return "a date"  # not the number of its day
    for spaces in cell.iter(TEXT + "s"):
        spaces.text = " " * min(int(spaces.get(TEXT + "c", 1)), MOST_SPACES)
    return "\n".join("".join(paragraph.itertext()) for paragraph in cell.findall(TEXT + "p")).strip()


def repetitions(element: Element, what: str) -> int:
    """How often a row or cell is repeated."""
    return max(int(element.get(f"{TABLE}number-{what}-repeated", 1)), 1)
