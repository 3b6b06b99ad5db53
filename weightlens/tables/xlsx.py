"""The cells of one sheet of an ``.xlsx`` workbook, as texts."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from xml.etree import ElementTree

from weightlens.errors import BadInput
from weightlens.limits import CELLS
from weightlens.spreadsheet import cell_values as book
from weightlens.spreadsheet.cell_areas import cell_names
from weightlens.spreadsheet.cell_table import CellDate, CellTable, Value
from weightlens.spreadsheet.sheet_rows import SheetCells, read_cells
from weightlens.tables.table import Grid, pick_sheet
from weightlens.workbook.formulas.cell_arrays import ROW
from weightlens.zips import open_zip


def grid(path: Path, sheet: str) -> Grid:
    """The cells of a sheet. Refuses a date, which would be read as a number of days."""
    try:
        with open_zip(path) as archive:
            parts = {name: part for name, part in book.sheet_parts(archive).items() if "worksheets/" in part}
            part = parts[pick_sheet(list(parts), sheet, path)]
            cells = SheetCells(book.shared_strings(archive), book.date_styles(archive))
            read_cells(archive, part, cells, CELLS + path.stat().st_size)
            found = cells.table()
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, ElementTree.ParseError, EOFError, NotImplementedError, zlib.error):
        raise BadInput(f"{path.name}: is damaged, or no .xlsx workbook that can be read") from None
    lost = cell_names(found.without_results()[:1])
    if lost:
        raise BadInput(
            f"{path.name}: the program that saved it did not keep the value of the formula in {lost[0]}; open and save it, or use .csv"
        )
    return by_position(found)


def by_position(cells: CellTable) -> Grid:
    """The texts of cells by row and column, counted from 1."""
    grid: Grid = {}
    at = cells.at[cells.valued]
    for place, value in zip(at.tolist(), cells.found(at).values, strict=True):
        if value is not None and (text := as_text(value)):
            grid.setdefault(place // ROW + 1, {})[place % ROW + 1] = text
    return grid


def as_text(value: Value) -> str:
    """A cell's value as text."""
    if isinstance(value, CellDate):
        return "a date"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return value.strip()
    return repr(value).removesuffix(".0")
