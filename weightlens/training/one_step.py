"""The One step sheet: a chosen epoch worked out in full, from left to right, forward and then backward.

The weights are looked up in the History for the epoch in the blue cell; everything else is computed here, on
matrices, as one would by hand: z, a, the loss, delta, the gradient of each kernel, the new weights.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from weightlens.recording import Recorded, Step
from weightlens.training.epoch import Epoch
from weightlens.training.history import TOP as FIRST_EPOCH
from weightlens.training.history import History
from weightlens.workbook.book import Book, Sheet
from weightlens.workbook.captions import mathematics
from weightlens.workbook.cells import ROW, Area, Cells, Expression
from weightlens.workbook.formulas import Formulas
from weightlens.workbook.grid import Block, absolute, cell_name
from weightlens.workbook.layout import Arrangement, for_weight, in_rows
from weightlens.workbook.plan import as_number
from weightlens.workbook.styles import Styles

HEAD, MATH, LABEL, FIRST = 0, 1, 2, 3  # rows of a band: caption, mathematics, labels, numbers
PARTS = (("Forward", "what the network answers with the weights of this epoch"), ("Loss", "how far that is from the targets"),
         ("Backward", "how the loss changes with each number: delta and the gradients, from the end to the start"), ("Update", "the weights of the next epoch"))  # fmt: skip
DEAD = "All of these are zero: for every sample this relu lets nothing through, so no gradient comes back and nothing is learned any more."


class OneStep:
    """Puts one update (the first batch's) on a sheet, in bands from top to bottom; ``places`` says where everything stands."""

    def __init__(self, book: Book, sheet: Sheet, epoch: Epoch, history: History, styles: Styles, fixed: dict[int, Cells]) -> None:
        self.book, self.sheet, self.epoch, self.history, self.styles = book, sheet, epoch, history, styles
        self.places: dict[int, Cells] = dict(fixed)
        self.formulas = Formulas(lambda x: self.places.get(id(x)))

    def build(self) -> None:
        """The chosen epoch, the bands, the numbers."""
        sheet, styles = self.sheet, self.styles
        sheet.write(0, 0, "One step", styles["title"])
        sheet.write(1, 0, "Choose an epoch (blue) and follow its arithmetic: forward, loss, backward, new weights.", styles["hint"])
        sheet.write(2, 0, "epoch", styles["label right"])
        chosen = sheet.put(Block(Arrangement((), (), ()), np.asarray(0.0), styles["input"]), 2, 1)
        self.book.define("chosen_epoch", sheet, chosen)
        sheet.finishing.append(partial(_whole_number, last=self.history.epochs))
        self.places[id(self.epoch.number)] = chosen.cells
        row = 4
        row = self._band(row, "Weights", "as they are at the start of this epoch (from the History sheet)", [], self.history._carried())
        groups = self._groups()
        for (title, about), steps in zip(PARTS, groups, strict=True):
            row = self._band(row, title, about, steps, [])
        sheet.freeze = "A4"
        sheet.widths[(0, 0)] = 9

    def _groups(self) -> list[list[Step]]:
        """The steps of the forward pass, the loss, the backward pass, the update; of several batches the first's."""
        found: list[list[Step]] = [[], [], [], []]
        part = 0
        ends = {id(t.new) for t in self.epoch.trained} | {id(s) for t in self.epoch.trained for s in t.new_slots.values()}
        for step in self.history.steps:
            if step.layer.startswith("batch "):
                return found if self.epoch.updates == 1 else found[:2] + [[], []]
            part = max(part, 1 if step.layer == "loss" else part)
            if part == 1 and step.layer != "loss":
                part = 2
            late = id(step.made) in ends or step.layer == "update" or step.name.startswith("new ") or " of " in step.name and not step.name.startswith("gradient of")
            found[3 if part >= 2 and late else part].append(step)
        return found

    def _band(self, row: int, title: str, about: str, steps: list[Step], weights: list[Recorded]) -> int:
        """Blocks side by side under a heading; returns the row where the next band begins."""
        if not steps and not weights:
            return row
        self.sheet.write(row, 0, title, self.styles["section"])
        self.sheet.write(row, 1, about, self.styles["about"])
        top, column, height = row + 1, 1, 1
        for x in weights:
            block = self._weight(x, top, column)
            column, height = column + max(block.arrangement.width, 2) + 1, max(height, block.arrangement.height)
        for step in steps:
            block = self._step(step, top, column)
            column, height = column + max(block.arrangement.width, 2) + 1, max(height, block.arrangement.height)
        return top + FIRST + height + 1

    def _captions(self, row: int, column: int, layer: str, name: str, words: str, a: Arrangement) -> None:
        self.sheet.write(row + HEAD, column, f"{layer}: {name}" if layer else name, self.styles["caption left"])
        self.sheet.write(row + MATH, column, words, self.styles["math left"])
        if len(a.column_axes) == 1 and a.width <= 200:
            for j in range(a.width):
                self.sheet.write(row + LABEL, column + j, f"unit {j}", self.styles["label"])

    def _weight(self, x: Recorded, row: int, column: int) -> Block:
        """A weight of the chosen epoch: looked up in its columns of the History."""
        a = for_weight(x.shape) if x.ndim else Arrangement((), (), ())
        self._captions(row, column, x.layer, x.name, "from History", a)
        first = self.history.places[id(x)]
        columns = first + np.arange(x.size, dtype=np.int64).reshape(x.shape)
        area = Area(columns, self.history.epochs + 1, 1)
        chosen = Area(np.broadcast_to(self.places[id(self.epoch.number)], x.shape))
        made = Expression(x.shape, [["INDEX(", area, ",", chosen, "+1,1)"]])
        block = self.sheet.put(Block(a, self.history.values[id(x)][0], self.styles.numbers("weight", x.value), make=lambda: made, sheet_names=self.book.titles), row + FIRST, column)
        self.places[id(x)] = block.cells
        return block

    def _step(self, step: Step, row: int, column: int) -> Block:
        x = step.made
        a = in_rows(x.shape) if x.ndim else Arrangement((), (), ())
        self._captions(row, column, step.layer, step.name, mathematics(step) if x.op is not None else "", a)
        values = self.history.values.get(id(x))
        role = "output" if x is self.epoch.trace.results[0] else "constant" if x.op is None else "step"
        first = np.asarray(x.value if values is None else values[0], np.float64)
        block = Block(a, first, self.styles.numbers(role, first), sheet_names=self.book.titles)
        if x.op is not None:
            block.make = lambda: as_number(self.formulas.made(x))
        self.sheet.put(block, row + FIRST, column)
        self.places[id(x)] = block.cells
        if step.name == "delta" and not np.any(first):
            self.sheet.notes[(row + FIRST, column)] = DEAD
        if step.name == "delta":
            cells = f"{absolute(cell_name(block.first))}:{absolute(cell_name(block.first + (a.height - 1) * ROW + a.width - 1))}"
            self.sheet.rule(block.area, "dead", f'AND(MAX({cells})=0,MIN({cells})=0)')
        return block


def _whole_number(page: object, last: int) -> None:
    """Only epochs that the History has can be chosen."""
    from openpyxl.worksheet.datavalidation import DataValidation

    check = DataValidation("whole", operator="between", formula1="0", formula2=str(last), showErrorMessage=True, error=f"an epoch from 0 to {last}")
    check.add("B3")
    page.add_data_validation(check)  # type: ignore[attr-defined]


__all__ = ["FIRST_EPOCH", "OneStep"]
