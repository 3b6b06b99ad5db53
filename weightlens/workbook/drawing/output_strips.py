"""What a layer answers to one sample, in a strip of a few coloured cells: its units, or the means of its channels over all places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from weightlens.axes import Axis
from weightlens.recording import Recorded
from weightlens.workbook.formulas import areas
from weightlens.workbook.formulas.cell_arrays import Expression, combine
from weightlens.workbook.layout.choices import in_rows
from weightlens.workbook.neuron.cell_numbers import MOST_ONE_BY_ONE, can_be_picked, of_sample
from weightlens.workbook.sheets.network import NetworkSheets
from weightlens.workbook.xlsx.blocks import Block
from weightlens.workbook.xlsx.book import Sheet
from weightlens.workbook.xlsx.styles import Look, squares_format

MOST = 1_000_000  # numbers that the means of a strip are taken of
SHOWN = 8  # cells
MEAN = ("AVERAGE", None)
NUMBER = Look(border="hair", size=7, align="center", shrink=True)


@dataclass(frozen=True, eq=False)
class Strip:
    """The formulas of a few numbers, what they are at first, and what they are in words."""

    made: Expression
    values: np.ndarray
    words: str
    format: str


def strip_of(net: NetworkSheets, x: Recorded, picked: str, first: int) -> Strip | None:
    """The first few units of a vector, or the means of the first few channels; ``None`` where there is no such formula.

    ``picked`` is the cell that holds the number of the sample, at first ``first`` (from 0).
    """
    first = min(first, len(x.value) - 1) if x.ndim and x.value is not None else 0
    cells = net.plan.formulas.cells(x)
    if cells is None or x.dtype.kind not in "fiub" or x.ndim < 2 or x.size == 0 or x.size > MOST or x.value is None:
        return None
    shown = min(x.shape[-1], SHOWN)
    *others, axis = net.plan.trace.axes.named(x).axes
    of = so_many(axis[0].name if len(axis) == 1 else "number", x.shape[-1], shown)
    if x.ndim == 2:
        every = x.value[:, :shown]
        whole = bool((every == np.floor(every)).all())
        made = of_sample(cells[:, :shown], picked) if can_be_picked(cells) else None
        return None if made is None else Strip(made, every[first], of, "General" if whole else squares_format(every))
    if len(cells) > MOST_ONE_BY_ONE or (cells < 0).any():
        return None
    rows = np.moveaxis(cells[..., :shown], -1, 1).reshape(len(cells), shown, -1)
    parts: list[str | Expression] = [f"CHOOSE({picked}"] if len(rows) > 1 else []
    for sample in rows:
        parts += ([","] if len(rows) > 1 else []) + [areas.reduction(np.ascontiguousarray(sample), *MEAN)]
    made = combine([*parts, *([")"] if len(rows) > 1 else [])], (shown,))
    values = np.moveaxis(x.value[first, ..., :shown], -1, 0).reshape(shown, -1).mean(axis=1, dtype=np.float64)
    each = f"each of {of}" if 1 < shown == x.shape[-1] else of
    return Strip(made, values, f"shown: mean over {averaged(others[1:], rows.shape[-1])} of {each}", squares_format(values))


def so_many(name: str, there: int, shown: int) -> str:
    """How many units there are, and which of them are shown."""
    return f"{there} {name}s" if 1 < there == shown else f"1 {name}" if there == 1 else f"{name}s 0 to {shown - 1} of {there}"


def averaged(axes: Sequence[Axis], count: int) -> str:
    """What the means are taken over: ``6 tokens``, ``64 pixels``."""
    names = [factor.name for axis in axes for factor in axis]
    return so_many("pixel" if names == ["row", "column"] else names[0] if len(names) == 1 else "place", count, count)


def write_strip(net: NetworkSheets, sheet: Sheet, row: int, column: int, width: int, strip: Strip) -> None:
    """The strip in the middle of so many columns, its words under it; colours from orange (negative) to blue."""
    shown = len(strip.values)
    first, look = column + (width - shown) // 2, net.styles.style_id(replace(NUMBER, format=strip.format))
    block = Block(in_rows((1, shown)), strip.values[None, :].astype(float), look)
    block.make = lambda: strip.made.moved(lambda array: array.reshape(1, shown), (1, shown))
    sheet.put(block, row, first)
    for j in range(shown):
        sheet.texts.pop((row, first + j), None)
    sheet.texts[(row + 1, column)].text = strip.words
    sheet.heats.append((block.area, "both signs"))
