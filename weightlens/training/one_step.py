"""The One step sheet: a chosen epoch worked out in full, from left to right, forward and then backward.

The weights are looked up in the History for the epoch in the blue cell; everything else is computed here, on
matrices, as one would by hand: z, a, the loss, delta, the gradient of each kernel, the new weights.
"""

from __future__ import annotations

import math
from functools import partial
from itertools import groupby

import numpy as np

from weightlens.recording import Recorded, Step, operands
from weightlens.training.epoch import Epoch
from weightlens.training.history import History
from weightlens.training.teaching import dead_words, explained
from weightlens.workbook.book import Book, Sheet
from weightlens.workbook.captions import mathematics, shape_words
from weightlens.workbook.cells import ROW, Area, Cells, Expression, cell_name
from weightlens.workbook.formulas import Formulas
from weightlens.workbook.frame import widen, width_of
from weightlens.workbook.grid import Block, Text, absolute
from weightlens.workbook.layout import Arrangement, for_weight, in_rows
from weightlens.workbook.plan import as_number
from weightlens.workbook.styles import Styles

HEAD, MATH, LABEL, FIRST = 0, 1, 2, 3  # rows of a band: caption, mathematics, labels, numbers
CHOSEN = 2  # row of the cell that chooses the epoch
PARTS = {
    "Forward": "what the network answers with the weights of this epoch (yellow: looked up on the History sheet)",
    "Loss": "how far that is from the targets: one number that training makes small",
    "Backward": "from the end to the start: how much the loss would grow if a number grew a little (delta, gradients)",
    "Update": "each weight takes a small step against its gradient: these are the weights of the next epoch",
}
CAPTION_WIDTH, MOST_LABELS = 18.0, 200


class OneStep:
    """Puts one update (the first batch's) on a sheet, in bands from top to bottom; ``places`` says where everything stands."""

    def __init__(
        self, book: Book, sheet: Sheet, epoch: Epoch, history: History, styles: Styles, fixed: dict[int, Cells], labels: list[str]
    ) -> None:
        self.book, self.sheet, self.epoch, self.history, self.styles, self.labels = book, sheet, epoch, history, styles, labels
        self.places: dict[int, Cells] = dict(fixed)
        self.formulas = Formulas(lambda x: self.places.get(id(x)))
        self.like_weight: dict[int, int] = {}  # gradients, new weights, slots -> the weight whose shape and row names they have
        for t in epoch.trained:
            self.like_weight |= {id(x): id(t.now) for x in (t.now, *t.slots.values())}
        self.row_names: dict[int, list[str]] = {}

    def build(self) -> None:
        """The chosen epoch, the bands, the numbers."""
        sheet, styles = self.sheet, self.styles
        sheet.write(CHOSEN, 0, "epoch", styles["label right"])
        chosen = sheet.put(Block(Arrangement((), (), ()), np.asarray(0.0), styles["input"]), CHOSEN, 1)
        sheet.notes[(CHOSEN, 1)] = (
            f"Type an epoch from 0 to {self.history.epochs}: the sheet shows the step from its weights to those of the next."
        )
        self.book.define("chosen_epoch", sheet, chosen)
        sheet.finishing.append(partial(_whole_number, last=self.history.epochs))
        self.places[id(self.epoch.number)] = chosen.cells
        widen(sheet, 0, 11)
        row = CHOSEN + 2
        for (batch, part), steps in groupby(self._first_update(), key=lambda pair: pair[0]):
            about = PARTS[part] if not batch else f"the first batch: {PARTS[part]}"
            row = self._band(row, f"{part}, 1" if batch else part, about, part, [step for _, step in steps])
        sheet.freeze = f"B{CHOSEN + 2}"

    def _first_update(self) -> list[tuple[tuple[int, str], Step]]:
        """The steps up to the end of the first update, each with the part of the epoch that it belongs to."""
        found: list[tuple[tuple[int, str], Step]] = []
        part = (0, "Update")
        for step in reversed(self.history.steps):  # what only has cells for the sake of a later step belongs to the same part
            part = self.epoch.parts.get(id(step.made), part)
            if part[0] <= 1:
                found.append((part, step))
        return found[::-1]

    def _band(self, row: int, title: str, about: str, part: str, steps: list[Step]) -> int:
        """Blocks side by side under a heading, the weights below the step that reads them; returns where the next band begins."""
        self.sheet.write(row, 0, title, self.styles["section"])
        self.sheet.write(row, 1, about, self.styles["about"])
        top, column = row + 1, 1
        tallest = max((self._arrangement(step.made, part).height for step in steps), default=1)
        end = under = top + FIRST + tallest + 1
        for step in steps:
            self._name_rows(step)
            block = self._step(step, top, column, part)
            right = column + self._span(column, block.arrangement.width, step.name, mathematics(step)) + 1
            for x in self._read_first_by(step):
                weight = self._weight(x, under, column)
                column += self._span(column, weight.arrangement.width, x.name) + 1
                end = max(end, under + FIRST + weight.arrangement.height + 1)
            column = max(column, right)
        return end + 1

    def _read_first_by(self, step: Step) -> list[Recorded]:
        """Weights and slots that this step is the first to read."""
        found: list[Recorded] = []
        stack = [step.made]
        while stack:
            for x in operands(stack.pop()):
                if id(x) in self.like_weight and id(x) not in self.places and not any(x is y for y in found):
                    found.append(x)
                elif not x.kind:
                    stack.append(x)
        return found[::-1]

    def _name_rows(self, step: Step) -> None:
        """What the rows of a kernel are called: the inputs, or the units of the layer before."""
        reads = [y for y in operands(step.made) if y.kind]
        for x in self._read_first_by(step):
            given = self.labels if any(y.kind == "input" for y in reads) and len(self.labels) == len(np.atleast_1d(x.value)) else []
            self.row_names[id(x)] = given or [f"unit {i}" for i in range(x.shape[0] if x.ndim > 1 else 0)]

    def _like(self, x: Recorded, part: str) -> Recorded | None:
        """The weight that a value of the update, or a gradient, is about: it has the same shape and the same place."""
        if part not in ("Backward", "Update"):
            return None
        layer = x.layer.removeprefix("batch 1/")
        return next(
            (t.now for t in self.epoch.trained if (layer, x.shape) == (t.layer, t.now.shape) and x.name.endswith(f" {t.now.name}")), None
        )

    def _arrangement(self, x: Recorded, part: str) -> Arrangement:
        if not x.ndim:
            return Arrangement((), (), ())
        return in_rows(x.shape) if self._like(x, part) is None else for_weight(x.shape)

    def _span(self, column: int, width: int, name: str, words: str = "") -> int:
        """How many columns a block takes, its caption included."""
        room = min(max(len(name) * 1.15 + 2, len(words) * 0.5), CAPTION_WIDTH)
        count = width
        while sum(width_of(self.sheet, column + j) for j in range(min(count, MOST_LABELS))) < room:
            count += 1
        return count

    def _captions(self, row: int, column: int, layer: str, name: str, words: str, a: Arrangement) -> None:
        """Layer and name, the mathematics, the labels of the columns; texts wrap over the block and are never cut."""
        sheet, styles = self.sheet, self.styles
        layer = "" if layer in ("loss", "update") else layer  # the band says so
        width = min(self._span(column, a.width, name, words), MOST_LABELS)
        room = sum(width_of(sheet, column + j) for j in range(width))
        for r, text, style, size in (
            (row + HEAD, f"{layer}: {name}" if layer else name, "caption", 1.15),
            (row + MATH, words, "math", 1.0),
        ):
            sheet.write(r, column, text, styles[style])
            lines = min(6, math.ceil(len(text) * size / room)) if text else 1
            sheet.heights[r] = max(sheet.heights.get(r, 15.0), 13.0 * lines + 3)
            if width > 1:
                sheet.merges.append((r, column, r, column + width - 1))
        if len(a.column_axes) == 1 and a.width <= MOST_LABELS:
            for j in range(a.width):
                sheet.write(row + LABEL, column + j, f"unit {j}", styles["label"])

    def _rows_named(self, names: list[str], row: int, column: int) -> None:
        for i, name in enumerate(names[:MOST_LABELS]):
            self.sheet.texts.setdefault((row + i, column - 1), Text(name, self.styles["label right"]))

    def _weight(self, x: Recorded, row: int, column: int) -> Block:
        """A weight of the chosen epoch: looked up in its columns of the History."""
        a = for_weight(x.shape) if x.ndim else Arrangement((), (), ())
        self._captions(row, column, x.layer, x.name, shape_words(x.shape), a)
        self._rows_named(self.row_names.get(id(x), []) if x.ndim == 2 else [], row + FIRST, column)
        first = self.history.places[id(x)]
        columns = first + np.arange(x.size, dtype=np.int64).reshape(x.shape)
        area = Area(columns, self.history.epochs + 1, 1)
        chosen = Area(np.broadcast_to(self.places[id(self.epoch.number)], x.shape))
        made = Expression(x.shape, [["INDEX(", area, ",", chosen, "+1,1)"]])
        values = self.history.values[id(x)][0]
        block = self.sheet.put(
            Block(a, values, self.styles.numbers("weight", x.value), make=lambda: made, sheet_names=self.book.titles), row + FIRST, column
        )
        self.sheet.notes[(row + FIRST, column)] = (
            f"{x.layer}/{x.name} at the start of this epoch, looked up on the History sheet. Change it there, in the row of epoch 0."
        )
        self.places[id(x)] = block.cells
        return block

    def _step(self, step: Step, row: int, column: int, part: str) -> Block:
        x, like = step.made, self._like(step.made, part)
        a = self._arrangement(x, part)
        self._captions(row, column, step.layer, step.name, mathematics(step) if x.op is not None else "", a)
        if like is not None:
            self._rows_named(self.row_names.get(id(like), []) if x.ndim == 2 else [], row + FIRST, column)
        elif x.ndim and x.shape[0] == a.height and column == 1:
            self._rows_named([f"sample {i + 1}" for i in range(x.shape[0])], row + FIRST, column)
        values = self.history.values.get(id(x))
        role = "output" if x is self.epoch.trace.results[0] else "constant" if x.op is None else "step"
        first = np.asarray(x.value if values is None else values[0], np.float64)
        block = Block(a, first, self.styles.numbers(role, first), sheet_names=self.book.titles)
        if x.op is not None:
            block.make = lambda: as_number(self.formulas.made(x))
            self.sheet.notes[(row + FIRST, column)] = explained(step)
        self.sheet.put(block, row + FIRST, column)
        self.places[id(x)] = block.cells
        if step.name == "delta":
            self._zero(step, block, row + FIRST + a.height, column)
        return block

    def _zero(self, step: Step, block: Block, row: int, column: int) -> None:
        """A delta that is all zero is grey, and a sentence below it, live too, says what that means."""
        a, words = block.arrangement, dead_words(step)
        cells = f"{absolute(cell_name(block.first))}:{absolute(cell_name(block.first + (a.height - 1) * ROW + a.width - 1))}"
        self.sheet.rule(block.area, "dead", f"AND(MAX({cells})=0,MIN({cells})=0)")
        value = "" if np.any(np.asarray(block.values)) else words
        self.sheet.texts[(row, column)] = Text(
            style=self.styles["hint"], formula=f'IF(AND(MAX({cells})=0,MIN({cells})=0),"{words}","")', value=value
        )


def _whole_number(page: object, last: int) -> None:
    """Only epochs that the History has can be chosen."""
    from openpyxl.worksheet.datavalidation import DataValidation

    check = DataValidation(
        "whole", operator="between", formula1="0", formula2=str(last), showErrorMessage=True, error=f"an epoch from 0 to {last}"
    )
    check.add(f"B{CHOSEN + 1}")
    page.add_data_validation(check)  # type: ignore[attr-defined]


__all__ = ["OneStep"]
