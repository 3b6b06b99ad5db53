"""A workbook compared with the engine: a spreadsheet program computes its formulas afresh, step by step."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from weightlens.engine.forward import trace
from weightlens.engine.wanted import wanted_inputs
from weightlens.errors import BadInput
from weightlens.model import Model
from weightlens.report import Report, Row
from weightlens.specs.words.number_words import counted
from weightlens.spreadsheet.cell_areas import cell_areas
from weightlens.spreadsheet.cell_table import CellError, Found, Value, joined
from weightlens.spreadsheet.cell_values import NON_FINITE, Book, as_number, read_book
from weightlens.spreadsheet.cells_map import MAP, SLOPES, Cells, Entry, read_map, steps_by_entry
from weightlens.spreadsheet.recalculate import recalculate
from weightlens.workbook.formulas.cell_arrays import cell_name

ERF_ROUNDING = {"ironcalc": 1e-9}  # programs whose ERF has ten digits, and what becomes of the error in later layers
SLOPE_ROUNDING = 1e4  # how much larger rounding is where losses are subtracted: h divides it, and then the gradient does


def check_workbook(book: str | Path, model: Model | None = None, engine: str | None = None, tolerance: float = 1e-12) -> Report:
    """Recalculate a workbook and compare every step's cells.

    Without ``model`` the results are compared with the values stored in the workbook. With it, they are compared with a forward
    pass on the workbook's inputs, and the workbook's weights with the model's. A workbook without our map of cells (made by
    hand, say) is compared with its own stored values, sheet by sheet. Where the program's ERF is less exact, more is allowed.
    """
    stored = read_book(book)
    live = any(stored.formulas.values())
    if model is None and not live:
        raise BadInput(f"{Path(book).name} holds no formulas, so there is nothing to recalculate; --detail steps writes them")
    if model is None and not any((cells.computed & cells.valued).any() for cells in stored.sheets.values()):
        raise BadInput(f"{Path(book).name} holds formulas without results: the program that saved it kept none; compare it with the model")
    computed = recalculate(book, engine) if live else stored
    recalculated = f"recalculated by {computed.engine}, from its formulas alone"
    if computed.engine in ERF_ROUNDING and any("ERF(" in text for cells in stored.formulas.values() for text in cells.values()):
        tolerance = max(tolerance, ERF_ROUNDING[computed.engine])
        recalculated += f"; its ERF is not exact to the last digits, so differences up to {tolerance:g} are allowed"
    note = recalculated if live else "it holds no formulas: there is nothing to recalculate"
    mapped = read_map(stored) if MAP in stored.sheets else []
    if model is not None and not mapped:
        raise BadInput(
            f"{Path(book).name} has no map of cells, so it cannot be compared with a model: is it a workbook that weightlens wrote?"
        )
    if model is not None:
        rows = compare_model(model, mapped, stored, computed, tolerance)
    else:
        rows = compare_steps(mapped, stored, computed, tolerance)
        slopes = {area.sheet for area in cell_areas(stored.names.get(SLOPES, ""))}
        for sheet in (sheet for sheet, formulas in stored.formulas.items() if formulas):
            rows.append(compare_sheet(sheet, stored, computed, tolerance * (SLOPE_ROUNDING if sheet in slopes else 1)))
    return Report(Path(book).name, rows, [note, *(f"{place} is an error" for place in computed.errors()[:10])])


def compare_steps(mapped: list[Entry], stored: Book, computed: Book, tolerance: float) -> list[Row]:
    """Every step as stored and as recalculated; all occurrences of a step (its time steps) make one row."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in mapped:
        if entry.kind == "step":
            groups.setdefault((entry.layer, entry.name), []).append(entry)
    rows = []
    for (layer, name), entries in groups.items():
        cells = [entry.place(stored) for entry in entries]
        then = joined([stored.found(*part) for part in cells])
        rows.append(compare_cells(f"{layer} / {name}", "step", cells, then, computed, tolerance))
    return rows


def compare_model(model: Model, mapped: list[Entry], stored: Book, computed: Book, tolerance: float) -> list[Row]:
    """The workbook's weights and the file's; its steps and a forward pass on the workbook's inputs, with all stored digits."""
    from weightlens.importing import weight_of

    rows = []
    for entry in mapped:
        if entry.kind == "weight":
            _, weight = weight_of(model, entry, stored.path.name)
            rows.append(replace(compare_block(entry, weight.value, stored, stored, tolerance), witness="model file"))
    inputs = [entry for entry in mapped if entry.kind == "input"]
    if not inputs:
        return rows
    of_text = {w.name for w in wanted_inputs(model) if w.text}
    run = trace(model, [entry.words(stored) if entry.layer in of_text else entry.numbers(stored) for entry in inputs])
    steps = steps_by_entry(run)
    for entry in mapped:
        step = steps.get((entry.layer, entry.name, entry.arrangement.shape, entry.occurrence))
        if entry.kind == "step" and step is not None and step.made.value is not None:
            rows.append(compare_block(entry, step.made.value, stored, computed, tolerance))
    return rows


def compare_block(entry: Entry, expected: np.ndarray, stored: Book, computed: Book, tolerance: float) -> Row:
    """One block of cells and an array; the stored workbook says where the block is."""
    expected = np.broadcast_to(expected, entry.arrangement.shape).reshape(-1)
    if expected.dtype.kind == "U":
        then = Found(np.full(expected.size, np.nan), {i: text for i, text in enumerate(expected.tolist()) if text})
    else:
        then = Found(expected.astype(np.float64), {})
    return compare_cells(f"{entry.layer} / {entry.name}", entry.kind, [entry.place(stored)], then, computed, tolerance)


def compare_sheet(sheet: str, stored: Book, computed: Book, tolerance: float) -> Row:
    """All formulas of one sheet, as stored and as recalculated."""
    cells = stored.sheets[sheet]
    places = cells.at[cells.computed & cells.valued]
    return compare_cells(sheet, counted(len(places), "formula"), [(sheet, places)], cells.found(places), computed, tolerance)


def compare_cells(label: str, kind: str, places: list[Cells], then: Found, computed: Book, tolerance: float) -> Row:
    """The cell with the largest difference. Text must be equal; non-finite numbers have no cell to compare."""
    now, size = joined([computed.found(*cells) for cells in places]), len(then.numbers)
    off = distances(now, then) if size else np.array([0.0])
    worst = int(off.argmax())
    place, rest = "-", worst
    for sheet, cells in places if size else ():
        if 0 <= rest < cells.size:
            place = f"'{sheet}'!{cell_name(cells.flat[rest])}"
        rest -= cells.size
    ours, theirs = (as_number(found.value(worst)) if size else math.nan for found in (now, then))
    absolute = abs(ours - theirs) if 0 < off[worst] < math.inf else float(off[worst])
    return Row(label, kind, (size,), computed.engine, absolute, float(off[worst]), place, tolerance, ours, theirs)


def distances(now: Found, then: Found) -> np.ndarray:
    """The relative distance of each pair, 0 where there is none; of finite numbers, nearly all there are, at once."""
    a, b = now.numbers, then.numbers
    with np.errstate(over="ignore", invalid="ignore"):
        off = np.asarray(np.abs(a - b) / np.maximum(1.0, np.abs(b)))
    odd = np.flatnonzero(~(np.isfinite(a) & np.isfinite(b)))
    off[odd] = [relative_distance(now.value(i), then.value(i)) for i in odd.tolist()]
    return off


def relative_distance(now: Value | None, then: Value | None) -> float:
    """A number's difference relative to its size, or to 1 if smaller; infinite for text that differs and for missing values."""
    if then is None or (isinstance(then, float) and not math.isfinite(then)):
        return 0.0
    if isinstance(now, CellError) and then in NON_FINITE:  # what a spreadsheet has in their place
        return 0.0
    if isinstance(now, (int, float)) and isinstance(then, (int, float)):
        return abs(now - then) / max(1.0, abs(then)) if math.isfinite(now) else math.inf
    return 0.0 if ("" if now is None else now) == then else math.inf
