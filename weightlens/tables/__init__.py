"""The one reader of tables: the bytes of a file become columns of cells, with titles.

Inputs, training data, true answers and calculations by hand all come through here: text in any alphabet and with any separator,
sheets (``.xlsx``, ``.ods``), records (``.json``, ``.parquet``). A cell is its text, whatever it was in the file, so that the
digits that somebody wrote are kept; ``cells.Numbers`` makes numbers of them.
"""

from __future__ import annotations

from weightlens.tables.files import is_table, open_table
from weightlens.tables.table import Block, Table

__all__ = ["Block", "Table", "is_table", "open_table"]
