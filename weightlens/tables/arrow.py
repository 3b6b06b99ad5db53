"""Numbers of arrays in rows, as tables of Apache Arrow: for ``.parquet`` files, polars and whatever else reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np

from weightlens.errors import BadInput

AT_ONCE = 1 << 20  # numbers in one piece of a file
EXACT = 1 << 53  # whole numbers up to here are exact in float64


def pyarrow() -> Any:
    """The library; ``BadInput`` where it is not installed."""
    try:
        import pyarrow as pa
    except ImportError:
        raise BadInput("this needs pyarrow, which is not installed: pip install pyarrow") from None
    return pa


def places(shape: tuple[int, ...], start: int, stop: int) -> Any:
    """The places of some numbers of an array, in order, as a column of lists."""
    pa = pyarrow()
    found = np.array(np.unravel_index(np.arange(start, stop), shape) if shape else (), np.int64).reshape(len(shape), stop - start)
    offsets = np.arange(stop - start + 1, dtype=np.int32) * len(shape)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(found.T.reshape(-1)))


def write_matrices(file: BinaryIO, matrices: Mapping[str, tuple[tuple[int, ...], str, Callable[[], np.ndarray]]]) -> None:
    """Write a Parquet file with a row for each number: ``matrix``, ``index``, ``value``.

    ``matrices``: by name the shape, the dtype, and how the numbers are read, one matrix after the other. Values are float64, or
    int64 where all are whole; the metadata of the file say each matrix's shape and dtype (key ``weightlens``, as JSON).
    """
    import json

    pa = pyarrow()
    from pyarrow import parquet

    whole = all(dtype.startswith(("int", "uint", "bool")) for _, dtype, _ in matrices.values())
    facts = {name: {"shape": shape, "dtype": dtype} for name, (shape, dtype, _) in matrices.items()}
    fields = [("matrix", pa.string()), ("index", pa.list_(pa.int64())), ("value", pa.int64() if whole and matrices else pa.float64())]
    schema = pa.schema(fields, metadata={"weightlens": json.dumps(facts)})
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for name, (_, _, read) in matrices.items():
            for rows in pieces(name, read(), whole):
                writer.write_table(pa.table(rows, schema=schema))


def pieces(name: str, array: np.ndarray, whole: bool) -> Iterator[dict[str, Any]]:
    """The rows of one array, some at a time."""
    pa = pyarrow()
    if array.dtype.kind not in "fiub":
        raise BadInput(f"{name}: Parquet has no numbers of the type {array.dtype}; choose others with --grep, or take json")
    limit = np.iinfo(np.int64).max if whole else EXACT
    if array.dtype.kind in "iu" and array.size and max(abs(int(array.min())), int(array.max())) > limit:
        raise BadInput(f"{name}: has whole numbers that would be rounded in a column of float64; choose it alone with --grep, or take json")
    flat = array.reshape(-1).astype(np.int64 if whole else np.float64)
    for start in range(0, flat.size, AT_ONCE):
        part = flat[start : start + AT_ONCE]
        text = name.encode("utf-8", "replace").decode()
        yield {"matrix": pa.array([text] * part.size), "index": places(array.shape, start, start + part.size), "value": pa.array(part)}
