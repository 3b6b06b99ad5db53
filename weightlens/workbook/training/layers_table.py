"""The table of the layers in a training: how long each layer's weights are as one vector, how far they moved, relu units that are dead."""

from __future__ import annotations

from functools import partial

import numpy as np

from weightlens.training.moments import TrainingHistory
from weightlens.workbook.formulas.cell_arrays import Area, Cells, Expression
from weightlens.workbook.training.history_tables import Table, has_room, new_table
from weightlens.workbook.xlsx.book import Sheet
from weightlens.workbook.xlsx.styles import Styles

LAYERS = (
    "length: the root of the sum of squares of all numbers of a layer. step: the length of its change since the row above. "
    "share: the step as a share of the length before it."
)


def layers_table(history: TrainingHistory, sheet: Sheet, styles: Styles, weights: Table) -> Table:
    """Three columns for each layer, computed live where all weights have cells, and a column for the relu units of each layer."""
    table = new_table(history, sheet, styles)
    norms = np.array([moment.norms for moment in history.moments])
    changes = np.array([moment.changes for moment in history.moments[1:]]).reshape(-1, len(history.layers))
    live = history.whole and has_room(history) and all(np.isfinite(moment.numbers).all() for moment in history.moments)
    for i, layer in enumerate(history.layers):
        start, count = history.spans.get(layer, (0, 0))
        first = weights.columns[start][1] if live and count else 0
        table.caption(layer)
        length = table.add("length", norms[:, i].tolist(), partial(root, weights.cells(first), count) if first else None, layer, "norm")
        if not len(changes):
            continue
        step = partial(distance, weights.cells(first, 1), weights.cells(first)[:-1], count) if first else None
        moved = table.add("step", [None, *changes[:, i].tolist()], step, layer, "step")
        before, after = table.cells(length)[:-1], table.cells(moved, 1)
        finite = np.isfinite(norms[:, i]).all() and np.isfinite(changes[:, i]).all()
        table.add("share", [None, *shares(norms[:-1, i], changes[:, i])], partial(ratio, after, before) if finite else None, layer, "share")
        table.gap()
    for i, (layer, units) in enumerate(history.relus.items()):
        table.caption(layer)
        dead = [None if moment.dead is None else float(moment.dead[i]) for moment in history.moments]
        table.add(f"dead of {units}", dead, name=f"{layer}, of {units}", kind="dead")
    return table


def shares(before: np.ndarray, steps: np.ndarray) -> list[float]:
    """Each step as a share of the length before it; 0 where that was nothing."""
    with np.errstate(all="ignore"):
        found: list[float] = np.where(before == 0, 0.0, steps / np.where(before == 0, 1.0, before)).tolist()
    return found


def root(cells: Cells, width: int) -> Expression:
    """The length of the numbers in each row."""
    return Expression(cells.shape, [["SQRT(SUMSQ(", Area(cells, 1, width), "))"]])


def distance(after: Cells, before: Cells, width: int) -> Expression:
    """The distance between the numbers of two rows."""
    return Expression(after.shape, [["SQRT(SUMXMY2(", Area(after, 1, width), ",", Area(before, 1, width), "))"]])


def ratio(steps: Cells, lengths: Cells) -> Expression:
    """A step as a share of a length."""
    return Expression(steps.shape, [["IF(", Area(lengths), "=0,0,", Area(steps), "/", Area(lengths), ")"]])
