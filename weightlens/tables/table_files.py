"""Which files hold tables, by their first bytes and names, and how each kind is opened."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from weightlens.errors import BadInput
from weightlens.tables.cells import is_number
from weightlens.tables.table import Row, Table
from weightlens.tables.text import TextTable, decode_lines

TEXTS = {".csv", ".tsv", ".tab", ".txt", ".dat", ""}
SHEETS = {".xlsx", ".xlsm", ".ods"}
KINDS = TEXTS | SHEETS | {".json", ".parquet", ".xls"}
WORDS = "a .csv, .tsv, .txt, .xlsx, .ods, .json or .parquet file"


def split_area(given: str) -> tuple[str, str]:
    """A file and an area in it, from ``book.xlsx!Sheet1!A1:C9``; without an area, the file alone."""
    for suffix in SHEETS:
        at = given.lower().find(suffix + "!")
        if at >= 0:
            return given[: at + len(suffix)], given[at + len(suffix) + 1 :]
    return given, ""


def is_table(given: str) -> bool:
    """Whether a file's name is that of a table."""
    return Path(split_area(given)[0]).suffix.lower() in KINDS


def open_table(given: str, loose: bool = False, number: Callable[[str], object] = is_number) -> Table:
    """The table in a file, or (``-``) on standard input. ``loose``: rows of any length, and ``#`` begins a comment.

    ``number``: what a number is where spaces part them.
    """
    if given == "-":
        if sys.stdin is None or sys.stdin.closed:
            raise BadInput("standard input is closed")
        raw = getattr(sys.stdin, "buffer", None)
        return TextTable("standard input", sys.stdin if raw is None else decode_lines(raw, "standard input"), loose, number)
    name, area = split_area(given)
    path = Path(name)
    try:
        stream = path.open("rb")
        kind = kind_of(path, stream.peek(64)[:64])
        if kind == "text":
            return TextTable(path.name, decode_lines(stream, path.name), loose, number)
        stream.close()
        return Table(path.name, *rows_of(kind, path, area), loose=loose)
    except FileNotFoundError:
        raise BadInput(f"{path}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: {getattr(error, 'strerror', None) or 'cannot be read'}") from None


def kind_of(path: Path, head: bytes) -> str:
    """The kind of a file, by its first bytes, else by its suffix."""
    suffix = path.suffix.lower()
    if head.startswith(b"PK\x03\x04"):
        return "ods" if suffix == ".ods" or b"opendocument.spreadsheet" in head else "xlsx"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise BadInput(f"{path}: is an old Excel workbook (.xls) or one with a password; save it as .xlsx")
    if suffix in SHEETS or suffix in (".parquet", ".xls"):
        raise BadInput(f"{path}: is named {suffix}, but is not such a file")
    return "json" if suffix == ".json" else "text"


def rows_of(kind: str, path: Path, area: str) -> tuple[Iterator[Row], bool | None]:
    """The rows of a file that is not text, and whether the first row holds titles (``None``: unknown)."""
    if kind in ("xlsx", "ods"):
        from weightlens.tables.sheets import sheet_rows

        return sheet_rows(path, kind, area), None
    from weightlens.tables import records

    return records.json_rows(path) if kind == "json" else (records.parquet_rows(path), True)
