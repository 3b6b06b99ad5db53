"""What a neuron multiplies: names for its inputs one by one and for both factors, and where in a picture inputs that are pixels lie."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from weightlens.axes import Axis
from weightlens.recording import Recorded
from weightlens.recording.calls import PRODUCTS, einsum_subscripts, factors, operation
from weightlens.recording.graph import named_operands
from weightlens.workbook.neuron.weighted_sums import Term
from weightlens.workbook.sheets.layer_sheet import picture_side
from weightlens.workbook.sheets.network import NetworkSheets

LARGEST = 32  # rows and columns of a picture that is drawn


def words(axes: list[Axis], sizes: list[int], name: str) -> list[str]:
    """A word for each place along several axes; nothing is said of what there is only one of."""
    shown = [(axis, n) for axis, n in zip(axes, sizes, strict=True) if n > 1]
    each = [[", ".join(f.text(i) for f in axis) if axis else f"{name} {i}" for i in range(n)] for axis, n in shown]
    return [", ".join(parts) for parts in itertools.product(*each)] if each else [f"{name} 0"]


def input_names(net: NetworkSheets, term: Term, layer: str, several: bool) -> list[str]:
    """A name for each input of a unit, with the value that it is an element of where a unit reads several."""
    if operation(term.product) not in PRODUCTS:
        return [term.product.name]
    left, right = factors(term.product)
    inputs, output = einsum_subscripts(term.product).split("->")
    letters = inputs.split(",")
    axes, sizes = list[Axis](), list[int]()
    for c in (c for c in dict.fromkeys("".join(letters)) if c not in output):
        read, position = (left, letters[0].index(c)) if c in letters[0] else (right, letters[1].index(c))
        axes.append(net.plan.trace.axes.named(read).axes[position] if isinstance(read, Recorded) else ())
        sizes.append(read.shape[position])
    names = words(axes, sizes, "input")
    if isinstance(left, Recorded) and left.kind == "input" and left.ndim == 2:
        names = net.options.input_names(len(names))
        side = picture_side((1, len(names)))
        names = [f"{name} (row {i // side}, column {i % side})" for i, name in enumerate(names)] if side else names
    if not several or not isinstance(left, Recorded):
        return names
    return [f"{source_name(left, layer)}: {name}" for name in names]


def factor_names(terms: list[Term], layer: str) -> tuple[str, str]:
    """What is multiplied: a value and a weight, or two values that the network computed, by name; and by which number besides."""
    left, right = factors(terms[0].product) if operation(terms[0].product) in PRODUCTS else (None, None)
    scale = "" if terms[0].scale == 1.0 else f" \u00d7 {terms[0].scale:.4g}"
    if len(terms) > 1 or not isinstance(left, Recorded) or not isinstance(right, Recorded) or origin_of(right).kind == "weight":
        return "value", f"\u00d7 weight{scale}"
    return source_name(left, layer), f"\u00d7 {source_name(right, layer)}{scale}"


def origin_of(x: Recorded) -> Recorded:
    """The named value that a value is taken from: itself, or what it reads first."""
    return x if x.kind else next(iter(named_operands(x)), x)


def source_name(x: Recorded, layer: str) -> str:
    """What a layer reads, in a word: the input, another layer, its own state before."""
    origin = origin_of(x)
    if origin.role.kind == "start":
        return f"{origin.role.of} before"
    return "input" if origin.kind == "input" else origin.name if origin.layer == layer else origin.layer


@dataclass(frozen=True)
class Pixels:
    """A picture: its rows, columns and channels, and how many inputs further the next of each is."""

    rows: int
    columns: int
    channels: int
    by_row: int
    by_column: int
    by_channel: int


def pixels_of(net: NetworkSheets, term: Term) -> Pixels | None:
    """The picture that the inputs of a unit form; ``None`` where they are none."""
    read = factors(term.product)[0]
    if not isinstance(read, Recorded):
        return None
    if read.kind == "input" and read.ndim == 2:  # a picture that was made flat before it came to the network
        side = picture_side((1, read.shape[1]))
        return Pixels(side, side, 1, side, 1, 1) if 0 < side <= LARGEST else None
    labels, output = einsum_subscripts(term.product).split("->")
    left = labels.split(",")[0]
    axes = net.plan.trace.axes.named(read).axes
    summed = [axes[d] for d, c in enumerate(left) if c not in output]
    sizes = [read.shape[d] for d, c in enumerate(left) if c not in output]
    at = {}
    for d, axis in enumerate(summed):
        for factor in axis:
            at[factor.word] = np.broadcast_to(factor.at.reshape([-1 if e == d else 1 for e in range(len(summed))]), sizes).reshape(-1)
    return regular(at)


def regular(at: dict[str, np.ndarray]) -> Pixels | None:
    """The picture in which every input has these coordinates, if they are regular and there is nothing else."""
    if not {"row", "column"} <= set(at) <= {"row", "column", "channel"}:
        return None
    rows, columns = at["row"], at["column"]
    channels = at.get("channel", np.zeros_like(rows))
    sides = [int(coordinates.max()) + 1 for coordinates in (rows, columns, channels)]
    if int(np.prod(sides)) != len(rows) or not 1 < sides[0] * sides[1] <= LARGEST**2 or min(c.min() for c in (rows, columns, channels)) < 0:
        return None
    units = [coordinates == 1 for coordinates in (rows, columns, channels)]
    others = [(columns == 0) & (channels == 0), (rows == 0) & (channels == 0), (rows == 0) & (columns == 0)]
    steps = [int(np.flatnonzero(one & rest)[0]) if side > 1 else 1 for one, rest, side in zip(units, others, sides, strict=True)]
    found = sum(coordinates * step for coordinates, step in zip((rows, columns, channels), steps, strict=True))
    return Pixels(sides[0], sides[1], sides[2], *steps) if np.array_equal(found, np.arange(len(rows))) else None
