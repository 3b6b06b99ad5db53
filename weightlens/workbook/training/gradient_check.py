"""The sheet Gradient check: the gradient of each weight as backpropagation gives it, beside the slope that two losses show.

The numerical gradient is the central difference (loss of w + h - loss of w - h) / 2h.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from weightlens.recording import Recorded
from weightlens.spreadsheet.cells_map import SLOPES
from weightlens.workbook.formulas.cell_arrays import Area, Cells, Expression, absolute, cell_name, combine, refer
from weightlens.workbook.layout.choices import in_rows
from weightlens.workbook.sheets.frame import widen
from weightlens.workbook.training.epochs_sheet import style_of
from weightlens.workbook.training.one_step import OneStep
from weightlens.workbook.training.passes import Passes, Variants, weight_names
from weightlens.workbook.xlsx.blocks import Block, Text
from weightlens.workbook.xlsx.book import Book
from weightlens.workbook.xlsx.styles import LOOKS

STEP, WORST, HEAD, MATH, TOP = 2, 3, 5, 6, 7  # rows: h, the largest difference, the table
MOST = 60  # weights that are checked; of more, as many at equal distances
H = 0.001
RIGHT = 11  # the column, with a gap before it, where parts of a long sum begin
IN_A_FORMULA = 40  # values whose signs are compared in one formula
SMALL = 0.001  # a difference counts as a share of the gradient, or of this where that is smaller: the rest is rounding
NONE = -1  # stands for a cell that is not there
HINT = "Is backpropagation right? Each weight is moved a little to both sides, and both losses are computed. The gradients must agree."
H_NOTE = "How far each weight is moved. Much smaller, and the losses differ in too few digits; much larger, and their curve is no line."
DIGITS = 5  # of the relative difference: more are rounding, and differ from program to program
AGREE = "Up to about 0.1%: both ways give the same gradient."
BENDS = "Not counted are the rows where a relu, or another function with a bend at 0, passes it."
COLUMNS = {
    "weight": "at the chosen epoch",
    "analytic": "gradient by backpropagation, from One step",
    "loss of w + h": "from its row of Passes",
    "loss of w - h": "from its row of Passes",
    "numerical": "(loss of w + h - loss of w - h) / 2h",
    "difference": "|analytic - numerical|",
    "relative difference": f"|analytic - numerical| / the larger of them, at least {SMALL:g}",
}
SWITCHES = {
    "bends passed": "of relus and others, between w - h and w + h: numerical is the mean of the slopes on both sides there",
    "counted": "the relative difference where no bend is passed, else 0",
}


class GradientCheck:
    """The weights that are checked, by their ``numbers`` among all (from 0), and the passes that this takes."""

    def __init__(self, book: Book, step: OneStep) -> None:
        self.book, self.step, self.styles = book, step, step.styles
        trained = step.epoch.trained
        self.weights = np.concatenate([step.places.get(id(t.now), np.full(t.now.shape, NONE)).ravel() for t in trained])
        self.gradients = np.concatenate([step.places.get(id(t.gradient), np.full(t.now.shape, NONE)).ravel() for t in trained])
        self.start = np.concatenate([np.asarray(t.now.value).ravel() for t in trained])
        slopes = [np.zeros(t.now.size) if t.gradient is None else np.asarray(t.gradient.value).ravel() for t in trained]
        self.slopes = np.concatenate(slopes)
        known = np.flatnonzero((self.weights != NONE) & (self.gradients != NONE))
        if step.epoch.updates > 1:
            known = known[:0]  # One step shows the gradient of the first batch, and the passes the loss of all samples
        self.numbers = known[np.unique(np.linspace(0, len(known) - 1, min(len(known), MOST)).astype(int))] if known.size else known

    def begin(self, passes: Passes) -> Variants:
        """The sheet with h; for each weight two of the passes, with more of it and with less."""
        self.passes = passes
        self.sheet = self.book.sheet("Gradient check", hint=HINT)
        self.sheet.write(STEP, 0, "h", self.styles["label right"])
        self.h = self.sheet.put(Block(in_rows(()), np.asarray(H), self.styles["input"]), STEP, 1)
        self.sheet.notes[(STEP, 1)] = H_NOTE
        rows = np.arange(len(self.numbers))
        choice = np.zeros((2 * len(rows), len(self.start)), np.int64)
        choice[2 * rows, self.numbers], choice[2 * rows + 1, self.numbers] = 1, 2
        values = self.start + H * (choice == 1) - H * (choice == 2)
        names, h = weight_names(self.step), Area(self.h.cells)
        labels = [f"{names[number]} {sign} h" for number in self.numbers for sign in "+-"]
        return Variants(choice, values, labels, [["weight"], ["weight", "+", h], ["weight", "-", h]])

    def finish(self, cells: Cells, losses: np.ndarray) -> None:
        """The table, once the losses have their places."""
        switching = self.passes.inputs_of_corners()
        self.heads(COLUMNS | SWITCHES if switching else COLUMNS)
        exact, many = self.slopes[self.numbers], self.styles.style_id(replace(LOOKS["constant"], format="0.0000000"))
        self.column(1, self.start[self.numbers], refer(self.weights[self.numbers]), style_of(self.styles, "constant", self.start))
        few = "0.00000" if np.abs(exact).max() < 1000 else "0.00"
        a = self.column(2, exact, refer(self.gradients[self.numbers]), self.styles.style_id(replace(LOOKS["constant"], format=few)))
        more = self.column(3, losses[::2], refer(cells[::2]), many)
        less = self.column(4, losses[1::2], refer(cells[1::2]), many)
        slope, h = (losses[::2] - losses[1::2]) / (2 * H), absolute(cell_name(self.h.first))
        made = combine(["(", refer(more.cells), "-", refer(less.cells), f")/(2*{h})"], (len(slope), 1))
        n = self.column(5, slope, made, self.styles.style_id(replace(LOOKS["step"], format=few)))
        mine, other, apart = refer(a.cells), refer(n.cells), np.abs(exact - slope)
        d = self.column(6, apart, combine(["ABS(", mine, "-", other, ")"], (len(apart), 1)), self.styles["check"])
        off = np.round(apart / np.maximum(np.maximum(np.abs(exact), np.abs(slope)), SMALL), DIGITS)
        made = combine(["ROUND(", refer(d.cells), "/MAX(ABS(", mine, "),ABS(", other, f"),{SMALL:g}),{DIGITS})"], (len(off), 1))
        share = self.styles.style_id(replace(LOOKS["check"], format="0.000%"))
        difference = self.column(7, off, made, share)
        worst, counted = f"MAX({difference.area})", off
        if switching:
            bends, count = self.bends(switching, cells)
            counted = off * (count == 0)
            made = combine(["IF(", refer(bends.cells), ">0,0,", refer(difference.cells), ")"], (len(off), 1))
            worst = f"MAX({self.column(9, counted, made, share).area})"
            self.sheet.rule(difference.area, "dead", f"{cell_name(bends.first)}>0")
        self.sheet.texts[(WORST, 1)] = Text(style=share, formula=worst, value=float(counted.max()))
        for name, block in (("analytic_gradient", a), (SLOPES, n), ("gradient_difference", difference)):
            self.book.define(name, self.sheet, block)

    def bends(self, switching: list[Recorded], losses: Cells) -> tuple[Block, np.ndarray]:
        """For each weight, how many numbers that go into a function with a bend at 0 have another sign with more of it than with less.

        Of many, as of a long sequence, the parts of the sum stand right of the table: in one formula they would be too long.
        """
        style = self.styles.style_id(replace(LOOKS["helper"], format="0"))
        parts = [self.sign_changes(switching[i : i + IN_A_FORMULA], losses) for i in range(0, len(switching), IN_A_FORMULA)]
        count = sum((part for _, part in parts), np.zeros(len(self.numbers)))
        if len(parts) == 1:
            return self.column(8, count, parts[0][0], style), count
        terms: list[str | Expression] = []
        for i, (made, part) in enumerate(parts):
            self.sheet.write(HEAD, RIGHT + i, f"bends passed, part {i + 1}", self.styles["caption"])
            widen(self.sheet, RIGHT + i, 19)
            terms += ["+" * bool(i), refer(self.column(RIGHT + i, part, made, style).cells)]
        return self.column(8, count, combine(terms, (len(count), 1)), style), count

    def sign_changes(self, switching: list[Recorded], losses: Cells) -> tuple[Expression, np.ndarray]:
        """For each weight, how many of these numbers have another sign with more of it than with less."""
        terms: list[str | Expression] = []
        count = np.zeros(len(self.numbers))
        for z in switching:
            cells, values = self.passes.beside_loss(z, losses)
            more, less = (Expression((len(count), 1), [[Area(cells[k::2, None], 1, z.size)]]) for k in (0, 1))
            terms += [f"{'+' * bool(terms)}SUMPRODUCT((", more, ">0)*(", less, "<=0)+(", more, "<=0)*(", less, ">0))"]
            count += ((values[::2] > 0) != (values[1::2] > 0)).sum(axis=1)
        return combine(terms, (len(count), 1)), count

    def heads(self, columns: dict[str, str]) -> None:
        """What stands in the rows and columns of the table."""
        sheet, names = self.sheet, weight_names(self.step)
        sheet.write(WORST, 0, "largest difference", self.styles["label right"])
        sheet.write(WORST, 2, AGREE if columns is COLUMNS else f"{AGREE} {BENDS}", self.styles["label left"])
        for i, number in enumerate(self.numbers):
            sheet.write(TOP + i, 0, names[number], self.styles["label right"])
        widen(sheet, 0, max(18.0, *(len(names[number]) + 1.0 for number in self.numbers)))
        for j, (title, words) in enumerate(columns.items(), start=1):
            sheet.write(HEAD, j, title, self.styles["caption"])
            sheet.write(MATH, j, words, self.styles["math"])
            widen(sheet, j, 19)
        sheet.heights[MATH] = 46.0 if columns is COLUMNS else 74.0
        sheet.freeze = (TOP, 1)

    def column(self, column: int, values: np.ndarray, made: Expression, style: int) -> Block:
        """A column of the table."""
        shape = (len(values), 1)
        made = made if made.shape == shape else made.moved(lambda array: array.reshape(shape), shape)
        return self.sheet.put(Block(in_rows(shape), values[:, None], style, make=lambda: made), TOP, column)
