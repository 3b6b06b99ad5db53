"""A calculation in a workbook: an exported workbook that was edited or filled in, or any sheet with named ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from weightlens.checks.by_hand.claims import Claim, Claims, OutputRows, claims_of_table
from weightlens.checks.by_hand.numbers import WrittenNumber, number_of_cell, parse_number, refuse_unclear_marks
from weightlens.checks.by_hand.placing import Given
from weightlens.checks.by_hand.step_names import find_step, steps_of, timed
from weightlens.errors import BadInput, first_few
from weightlens.model import Model
from weightlens.recording import Step, Trace
from weightlens.specs.words.number_words import counted
from weightlens.spreadsheet.cell_areas import address, cell_area, cell_names
from weightlens.spreadsheet.cell_table import NO_CELLS, CellDate, Value
from weightlens.spreadsheet.cell_values import Book, number_fault, read_book
from weightlens.spreadsheet.cells_map import MAP, Entry, read_map, steps_by_entry
from weightlens.tables import Table
from weightlens.tables.sheets import grid_of, ods_sheets, rows_in_area, whole_area
from weightlens.tables.table import Grid
from weightlens.workbook.formulas.cell_arrays import cell_name

SCORE = "score"  # the defined name that an exercise has
LISTED = 5


@dataclass(frozen=True)
class SheetClaims:
    """What a workbook says about steps, and which of its weights and formulas were changed."""

    givens: list[Given]
    changed: list[str]
    typed_over: list[str]


def read_computed_book(path: Path) -> Book:
    """A workbook with the results of its formulas; recalculated if the file has no cached results.

    What was typed stays as it is in the file: IronCalc makes a 0 of an empty cell.
    """
    book = read_book(path)
    if not any(len(cells.without_results()) for cells in book.sheets.values()):
        return book
    from weightlens.spreadsheet.recalculate import recalculate

    fresh = recalculate(path)
    book.sheets.made |= {sheet: cells.with_results(fresh.sheets[sheet]) for sheet, cells in book.sheets.items()}
    book.engine = fresh.engine
    return book


def claims_in_own_book(book: Book) -> Claims | OutputRows:
    """The table in somebody's own workbook."""
    return claims_in_first_sheet(book.path.name, {sheet: grid_of(cells) for sheet, cells in book.sheets.items()})


def claims_in_ods(path: Path) -> Claims | OutputRows:
    """The same of an .ods; one that weightlens wrote is refused: what its hidden sheets say is kept in .xlsx."""
    sheets = ods_sheets(path)
    if MAP in sheets:
        raise BadInput(f"{path.name}: is a workbook that weightlens wrote, saved as .ods; save it as .xlsx")
    return claims_in_first_sheet(path.name, sheets)


def claims_in_first_sheet(name: str, sheets: dict[str, Grid]) -> Claims | OutputRows:
    """The table on the first sheet that has cells; a note says which others were not read."""
    filled = [sheet for sheet, grid in sheets.items() if grid]
    if not filled:
        raise BadInput(f"{name}: holds no numbers")
    grid, others = sheets[filled[0]], first_few(list(map(repr, filled[1:])), 3)
    table = Table(name, rows_in_area(grid, whole_area(grid)), loose=True)
    return claims_of_table(table, name, (f"only the sheet {filled[0]!r} was read, not {others}",) if others else ())


def claims_in_ranges(book: Book, areas: Sequence[str], steps: Sequence[str], trace: Trace) -> list[Given]:
    """The numbers of each area, for the step named with it: one row per sample, or one column per sample."""
    if len(areas) != len(steps):
        raise BadInput(f"each --range needs its --step: {len(areas)} of the one and {len(steps)} of the other were given")
    givens = [claims_in_range(book, area, step, trace) for area, step in zip(areas, steps, strict=True)]
    order = {id(step.made): i for i, step in enumerate(steps_of(trace))}
    return sorted(givens, key=lambda given: order[id(given.node)])


def claims_in_range(book: Book, area: str, name: str, trace: Trace) -> Given:
    """The numbers of one area, for one step."""
    (claim,) = timed([Claim(WrittenNumber(0.0, 0, 1), step=name)], trace)
    step = find_step(trace, steps_of(trace), claim, area)
    shape = step.made.shape
    numbers = numbers_in(book, area, step.made.size)
    width = int(np.prod(shape[1:]))
    rows, columns = len(numbers), len(numbers[0])
    if columns != width and rows == width and columns <= shape[0]:
        numbers = [list(column) for column in zip(*numbers, strict=True)]
    elif columns != width or rows > shape[0]:
        raise BadInput(f"{area} has {rows} x {columns} cells, but {step.layer}/{step.name} has {counted(shape[0], 'sample')} of {width}")
    numbered = [(np.unravel_index(i * width + j, shape), w) for i, row in enumerate(numbers) for j, w in enumerate(row) if w is not None]
    if not numbered:
        raise BadInput(f"{area} holds no numbers")
    return Given(step, [tuple(map(int, index)) for index, _ in numbered], [w for _, w in numbered])


def numbers_in(book: Book, area: str, most: int) -> list[list[WrittenNumber | None]]:
    """The numbers of an area, row by row; ``None`` for blank cells. Refuses an area of more than ``most`` cells."""
    found = cell_area(area)
    if found is None:
        raise BadInput(f"--range {area}: is not an area like Sheet1!G3:H6")
    sheet = found.sheet or next(iter(book.sheets))
    if sheet not in book.sheets:
        raise BadInput(f"{book.path.name}: has no sheet {sheet!r}; its sheets are: {', '.join(book.sheets)}")
    if found.height * found.width > most:
        raise BadInput(f"{area} has {found.height} x {found.width} cells, but the step has only {counted(most, 'number')}")
    return [written_numbers(book, sheet, row) for row in found.addresses()]


def written_numbers(book: Book, sheet: str, cells: np.ndarray) -> list[WrittenNumber | None]:
    """The numbers in some cells; ``None`` for blank ones."""
    values = zip(cells.reshape(-1).tolist(), book.found(sheet, cells).values, strict=True)
    return [number_in(value, f"{book.path.name}: '{sheet}'", at) for at, value in values]


def number_in(value: Value | None, sheet: str, at: int) -> WrittenNumber | None:
    """The number in one cell."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    number = parse_number(value) if isinstance(value, str) else None if number_fault(value) else number_of_cell(float(value))
    if isinstance(value, CellDate) or number is None:
        raise BadInput(f"{sheet}!{cell_name(at)} {number_fault(value)}")
    refuse_unclear_marks([(number, f"{sheet}!{cell_name(at)}")])
    return number


def claims_in_export(book: Book, model: Model, trace: Trace) -> SheetClaims:
    """The numbers of every step in an exported workbook; in an exercise, those of the cells that were filled in."""
    entries = read_map(book)
    steps = steps_by_entry(trace)
    order = {id(step.made): i for i, step in enumerate(trace.steps)}
    is_exercise = SCORE in book.names
    if not is_exercise:
        refuse_moved(book, entries)
    elif not any(entry.kind == "blank" for entry in entries):
        raise BadInput(
            f"{book.path.name}: is an exercise of an earlier weightlens, which did not say where its blanks are; export it again"
        )
    givens, changed, typed_over = [], [], []
    for entry in entries:
        if entry.kind == "weight":
            changed += changed_weights(book, entry, model)
        is_read = entry.kind == ("blank" if is_exercise else "step")
        step = steps.get((entry.layer, entry.name, entry.arrangement.shape, entry.occurrence)) if is_read else None
        if step is None or id(step.made) not in order:
            continue
        sheet, cells = entry.place(book)
        numbers = zip(np.ndindex(step.made.shape), written_numbers(book, sheet, cells), strict=False)
        if filled := [(index, w) for index, w in numbers if w is not None]:
            givens.append(Given(step, [index for index, _ in filled], [w for _, w in filled]))
        if not is_exercise:
            typed_over += overwritten_formulas(book, entry, sheet, step)
    if not givens:
        raise BadInput(f"{book.path.name}: no step of it has been filled in")
    return SheetClaims(sorted(givens, key=lambda given: order[id(given.node)]), changed, typed_over)


def refuse_moved(book: Book, entries: list[Entry]) -> None:
    """Refuse a workbook in which cells have moved: names go with them, but steps have none."""
    for entry in entries:
        sheet, cells = entry.place(book)
        if cells.size and (sheet, cells.flat[0]) != (entry.sheet, address(entry.first)):
            now = f"'{sheet}'!{cell_name(cells.flat[0])}"
            raise BadInput(f"{book.path.name}: {entry.label} stood in '{entry.sheet}'!{entry.first} and is in {now}; undo what moved it")


def overwritten_formulas(book: Book, entry: Entry, sheet: str, step: Step) -> list[str]:
    """The cells of a computed step in which a number has replaced the formula."""
    if step.made.op is None:
        return []
    cells = entry.addresses().reshape(-1)
    plain = cells[np.isin(cells, book.sheets.get(sheet, NO_CELLS).typed())]
    return [f"'{sheet}'!{reference} ({entry.label}) holds a number, not a formula" for reference in cell_names(plain[:LISTED])]


def changed_weights(book: Book, entry: Entry, model: Model) -> list[str]:
    """The numbers of a weight that differ between the sheet and the model file."""
    from weightlens.importing import changed_numbers, weight_of

    name, weight = weight_of(model, entry, book.path.name)
    _, changes = changed_numbers(weight, entry.found(book), entry.place(book))
    return [f"{name} {list(index)} is {new:.6g} in {cell}, but {old:.6g} in the file" for index, cell, old, new in changes[:LISTED]]
