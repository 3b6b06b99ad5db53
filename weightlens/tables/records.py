"""Tables in ``.json`` (rows, records, columns, what TensorFlow Serving takes) and ``.parquet`` files, as rows of texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from weightlens.errors import BadInput
from weightlens.limits import JSON
from weightlens.tables.table import Row

DEEPEST = 32  # lists in lists
SERVING = ("instances", "inputs", "data")  # data: with "columns", as pandas splits a table
SHAPE = 'a table is a list of rows, a list of records, {"column": [...]}, or {"instances": [...]}'


def json_rows(path: Path) -> tuple[Iterator[Row], bool]:
    """The rows of a JSON file that are not empty, with their numbers, and whether the first row holds titles."""
    import orjson

    if path.stat().st_size > JSON:
        raise BadInput(f"{path.name}: is larger than {JSON >> 20} MB; save it as .csv or .npy")
    try:
        content = orjson.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{path.name}: is not valid JSON: {error}") from None
    rows, titled = rows_of_json(content, path.name)
    return ((number, row) for number, row in enumerate(rows, 1) if row), titled


def rows_of_json(content: Any, name: str) -> tuple[Iterator[list[str]], bool]:
    """The rows in a JSON value, and whether the first row holds titles."""
    if isinstance(content, dict):
        titles = content.get("columns")
        inner = next((content[key] for key in SERVING if isinstance(content.get(key), (list, dict))), None)
        if inner is not None and isinstance(titles, list) and isinstance(inner, list):
            return iter([[cell_text(title) for title in titles], *(flatten(row) for row in inner)]), True
        if inner is not None:
            return rows_of_json(inner, name)
        return rows_from_columns(content, name), True
    if not isinstance(content, list) or not content:
        raise BadInput(f"{name}: {SHAPE}")
    if all(isinstance(row, dict) for row in content):
        return rows_from_records(content, name), True
    if any(isinstance(row, dict) for row in content):
        raise BadInput(f"{name}: some rows have names and others have none")
    if not any(isinstance(row, list) for row in content):
        return iter([[cell_text(cell)] for cell in content]), False
    return (flatten(row) for row in content), False


def rows_from_columns(content: dict[str, Any], name: str) -> Iterator[list[str]]:
    """Rows from a dictionary of columns, under a row of titles."""
    cells = [list(c.values()) if isinstance(c, dict) else c for c in content.values()]
    if not cells or not all(isinstance(column, list) for column in cells) or len({len(column) for column in cells}) != 1:
        raise BadInput(f"{name}: {SHAPE}; columns have one length")
    rows = [dict(zip(content, row, strict=True)) for row in zip(*cells, strict=True)]
    return rows_from_records(rows, name) if rows else iter([list(content)])


def rows_from_records(rows: Sequence[dict[str, Any]], name: str) -> Iterator[list[str]]:
    """Rows from records with the same keys; a list as a value makes several columns: ``name_0``, ``name_1``."""
    first = {key: flatten(value) if isinstance(value, list) else None for key, value in rows[0].items()}
    yield [title for key, cells in first.items() for title in ([key] if cells is None else [f"{key}_{i}" for i in range(len(cells))])]
    for number, row in enumerate(rows, 1):
        if row.keys() != first.keys():
            raise BadInput(f"{name}: record {number} has other names than the first: {', '.join(list(row)[:10])}")
        yield [cell for key in first for cell in flatten(row[key])]


def flatten(value: Any, depth: int = 0) -> list[str]:
    """The cells of a row with nested lists flattened, in C order."""
    if isinstance(value, list):
        if depth > DEEPEST:
            raise BadInput(f"a row has lists in lists, more than {DEEPEST} deep")
        return [cell for part in value for cell in flatten(part, depth + 1)]
    return [cell_text(value)]


def cell_text(value: Any) -> str:
    """A JSON value as the text of a cell."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if value is None:
        return ""
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def parquet_rows(path: Path) -> Iterator[Row]:
    """The rows of a parquet file, under a row of titles."""
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise BadInput(f"{path.name}: reading parquet needs pyarrow: python -m pip install pyarrow") from None
    try:
        file = parquet.ParquetFile(path)
        yield 1, [str(name) for name in file.schema_arrow.names]
        number = 1
        for batch in file.iter_batches():
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                yield number, flatten(list(row))
    except (ArrowException, OSError) as error:
        raise BadInput(f"{path.name}: cannot be read as parquet: {str(error).splitlines()[0][:100]}") from None
