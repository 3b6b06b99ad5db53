"""A workbook held against the engine: its formulas computed afresh by a spreadsheet program, cell by cell."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from weightlens.checks.book import Book, Value, read_book
from weightlens.checks.recalculate import recalculate
from weightlens.checks.report import Report, Row, compare
from weightlens.errors import BadInput
from weightlens.forward import predict
from weightlens.graph import refs
from weightlens.model import Model


def check_workbook(book: str | Path, model: Model | None = None, engine: str | None = None, tolerance: float = 1e-12) -> Report:
    """Compare every formula's cell with the value stored when the workbook was written: a row of the report per sheet.

    With a ``model`` the workbook's inputs are also run through it, and its outputs compared. The stored values of a
    workbook that weightlens wrote are those of the NumPy run.
    """
    stored, computed = read_book(book), recalculate(book, engine)
    report = Report(Path(book).name, notes=[f"recalculated by {computed.engine}, from nothing"])
    report.rows = [compare_sheet(sheet, stored, computed, tolerance) for sheet, formulas in stored.formulas.items() if formulas]
    report.notes += [f"{place} is an error" for place in computed.errors()[:10]]
    if model is not None:
        report.rows += compare_outputs(model, computed, tolerance)
    return report


def compare_sheet(sheet: str, stored: Book, computed: Book, tolerance: float) -> Row:
    """The cell of one sheet that is furthest off. Text has to be the same, and what was not stored cannot be compared."""
    references = [ref for ref in stored.formulas[sheet] if ref in stored.sheets[sheet]]
    now, then = computed.sheets.get(sheet, {}), stored.sheets[sheet]
    off = np.array([distance(now.get(ref), then[ref]) for ref in references] or [0.0])
    worst = int(off.argmax())
    place = references[worst] if references else "-"
    ours, theirs = (float(v) if isinstance(v, (int, float)) else math.nan for v in (then.get(place), now.get(place)))
    absolute = abs(ours - theirs) if off[worst] < np.inf else np.inf
    return Row(sheet, f"{len(references)} formulas", (len(references),), computed.engine, absolute, float(off[worst]), place, tolerance, ours, theirs)


def distance(now: Value | None, then: Value) -> float:
    """How far a number is off, relative to its size (or to 1, where it is smaller); infinitely for other text or none."""
    if isinstance(now, (int, float)) and isinstance(then, (int, float)):
        return 0.0 if now == then else abs(now - then) / max(1.0, abs(then)) if math.isfinite(now) and math.isfinite(then) else math.inf
    return 0.0 if now == then else math.inf


def compare_outputs(model: Model, computed: Book, tolerance: float) -> list[Row]:
    """The blocks ``output_0``... against the model run on the blocks ``input_0``..."""
    inputs = []
    for number, ref in enumerate(refs(model.inputs)):
        shape = model[ref.layer].config.get("batch_shape") or (None, None)
        if f"input_{number}" not in computed.names:
            raise BadInput(f"{computed.path.name} has no cells named input_{number}: is it a workbook that weightlens wrote?")
        numbers = computed.block(f"input_{number}")
        free = [n for n in shape[1:] if n is None]
        if free:
            raise BadInput(f"the workbook does not say how long a sample of input {ref.layer!r} is; check it without the model")
        inputs.append(numbers.reshape(-1, *shape[1:]))
    rows = []
    for number, y in enumerate(predict(model, inputs)):
        block = computed.block(f"output_{number}")
        rows.append(compare(f"output_{number}", "model output", y.ravel(), block, computed.engine, tolerance))
    return rows
