"""The sheet Epochs: one row per epoch, each computed from the row before by live formulas.

Every value of the recorded epoch is in one row: the weights, the loss, then each step of the forward and the
backward pass. The formula of a step is made once, for epoch 0, and repeated in all rows with shifted references.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from weightlens.errors import WorkbookTooLarge
from weightlens.recording import Recorded
from weightlens.recording.graph import ordered, walk
from weightlens.training.epoch import Epoch
from weightlens.workbook.formulas.arrangement import Arrangement
from weightlens.workbook.formulas.cell_arrays import COLUMN, CONSTANTS, MAX_COLUMNS, ROW, SHEET, Area, Cells, Expression
from weightlens.workbook.formulas.promote import promoted
from weightlens.workbook.formulas.translate import Formulas
from weightlens.workbook.layout.choices import in_rows
from weightlens.workbook.sheets.frame import GAP, widen
from weightlens.workbook.training.training_labels import Names
from weightlens.workbook.xlsx.blocks import Block
from weightlens.workbook.xlsx.book import Book, Sheet
from weightlens.workbook.xlsx.styles import LOOKS, Styles, short_format

LAYER, HEAD, SAMPLE, LABEL, TOP = 2, 3, 4, 5, 6  # rows of the captions, and the first row of numbers (epoch 0)
MOST_LABELS = 400  # of one value
MAX_EPOCHS = 1_000_000
HINT = "A row per epoch, each computed from the one above it. Change a yellow weight in the row of epoch 0, and all of it moves."


class History:
    """Places every value of the epoch in a row, and holds the numbers of all epochs."""

    def __init__(
        self,
        book: Book,
        epoch: Epoch,
        epochs: int,
        styles: Styles,
        fixed: dict[int, Cells],
        progress: Callable[[int, int], None] | None,
        labels: Sequence[str] = (),
    ) -> None:
        self.book, self.epoch, self.epochs, self.styles = book, epoch, epochs, styles
        self.sheet: Sheet = book.sheet("Epochs", hint=HINT)
        self.sheet.wide = True
        self.places: dict[int, int] = {}  # value -> address of its first number in epoch 0
        self.fixed = fixed  # cells on other sheets (the data, the learning rate), and numbers that stay
        self.formulas = Formulas(self.cells)
        if epochs > MAX_EPOCHS:
            raise WorkbookTooLarge(f"a sheet has rows for {MAX_EPOCHS:,} epochs, not for {epochs:,}; train without a sheet: weightlens fit")
        self.steps = promoted(epoch.trace.steps)
        self.parts = self._parts()
        self.names = Names(epoch, labels)
        self.values = self._replayed(progress)
        self.column = self.weights_end = 0

    def _parts(self) -> dict[int, tuple[int, str]]:
        """By ``id`` of each step its batch and its part of the epoch; a helper of a later step belongs to that step's part."""
        parts, part = dict[int, tuple[int, str]](), (0, "Update")
        for step in reversed(self.steps):
            part = parts[id(step.made)] = self.epoch.parts.get(id(step.made), part)
        return parts

    def _replayed(self, progress: Callable[[int, int], None] | None) -> dict[int, np.ndarray]:
        """Every value in every epoch: an array of ``epochs + 1`` rows."""
        kept: dict[int, list[np.ndarray]] = {}
        for number, row in enumerate(self.epoch.replay(self.epochs, keep=True)):
            for key, value in row.items():
                kept.setdefault(key, []).append(np.asarray(value, np.float64))
            if progress is not None:
                progress(number, self.epochs)
        return {key: np.stack(rows) for key, rows in kept.items()}

    def cells(self, x: Recorded) -> Cells | None:
        """The cells of a value in epoch 0; data and the learning rate have one place for all epochs."""
        if id(x) in self.fixed:
            return self.fixed[id(x)]
        first = self.places.get(id(x))
        return None if first is None else first + np.arange(x.size, dtype=np.int64).reshape(x.shape)

    def build(self) -> None:
        """All columns, from left to right: epoch, loss, accuracy, weights, slots, and every step on the way."""
        self._place_all()
        self.sheet.write(LABEL, 0, "epoch", self.styles["label right"])
        numbers = np.arange(self.epochs + 1.0)[:, None]
        self.sheet.put(Block(in_rows(numbers.shape), numbers, self.styles["count"]), TOP, 0)
        new_of = {id(t.now): t.new for t in self.epoch.trained}
        for t in self.epoch.trained:
            new_of |= {id(slot): t.new_slots[name] for name, slot in t.slots.items()}
        for x in self._carried():
            self._rows(x, 0, 0, "weight", None)  # to be changed in epoch 0, afterwards the result of the row before
            if self.epochs:
                self._rows(x, 1, self.epochs, "step", partial(self._formula, new_of[id(x)], self.epochs))
        for step in self.steps:
            if id(step.made) in self.places and step.made.op is not None:
                role = "output" if step.made is self.epoch.trace.results[0] else "step"
                self._rows(step.made, 0, self.epochs, role, partial(self._formula, step.made, self.epochs + 1))
        self._names()

    def _carried(self) -> list[Recorded]:
        """What one epoch passes to the next: weights in file order, then the optimizer's slots."""
        trained = self.epoch.trained
        return [t.now for t in trained] + [slot for t in trained for slot in t.slots.values()]

    def _place_all(self) -> None:
        """Assign columns to every value; ``new`` weights share the columns of the next row's weights."""
        handed_on = {id(t.new) for t in self.epoch.trained} | {id(s) for t in self.epoch.trained for s in t.new_slots.values()}
        inside = walk((step.made for step in self.steps), lambda y: not y.kind and id(y) not in handed_on)
        read = set(map(id, inside))  # within the same epoch: the next batch's weights, a velocity
        self.column = 1
        self.places[id(self.epoch.number)] = self.sheet.number * SHEET + TOP * ROW
        summary = [x for x in (self.epoch.loss, self.epoch.accuracy) if x is not None]
        for x in summary:
            self._place(x, "", x.name)
        self._gap()
        for x in self._carried():
            self._place(x, x.layer, x.name)
        self.weights_end = self.column
        self._gap()
        for step in self.steps:
            x = step.made
            if id(x) in self.places or id(x) in self.fixed or (id(x) in handed_on and id(x) not in read):
                continue
            if x.op is None:  # a constant array: the same in every row
                self.values[id(x)] = np.broadcast_to(np.asarray(x.value, np.float64), (self.epochs + 1, *x.shape))
            self._place(x, step.layer, step.name)
            self._gap()
        if self.column > MAX_COLUMNS:
            raise WorkbookTooLarge(
                f"one epoch of this network and these data takes {self.column:,} columns, and a sheet has {MAX_COLUMNS:,}; "
                "give fewer samples, or train without a sheet: weightlens fit"
            )

    def _place(self, x: Recorded, layer: str, name: str) -> None:
        self.places[id(x)] = self.sheet.number * SHEET + TOP * ROW + self.column
        groups, labels = self.names.columns(x) if x.size <= MOST_LABELS else ({}, [])
        for j in range(min(x.size, MOST_LABELS)):
            label = len(labels[j]) + 1 if labels else 0
            widen(self.sheet, self.column + j, max(9.0, (max(len(name) * 1.15, len(layer)) + 1) / x.size, label))
        self.sheet.write(LAYER, self.column, layer, self.styles["label left"])
        self.sheet.write(HEAD, self.column, name, self.styles["caption left"])
        self.sheet.across(SAMPLE, self.column, groups, self.styles, "label")
        self.sheet.across(LABEL, self.column, labels, self.styles, "label")
        self.column += x.size

    def _gap(self) -> None:
        """A narrow empty column."""
        if self.column < MAX_COLUMNS:
            widen(self.sheet, self.column, GAP)
        self.column += 1

    def _rows(self, x: Recorded, first: int, last: int, style: str, make: Callable[[], Expression | None] | None) -> None:
        """A block of rows ``first`` to ``last`` for a value."""
        shape = (last - first + 1, *x.shape)
        arrangement = Arrangement(shape, (0,), tuple(range(1, len(shape))))
        values = self.values[id(x)][first : last + 1]
        look = style_of(self.styles, style, self.values[id(x)])
        block = Block(arrangement, values, look, make=make)
        column = self.places[id(x)] & (ROW - 1)
        self.sheet.put(block, TOP + first, column)

    def _formula(self, x: Recorded, rows: int) -> Expression:
        """The formula of ``x`` for ``rows`` rows from epoch 0 on."""
        return in_every_row(self.formulas.expression if x.op is None else self.formulas.step, x, rows, self.sheet.number)

    def _names(self) -> None:
        """Define the names ``loss_history`` and ``weights_final``."""
        column = self.places[id(self.epoch.loss)] & (ROW - 1)
        losses = Block(in_rows((self.epochs + 1, 1)), None, first=self.sheet.number * SHEET + TOP * ROW + column)
        self.book.define("loss_history", self.sheet, losses)
        size = sum(t.now.size for t in self.epoch.trained)
        first = self.places[id(self.epoch.trained[0].now)] + self.epochs * ROW
        self.book.define("weights_final", self.sheet, Block(in_rows((1, size)), None, first=first))
        self.sheet.freeze = (TOP, 3)
        widen(self.sheet, 0, 7)
        self.sheet.print_area = f"A1:{COLUMN[max(self.weights_end - 1, 0)]}{TOP + self.epochs + 1}"

    def cells_after_training(self, x: Recorded) -> Cells:
        """The cells of a value after the last epoch."""
        return self.places[id(x)] + self.epochs * ROW + np.arange(x.size, dtype=np.int64).reshape(x.shape)


def numbers_of_frozen(results: Sequence[Recorded], placed: Container[int]) -> dict[int, Cells]:
    """The weights behind some values that training leaves as they are: they have no cells, and stand in the formulas as numbers."""
    behind = ordered(results)
    return {id(x): CONSTANTS.codes(x.value) for x in behind if x.kind == "weight" and x.op is None and id(x) not in placed}


def in_every_row(formula: Callable[[Recorded], Expression], x: Recorded, rows: int, sheet: int) -> Expression:
    """The formula of ``x`` in the first row, repeated in as many: its references to the same sheet move along."""
    made = formula(x)
    down = np.arange(rows, dtype=np.int64).reshape(-1, *[1] * len(x.shape)) * ROW

    def shifted(piece: str | Area) -> str | Area:
        if isinstance(piece, str):
            return piece
        here = (piece.first >> 34) == sheet
        return Area(np.where(here, piece.first + down, piece.first + down * 0), piece.height, piece.width)

    return Expression((rows, *x.shape), [[shifted(p) for p in option] for option in made.options], made.choice, made.level)


def style_of(styles: Styles, role: str, values: np.ndarray) -> int:
    """A cell style with the number format for these numbers; gradients and deltas, being small, get three digits."""
    finite = np.abs(values[np.isfinite(values)])
    largest, chosen = float(finite.max(initial=0.0)), short_format(values)
    if 0 < largest < 0.1 and "E" not in chosen:
        chosen = max(chosen, "0.0000" if largest >= 0.01 else "0.00000", key=len)
    if chosen.endswith("E+00"):  # weights that run away: no column has room for more of their digits
        chosen = "0.00E+00"
    return styles.style_id(replace(LOOKS[role], format=chosen))
