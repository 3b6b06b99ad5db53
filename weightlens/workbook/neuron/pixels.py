"""Where the inputs of a unit lie in a picture: row, column and channel of each, where they are pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from weightlens.recording import Recorded
from weightlens.recording.calls import einsum_subscripts, factors
from weightlens.workbook.neuron.weighted_sums import Term
from weightlens.workbook.sheets.layer_sheet import picture_side
from weightlens.workbook.sheets.network import NetworkSheets

LARGEST = 32  # rows and columns of a picture that is drawn


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
