"""The workbook of a training that Keras ran: charts, a row for each moment, and the forward pass of one epoch."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from weightlens.files import WORKBOOK, replacing
from weightlens.training.moments import Forward, TrainingHistory
from weightlens.workbook.all_sheets import traced_network, write_sheets
from weightlens.workbook.export_options import Options
from weightlens.workbook.formulas.cell_arrays import COLUMN
from weightlens.workbook.sheets.frame import column_after, frame, legend
from weightlens.workbook.training.history_tables import (
    GROUP,
    LAYERS,
    SOME_WEIGHTS,
    TOP,
    WEIGHTS,
    Table,
    layers_table,
    report_table,
    weights_table,
)
from weightlens.workbook.xlsx.book import Book, Sheet
from weightlens.workbook.xlsx.charts import line_chart
from weightlens.workbook.xlsx.dress import save
from weightlens.workbook.xlsx.styles import Styles

FRONT = "A row for each epoch, as Keras reported it. Epoch 0 is the network before this training."
BATCHES = "A row for each moment that was kept. Within an epoch Keras reports means since the epoch began."
CHART = (13.0, 8.0)  # centimetres
ROOM, ROWS = 74.0, 17  # of one chart: characters, rows


def write_book(history: TrainingHistory, path: Path, forward: Forward | None, force: bool) -> None:
    """Write the workbook; with ``forward``, the sheets of the forward pass follow those of the training."""
    with replacing(path, force, suffixes=WORKBOOK) as file:
        styles = Styles()
        save(history_sheets(history, forward, styles), styles, file)


def history_sheets(history: TrainingHistory, forward: Forward | None, styles: Styles) -> Book:
    """All sheets, in their order."""
    net = None if forward is None else traced_network(forward.model, list(forward.inputs), Options(forward.labels), styles)
    book = Book() if net is None else net.plan
    front = book.sheet("Training", history.title, history.about, BATCHES if history.by_batches else FRONT)
    report = report_table(history, front, styles)
    second, third = book.sheet("Layers", hint=LAYERS), book.sheet("Weights", hint=WEIGHTS if history.whole else SOME_WEIGHTS)
    weights = weights_table(history, third, styles)
    layers = layers_table(history, second, styles, weights)
    charts(history, front, report, layers, weights)
    legend(front, report.last_row + 2, 0, styles, ("constant", "step"))
    if net is None or forward is None:
        frame(book, styles)
    else:
        front.about += f" · the sheets from Summary on: the forward pass after epoch {forward.epoch}"
        write_sheets(net)
    return book


def charts(history: TrainingHistory, front: Sheet, report: Table, layers: Table, weights: Table) -> None:
    """The charts, two beside each other, right of the table."""
    drawn = [weights.group(str(position))[0] for position in history.drawn]
    wanted = [
        ("the loss", report, [pair for pair in report.columns if pair[0] in history.losses]),
        ("what Keras reports besides", report, [pair for pair in report.columns if pair[0] in history.metrics]),
        (history.paths_title, weights, drawn),
        ("the length of each layer's weights", layers, layers.group("norm")),
        ("how far each layer moved, as a share of its length", layers, layers.group("share")),
        ("relu units that are 0 for every sample", layers, layers.group("dead")),
    ]
    left = report.end + 1
    right = column_after(front, left, ROOM)
    last = max(1.0, float(np.ceil(history.positions[-1])))
    shown = [(title, table, columns) for title, table, columns in wanted if columns]
    for number, (title, table, columns) in enumerate(shown):
        place = f"{COLUMN[right if number % 2 else left]}{GROUP + number // 2 * ROWS}"
        front.finishing.append(partial(add_chart, table=table, title=title, columns=columns, last=last, place=place))


def add_chart(page: Any, table: Table, title: str, columns: list[tuple[str, int]], last: float, place: str) -> None:
    """Draw columns of a table, over empty cells too; what is never below 0 from 0 on."""
    chart = line_chart((table.sheet.title, TOP, table.last_row), title, columns, CHART, last)
    chart.display_blanks = "span"
    if table.kinds[table.columns.index(columns[0])] in ("share", "dead"):
        chart.y_axis.scaling.min = 0
    page.add_chart(chart, place)
