"""The one reader of tables: the bytes of a file become columns of cells, with titles.

Inputs, training data, true answers and calculations by hand are all read here: text in any encoding and with any separator,
sheets (``.xlsx``, ``.ods``), records (``.json``, ``.parquet``). A cell is always text, so that the digits are kept as
written; ``cells.Numbers`` converts them.
"""

from weightlens.tables.table import Block, Table
from weightlens.tables.table_files import is_table, open_table

__all__ = ["Block", "Table", "is_table", "open_table"]
