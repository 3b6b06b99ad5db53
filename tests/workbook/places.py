"""Where a block of the map of cells stands, cell by cell."""

from __future__ import annotations

from weightlens.spreadsheet.cell_areas import cell_names
from weightlens.spreadsheet.cell_values import Book
from weightlens.spreadsheet.cells_map import Entry


def places_of(entry: Entry, book: Book) -> list[tuple[str, str]]:
    """The sheet and reference of every element, in C order."""
    sheet, cells = entry.place(book)
    return [(sheet, reference) for reference in cell_names(cells)]
