"""The training workbook: the data, one step worked out, the whole history, and charts of it; all live."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from weightlens.files import WORKBOOK, check_output, replacing
from weightlens.formats import files_of
from weightlens.model import Model
from weightlens.training.epoch import Epoch
from weightlens.workbook.sheets.frame import frame
from weightlens.workbook.training.data_sheet import DataSheet
from weightlens.workbook.training.epochs_sheet import History, numbers_of_frozen
from weightlens.workbook.training.fitted import fitted_sheet
from weightlens.workbook.training.gradient_check import GradientCheck
from weightlens.workbook.training.loss_surface import SIDE, LossSurface
from weightlens.workbook.training.one_step import OneStep
from weightlens.workbook.training.passes import Passes, Variants, together
from weightlens.workbook.xlsx.book import Book
from weightlens.workbook.xlsx.dress import save
from weightlens.workbook.xlsx.styles import Styles

DATA_HINT = "Change a blue cell (the learning rate, an input, a target) and watch the whole history of the training move."
STEP_HINT = "Choose an epoch (blue) and follow its arithmetic from top to bottom: forward, loss, backward, update."


@dataclass(frozen=True)
class TrainingOptions:
    """What a training workbook is to say: its ``title``, the ``recipe`` of the training in words, names of inputs and targets.

    ``force`` overwrites; ``progress`` is told (epochs computed, of how many).
    """

    title: str = ""
    recipe: str = ""
    input_labels: Sequence[str] = ()
    target_labels: Sequence[str] = ()
    force: bool = True
    progress: Callable[[int, int], None] | None = None


def write_training_book(epoch: Epoch, epochs: int, path: str | PathLike[str], model: Model | None = None, **options: Any) -> Path:
    """Write the workbook of ``epochs`` epochs; refuses what does not fit a sheet before anything is written.

    With ``model``, a sheet shows the prediction between the samples (one or two inputs); ``options`` are those of
    ``TrainingOptions``.
    """
    out, chosen = Path(path), TrainingOptions(**options)
    read = [] if model is None else files_of(model)
    check_output(out, chosen.force, read, WORKBOOK)
    styles = Styles()
    book = training_sheets(epoch, epochs, model, chosen, styles)
    with replacing(out, chosen.force, read, WORKBOOK) as file:
        save(book, styles, file)
    return out


def training_sheets(epoch: Epoch, epochs: int, model: Model | None, options: TrainingOptions, styles: Styles) -> Book:
    """All sheets, in their order."""
    book = Book()
    front = book.sheet("Data", options.title, options.recipe, DATA_HINT)
    step_sheet = book.sheet("One step", hint=STEP_HINT)
    data = DataSheet(book, front, epoch, styles, options.input_labels, options.target_labels)
    moving = {id(x) for t in epoch.trained for x in (t.now, *t.slots.values())}
    fixed = data.places | numbers_of_frozen(epoch.program().nodes, moving)
    history = History(book, epoch, epochs, styles, fixed, options.progress, options.input_labels)
    history.build()
    data.results(history)
    one_step = OneStep(book, step_sheet, epoch, history, styles, fixed)
    one_step.build()
    if model is not None:
        fitted_sheet(book, model, epoch, one_step, styles, list(options.input_labels))
    lesson_sheets(book, one_step)
    frame(book, styles)
    return book


def lesson_sheets(book: Book, step: OneStep) -> None:
    """The gradient check and the loss surface, where a network is small enough for the passes that they take."""
    gradients, surface, passes = GradientCheck(book, step), LossSurface(book, step), Passes(step)
    asked: list[tuple[GradientCheck | LossSurface, Variants]] = []
    rows = 2 * len(gradients.numbers)
    if rows and passes.fits(rows):
        asked.append((gradients, gradients.begin(passes)))
    if surface.possible and passes.fits(rows + SIDE * SIDE):
        asked.append((surface, surface.begin(gradients.start)))
    if not asked:
        return
    cells, losses = passes.build(book, together([variants for _, variants in asked]))
    start = 0
    for sheet, variants in asked:
        end = start + len(variants.choice)
        sheet.finish(cells[start:end], losses[start:end])
        start = end
