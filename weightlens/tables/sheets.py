"""Tables in workbooks: the first sheet of an ``.xlsx`` or ``.ods``, or the sheet and range given; its cells as texts."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from xml.etree.ElementTree import Element, ParseError, iterparse

from weightlens.errors import BadInput, UnreadableModel
from weightlens.limits import CELLS
from weightlens.spreadsheet import cell_values as book
from weightlens.spreadsheet.cell_areas import CellArea, cell_area, cell_names
from weightlens.spreadsheet.cell_table import CellDate, CellTable, Value
from weightlens.spreadsheet.sheet_rows import SheetCells, read_cells
from weightlens.tables.table import Grid, Row, pick_sheet
from weightlens.workbook.formulas.cell_arrays import ROW
from weightlens.zips import check_member, open_zip

NUMBERS = {"float": "value", "percentage": "value", "currency": "value", "boolean": "boolean-value"}
OFFICE, TABLE, TEXT = (f"{{urn:oasis:names:tc:opendocument:xmlns:{part}:1.0}}" for part in ("office", "table", "text"))
MOST_SPACES = 1000  # that one element stands for
MOST_EMPTY = 1000  # rows from one that has cells to the next
HEAD = 1 << 16  # bytes in which a document type would be declared


def sheet_rows(path: Path, kind: str, area: str) -> Iterator[Row]:
    """The rows of a sheet; ``area``: ``Sheet1``, ``A1:C9`` or ``Sheet1!A1:C9``."""
    sheet, _, cells = area.rpartition("!")
    wanted = cell_area(cells)
    if not sheet and wanted is None:
        sheet, cells = cells, ""
    if cells and wanted is None:
        raise BadInput(f"{path.name}: {cells!r} is not a range of cells such as A1:C9")
    sheet = sheet.strip("'").replace("''", "'")
    try:
        grid = ods_grid(path, sheet) if kind == "ods" else xlsx_grid(path, sheet)
    except UnreadableModel as trouble:
        raise BadInput(str(trouble)) from None
    return rows_in_area(grid, wanted or whole_area(grid))


def whole_area(grid: Grid) -> CellArea:
    """All cells in use."""
    columns = {column for row in grid.values() for column in row}
    return CellArea("", min(grid, default=0), min(columns, default=0), max(grid, default=-1), max(columns, default=-1))


def rows_in_area(grid: Grid, area: CellArea) -> Iterator[Row]:
    """The rows of an area that have cells, and those without any between two of them, unless these stand far apart."""
    inside = sorted(number for number in grid if area.top <= number <= area.bottom)
    for before, number in zip([-MOST_EMPTY, *inside], inside, strict=False):
        if number - before <= MOST_EMPTY:
            yield from ((empty, []) for empty in range(before + 1, number))
        yield number, [grid[number].get(column, "") for column in range(area.left, area.right + 1)]


class TooManyCells(Exception):
    """The sheet has more cells than the limit, many of them repeated."""


def ods_grid(path: Path, sheet: str) -> Grid:
    """The cells of a sheet; without a name, of the first sheet."""
    sheets = ods_sheets(path, sheet)
    return sheets[pick_sheet(list(sheets), sheet, path)]


def ods_sheets(path: Path, sheet: str = "") -> dict[str, Grid]:
    """Every sheet by its name, with the cells of the one that is wanted, or of all."""
    try:
        with open_zip(path) as archive:
            check_member(archive, "content.xml")
            with archive.open("content.xml") as stream:
                if b"<!DOCTYPE" in stream.read(HEAD):  # it could define entities, and no spreadsheet program writes one
                    raise BadInput(f"{path.name}: declares a document type, which no spreadsheet program writes")
            with archive.open("content.xml") as stream:
                return read_sheets(stream, sheet)
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError, NotImplementedError, OSError, zlib.error, ParseError):
        raise BadInput(f"{path.name}: is damaged, or no .ods workbook that can be read") from None
    except TooManyCells:
        raise BadInput(f"{path.name}: holds more than {CELLS:,} cells; save it as .csv") from None


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
        return shortest(cell.get(OFFICE + NUMBERS[kind], ""))
    if kind in ("date", "time"):
        return "a date"  # not the number of its day
    for spaces in cell.iter(TEXT + "s"):
        spaces.text = " " * min(int(spaces.get(TEXT + "c", 1)), MOST_SPACES)
    return "\n".join("".join(paragraph.itertext()) for paragraph in cell.findall(TEXT + "p")).strip()


def shortest(number: str) -> str:
    """A number with no more digits than it needs: Gnumeric writes 17."""
    try:
        return repr(float(number)).removesuffix(".0") if len(number) > 16 else number
    except ValueError:
        return number  # true, false


def repetitions(element: Element, what: str) -> int:
    """How often a row or cell is repeated."""
    return max(int(element.get(f"{TABLE}number-{what}-repeated", 1)), 1)


def xlsx_grid(path: Path, sheet: str) -> Grid:
    """The cells of a sheet. Refuses a date, which would be read as a number of days."""
    try:
        with open_zip(path) as archive:
            parts = {name: part for name, part in book.sheet_parts(archive).items() if "worksheets/" in part}
            part = parts[pick_sheet(list(parts), sheet, path)]
            cells = SheetCells(book.shared_strings(archive), book.date_styles(archive))
            read_cells(archive, part, cells, CELLS + path.stat().st_size)
            found = cells.table()
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, ParseError, EOFError, NotImplementedError, zlib.error):
        raise BadInput(f"{path.name}: is damaged, or no .xlsx workbook that can be read") from None
    lost = cell_names(found.without_results()[:1])
    if lost:
        raise BadInput(
            f"{path.name}: the program that saved it did not keep the value of the formula in {lost[0]}; open and save it, or use .csv"
        )
    return grid_of(found)


def grid_of(found: CellTable) -> Grid:
    """The cells of a sheet as texts, those that are not empty."""
    grid: Grid = {}
    at = found.at[found.valued]
    for place, value in zip(at.tolist(), found.found(at).values, strict=True):
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
