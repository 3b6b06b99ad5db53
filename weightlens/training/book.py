"""The training workbook: the data, one step worked out, the whole history, and charts of it; all live."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from weightlens.model import Model
from weightlens.training.epoch import Epoch
from weightlens.training.history import TOP as FIRST_EPOCH
from weightlens.training.history import History
from weightlens.workbook import package
from weightlens.workbook.book import Book, Sheet
from weightlens.workbook.cells import COLUMN, ROW, Cells
from weightlens.workbook.dress import dress
from weightlens.workbook.grid import Block, Text, rows_of
from weightlens.workbook.layout import Arrangement, in_rows
from weightlens.workbook.styles import Styles

HEAD, LABEL, TOP = 6, 7, 8  # rows of the Data sheet


def write_training_book(
    epoch: Epoch,
    epochs: int,
    path: str | os.PathLike[str],
    *,
    model: Model | None = None,
    title: str = "",
    recipe: str = "",
    input_labels: Sequence[str] = (),
    target_labels: Sequence[str] = (),
    force: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write the workbook of ``epochs`` epochs; refuses before anything is written what does not fit a sheet.

    With ``model`` there is a sheet of what the network answers between the samples (one or two inputs).
    """
    from openpyxl import Workbook

    from weightlens.training.fitted import fitted_sheet
    from weightlens.training.one_step import OneStep

    out = package.target(path, force)
    shell = Workbook()
    shell.remove(shell.worksheets[0])
    styles, book = Styles(shell), Book()
    fixed: dict[int, Cells] = {}
    data = _data_sheet(book, epoch, styles, fixed, title, recipe, input_labels, target_labels)
    step = book.sheet("One step", numbered=False)
    history = History(book, epoch, epochs, styles, fixed, progress)
    history.sheet.write(0, 0, "History", styles["title"])
    history.sheet.write(1, 0, "A row per epoch. Each row is computed from the one above it: change the learning rate, the data or a yellow weight in the first row, and all of it moves.", styles["hint"])
    history.build()
    one_step = OneStep(book, step, epoch, history, styles, fixed)
    one_step.build()
    if model is not None:
        fitted_sheet(book, model, epoch, one_step, styles, list(input_labels))
    data.finishing.append(_charts(epoch, history))
    dress(shell, book)
    styles.done()
    package.save(shell, {sheet.title: partial(_rows, sheet) for sheet in book.sheets}, out)
    return out


def _rows(sheet: Sheet) -> Any:
    return rows_of(sheet.blocks, sheet.texts, sheet.heights)


def _data_sheet(
    book: Book, epoch: Epoch, styles: Styles, fixed: dict[int, Cells], title: str, recipe: str, input_labels: Sequence[str], target_labels: Sequence[str]
) -> Sheet:
    """The samples, their targets and the learning rate: everything that can be changed, and the charts."""
    sheet = book.sheet("Data", numbered=False)
    sheet.write(0, 0, title, styles["title"])
    sheet.write(1, 0, "Change a blue cell (the learning rate, an input, a target) and watch the whole history of the training move.", styles["hint"])
    sheet.write(2, 0, recipe, styles["about"])
    sheet.write(4, 0, "learning rate", styles["label right"])
    rate = sheet.put(Block(Arrangement((), (), ()), np.asarray(epoch.rate.value, np.float64), styles["input"]), 4, 1)
    book.define("learning_rate", sheet, rate)
    fixed[id(epoch.rate)] = rate.cells
    column = 1
    names = [("input" if len(epoch.trace.inputs) == 1 else x.name, x, input_labels) for x in epoch.trace.inputs] + [("target", epoch.targets, target_labels)]
    for k, (name, x, given) in enumerate(names):
        arrangement = in_rows(x.shape)
        sheet.write(HEAD, column, name, styles["caption left"])
        labels = list(given) if len(given) == arrangement.width else [f"{name[0]}{j}" for j in range(min(arrangement.width, 500))]
        for j, label in enumerate(labels):
            sheet.write(LABEL, column + j, label, styles["label"])
        block = sheet.put(Block(arrangement, x.value, styles["input"]), TOP, column)
        book.define("targets" if x is epoch.targets else f"input_{k}", sheet, block)
        fixed[id(x)] = block.cells
        column += arrangement.width + 1
    for i in range(min(epoch.targets.shape[0], 5000)):
        sheet.texts[(TOP + i, 0)] = Text(style=styles["label right"], value=i + 1)
    sheet.widths[(0, 0)] = 13
    sheet.freeze = f"B{TOP + 1}"
    return sheet


def _charts(epoch: Epoch, history: History) -> Callable[[Any], None]:
    """The fall of the loss, and the paths of the weights."""

    def finish(page: Any) -> None:
        from openpyxl.chart import Reference, ScatterChart, Series

        from weightlens.workbook.charts import COLOURS, plain

        def down(column: int) -> Any:
            letters = COLUMN[column]
            return Reference(range_string=f"'{history.sheet.title}'!${letters}${FIRST_EPOCH + 1}:${letters}${FIRST_EPOCH + 1 + history.epochs}")

        side = 3 + sum(x.shape[-1] + 1 for x in [*epoch.trace.inputs, epoch.targets])
        weights = [(f"{t.layer} {t.now.name} {i}", (history.places[id(t.now)] & (ROW - 1)) + i) for t in epoch.trained for i in range(t.now.size)][:24]
        loss = [("loss", history.places[id(epoch.loss)] & (ROW - 1))]
        for place, title, lines in ((5, "the loss, epoch by epoch", loss), (24, "the paths of the weights", weights)):
            chart = plain(ScatterChart(), title, 18, 9)
            chart.style, chart.scatterStyle, chart.x_axis.title = 13, "lineMarker", "epoch"
            chart.x_axis.number_format = chart.y_axis.number_format = "General"
            for (name, column), colour in zip(lines, COLOURS * 4, strict=False):
                series = Series(down(column), down(0), title=name)
                series.marker.symbol, series.smooth = "none", False
                series.graphicalProperties.line.solidFill, series.graphicalProperties.line.width = colour, 16000
                chart.series.append(series)
            if len(lines) == 1 or len(lines) > 10:
                chart.legend = None
            page.add_chart(chart, f"{COLUMN[min(side, 40)]}{place}")

    return finish
