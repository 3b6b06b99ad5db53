"""The layers of a model as a table with the columns of Keras's ``summary``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from weightlens.call_order import tensors_into
from weightlens.engine.output_shapes import symbolic_shapes
from weightlens.errors import BadInput
from weightlens.formats.weights.order import untrained_weights
from weightlens.model import Layer, Model, Weight
from weightlens.terminal.escape import clean

if TYPE_CHECKING:
    from pandas import DataFrame

    from weightlens.terminal import Screen

WIDTH = {"bfloat16": 2}  # bytes of a number that NumPy has no dtype for
FORMATS = ("table", "json", "csv", "markdown")
TOTALS = ("parameters", "trainable", "non_trainable", "optimizer", "total", "bytes", "optimizer_bytes")
Format = Literal["table", "json", "csv", "markdown"]
UNITS = ("B", "KB", "MB", "GB", "TB", "PB")
HEAD = ("Layer (type)", "Output Shape", "Param #", "Connected to")


@dataclass(frozen=True)
class SummaryRow:
    """One layer: name, class, output shapes (batch first, ``None``: any length), numbers of parameters, and where its inputs come from.

    ``connected_to`` names tensors as Keras does: ``dense[0][0]`` is the first output of the first call. ``bytes`` are those of its
    weights, ``trainable_bytes`` of those that training changes.
    """

    layer: str
    class_name: str
    output_shapes: tuple[tuple[int | None, ...], ...]
    parameters: int
    trainable: int
    bytes: int
    trainable_bytes: int
    connected_to: tuple[str, ...]

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The texts of the four columns."""
        shapes = ", ".join(map(str, self.output_shapes)) or "?"
        return clean(f"{self.layer} ({self.class_name})"), shapes, f"{self.parameters:,}", clean(", ".join(self.connected_to) or "-")

    @property
    def plain(self) -> dict[str, str]:
        """The fields as texts, by name."""
        lists = {key: ", ".join(map(str, getattr(self, key))) for key in ("output_shapes", "connected_to")}
        return {key: str(value) for key, value in (vars(self) | lists).items()}


@dataclass(frozen=True)
class Summary:
    """The table: a row for each layer, the totals, and how many numbers the optimizer keeps. ``str`` is the text that a terminal shows."""

    name: str
    rows: tuple[SummaryRow, ...]
    parameters: int  # how many numbers all layers have together: a weight that several of them share counts once
    trainable: int  # how many of them training changes
    bytes: int  # what the weights take in memory, in the precision in which they are stored
    trainable_bytes: int
    optimizer: int = 0
    optimizer_bytes: int = 0

    @property
    def non_trainable(self) -> int:
        """How many of them stay."""
        return self.parameters - self.trainable

    @property
    def total(self) -> int:
        """How many numbers there are with those of the optimizer, which Keras counts too."""
        return self.parameters + self.optimizer

    @property
    def totals(self) -> list[str]:
        """The lines below the table."""
        lines = [
            ("Total", self.total, self.bytes + self.optimizer_bytes),
            ("Trainable", self.trainable, self.trainable_bytes),
            ("Non-trainable", self.non_trainable, self.bytes - self.trainable_bytes),
            *([("Optimizer", self.optimizer, self.optimizer_bytes)] if self.optimizer else []),
        ]
        return [f"{title} params: {count:,} ({memory_words(memory)})" for title, count, memory in lines]

    def text(self, format: Format = "table") -> str:
        """The whole as a file holds it: the table of ``str``, ``json``, ``csv`` (a row for each layer, no totals) or ``markdown``.

        >>> from weightlens import load
        >>> print(load("sample_models/or.h5").summary().text("csv"), end="")
        layer,class_name,output_shapes,parameters,trainable,bytes,trainable_bytes,connected_to
        dense,Dense,"(None, 2)",6,6,24,24,input_layer[0][0]
        softmax,Activation,"(None, 2)",0,0,0,0,dense[0][0]
        """
        from weightlens.terminal.machine import to_json

        if format not in FORMATS:
            raise BadInput(f"format {format!r}: it is one of {', '.join(FORMATS)}")
        return {
            "table": lambda: f"{self}\n",
            "json": lambda: to_json(self.as_dict()).decode() + "\n",
            "csv": self.csv,
            "markdown": self.markdown,
        }[format]()

    def csv(self) -> str:
        """The rows as CSV, under the names of their fields."""
        from weightlens.terminal.machine import csv_line

        return "".join(map(csv_line, (SummaryRow.__dataclass_fields__, *(row.plain.values() for row in self.rows))))

    def lines(self, screen: Screen) -> list[str]:
        """The lines of ``str``; on a terminal, long names are shortened rather than lines broken."""
        if not screen.terminal:
            return str(self).splitlines()
        table = screen.table([HEAD, *(row.cells for row in self.rows)], right=(2,))
        return [f"Model: {clean(self.name)}", *table, *self.totals]

    def __str__(self) -> str:
        cells = [HEAD, *(row.cells for row in self.rows)]
        widths = [max(len(row[column]) for row in cells) for column in range(len(HEAD))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
        return "\n".join([f"Model: {clean(self.name)}", *lines, *self.totals])

    __repr__ = __str__

    def markdown(self) -> str:
        """The table in Markdown, with the totals below it."""
        rows = [HEAD, ("---",) * len(HEAD), *(row.cells for row in self.rows)]
        lines = ["| " + " | ".join(cell.replace("\\", "\\\\").replace("|", "\\|") for cell in row) + " |" for row in rows]
        return "\n".join([*lines, "", *(f"{line}  " for line in self.totals)]) + "\n"

    @property
    def columns(self) -> dict[str, list[Any]]:
        """The fields of all rows, by name."""
        return {key: [getattr(row, key) for row in self.rows] for key in SummaryRow.__dataclass_fields__}

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The rows for polars, DuckDB and pyarrow: ``polars.DataFrame(model.summary())``."""
        from weightlens.api.frames import stream

        return stream(self.columns, requested_schema)

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain data, for JSON."""
        totals = {key: getattr(self, key) for key in TOTALS}
        return {"name": self.name, "layers": [asdict(row) for row in self.rows], **totals}


def summary(model: Model) -> Summary:
    """The summary of a model. The input of a ``Sequential`` is no layer of it, as in Keras."""
    shapes = symbolic_shapes(model)
    layers = [layer for layer in model.layers if model.class_name != "Sequential" or not layer.is_input]
    state = [weight for weight in model.optimizer if weight.path.startswith("optimizer")]  # metrics have state, too
    still = {id(weight) for weight in untrained_weights(model)}
    rows = tuple(row_of(layer, shapes.get(layer.name, []), still) for layer in layers)
    weights = {weight for layer in layers for weight in layer.weights.values()}
    moved = [weight for weight in weights if id(weight) not in still]
    counts = size_of(weights), size_of(moved), memory_of(weights), memory_of(moved)
    return Summary(model.name, rows, *counts, size_of(state), memory_of(state))


def row_of(layer: Layer, shapes: list[tuple[int | None, ...] | None], untrained: set[int]) -> SummaryRow:
    """The row of one layer; ``untrained``: the weights, by id, that training leaves as they are."""
    known = tuple((None, *shape) for shape in shapes if shape is not None)
    weights = set(layer.weights.values())
    moved = [weight for weight in weights if id(weight) not in untrained]
    counts = size_of(weights), size_of(moved), memory_of(weights), memory_of(moved)
    taken = dict.fromkeys(map(str, tensors_into(*layer.calls)))
    return SummaryRow(layer.name, layer.class_name, known, *counts, tuple(taken))


def size_of(weights: Iterable[Weight]) -> int:
    """How many numbers these weights hold together."""
    return sum(weight.size for weight in weights)


def memory_of(weights: Iterable[Weight]) -> int:
    """What weights take in memory, in bytes; those that hold no numbers count as nothing."""
    return sum(weight.size * (WIDTH.get(weight.dtype) or np.dtype(weight.dtype).itemsize) for weight in weights if weight.is_numeric)


def memory_words(count: float) -> str:
    """A number of bytes as Keras writes it: ``9.57 KB``."""
    unit = 0
    while count >= 1024 and unit + 1 < len(UNITS):
        count, unit = count / 1024, unit + 1
    return f"{count:.2f} {UNITS[unit]}"


def model_frame(model: Model) -> DataFrame:
    """The rows of the summary as a pandas frame."""
    from weightlens.api.frames import frame

    return frame(summary(model).columns)
