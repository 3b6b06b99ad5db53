"""Writing the workbook of a network: what is expected, the file, a second pass where it is to be verified."""

from __future__ import annotations

import contextlib
import gc
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from weightlens.engine.binding import bind
from weightlens.files import WORKBOOK, replacing, scratch_folder
from weightlens.formats import files_of
from weightlens.inputs.defaults import default_inputs
from weightlens.model import Model
from weightlens.workbook.all_sheets import build, first_look
from weightlens.workbook.export_options import Options, Progress
from weightlens.workbook.layout.size import Size, measure, with_estimate, with_file
from weightlens.workbook.sheets.network import NetworkSheets
from weightlens.workbook.sheets.samples_sheet import samples_shown
from weightlens.workbook.xlsx.dress import save
from weightlens.workbook.xlsx.styles import Styles

MANY = 1_000_000  # cells; with fewer a workbook is not too large for anything
OFTEN = 20_000  # cells between two messages of progress
ALIKE = 16  # rows that are taken to have as many cells as the first of them, for progress
SELDOM = 1_000_000  # new objects between two collections of garbage while a workbook is made: nearly all of them are still needed


def write_workbook(model: Model, path: Path, inputs: Any, options: Options) -> Path:
    """Write the workbook, recalculate it if it is to be verified, and write it once more with the verdict; returns its path."""
    if path.suffix.lower() == ".pdf":
        return write_pdf(model, path, inputs, options)
    with replacing(path, options.force, files_of(model), WORKBOOK) as file, garbage_kept():
        if options.with_keras:
            options = by_keras(model, inputs, options)
        write(model, inputs, options, file)
        if options.verify and options.detail != "weights":  # matrices have nothing to recalculate
            file.flush()
            from weightlens.checks import check_workbook

            report = replace(check_workbook(file.name), subject=path.name)
            verdict = "; ".join([*report.notes[:1], report.summary])
            file.seek(0)
            file.truncate()
            write(model, inputs, options, file, verdict)
    return path


def write_pdf(model: Model, path: Path, inputs: Any, options: Options) -> Path:
    """Write an exercise as it is printed, with the answers at the end; returns its path."""
    from weightlens.workbook.exercises.printed import PDF, as_pdf, check_printer

    options.refuse_on_paper(path)
    check_printer()
    with replacing(path, options.force, files_of(model), PDF) as file, scratch_folder() as scratch:
        book = scratch / "exercise.xlsx"
        with book.open("wb") as sheets:
            save_network(build(model, inputs, options, Styles(), printed=True), None, sheets)
        with as_pdf(book).open("rb") as made:
            shutil.copyfileobj(made, file)
    return path


def write(model: Model, inputs: Any, options: Options, file: BinaryIO, verified: str = "") -> None:
    """Plan all sheets, warn of what hardly any program opens, write."""
    net = build(model, inputs, options, Styles(), verified)
    size = measure(net.plan, net.detail) if options.progress is not None or options.warn is not None else None
    if size is not None and options.warn is not None and size.cells > MANY:
        size = with_estimate(size, net.plan)
        if size.warning:
            options.warn(size.warning)
    save_network(net, None if size is None or options.progress is None else Counter(options.progress, size.cells), file)


def save_network(net: NetworkSheets, counter: Counter | None, file: BinaryIO) -> None:
    """Write what was planned."""
    save(net.plan, net.styles, file, first_look(net), None if counter is None else counter.row)


def size_of(model: Model, inputs: Any, options: Options) -> Size:
    """What the workbook would be; nothing is written."""
    with garbage_kept():
        net = build(model, inputs, options, Styles())
        return with_file(measure(net.plan, net.detail), net.plan, partial(save_network, net, None))


def by_keras(model: Model, inputs: Any, options: Options) -> Options:
    """The options with what Keras computes for the samples that the network's sheets show."""
    from weightlens.checks.keras import keras_outputs

    arrays = bind(model, default_inputs(model) if inputs is None else inputs)
    outputs, name = keras_outputs(model, samples_shown(model, arrays))
    return replace(options, expected=outputs, witness=name)


@contextlib.contextmanager
def garbage_kept() -> Iterator[None]:
    """Collect garbage seldom, as the command line does: looking for it takes a tenth of the time, and there is hardly any."""
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], SELDOM) if before[0] else 0, *before[1:])  # 0: somebody switched it off
    try:
        yield
    finally:
        if not gc.get_freeze_count():  # what was made counts as old, or all of it would be looked through now
            gc.freeze()
            gc.unfreeze()
        gc.set_threshold(*before)


@dataclass
class Counter:
    """Tells the progress of writing, now and then."""

    progress: Progress
    total: int
    rows: int = 0
    width: int = 0  # cells of a row
    done: int = 0
    told: int = 0

    def row(self, sheet: str, text: str) -> str:
        """Count the cells of one written row, or take it to have as many as one shortly before: counting takes time."""
        if self.rows % ALIKE == 0:
            self.width = text.count("<c ")
        self.rows += 1
        self.done += self.width
        if self.done - self.told >= OFTEN:
            self.told = self.done
            self.progress(sheet, min(self.done, self.total), self.total)
        return text
