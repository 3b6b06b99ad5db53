"""A workbook compared with the engine: a spreadsheet program computes its formulas afresh, step by step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from weightlens.engine.forward import trace
from weightlens.engine.wanted import wanted_inputs
from weightlens.errors import BadInput
from weightlens.model import Model
from weightlens.report import Report, Row
from weightlens.spreadsheet.cell_areas import area_cells
from weightlens.spreadsheet.cell_values import Book, as_number, read_book
from weightlens.spreadsheet.cells_map import MAP, SLOPES, Entry, Place, read_map, steps_by_entry
from weightlens.spreadsheet.recalculate import recalculate
from weightlens.spreadsheet.sheet_rows import Value

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
    if model is None and not any(stored.formulas[sheet].keys() & cells.keys() for sheet, cells in stored.sheets.items()):
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
        slopes = {sheet for sheet, _ in area_cells(stored.names.get(SLOPES, ""))}
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
        places = [place for entry in entries for place in entry.places(stored)]
        then = [None if isinstance(value := stored.cell(*place), str) else value for place in places]  # "infinite"
        rows.append(compare_cells(f"{layer} / {name}", "step", places, then, computed, tolerance))
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
    exact = expected if expected.dtype.kind == "U" else np.asarray(expected, np.float64)
    then = [value if value != "" else None for value in np.broadcast_to(exact, entry.arrangement.shape).reshape(-1).tolist()]
    return compare_cells(f"{entry.layer} / {entry.name}", entry.kind, entry.places(stored), then, computed, tolerance)


def compare_sheet(sheet: str, stored: Book, computed: Book, tolerance: float) -> Row:
    """All formulas of one sheet, as stored and as recalculated."""
    places = [(sheet, reference) for reference in stored.formulas[sheet] if reference in stored.sheets[sheet]]
    return compare_cells(sheet, f"{len(places)} formulas", places, [stored.cell(*place) for place in places], computed, tolerance)


def compare_cells(label: str, kind: str, places: list[Place], then: Sequence[Value | None], computed: Book, tolerance: float) -> Row:
    """The cell with the largest difference. Text must be equal; non-finite numbers have no cell to compare."""
    now = [computed.sheets.get(sheet, {}).get(reference) for sheet, reference in places]
    off = distances(now, then)
    worst = int(off.argmax())
    place = f"'{places[worst][0]}'!{places[worst][1]}" if places else "-"
    ours, theirs = (as_number(values[worst]) if places else math.nan for values in (now, then))
    absolute = abs(ours - theirs) if 0 < off[worst] < math.inf else float(off[worst])
    return Row(label, kind, (len(places),), computed.engine, absolute, float(off[worst]), place, tolerance, ours, theirs)


def distances(now: Sequence[Value | None], then: Sequence[Value | None]) -> np.ndarray:
    """The relative distance of each pair, 0 where there is none; of finite numbers, nearly all there are, at once."""
    if now and {*map(type, now), *map(type, then)} == {float}:
        a, b = np.array(now), np.array(then)
        if np.isfinite(a).all() and np.isfinite(b).all():
            with np.errstate(over="ignore"):
                return np.asarray(np.abs(a - b) / np.maximum(1.0, np.abs(b)))
    return np.array([relative_distance(a, b) for a, b in zip(now, then, strict=True)] or [0.0])


def relative_distance(now: Value | None, then: Value | None) -> float:
    """A number's difference relative to its size, or to 1 if smaller; infinite for text that differs and for missing values."""
    if then is None or (isinstance(then, float) and not math.isfinite(then)):
        return 0.0
    if isinstance(now, (int, float)) and isinstance(then, (int, float)):
        return abs(now - then) / max(1.0, abs(then)) if math.isfinite(now) else math.inf
    return 0.0 if ("" if now is None else now) == then else math.inf
