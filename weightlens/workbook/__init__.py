"""The exporter: a trace becomes a workbook whose formulas compute the prediction again.

``export`` runs the forward pass, recorded; ``plan`` gives every value cells; ``formulas`` writes what each cell
computes; ``grid`` streams the rows; ``package`` puts them into an .xlsx that openpyxl has prepared.
"""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from weightlens.errors import BadInput, NoFormula
from weightlens.model import Model

if TYPE_CHECKING:
    from weightlens.recording import Trace
    from weightlens.workbook.export_options import Options
    from weightlens.workbook.layout.plan import Plan, Sheet
    from weightlens.workbook.layout.size import Size
    from weightlens.workbook.sheets.network import NetworkSheets
    from weightlens.workbook.xlsx.strings import Strings
    from weightlens.workbook.xlsx.styles import Styles

Progress = Callable[[str, int, int], None]
OFTEN = 20_000  # cells between two messages of progress
SELDOM = 100_000  # new objects between two collections of garbage while a workbook is made: nearly all of them are still needed


def export(
    model: Model,
    path: str | os.PathLike[str],
    inputs: Any = None,
    *,
    labels: Sequence[str] = (),
    input_labels: Sequence[str] = (),
    detail: str = "auto",
    target: Any = None,
    exercise: bool = False,
    blank: Sequence[str] = (),
    switch: bool = False,
    verify: bool = False,
    with_keras: bool = False,
    expected: Sequence[np.ndarray] | None = None,
    witness: str = "weightlens",
    force: bool = True,
    progress: Progress | None = None,
) -> Path:
    """Write a workbook that reproduces the model's prediction with live formulas; returns its path.

    ``inputs`` as for ``Model.trace`` (sensible ones without; many samples go to a Data sheet to pick from). ``labels`` and
    ``input_labels`` name the classes and the columns of the input. ``detail``: ``steps``, ``layers`` (a block per layer),
    ``weights`` (matrices only, for any file) or ``auto``. ``target`` holds the true answers. ``exercise`` leaves the steps
    called ``blank`` to be filled in. ``switch`` adds a cell that goes back to the original numbers. ``verify`` has a
    spreadsheet program recalculate the file and says so in it. ``with_keras`` puts Keras's numbers on the Check sheet,
    ``expected`` with ``witness`` any others. ``progress`` is told (sheet, cells written, of how many). Raises
    ``UnsupportedLayer``, ``NoFormula``, ``WorkbookTooLarge`` or ``BadInput``; nothing is written then.
    """
    from weightlens.files import WORKBOOK, replacing
    from weightlens.formats import files_of
    from weightlens.workbook.export_options import Options

    out = Path(path)
    options = Options(
        Path(model.provenance.path).name or model.name,
        tuple(labels),
        tuple(input_labels),
        detail,
        target,
        blank_steps(exercise, blank),
        switch,
        None if expected is None else list(expected),
        witness,
    )
    with replacing(out, force, files_of(model), WORKBOOK) as file, garbage_kept():
        if with_keras:
            options.expected, options.witness = by_keras(model, inputs)
        write(model, inputs, options, file, progress)
        if verify and options.detail != "weights":  # matrices have nothing to recalculate
            from weightlens.checks import check_workbook

            file.flush()
            report = replace(check_workbook(file.name), subject=out.name)
            options.verified = f"{report.notes[0]}; {report.summary}" if report.notes else report.summary
            options.renew()
            file.seek(0)
            file.truncate()
            write(model, inputs, options, file, progress)
    return out


@contextlib.contextmanager
def garbage_kept() -> Iterator[None]:
    """Collect garbage seldom, as the command line does: looking for it takes a tenth of the time, and there is hardly any."""
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], SELDOM) if before[0] else 0, *before[1:])  # 0: somebody switched it off
    try:
        yield
    finally:
        gc.set_threshold(*before)


def measure(model: Model, inputs: Any = None, detail: str = "auto") -> Size:
    """What the workbook would be: its sheets, cells, formulas, size and time; nothing is written."""
    from openpyxl import Workbook

    from weightlens.workbook.export_options import Options
    from weightlens.workbook.layout.size import measure as count
    from weightlens.workbook.xlsx.styles import Styles

    options = Options(Path(model.provenance.path).name or model.name, detail=detail)
    net = build(model, inputs, options, Styles(Workbook()))
    return count(net.plan, options.detail)


def by_keras(model: Model, inputs: Any) -> tuple[list[np.ndarray], str]:
    """What Keras computes for the samples that the network's sheets show, and which Keras it was."""
    from weightlens.checks.keras import keras_outputs
    from weightlens.engine.binding import bind
    from weightlens.inputs.defaults import default_inputs
    from weightlens.workbook.sheets import samples as data

    return keras_outputs(model, data.shown(model, bind(model, default_inputs(model) if inputs is None else inputs)))


def blank_steps(exercise: bool, blank: Sequence[str]) -> tuple[str, ...] | None:
    """Which steps are to be left blank; ``None`` for no exercise."""
    from weightlens.workbook.sheets.exercise import USUAL

    return tuple(blank) if blank else USUAL if exercise else None


def write(model: Model, inputs: Any, options: Options, file: BinaryIO, progress: Progress | None = None) -> None:
    """Plan all sheets, dress them, stream their rows."""
    from openpyxl import Workbook

    from weightlens.workbook.layout.size import measure as count
    from weightlens.workbook.xlsx import package
    from weightlens.workbook.xlsx.chart_values import with_values
    from weightlens.workbook.xlsx.dress import dress
    from weightlens.workbook.xlsx.styles import Styles

    shell = Workbook()
    shell.remove(shell.worksheets[0])
    styles = Styles(shell)
    net = build(model, inputs, options, styles)
    plan = net.plan
    dress(shell, plan)
    styles.done()
    shell.active = first_look(net)
    counter = None if progress is None else Counter(progress, count(plan, options.detail).cells)
    rows = {sheet.title: partial(_rows, sheet, plan.titles, counter) for sheet in plan.sheets}
    package.save(shell, rows, file, finish=partial(with_values, plan=plan))


def build(model: Model, inputs: Any, options: Options, styles: Styles) -> NetworkSheets:
    """All sheets with all that stands on them, formulas excepted: those are made while they are written."""
    from weightlens.workbook.sheets.cells_sheet import write_cells
    from weightlens.workbook.sheets.frame import frame
    from weightlens.workbook.sheets.summary import HINT, write_summary

    net = bare_network(model, options, styles) if options.detail == "weights" else traced_network(model, inputs, options, styles)
    front = net.page("Summary", options.title, hint=HINT if net.plan.trace.steps else "The matrices in the file.", numbered=False)
    fill(net)
    write_summary(net, front)
    write_cells(net, net.plan.sheet("Cells", numbered=False))
    frame(net.pages, net.plan, styles)
    return net


def bare_network(model: Model, options: Options, styles: Styles) -> NetworkSheets:
    """A workbook of matrices: nothing is computed."""
    from weightlens.recording import Trace
    from weightlens.workbook.layout.plan import Plan
    from weightlens.workbook.sheets.network import NetworkSheets

    plan = Plan(Trace())
    plan.one_sheet = False
    return NetworkSheets(model, plan, styles, options)


def traced_network(model: Model, inputs: Any, options: Options, styles: Styles) -> NetworkSheets:
    """The forward pass recorded on the inputs, or on the first of many; every value with its arrangement."""
    from weightlens.workbook.sheets.network import NetworkSheets

    plan, fused, arrays = planned(model, inputs, options)
    net = NetworkSheets(model, plan, styles, options)
    net.fused, net.arrays = fused, arrays
    return net


def planned(model: Model, inputs: Any, options: Options) -> tuple[Plan, dict[int, int] | None, list[np.ndarray]]:
    """The plan before anything stands on a sheet; of fused steps which are left; and the inputs as they were given."""
    from weightlens.engine.binding import bind
    from weightlens.engine.forward import trace
    from weightlens.inputs.defaults import default_inputs
    from weightlens.workbook.layout import detail
    from weightlens.workbook.layout.plan import Plan
    from weightlens.workbook.sheets import samples as data

    arrays = bind(model, default_inputs(model) if inputs is None else inputs)
    recorded = trace(model, data.shown(model, arrays))
    refuse_text(recorded)
    options.detail = detail.chosen(options.detail, recorded)
    options.made_up = inputs is None
    options.labels = options.labels or labels_in_file(model, recorded)
    recorded, fused = detail.fuse(recorded) if options.detail == "layers" else (recorded, None)
    return Plan(recorded, whole=fused is None), fused, arrays


def labels_in_file(model: Model, recorded: Trace) -> tuple[str, ...]:
    """The names of the classes that the model's file has for one of its outputs."""
    return next((tuple(labels) for y in recorded.results if y.ndim and (labels := model.labels_of(y.shape[-1]))), ())


def refuse_text(recorded: Trace) -> None:
    """Words may be typed in, cut and compared; a network that answers in words has no formula that works alike in all spreadsheets."""
    for value in recorded.results:
        if value.dtype.kind in "USO" and value.op is not None:
            raise NoFormula(
                value.layer, f"text in {value.name}", "answers in words, for which there is no formula that every spreadsheet computes"
            )


def fill(net: NetworkSheets) -> None:
    """The sheets after the summary: the network, and what was asked for besides."""
    from weightlens.workbook.sheets import controls, maps
    from weightlens.workbook.sheets import samples as data
    from weightlens.workbook.sheets.check_sheet import write_check
    from weightlens.workbook.sheets.matrices import matrices

    options, plan = net.options, net.plan
    if options.detail == "weights":
        matrices(net)
        return
    check_labels(net)
    network_sheets(net)
    if net.arrays and len(net.arrays[0]) > plan.trace.inputs[0].shape[0]:
        data.pick_from(net, net.arrays)
    if options.target is not None and not net.target_shown:
        raise BadInput(
            f"{len(options.target):,} true answers were given, but there is no single output with as many rows to compare them with"
        )
    if options.exercise is not None:
        options.exercise.finish(net)
    if options.switch:
        controls.add_switch(net)
    maps.draw(net)
    write_check(net, options.expected or plan.trace.outputs, options.witness, options.verified)
    if options.exercise is not None:
        options.exercise.hide(net)
    controls.only_numbers(net)


def network_sheets(net: NetworkSheets) -> None:
    """One sheet for a small dense network, else one for the inputs and one per layer; and names for the outputs."""
    from weightlens.workbook.sheets.layer_sheet import inputs_sheet, layer_sheet
    from weightlens.workbook.sheets.tutorial import tutorial

    if net.options.exercise is not None:
        net.options.exercise.check(net.plan)
    if net.plan.one_sheet:
        tutorial(net)
    else:
        inputs_sheet(net)
        for layer in dict.fromkeys(step.layer for step in net.plan.steps):
            layer_sheet(net, layer)
    net.outputs()


def check_labels(net: NetworkSheets) -> None:
    """Refuse class labels that no output has as many units for (a single unit has two classes)."""
    given, widths = len(net.options.labels), [x.shape[-1] for x in net.plan.trace.results if x.ndim]
    if given and given not in widths and not (given == 2 and 1 in widths):
        raise BadInput(f"{given} labels were given, but the output has {' and '.join(map(str, widths))} units")


def first_look(net: NetworkSheets) -> int:
    """The sheet that is open at first: a network on one sheet shows itself, others their map."""
    return net.plan.names["input_0"][0] if net.plan.one_sheet and "input_0" in net.plan.names else 0


class Counter:
    """Tells the progress of writing, now and then."""

    def __init__(self, progress: Progress, total: int) -> None:
        self.progress, self.total, self.done, self.told = progress, total, 0, 0

    def row(self, sheet: str, text: str) -> str:
        """Count the cells of one written row."""
        self.done += text.count("<c ")
        if self.done - self.told >= OFTEN:
            self.told = self.done
            self.progress(sheet, min(self.done, self.total), self.total)
        return text


def _rows(sheet: Sheet, titles: Sequence[str], counter: Counter | None, strings: Strings) -> Iterator[str]:
    """The rows of one sheet, counted where somebody wants to know."""
    from weightlens.workbook.xlsx.grid import rows_of

    rows = rows_of(sheet, titles, strings)
    return rows if counter is None else (counter.row(sheet.title, row) for row in rows)
