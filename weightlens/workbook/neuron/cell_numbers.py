"""The numbers that stand in cells, and the formula that fetches the cell of a picked sample."""

from __future__ import annotations

import numpy as np

from weightlens.workbook.formulas.cell_arrays import (
    CONSTANTS,
    MAX_COLUMNS,
    MAX_ROWS,
    ROW,
    Area,
    Cells,
    Expression,
    Piece,
    combine,
    pick,
    refer,
)
from weightlens.workbook.layout.plan import Plan

MOST_ONE_BY_ONE = 24  # samples whose cells are listed one by one in a formula


class CellNumbers:
    """What the cells of a plan show."""

    def __init__(self, plan: Plan) -> None:
        known = [(p.block.cells, p.made.value) for p in plan.placed.values() if p.made.dtype.kind in "fiub"]
        again = [(cells, plan.placed[x].made.value) for (_, x), cells in plan.instead.items() if x in plan.placed]
        known += [(cells, value) for cells, value in again if value.dtype.kind in "fiub"]
        cells = np.concatenate([np.broadcast_to(c, v.shape).reshape(-1) for c, v in known] or [np.zeros(0, np.int64)])
        order = np.argsort(cells, kind="stable")
        self.cells = cells[order]
        self.values = np.concatenate([np.asarray(v, float).reshape(-1) for _, v in known] or [np.zeros(0)])[order]

    def at(self, cells: Cells) -> np.ndarray:
        """The number in each cell; codes of constants are theirs."""
        result = self.values[np.minimum(np.searchsorted(self.cells, cells), len(self.cells) - 1)]
        for code in np.unique(cells[cells < 0]).tolist():
            result = np.where(cells == code, CONSTANTS.value(code), result)
        return result


def of_sample(cells: Cells, picked: str) -> Expression:
    """For each element the cell of the picked sample: ``cells`` by sample first, ``picked`` the cell that holds its number, from 1."""
    if (cells == cells[:1]).all():
        return refer(cells[0])
    step, fixed = step_of(cells), (cells == cells[:1]).all(axis=0)
    if step is not None:
        others = refer(np.where(fixed, cells[0], CONSTANTS.code(0.0)))
        return pick(fixed, others, line(cells[0], *step, len(cells), picked), cells.shape[1:])
    parts: list[str | Expression] = [f"CHOOSE({picked}"]
    for sample in cells:
        parts += [",", refer(sample)]
    return combine([*parts, ")"], cells.shape[1:])


def can_be_picked(cells: Cells) -> bool:
    """Whether there is such a formula: the samples lie evenly, or they are few."""
    return len(cells) <= MOST_ONE_BY_ONE or step_of(cells) is not None or bool((cells == cells[:1]).all())


def step_of(cells: Cells) -> tuple[int, int] | None:
    """How many rows, or how many columns, each sample stands after the one before; ``None`` where that differs."""
    fixed = (cells == cells[:1]).all(axis=0)
    steps = np.unique(np.diff(cells, axis=0)[:, ~fixed])
    if len(steps) != 1 or steps[0] <= 0:
        return None
    down, across = divmod(int(steps[0]), ROW)
    fits = (down > 0) != (across > 0) and down * len(cells) < MAX_ROWS and across * len(cells) < MAX_COLUMNS
    return (down, across) if fits else None


def line(first: Cells, down: int, across: int, samples: int, picked: str) -> Expression:
    """``INDEX(column or row of all samples, place of the picked one)``."""
    step = down + across
    place = picked if step == 1 else f"({picked}-1)*{step}+1"
    area = Area(np.maximum(first, 0), down * (samples - 1) + 1, across * (samples - 1) + 1)
    at = f",{place},1)" if down else f",1,{place})"
    sheets = np.unique(area.first >> 34)
    if len(sheets) == 1:
        return Expression(first.shape, [["INDEX(", area, at]])
    areas = (Area(np.where(area.first >> 34 == s, area.first, s << 34), area.height, area.width) for s in sheets.tolist())
    options: list[list[Piece]] = [["INDEX(", one, at] for one in areas]
    return Expression(first.shape, options, np.searchsorted(sheets, area.first >> 34))
