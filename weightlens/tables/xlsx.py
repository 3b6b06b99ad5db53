"""The cells of one sheet of an ``.xlsx`` workbook, as texts."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path
from xml.etree import ElementTree

from weightlens.errors import BadInput
from weightlens.limits import CELLS
from weightlens.spreadsheet import cell_values as book
from weightlens.spreadsheet.cell_areas import column_number
from weightlens.spreadsheet.sheet_rows import CellDate, SheetCells, Value, read_cells
from weightlens.tables.table import Grid, pick_sheet
from weightlens.zips import open_zip

REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})")


def grid(path: Path, sheet: str) -> Grid:
    """The cells of a sheet. Refuses a date, which would be read as a number of days."""
    try:
        with open_zip(path) as archive:
            parts = {name: part for name, part in book.sheet_parts(archive).items() if "worksheets/" in part}
            part = parts[pick_sheet(list(parts), sheet, path)]
            cells = SheetCells(book.shared_strings(archive), book.date_styles(archive))
            read_cells(archive, part, cells, CELLS + path.stat().st_size)
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, ElementTree.ParseError, EOFError, NotImplementedError, zlib.error):
        raise BadInput(f"{path.name}: is damaged, or no .xlsx workbook that can be read") from None
    lost = next((cell for cell in cells.formulas if cell not in cells.values), None)
    if lost:
        raise BadInput(
            f"{path.name}: the program that saved it did not keep the value of the formula in {lost}; open and save it, or use .csv"
        )
    return cells_by_position({cell: as_text(value) for cell, value in cells.values.items()})


def cells_by_position(texts: dict[str, str]) -> Grid:
    """Cells by row and column."""
    cells: Grid = {}
    for reference, text in texts.items():
        place = REFERENCE.fullmatch(reference)
        if place and text:
            cells.setdefault(int(place[2]), {})[column_number(place[1])] = text
    return cells


def as_text(value: Value) -> str:
    """A cell's value as text."""
    if isinstance(value, CellDate):
        return "a date"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return value.strip()
    return repr(value).removesuffix(".0")
