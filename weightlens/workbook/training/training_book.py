"""The training workbook: the data, one step worked out, the whole history, and charts of it; all live."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from weightlens.files import WORKBOOK, check_output, replacing
from weightlens.formats import files_of
from weightlens.model import Model
from weightlens.training.epoch import Epoch
from weightlens.workbook.formulas.cell_arrays import Cells
from weightlens.workbook.sheets.frame import Page, frame
from weightlens.workbook.training.data_sheet import DataSheet
from weightlens.workbook.training.epochs_sheet import History
from weightlens.workbook.xlsx import package
from weightlens.workbook.xlsx.book import Book
from weightlens.workbook.xlsx.chart_values import with_values
from weightlens.workbook.xlsx.dress import dress
from weightlens.workbook.xlsx.grid import rows_of
from weightlens.workbook.xlsx.styles import Styles

HINTS = {
    "Data": "Change a blue cell (the learning rate, an input, a target) and watch the whole history of the training move.",
    "One step": "Choose an epoch (blue) and follow its arithmetic from top to bottom: forward, loss, backward, update.",
    "Epochs": "A row per epoch, each computed from the one above it. Change a yellow weight in the row of epoch 0, and all of it moves.",
    "Fitted": "What the network answers between the samples, with the weights of the epoch chosen on One step.",
}


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
    """Write the workbook of ``epochs`` epochs; refuses what does not fit a sheet before anything is written.

    With ``model``, a sheet shows the prediction between the samples (one or two inputs).
    """
    from openpyxl import Workbook

    from weightlens.workbook.training.fitted import fitted_sheet
    from weightlens.workbook.training.one_step import OneStep

    out = Path(path)
    read = [] if model is None else files_of(model)
    check_output(out, force, read, WORKBOOK)
    shell = Workbook()
    shell.remove(shell.worksheets[0])
    styles, book = Styles(shell), Book()
    fixed: dict[int, Cells] = {}
    data = DataSheet(book, epoch, styles, fixed, input_labels, target_labels)
    step = book.sheet("One step", numbered=False)
    history = History(book, epoch, epochs, styles, fixed, progress, input_labels)
    history.build()
    data.results(history)
    one_step = OneStep(book, step, epoch, history, styles, fixed)
    one_step.build()
    if model is not None:
        fitted_sheet(book, model, epoch, one_step, styles, list(input_labels))
    pages = [
        Page(sheet, sheet.title if i else title or sheet.title, "" if i else recipe, HINTS[sheet.title])
        for i, sheet in enumerate(book.sheets)
    ]
    frame(pages, book, styles)
    dress(shell, book)
    styles.done()
    with replacing(out, force, read, WORKBOOK) as file:
        package.save(
            shell,
            {sheet.title: partial(rows_of, sheet, book.titles) for sheet in book.sheets},
            file,
            finish=partial(with_values, plan=book),
        )
    return out
