"""Tables in workbooks: the first sheet of an ``.xlsx`` or ``.ods``, or the sheet and range given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from weightlens.errors import BadInput, UnreadableModel
from weightlens.spreadsheet.cell_areas import CellArea, cell_area
from weightlens.tables.table import Grid, Row


def sheet_rows(path: Path, kind: str, area: str) -> Iterator[Row]:
    """The rows of a sheet; ``area``: ``Sheet1``, ``A1:C9`` or ``Sheet1!A1:C9``."""
    sheet, _, cells = area.rpartition("!")
    wanted = cell_area(cells)
    if not sheet and wanted is None:
        sheet, cells = cells, ""
    if cells and wanted is None:
        raise BadInput(f"{path.name}: {cells!r} is not a range of cells such as A1:C9")
    sheet = sheet.strip("'").replace("''", "'")
    from weightlens.tables import ods, xlsx

    try:
        grid = ods.grid(path, sheet) if kind == "ods" else xlsx.grid(path, sheet)
    except UnreadableModel as trouble:
        raise BadInput(str(trouble)) from None
    return rows_in_area(grid, wanted or used_area(grid))


def used_area(grid: Grid) -> CellArea:
    """The area of the cells in use."""
    columns = {column for row in grid.values() for column in row}
    return CellArea("", min(grid, default=0), min(columns, default=0), max(grid, default=-1), max(columns, default=-1))


def rows_in_area(grid: Grid, area: CellArea) -> Iterator[Row]:
    """The rows of an area that are not empty."""
    for number in sorted(n for n in grid if area.top <= n <= area.bottom):
        cells = [grid[number].get(column, "") for column in range(area.left, area.right + 1)]
        if any(cells):
            yield number, cells
