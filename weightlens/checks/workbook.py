"""A workbook held against the engine: its formulas computed afresh by a spreadsheet program, step by step."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from weightlens.checks.book import Book, Value, as_number, column_letters, column_number, read_book
from weightlens.checks.recalculate import recalculate
from weightlens.checks.report import Report, Row
from weightlens.errors import BadInput
from weightlens.forward import trace
from weightlens.model import Model
from weightlens.recording import Recorded
from weightlens.workbook.layout import Arrangement
from weightlens.workbook.promote import with_operands

MAP = "Cells"  # the hidden sheet that says where every value stands
Place = tuple[str, str]  # sheet and reference


@dataclass(frozen=True)
class Mapped:
    """One line of the hidden map: an input, a weight or a step, and the cells that it stands in."""

    kind: str
    layer: str
    name: str
    occurrence: int
    sheet: str
    shape: tuple[int, ...]
    references: list[str]

    def values(self, book: Book) -> list[Value | None]:
        """What a book has in these cells, in C order."""
        cells = book.sheets.get(self.sheet, {})
        return [cells.get(reference) for reference in self.references]

    def numbers(self, book: Book) -> np.ndarray:
        """The same as an array; NaN where there is no number."""
        return np.array([as_number(value) for value in self.values(book)]).reshape(self.shape)


def check_workbook(book: str | Path, model: Model | None = None, engine: str | None = None, tolerance: float = 1e-12) -> Report:
    """Recalculate a workbook from nothing and compare every step's cells.

    Without ``model`` they are compared with the values that were stored when the workbook was written. With it, the
    forward pass is run on the inputs that the workbook holds, and its weights are compared with the model's as well.
    A workbook without our map of cells (made by hand, say) is compared with its own stored values, sheet by sheet.
    """
    stored, computed = read_book(book), recalculate(book, engine)
    report = Report(Path(book).name, notes=[f"recalculated by {computed.engine}, from nothing"])
    report.notes += [f"{place} is an error" for place in computed.errors()[:10]]
    mapped = read_map(stored)
    if model is not None and not mapped:
        raise BadInput(
            f"{Path(book).name} has no map of cells, so it cannot be compared with a model: is it a workbook that weightlens wrote?"
        )
    if model is not None:
        report.rows += compare_model(model, mapped, stored, computed, tolerance)
    elif mapped:
        report.rows += compare_steps(mapped, stored, computed, tolerance)
    report.rows += [
        compare_sheet(sheet, stored, computed, tolerance)
        for sheet in stored.formulas
        if stored.formulas[sheet] and (not mapped or model is None)
    ]
    return report


def read_map(book: Book) -> list[Mapped]:
    """The hidden map of cells, one line per input, weight and step; empty if the workbook has none."""
    cells, found, row = book.sheets.get(MAP, {}), [], 2
    while f"A{row}" in cells:
        kind, layer, name, occurrence, sheet, first, shape, down, across, row_gap, column_gap, stretch = (
            str(cells.get(f"{c}{row}", "")) for c in "ABCDEFGHIJKL"
        )
        arrangement = Arrangement(
            whole_numbers(shape), whole_numbers(down), whole_numbers(across), int(row_gap), int(column_gap), int(stretch)
        )
        found.append(Mapped(kind, layer, name, int(occurrence), sheet, arrangement.shape, references(arrangement, first)))
        row += 1
    return found


def whole_numbers(text: str) -> tuple[int, ...]:
    """``"2,3"`` as a tuple."""
    return tuple(int(part) for part in text.split(",") if part)


def references(arrangement: Arrangement, first: str) -> list[str]:
    """The cell of every element, in C order."""
    letters = first.rstrip("0123456789")
    row, column = int(first[len(letters) :]), column_number(letters)
    names = [column_letters(column + i) for i in range(arrangement.width)]
    places = arrangement.cells(0).reshape(-1)
    return [f"{names[c]}{row + r}" for r, c in zip((places >> 14).tolist(), (places & 16383).tolist(), strict=True)]


def compare_steps(mapped: list[Mapped], stored: Book, computed: Book, tolerance: float) -> list[Row]:
    """Every step as stored against the same as computed; the occurrences of one step (time steps) are one row."""
    groups: dict[tuple[str, str], list[Mapped]] = {}
    for entry in mapped:
        if entry.kind == "step":
            groups.setdefault((entry.layer, entry.name), []).append(entry)
    rows = []
    for (layer, name), entries in groups.items():
        places = [(entry.sheet, reference) for entry in entries for reference in entry.references]
        then = [None if isinstance(value, str) else value for entry in entries for value in entry.values(stored)]  # "infinite"
        rows.append(compare_cells(f"{layer} / {name}", "step", places, then, computed, tolerance))
    return rows


def compare_model(model: Model, mapped: list[Mapped], stored: Book, computed: Book, tolerance: float) -> list[Row]:
    """The workbook's weights against the file's; its steps against a forward pass on the workbook's inputs (as stored: all digits)."""
    weights = model.weights
    rows = []
    for entry in mapped:
        weight = weights.get(f"{entry.layer.split(' #')[0]}/{entry.name}")
        if entry.kind == "weight" and weight is not None:
            rows.append(replace(compare_block(entry, weight.value, stored, tolerance), witness="model file"))
    run = trace(model, [entry.numbers(stored) for entry in mapped if entry.kind == "input"])
    made, seen = {}, Counter[tuple[str, str, tuple[int, ...]]]()
    for step in with_operands(run.steps):
        key = (step.layer, step.name, step.made.shape)
        made[(*key, seen[key])] = step.made
        seen[key] += 1
    for entry in mapped:
        x: Recorded | None = made.get((entry.layer, entry.name, entry.shape, entry.occurrence))
        if entry.kind == "step" and x is not None and x.value is not None:
            rows.append(compare_block(entry, x.value, computed, tolerance))
    return rows


def compare_block(entry: Mapped, expected: np.ndarray, computed: Book, tolerance: float) -> Row:
    """One block of cells against an array."""
    then = np.broadcast_to(np.asarray(expected, np.float64), entry.shape).reshape(-1).tolist()
    places = [(entry.sheet, reference) for reference in entry.references]
    return compare_cells(f"{entry.layer} / {entry.name}", entry.kind, places, then, computed, tolerance)


def compare_sheet(sheet: str, stored: Book, computed: Book, tolerance: float) -> Row:
    """All formulas of one sheet, as stored against as computed."""
    places = [(sheet, reference) for reference in stored.formulas[sheet] if reference in stored.sheets[sheet]]
    return compare_cells(sheet, f"{len(places)} formulas", places, [stored.cell(*place) for place in places], computed, tolerance)


def compare_cells(label: str, kind: str, places: list[Place], then: Sequence[Value | None], computed: Book, tolerance: float) -> Row:
    """The cell that is furthest off. Text has to be the same; what is not a finite number has no cell to compare."""
    now = [computed.sheets.get(sheet, {}).get(reference) for sheet, reference in places]
    off = np.array([distance(a, b) for a, b in zip(now, then, strict=True)] or [0.0])
    worst = int(off.argmax())
    place = f"'{places[worst][0]}'!{places[worst][1]}" if places else "-"
    ours, theirs = (as_number(values[worst]) if places else math.nan for values in (now, then))
    absolute = abs(ours - theirs) if 0 < off[worst] < math.inf else float(off[worst])
    return Row(label, kind, (len(places),), computed.engine, absolute, float(off[worst]), place, tolerance, ours, theirs)


def distance(now: Value | None, then: Value | None) -> float:
    """How far a number is off, relative to its size (or to 1, where it is smaller); infinitely for other text or none."""
    if then is None or (isinstance(then, float) and not math.isfinite(then)):
        return 0.0
    if isinstance(now, (int, float)) and isinstance(then, (int, float)):
        return abs(now - then) / max(1.0, abs(then)) if math.isfinite(now) else math.inf
    return 0.0 if now == then else math.inf
