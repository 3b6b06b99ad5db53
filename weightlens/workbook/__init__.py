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
    from weightlens.workbook.plan import Plan, Sheet


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
    progress: Callable[[str, int, int], None] | None = None,
) -> Path:
    """Write a workbook that reproduces the model's prediction with live formulas; returns its path.

    ``inputs`` as for ``Model.trace`` (sensible ones without); ``labels`` names the classes; ``expected`` with
    ``witness`` puts other numbers on the Check sheet than our own (Keras's, say). Raises ``UnsupportedLayer``,
    ``NoFormula``, ``WorkbookTooLarge`` or ``BadInput``; nothing is written then.
    """
    from openpyxl import Workbook

    from weightlens.forward import trace
    from weightlens.workbook import package, summary
    from weightlens.workbook.network import NetworkSheets
    from weightlens.workbook.plan import Plan
    from weightlens.workbook.styles import Styles

    out = package.target(path, force)
    if inputs is None:
        from weightlens.inputs import default_inputs

        inputs = default_inputs(model)
    recorded = trace(model, inputs)
    shell = Workbook()
    shell.remove(shell.worksheets[0])
    styles = Styles(shell)
    plan = Plan(recorded)
    front = plan.sheet("Summary", numbered=False)
    network = NetworkSheets(plan, styles, labels, input_labels)
    network.build(Path(model.provenance.path).name or model.name)
    summary.write_check(plan.sheet("Check", numbered=False), plan, styles, expected or recorded.outputs, witness)
    summary.write_summary(front, model, plan, network, styles)
    summary.write_cells(plan.sheet("Cells", numbered=False), plan, network, styles)
    _dress(shell, plan)
    styles.done()
    shell.active = next((i for i, sheet in enumerate(plan.sheets) if "input_0" in plan.names and sheet.number == plan.names["input_0"][0]), 0) if plan.one_sheet else 0
    rows = {sheet.title: partial(_rows, sheet, i, len(plan.sheets), progress) for i, sheet in enumerate(plan.sheets)}
    package.save(shell, rows, out)
    return out


def _rows(sheet: Sheet, i: int, n: int, progress: Callable[[str, int, int], None] | None) -> Any:
    from weightlens.workbook.grid import rows_of

    if progress is not None:
        progress(sheet.title, i, n)
    return rows_of(sheet.blocks, sheet.texts, sheet.heights)


def _dress(shell: Any, plan: Plan) -> None:
    """What openpyxl does for us: sheets, widths, panes, links, notes, colour scales, names."""
    from openpyxl.comments import Comment
    from openpyxl.formatting.rule import ColorScaleRule
    from openpyxl.utils import get_column_letter
    from openpyxl.workbook.defined_name import DefinedName
    from openpyxl.worksheet.hyperlink import Hyperlink

    for sheet in plan.sheets:
        page = shell.create_sheet(sheet.title)
        page.sheet_view.showGridLines = False
        page.sheet_state = "hidden" if sheet.hidden else "visible"
        page.freeze_panes = sheet.freeze or None
        for (first, last), width in sheet.widths.items():
            dimension = page.column_dimensions[get_column_letter(first + 1)]
            dimension.min, dimension.max, dimension.width = first + 1, last + 1, width
        for (row, column), goal in sheet.links.items():
            cell = page.cell(row + 1, column + 1)
            cell.hyperlink = Hyperlink(ref=cell.coordinate, location=goal[1:])
        for (row, column), note in sheet.notes.items():
            page.cell(row + 1, column + 1).comment = Comment(note, "weightlens", width=320, height=90)
        for area, kind in sheet.heats:
            if kind == "weight":
                rule = ColorScaleRule("min", None, "F4B183", "num", 0, "FFF2CC", "max", None, "9DC3E6")
                page.conditional_formatting.add(area.replace("$", ""), rule)
        page.page_setup.orientation, page.page_setup.fitToHeight = "landscape", 0
        page.sheet_properties.pageSetUpPr.fitToPage = True
    for name, (number, area) in plan.names.items():
        shell.defined_names[name] = DefinedName(name, attr_text=f"'{plan.sheets[number].title}'!{area}")
    shell.properties.creator, shell.properties.title = "weightlens", "The arithmetic inside a trained network"
