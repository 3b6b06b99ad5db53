"""Where a block of the map of cells stands, or a defined name, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator

from weightlens.spreadsheet.cell_areas import cell_areas, cell_names
from weightlens.spreadsheet.cell_values import Book
from weightlens.spreadsheet.cells_map import Entry


def places_of(entry: Entry, book: Book) -> list[tuple[str, str]]:
    """The sheet and reference of every element, in C order."""
    sheet, cells = entry.place(book)
    return [(sheet, reference) for reference in cell_names(cells)]


def area_cells(text: str) -> Iterator[tuple[str, str]]:
    """The sheet and reference of every cell of an area, row by row; several areas are separated by commas."""
    for area in cell_areas(text):
        yield from ((area.sheet, reference) for reference in cell_names(area.addresses()))
