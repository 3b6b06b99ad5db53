"""The exporter: a trace becomes a workbook whose formulas compute the prediction again.

``export`` runs the forward pass, recorded; ``plan`` gives every value cells; ``formulas`` writes what each cell
computes; ``grid`` streams the rows; ``package`` puts them into an .xlsx that openpyxl has prepared.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from weightlens.model import Model

if TYPE_CHECKING:
    from weightlens.recording import Trace
    from weightlens.workbook.network import NetworkSheets
    from weightlens.workbook.options import Options
    from weightlens.workbook.plan import Plan, Sheet

Progress = Callable[[str, int, int], None]


def export(
    model: Model,
    path: str | os.PathLike[str],
    inputs: Any = None,
    *,
    labels: Sequence[str] = (),
    input_labels: Sequence[str] = (),
    expected: Sequence[np.ndarray] | None = None,
    witness: str = "weightlens",
    force: bool = True,
    progress: Progress | None = None,
) -> Path:
    """Write a workbook that reproduces the model's prediction with live formulas; returns its path.

    ``inputs`` as for ``Model.trace`` (sensible ones without); ``labels`` names the classes; ``expected`` with
    ``witness`` puts other numbers on the Check sheet than our own (Keras's, say). Raises ``UnsupportedLayer``,
    ``NoFormula``, ``WorkbookTooLarge`` or ``BadInput``; nothing is written then.
    """
    from weightlens.workbook import package
    from weightlens.workbook.options import Options

    out = package.target(path, force)
    title = Path(model.provenance.path).name or model.name
    options = Options(title, tuple(labels), tuple(input_labels), expected=None if expected is None else list(expected), witness=witness)
    write(model, _trace(model, inputs), options, out, progress)
    return out


def _trace(model: Model, inputs: Any) -> Trace:
    """The forward pass, recorded, on the given inputs or on sensible ones."""
    from weightlens.forward import trace

    if inputs is None:
        from weightlens.inputs import default_inputs

        inputs = default_inputs(model)
    return trace(model, inputs)


def write(model: Model, recorded: Trace, options: Options, out: Path, progress: Progress | None = None) -> None:
    """Plan all sheets, dress them, stream their rows."""
    from openpyxl import Workbook

    from weightlens.workbook import package
    from weightlens.workbook.dress import dress
    from weightlens.workbook.styles import Styles

    shell = Workbook()
    shell.remove(shell.worksheets[0])
    styles = Styles(shell)
    net = build(model, recorded, options, styles)
    plan = net.plan
    dress(shell, plan)
    styles.done()
    shell.active = first_look(net)
    rows = {sheet.title: partial(_rows, sheet, i, len(plan.sheets), progress) for i, sheet in enumerate(plan.sheets)}
    package.save(shell, rows, out)


def build(model: Model, recorded: Trace, options: Options, styles: Any) -> NetworkSheets:
    """All sheets with all that stands on them, formulas excepted: those are made while they are written."""
    from weightlens.workbook.cells_sheet import write_cells
    from weightlens.workbook.check_sheet import write_check
    from weightlens.workbook.frame import frame
    from weightlens.workbook.network import NetworkSheets
    from weightlens.workbook.plan import Plan
    from weightlens.workbook.summary import HINT, write_summary

    net = NetworkSheets(model, Plan(recorded), styles, options)
    front = net.page("Summary", options.title, hint=HINT, numbered=False)
    net.build()
    write_check(net, options.expected or recorded.outputs, options.witness, options.verified)
    write_summary(net, front)
    write_cells(net.plan.sheet("Cells", numbered=False), net.plan, net.weight_names, styles)
    frame(net.pages, net.plan, styles)
    return net


def first_look(net: NetworkSheets) -> int:
    """The sheet that is open at first: a network on one sheet shows itself, others their map."""
    plan: Plan = net.plan
    return plan.names["input_0"][0] if plan.one_sheet and "input_0" in plan.names else 0


def _rows(sheet: Sheet, i: int, n: int, progress: Progress | None) -> Any:
    from weightlens.workbook.grid import rows_of

    if progress is not None:
        progress(sheet.title, i, n)
    return rows_of(sheet.blocks, sheet.texts, sheet.heights)
