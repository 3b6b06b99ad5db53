"""The layers of a model as a table with the columns of Keras's ``summary``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from weightlens.call_order import refs
from weightlens.engine.output_shapes import symbolic_shapes
from weightlens.formats.weights.order import untrained_variables
from weightlens.model import Layer, Model, Weight
from weightlens.terminal.escape import clean

if TYPE_CHECKING:
    from pandas import DataFrame

BFLOAT16 = 2  # bytes of a number that NumPy has no dtype for
HEAD = ("Layer (type)", "Output Shape", "Param #", "Connected to")


@dataclass(frozen=True)
class SummaryRow:
    """One layer: name, class, output shapes (batch first, ``None``: any length), numbers of parameters, and where its inputs come from.

    ``connected_to`` names tensors as Keras does: ``dense[0][0]`` is the first output of the first call. ``bytes`` are those of its weights.
    """

    layer: str
    class_name: str
    output_shapes: tuple[tuple[int | None, ...], ...]
    parameters: int
    trainable: int
    bytes: int
    connected_to: tuple[str, ...]

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The texts of the four columns."""
        shapes = ", ".join(map(str, self.output_shapes)) or "?"
        return clean(f"{self.layer} ({self.class_name})"), shapes, f"{self.parameters:,}", clean(", ".join(self.connected_to) or "-")


@dataclass(frozen=True)
class Summary:
    """The table: a row for each layer, and the totals. ``str`` is the text that a terminal shows."""

    name: str
    rows: tuple[SummaryRow, ...]

    @property
    def parameters(self) -> int:
        """How many numbers all layers have together."""
        return sum(row.parameters for row in self.rows)

    @property
    def trainable(self) -> int:
        """How many of them training changes."""
        return sum(row.trainable for row in self.rows)

    @property
    def non_trainable(self) -> int:
        """How many of them stay."""
        return self.parameters - self.trainable

    @property
    def bytes(self) -> int:
        """What the weights take in memory, in the precision in which they are stored."""
        return sum(row.bytes for row in self.rows)

    @property
    def totals(self) -> list[str]:
        """The lines below the table."""
        return [
            f"Total params: {self.parameters:,} ({self.bytes:,} bytes)",
            f"Trainable params: {self.trainable:,}",
            f"Non-trainable params: {self.non_trainable:,}",
        ]

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

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain data, for JSON."""
        totals = {key: getattr(self, key) for key in ("parameters", "trainable", "non_trainable", "bytes")}
        return {"name": self.name, "layers": [asdict(row) for row in self.rows], **totals}


def summary(model: Model) -> Summary:
    """The summary of a model. The input of a ``Sequential`` is no layer of it, as in Keras."""
    shapes = symbolic_shapes(model)
    layers = [layer for layer in model.layers if model.class_name != "Sequential" or layer.class_name != "InputLayer"]
    return Summary(model.name, tuple(row_of(layer, shapes.get(layer.name, [])) for layer in layers))


def row_of(layer: Layer, shapes: list[tuple[int | None, ...] | None]) -> SummaryRow:
    """The row of one layer."""
    known = tuple((None, *shape) for shape in shapes if shape is not None)
    still = sum(owner.own_weights[name].size for owner, name in untrained_variables(layer) if name in owner.own_weights)
    size, memory = layer.size, sum(bytes_of(weight) for weight in layer.weights.values())
    return SummaryRow(layer.name, layer.class_name, known, size, size - still, memory, tuple(sources(layer)))


def sources(layer: Layer) -> Iterator[str]:
    """The tensors that the calls of a layer take, each once."""
    taken = (f"{ref.layer}[{ref.call}][{ref.index}]" for call in layer.calls for ref in refs((call.args, call.kwargs)))
    return iter(dict.fromkeys(taken))


def bytes_of(weight: Weight) -> int:
    """What a weight takes in memory; nothing if it holds no numbers."""
    if not weight.is_numeric:
        return 0
    return weight.size * (BFLOAT16 if weight.dtype == "bfloat16" else np.dtype(weight.dtype).itemsize)


def model_frame(model: Model) -> DataFrame:
    """The rows of the summary as a pandas frame."""
    from weightlens.api.frames import frame

    rows = summary(model).rows
    return frame({key: [getattr(row, key) for row in rows] for key in SummaryRow.__dataclass_fields__})
