"""The tables of a training's history: what Keras reported, the paths of the weights, and each layer; a row for each moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby

import numpy as np

from weightlens.training.moments import TrainingHistory
from weightlens.workbook.formulas.arrangement import Arrangement
from weightlens.workbook.formulas.cell_arrays import ROW, SHEET, Area, Cells, Expression
from weightlens.workbook.sheets.frame import GAP, widen
from weightlens.workbook.xlsx.blocks import Block
from weightlens.workbook.xlsx.book import Sheet
from weightlens.workbook.xlsx.styles import LOOKS, Styles, short_format

GROUP, LABEL, TOP = 3, 4, 5  # rows of the captions, and of the first moment
WEIGHTS = "The numbers as Keras had them. The lengths and changes on the sheet Layers are computed from them."
MOST_CELLS = 1_000_000  # with the numbers that were followed
SOME_WEIGHTS = "Some of the numbers as Keras had them; weightlens.callback(weights=[...]) chooses others."
LAYERS = (
    "length: the root of the sum of squares of all numbers of a layer. step: the length of its change since the row above. "
    "share: the step as a share of the length before it."
)


@dataclass
class Table:
    """A table that is being written, epochs in its first column: where the next column comes, and what the columns are called."""

    sheet: Sheet
    styles: Styles
    count: int
    end: int = 1
    columns: list[tuple[str, int]] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)

    @property
    def last_row(self) -> int:
        """The last row of numbers."""
        return TOP + self.count - 1

    def group(self, kind: str) -> list[tuple[str, int]]:
        """The columns of one kind."""
        return [column for column, its in zip(self.columns, self.kinds, strict=True) if its == kind]

    def caption(self, text: str) -> None:
        """What stands over the next columns."""
        self.sheet.write(GROUP, self.end, text, self.styles["caption left"])

    def gap(self) -> None:
        """A narrow empty column."""
        widen(self.sheet, self.end, GAP)
        self.end += 1

    def cells(self, column: int, first: int = 0) -> Cells:
        """The addresses of a column's numbers from a row on."""
        return self.sheet.number * SHEET + (TOP + np.arange(first, self.count, dtype=np.int64)) * ROW + column

    def add(
        self,
        label: str,
        values: Sequence[float | None],
        make: Callable[[], Expression] | None = None,
        name: str = "",
        kind: str = "",
    ) -> int:
        """A column of recorded numbers, or of formulas; ``None`` leaves a cell empty. Returns its number."""
        column, row = self.end, TOP
        known = np.array([value for value in values if value is not None], np.float64)
        whole = kind in ("dead", "count")
        style = self.styles.style_id(replace(LOOKS["step" if make else "constant"], format="0" if whole else short_format(known)))
        for missing, run in groupby(values, lambda value: value is None):
            numbers = np.array([*run], dtype=object)
            if not missing:
                block = Block(Arrangement((len(numbers),), (0,), ()), numbers.astype(np.float64), style, make=make)
                self.sheet.put(block, row, column)
            row += len(numbers)
        self.sheet.write(LABEL, column, label, self.styles["label"])
        widen(self.sheet, column, max(self.sheet.default_width, len(label) * 0.95 + 1))
        self.columns.append((name or label, column))
        self.kinds.append(kind)
        self.end += 1
        return column


def new_table(history: TrainingHistory, sheet: Sheet, styles: Styles) -> Table:
    """A table with the epoch of each moment."""
    table = Table(sheet, styles, len(history.moments))
    epochs = np.array(history.positions)
    style = styles.style_id(replace(LOOKS["count"], format="0" if (epochs == np.floor(epochs)).all() else "0.00"))
    sheet.put(Block(Arrangement(epochs.shape, (0,), ()), epochs, style), TOP, 0)
    sheet.write(LABEL, 0, "epoch", styles["label right"])
    sheet.freeze = (TOP, 1)
    return table


def report_table(history: TrainingHistory, sheet: Sheet, styles: Styles) -> Table:
    """What Keras reported: losses and metrics."""
    table = new_table(history, sheet, styles)
    if history.by_batches:
        table.add("batch", [float(moment.batch) if moment.batch else None for moment in history.moments], kind="count")
        table.columns.clear()
        table.kinds.clear()
    for name in history.reported:
        table.add(name, [moment.logs.get(name) for moment in history.moments])
    table.gap()
    return table


def weights_table(history: TrainingHistory, sheet: Sheet, styles: Styles) -> Table:
    """The followed numbers, layer by layer; of very many only those that are drawn."""
    table = new_table(history, sheet, styles)
    paths = np.array([moment.numbers for moment in history.moments])
    caption = ""
    for position in range(len(history.followed)) if has_room(history) else history.drawn:
        number = history.followed[position]
        if number.layer != caption:
            table.caption(caption := number.layer)
        table.add(number.label, paths[:, position].tolist(), name=f"{number.layer} {number.label}", kind=str(position))
    return table


def has_room(history: TrainingHistory) -> bool:
    """Whether a sheet may hold all numbers that were followed."""
    return len(history.moments) * len(history.followed) <= MOST_CELLS


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
        length = table.add(
            "length", norms[:, i].tolist(), partial(row_lengths, weights.cells(first), count) if first else None, layer, "norm"
        )
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


def row_lengths(cells: Cells, width: int) -> Expression:
    """The length of the numbers in each row."""
    return Expression(cells.shape, [["SQRT(SUMSQ(", Area(cells, 1, width), "))"]])


def distance(after: Cells, before: Cells, width: int) -> Expression:
    """The distance between the numbers of two rows."""
    return Expression(after.shape, [["SQRT(SUMXMY2(", Area(after, 1, width), ",", Area(before, 1, width), "))"]])


def ratio(steps: Cells, lengths: Cells) -> Expression:
    """A step as a share of a length."""
    return Expression(steps.shape, [["IF(", Area(lengths), "=0,0,", Area(steps), "/", Area(lengths), ")"]])
