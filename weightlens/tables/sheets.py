"""Tables in workbooks: the first sheet of an ``.xlsx`` or ``.ods``, or the sheet and range given."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from weightlens.errors import BadInput, UnreadableModel
from weightlens.tables.table import Grid, Row

RANGE = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})(?::\$?([A-Z]{1,3})\$?(\d{1,7}))?", re.IGNORECASE)


def sheet_rows(path: Path, kind: str, area: str) -> Iterator[Row]:
    """The rows of a sheet; ``area``: ``Sheet1``, ``A1:C9`` or ``Sheet1!A1:C9``."""
    sheet, _, cells = area.rpartition("!")
    if not sheet and not RANGE.fullmatch(cells):
        sheet, cells = cells, ""
    match = RANGE.fullmatch(cells)
    if cells and match is None:
        raise BadInput(f"{path.name}: {cells!r} is not a range of cells such as A1:C9")
    sheet = sheet.strip("'").replace("''", "'")
    from weightlens.tables import ods, xlsx

    try:
        grid = ods.grid(path, sheet) if kind == "ods" else xlsx.grid(path, sheet)
    except UnreadableModel as trouble:
        raise BadInput(str(trouble)) from None
    return rows_in_area(grid, corners(match) if match else used_corners(grid))


def corners(match: re.Match[str]) -> tuple[int, int, int, int]:
    """The first row, last row, first column and last column of a range."""
    from weightlens.spreadsheet.cell_values import column_number

    first, last = column_number(match[1].upper()), column_number((match[3] or match[1]).upper())
    rows = sorted((int(match[2]), int(match[4] or match[2])))
    return rows[0], rows[1], min(first, last), max(first, last)


def used_corners(grid: Grid) -> tuple[int, int, int, int]:
    """The first and last row and column of the cells in use."""
    columns = {column for row in grid.values() for column in row}
    return min(grid, default=0), max(grid, default=-1), min(columns, default=0), max(columns, default=-1)


def rows_in_area(grid: Grid, area: tuple[int, int, int, int]) -> Iterator[Row]:
    """The rows of an area that are not empty."""
    top, bottom, left, right = area
    for number in sorted(n for n in grid if top <= n <= bottom):
        cells = [grid[number].get(column, "") for column in range(left, right + 1)]
        if any(cells):
            yield number, cells
