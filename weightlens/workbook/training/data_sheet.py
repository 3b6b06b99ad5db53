"""The Data sheet: the samples, their targets and the learning rate to change; what comes of it; charts of the training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from weightlens.recording import Recorded
from weightlens.specs.words.number_words import counted
from weightlens.training.epoch import Epoch
from weightlens.workbook.formulas.cell_arrays import COLUMN, ROW, Cells, cell_name, refer
from weightlens.workbook.layout.choices import in_rows
from weightlens.workbook.sheets.frame import GAP, column_after, tall_legend, widen
from weightlens.workbook.training.epochs_sheet import TOP as FIRST_EPOCH
from weightlens.workbook.training.epochs_sheet import History
from weightlens.workbook.training.teaching import hardly_moves, hardly_moves_formula
from weightlens.workbook.xlsx.blocks import Block, Text
from weightlens.workbook.xlsx.book import Book, Sheet
from weightlens.workbook.xlsx.pages import width_of
from weightlens.workbook.xlsx.styles import Look, Styles

REMARK, RATE, RESULTS, TABLE = 2, 3, 6, 9  # rows: what is to be said of this training, learning rate, loss before and after, the samples
MOST_LABELS, MOST_ROWS, MOST_LINES = 500, 5000, 24
CHART_WIDTH, CHART_HEIGHT, CHART_ROWS = 18, 8.4, 17  # centimetres, centimetres, rows
BESIDE_WIDTH, BESIDE_ROOM = 14, 72.0  # centimetres, characters: of two charts side by side
WIDE = 100.0  # characters; a wider table stands under the charts, so that a screen shows both
REMARKED = Look(bold=True, colour="9C4A00")
RATE_NOTE = (
    "How far each weight moves against its gradient. Try ten times more, or a tenth: "
    "too small and nothing happens, too large and the loss jumps about."
)


class DataSheet:
    """The sheet with everything that can be changed; ``places`` are the cells of its values."""

    def __init__(
        self, book: Book, sheet: Sheet, epoch: Epoch, styles: Styles, input_labels: Sequence[str], target_labels: Sequence[str]
    ) -> None:
        self.book, self.sheet, self.epoch, self.styles, self.target_labels = book, sheet, epoch, styles, target_labels
        self.sheet.write(RATE, 0, "learning rate", styles["label right"])
        rate = self.sheet.put(Block(in_rows(()), np.asarray(epoch.rate.value, np.float64), styles["input"]), RATE, 1)
        self.sheet.notes[(RATE, 1)] = RATE_NOTE
        book.define("learning_rate", self.sheet, rate)
        self.places: dict[int, Cells] = {id(epoch.rate): rate.cells}
        widen(self.sheet, 0, 13)
        widths = [in_rows(x.shape).width for x in (*epoch.trace.inputs, epoch.targets, epoch.trace.results[0])]
        self.after = 2 if widths[0] > 1 else 3  # the column for results after the last epoch, never a gap of the table
        self.wide = sum(widths) * self.sheet.default_width > WIDE
        self.head = RATE + CHART_ROWS + 1 if self.wide else TABLE
        self.label, self.top = self.head + 1, self.head + 2
        self.column = 1
        self.ends: list[tuple[int, float]] = []  # columns, and how many characters stand there
        for k, x in enumerate(epoch.trace.inputs):
            name = "input" if len(epoch.trace.inputs) == 1 else x.name
            self.places[id(x)] = self._block(name, x, input_labels, f"input_{k}").cells
        self.places[id(epoch.targets)] = self._block("target", epoch.targets, target_labels, "targets").cells
        for i in range(min(epoch.targets.shape[0], MOST_ROWS)):
            self.sheet.texts[(self.top + i, 0)] = Text(style=styles["label right"], value=i)
        self.sheet.write(self.label, 0, "sample", styles["label right"])
        self.sheet.freeze = (REMARK if self.wide else self.top, 1)

    def _block(self, name: str, x: Recorded, labels: Sequence[str], defined: str, made: Cells | None = None, values: Any = None) -> Block:
        """Numbers to change (with ``made``, references to results), one row per sample."""
        sheet, arrangement = self.sheet, in_rows(x.shape)
        self._text(self.head, self.column, name, "caption left", 1.2)
        given = list(labels) if len(labels) == arrangement.width else [f"{name[0]}{j}" for j in range(min(arrangement.width, MOST_LABELS))]
        for j, label in enumerate(given):
            sheet.write(self.label, self.column + j, label, self.styles["label"])
            widen(sheet, self.column + j, max(sheet.default_width, len(label) * 0.9 + 1))
        style = self.styles["input"] if made is None else self.styles.numbers("output", values)
        block = Block(arrangement, x.value if values is None else values, style)
        if made is not None:
            block.make = partial(refer, made)
        sheet.put(block, self.top, self.column)
        self.book.define(defined, sheet, block)
        self.ends.append((self.column + arrangement.width - 1, 1.0))
        self.column += arrangement.width + 1
        widen(sheet, self.column - 1, GAP)
        return block

    def _text(self, row: int, column: int, text: str, style: str, size: float = 1.0) -> None:
        """A text that may be wider than its column."""
        self.sheet.write(row, column, text, self.styles[style])
        self.ends.append((column, len(text) * size + 1))

    def results(self, history: History) -> None:
        """The predictions after the last epoch, the loss before and after, and the charts."""
        y, epoch, after = self.epoch.trace.results[0], self.epoch, f"after {counted(history.epochs, 'epoch')}"
        self._block(f"answer {after}", y, self.target_labels, "answers", history.cells_after_training(y), history.values[id(y)][-1])
        for i, (x, name, is_share) in enumerate(((epoch.loss, "loss", False), (epoch.accuracy, "accuracy", True))):
            if x is None:
                continue
            self.sheet.write(RESULTS + i, 0, name, self.styles["label right"])
            first = history.places[id(x)]
            for column, cells, value in (
                (1, first, history.values[id(x)][0]),
                (self.after, first + history.epochs * ROW, history.values[id(x)][-1]),
            ):
                style = self.styles.numbers("output" if is_share else "step", value, share=is_share)
                make = partial(refer, np.asarray(cells))
                self.sheet.put(Block(in_rows(()), value, style, make=make), RESULTS + i, column)
        if self.wide:
            self.ends = []  # the charts stand above the table, and so beside nothing but the results
        for column, text in ((1, "before"), (self.after, after)):
            self._text(RESULTS - 1, column, text, "label left")
        under = 1 + max(block.row + block.arrangement.height for block in self.sheet.blocks)
        longest = tall_legend(self.sheet, under, self.styles, {"input", "step", "output"})
        self.ends += [] if self.wide else [(2, longest + 1.0)]
        if not epoch.random and history.epochs:
            live = hardly_moves_formula(*(cell_name((RESULTS << 14) + column) for column in (1, self.after)))
            self.sheet.texts[(REMARK, 0)] = Text(style=self.styles.style_id(REMARKED), formula=live, value=hardly_moves(epoch))
        self.sheet.finishing.append(self._charts(history))

    def _charts(self, history: History) -> Callable[[Any], None]:
        """Charts of the loss and of the weights over the epochs."""
        epoch, side = self.epoch, max(column_after(self.sheet, *end) for end in self.ends)
        side += width_of(self.sheet, side) <= GAP
        several = len({t.layer for t in epoch.trained}) > 1
        weights = [
            (f"{f'{t.layer} ' * several}{t.now.name} {label}", (history.places[id(t.now)] & (ROW - 1)) + i)
            for t in epoch.trained
            for i, label in enumerate(history.names.columns(t.now)[1][:MOST_LINES])
        ]
        row, next_one = (RATE, column_after(self.sheet, side, BESIDE_ROOM)) if self.wide else (RATE + CHART_ROWS, side)
        loss = [("loss", history.places[id(epoch.loss)] & (ROW - 1))]
        width = BESIDE_WIDTH if self.wide else CHART_WIDTH

        def finish(page: Any) -> None:
            page.add_chart(lines(history, "the loss, epoch by epoch", loss, width), f"{COLUMN[side]}{RATE + 1}")
            page.add_chart(lines(history, "the paths of the weights", weights[:MOST_LINES], width), f"{COLUMN[next_one]}{row + 1}")

        return finish


def lines(history: History, title: str, columns: list[tuple[str, int]], width: float) -> Any:
    """A line chart over the epochs of columns (name, number) of the sheet Epochs."""
    from weightlens.workbook.xlsx.charts import line_chart

    table = history.sheet.title, FIRST_EPOCH, FIRST_EPOCH + history.epochs
    chart = line_chart(table, title, columns, (width, CHART_HEIGHT), max(history.epochs, 1))
    if len(columns) == 1:
        chart.y_axis.scaling.min = 0
    return chart
