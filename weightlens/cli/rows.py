"""Predictions for any number of rows, a chunk at a time, as CSV or JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from weightlens.cli.common import refuse_shapes
from weightlens.cli.messages import note
from weightlens.engine import forward
from weightlens.engine.state import is_stateful
from weightlens.inputs.given import sample_chunks
from weightlens.model import Model
from weightlens.tables.arrow import pyarrow


@dataclass(frozen=True)
class Rows:
    """The rows to predict for: the INPUT of the command line, how many are computed at a time, the range of a picture's values."""

    given: str
    at_a_time: int = 1000
    scale: str | None = None

    def count(self) -> int:
        """The approximate number of rows in a file, for the progress bar; 0 if unknown."""
        path = Path(self.given)
        if self.given == "-" or path.suffix.lower() not in (".csv", ".tsv", ".txt") or not path.is_file():
            return 0
        with path.open("rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def predictions(model: Model, rows: Rows, advance: Callable[[int], None]) -> Iterator[list[np.ndarray]]:
    """The outputs of the model, for one chunk of rows after another."""
    done = 0
    for samples in sample_chunks(rows.given, model, None if is_stateful(model) else rows.at_a_time, note, rows.scale):
        if not done:
            refuse_shapes(model, samples.arrays)
        outputs = forward.predict(model, samples.arrays, first=done)
        yield outputs
        done += len(outputs[0])
        advance(len(outputs[0]))


def write_csv(model: Model, chunks: Iterable[list[np.ndarray]], file: BinaryIO) -> None:
    """One line of comma-separated numbers per sample, under a header; outputs of several dimensions in C order."""
    from weightlens.terminal.machine import csv_cell

    for number, outputs in enumerate(chunks):
        if not number:
            file.write((",".join(map(csv_cell, columns(model, outputs))) + "\n").encode())
        file.write(as_csv(joined(outputs)))


def write_json(model: Model, chunks: Iterable[list[np.ndarray]], file: BinaryIO) -> None:
    """The same as JSON: the columns with the shapes of the outputs, then a row per sample."""
    from weightlens.terminal.machine import to_json

    for number, outputs in enumerate(chunks):
        if not number:
            shapes = [{"name": name, "shape": y.shape[1:]} for name, y in zip(model.output_names, outputs, strict=True)]
            head = {"command": "predict", "outputs": shapes, "columns": columns(model, outputs)}
            file.write(to_json(head)[:-1] + b',"rows":[')
        file.write(b"," * (number > 0) + to_json(joined(outputs))[1:-1])
    file.write(b"]}\n")


def write_parquet(model: Model, chunks: Iterable[list[np.ndarray]], file: BinaryIO) -> None:
    """The same as Parquet: a column of float64 for each number of a row; ``BadInput`` without pyarrow."""
    pa = pyarrow()
    from pyarrow import parquet

    with ExitStack() as stack:
        writer = None
        for outputs in chunks:
            arrays = [pa.array(column) for column in joined(outputs).T]
            table = pa.Table.from_arrays(arrays, names=[name.encode("utf-8", "replace").decode() for name in columns(model, outputs)])
            writer = writer or stack.enter_context(parquet.ParquetWriter(file, table.schema))
            writer.write_table(table)


def joined(outputs: list[np.ndarray]) -> np.ndarray:
    """A row of numbers for each sample: all outputs side by side."""
    return np.ascontiguousarray(np.concatenate([y.reshape(len(y), -1) for y in outputs], axis=1))


def columns(model: Model, outputs: list[np.ndarray]) -> list[str]:
    """``y0, y1``; ``output_1_0`` where the model has several outputs, ``score_0`` where they have names; the names of the classes."""
    plain = len(outputs) == 1 and not isinstance(model.outputs, dict)
    starts = ["y"] if plain else [f"{name}_" for name in model.output_names]
    if plain and outputs[0].ndim == 2 and (labels := model.labels_of(outputs[0].shape[1])):
        return list(labels)
    sizes = [int(np.prod(y.shape[1:], dtype=np.int64)) for y in outputs]
    return [f"{start}{i}" for start, size in zip(starts, sizes, strict=True) for i in range(size)]


def as_csv(matrix: np.ndarray) -> bytes:
    """A contiguous matrix as lines of numbers that parse to the same numbers; a JSON encoder formats a whole block at once."""
    import orjson

    if not np.isfinite(matrix).all():  # JSON has no words for these
        return "".join(",".join(map(repr, row)) + "\n" for row in matrix.tolist()).encode()
    block: bytes = orjson.dumps(matrix, option=orjson.OPT_SERIALIZE_NUMPY)
    return block[2:-2].replace(b"],[", b"\n") + b"\n" if matrix.size else b"\n" * len(matrix)


WRITERS = {"csv": write_csv, "json": write_json, "parquet": write_parquet}
