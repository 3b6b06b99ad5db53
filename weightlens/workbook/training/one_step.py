"""The One step sheet: a chosen epoch in full, from left to right, forward and then backward.

The weights are looked up on the sheet Epochs for the epoch in the blue cell; everything else is computed here, on
matrices, as one would by hand: z, a, the loss, delta, the gradient of each kernel, the new weights.
"""

from __future__ import annotations

import math
from functools import partial
from itertools import groupby

import numpy as np

from weightlens.recording import Recorded, Step
from weightlens.recording.graph import walk
from weightlens.specs.sizes import tuple_text
from weightlens.training.epoch import Epoch
from weightlens.words.captions import mathematics
from weightlens.workbook.formulas.arrangement import Arrangement
from weightlens.workbook.formulas.cell_arrays import ROW, Area, Cells, Expression, absolute, cell_name, refer
from weightlens.workbook.formulas.translate import Formulas
from weightlens.workbook.layout.choices import for_weight, in_rows
from weightlens.workbook.sheets.controls import only_between
from weightlens.workbook.sheets.frame import link, widen
from weightlens.workbook.training.epochs_sheet import History, style_of
from weightlens.workbook.training.teaching import dead_words, explanation_for, in_plain_words
from weightlens.workbook.training.training_labels import PER_SAMPLE, in_words, is_one_per_sample
from weightlens.workbook.xlsx.blocks import Block, Text
from weightlens.workbook.xlsx.book import Book, Sheet
from weightlens.workbook.xlsx.pages import rows_of, rows_of_blocks, width_of
from weightlens.workbook.xlsx.styles import Styles

HEAD, MATH, LABEL, FIRST = 0, 1, 2, 3  # rows of a band: caption, mathematics, labels, numbers
CHOSEN = 2  # row of the cell that chooses the epoch
PARTS = {
    "Forward": "what the network answers with the weights of this epoch (grey: looked up on the Epochs sheet)",
    "Loss": "how far that is from the targets: one number that training makes small",
    "Backward": "from the end to the start: how much the loss would grow if a number grew a little (delta, gradients)",
    "Update": "each weight takes a small step against its gradient: these are the weights of the next epoch",
}
CAPTION_WIDTH, LONG_CAPTION_WIDTH, MOST_LABELS = 18.0, 27.0, 200
LONG, LONGEST = 28, 200  # characters of mathematics: from where a caption is wider; where it ends
ACROSS = 16  # the width of a band in columns, about a screen; further blocks go below
WIDEST_NAME = 30.0  # characters that the names of rows get
ONE_PAGE = 120  # rows that are printed on one page


class OneStep:
    """Puts one update (the first batch's) on a sheet, in bands from top to bottom; ``places`` says where everything stands."""

    def __init__(self, book: Book, sheet: Sheet, epoch: Epoch, history: History, styles: Styles, fixed: dict[int, Cells]) -> None:
        self.book, self.sheet, self.epoch, self.history, self.styles = book, sheet, epoch, history, styles
        self.places: dict[int, Cells] = dict(fixed)
        self.formulas = Formulas(lambda x: self.places.get(id(x)))
        self.names = history.names

    def build(self) -> None:
        """Write the epoch chooser, the bands, the numbers."""
        sheet, styles = self.sheet, self.styles
        sheet.write(CHOSEN, 0, "epoch", styles["label right"])
        chosen = sheet.put(Block(in_rows(()), np.asarray(0.0), styles["input"]), CHOSEN, 1)
        sheet.notes[(CHOSEN, 1)] = (
            f"Type an epoch from 0 to {self.history.epochs}: the sheet shows the step from its weights to those of the next."
        )
        self.book.define("chosen_epoch", sheet, chosen)
        last = str(self.history.epochs)
        sheet.finishing.append(only_between(f"B{CHOSEN + 1}", "whole", ("0", last), f"Please type an epoch from 0 to {last}."))
        self.places[id(self.epoch.number)] = chosen.cells
        widen(sheet, 0, 11)
        row = CHOSEN + 2
        for (batch, part), steps in groupby(self._first_update(), key=lambda pair: pair[0]):
            about = PARTS[part] if not batch else f"the first batch: {PARTS[part]}"
            row = self._band(row, f"{part}, 1" if batch else part, about, part, [step for _, step in steps])
        sheet.freeze = (CHOSEN + 1, 1)
        sheet.one_page = ONE_PAGE
        if rows_of(sheet) > ONE_PAGE:
            sheet.kept = rows_of_blocks(sheet)

    def show_epoch(self, sheet: Sheet, row: int) -> None:
        """The chosen epoch on another sheet, with a link to where it is chosen."""
        chosen = refer(self.places[id(self.epoch.number)])
        sheet.write(row, 0, "epoch", self.styles["label right"])
        sheet.put(Block(in_rows(()), np.asarray(0.0), self.styles["fetched"], make=lambda: chosen), row, 1)
        sheet.links[(row, 1)] = link(self.sheet, f"B{CHOSEN + 1}")

    def _first_update(self) -> list[tuple[tuple[int, str], Step]]:
        """The steps up to the end of the first update, each with its part of the epoch."""
        steps = [(self.history.parts[id(step.made)], step) for step in self.history.steps]
        return [((batch, part), step) for (batch, part), step in steps if batch <= 1]

    def _band(self, row: int, title: str, about: str, part: str, steps: list[Step]) -> int:
        """Blocks side by side under a heading, weights below the step that reads them; returns the row of the next band."""
        self.sheet.write(row, 0, title, self.styles["section"])
        self.sheet.write(row, 1, about, self.styles["about"])
        if part == "Loss" and self.epoch.remark:
            row += 1
            self.sheet.write(row, 1, self.epoch.remark, self.styles["about"])
        top = row + 1
        for line in self._lines(steps, part):
            column = 1
            under = end = top + FIRST + max(self._arrangement(step.made, part).height for step, _ in line) + 1
            for step, weights in line:
                right = column + self._columns(step, weights, part)
                self._step(step, top, column, part)
                for x in weights:
                    weight = self._weight(x, under, column)
                    column += self._room(weight.arrangement.width, caption(x.layer, x.name))
                    end = max(end, under + FIRST + weight.arrangement.height + 1)
                column = right
            top = end
        return top + 1

    def _lines(self, steps: list[Step], part: str) -> list[list[tuple[Step, list[Recorded]]]]:
        """The steps of a band, each with its weights, broken into lines of a screen's width."""
        lines: list[list[tuple[Step, list[Recorded]]]] = [[]]
        column, placed = 0, set(self.places)
        for step in steps:
            inside = walk([step.made], lambda x: not x.kind and id(x) not in self.names.weights)
            weights = [x for x in inside if id(x) in self.names.weights and id(x) not in placed]
            placed |= {id(x) for x in weights}
            width = self._columns(step, weights, part)
            if lines[-1] and column + width > ACROSS + 1:  # the gap after the last one may stand outside
                lines.append([])
                column = 0
            lines[-1].append((step, weights))
            column += width
        return [line for line in lines if line]

    def _columns(self, step: Step, weights: list[Recorded], part: str) -> int:
        """The width of a step in columns, its weights and a gap included."""
        own = self._room(self._arrangement(step.made, part).width, caption(step.layer, step.name), words_over(step))
        return max(own, sum(self._room(_as_weight(x).width, caption(x.layer, x.name)) for x in weights))

    def _room(self, width: int, name: str, words: str = "") -> int:
        """The width of a block and a gap in columns; a caption wider than its block already leaves one."""
        return max(width + 1, self._span(width, name, words))

    def _arrangement(self, x: Recorded, part: str) -> Arrangement:
        about = part in ("Backward", "Update") and self.names.weight_of(x) is not None
        return _as_weight(x) if about or not x.ndim else in_rows(x.shape)

    def _span(self, width: int, name: str, words: str = "") -> int:
        """The width of a block in columns, its caption included."""
        most = LONG_CAPTION_WIDTH if len(words) > LONG else CAPTION_WIDTH
        return max(width, math.ceil(min(max(len(name) * 1.15 + 2, len(words) * 0.6 + 2), most) / self.sheet.default_width))

    def _captions(self, row: int, column: int, x: Recorded, words: str, a: Arrangement, unit: str = "") -> None:
        """Layer and name, the formula, the labels of the columns; texts wrap over the block."""
        sheet, styles = self.sheet, self.styles
        name = caption(x.layer, x.name)
        width = min(self._span(a.width, name, words), MOST_LABELS)
        room = sum(width_of(sheet, column + j) for j in range(width))
        for r, text, style, size in (
            (row + HEAD, name, "caption", 1.15),
            (row + MATH, words, "math", 1.0),
        ):
            sheet.write(r, column, text, styles[style])
            lines = min(9, math.ceil(len(text) * size / room)) if text else 1
            sheet.make_room(r, lines)
            sheet.merge(r, column, column + width - 1)
        if unit:
            sheet.write(row + LABEL, column, unit, styles["label"])
        elif len(a.column_axes) == 1 and a.width <= MOST_LABELS:
            axis = self.epoch.trace.axes.named(x).axes[a.column_axes[0]]
            for j in range(a.width):
                sheet.write(row + LABEL, column + j, in_words([axis], [j]), styles["label"])

    def _rows_named(self, names: list[str], row: int, column: int) -> None:
        if column == 1:  # elsewhere a long name flows to the left, over the gap
            widen(self.sheet, 0, min(max((len(name) + 1.0 for name in names[:MOST_LABELS]), default=0), WIDEST_NAME))
        for i, name in enumerate(names[:MOST_LABELS]):
            self.sheet.texts.setdefault((row + i, column - 1), Text(name, self.styles["label right"]))

    def _weight(self, x: Recorded, row: int, column: int) -> Block:
        """A weight of the chosen epoch, looked up in its columns of Epochs."""
        a = _as_weight(x)
        self._captions(row, column, x, tuple_text(x.shape), a)
        self._rows_named(self.names.rows(self.names.weights[id(x)]), row + FIRST, column)
        first = self.history.places[id(x)]
        columns = first + np.arange(x.size, dtype=np.int64).reshape(x.shape)
        area = Area(columns, self.history.epochs + 1, 1)
        chosen = Area(np.broadcast_to(self.places[id(self.epoch.number)], x.shape))
        made = Expression(x.shape, [["INDEX(", area, ",", chosen, "+1,1)"]])
        history = self.history.values[id(x)]
        block = self.sheet.put(
            Block(a, history[0], style_of(self.styles, "constant", history), make=lambda: made),
            row + FIRST,
            column,
        )
        self.sheet.notes[(row + FIRST, column)] = (
            f"{x.layer}/{x.name} at the start of this epoch, looked up on the Epochs sheet. Change it there, in the row of epoch 0."
        )
        self.places[id(x)] = block.cells
        return block

    def _step(self, step: Step, row: int, column: int, part: str) -> Block:
        x, a = step.made, self._arrangement(step.made, part)
        like = self.names.weight_of(x) if part in ("Backward", "Update") else None
        sample_rows = like is None and x.ndim > 0 and x.shape[0] == a.height
        self._captions(row, column, x, words_over(step), a, PER_SAMPLE if sample_rows and is_one_per_sample(x) else "")
        if like is not None:
            self._rows_named(self.names.rows(like), row + FIRST, column)
        elif sample_rows and column == 1:
            self._rows_named([f"sample {i}" for i in range(x.shape[0])], row + FIRST, column)
        values = self.history.values.get(id(x))
        role = "output" if x is self.epoch.trace.results[0] else "constant" if x.op is None else "step"
        first = np.asarray(x.value if values is None else values[0], np.float64)
        style = style_of(self.styles, role, first if values is None else values)  # one format for every epoch
        block = Block(a, first, style)
        if x.op is not None:
            block.make = partial(self.formulas.step, x)
            self.sheet.notes[(row + FIRST, column)] = explanation_for(step)
        self.sheet.put(block, row + FIRST, column)
        self.places[id(x)] = block.cells
        if step.made.role.kind == "delta":
            self._zero(step, block, row + FIRST + a.height, column)
        return block

    def _zero(self, step: Step, block: Block, row: int, column: int) -> None:
        """Grey out a delta that is all zero; a live sentence below it explains what that means."""
        a, words = block.arrangement, dead_words(step)
        cells = f"{absolute(cell_name(block.first))}:{absolute(cell_name(block.first + (a.height - 1) * ROW + a.width - 1))}"
        self.sheet.rule(block.area, "dead", f"AND(MAX({cells})=0,MIN({cells})=0)")
        value = "" if np.any(np.asarray(block.values)) else words
        self.sheet.texts[(row, column)] = Text(
            style=self.styles["hint"], formula=f'IF(AND(MAX({cells})=0,MIN({cells})=0),"{words}","")', value=value
        )


def caption(layer: str, name: str) -> str:
    """The caption ``dense: kernel``; in the loss and update bands, without the layer."""
    return name if layer in ("", "loss", "update") else f"{layer}: {name}"


def words_over(step: Step) -> str:
    """A step's formula, or plain words if they are shorter."""
    if step.made.op is None:
        return ""
    return in_plain_words(step) or mathematics(step, longest=LONGEST)


def _as_weight(x: Recorded) -> Arrangement:
    return for_weight(x.shape) if x.ndim else in_rows(())
