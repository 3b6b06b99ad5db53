"""The hidden sheet "Cells" read back: where every input, weight and step of an exported workbook stands.

Weights have defined names, which move with the cells when somebody inserts a row or renames a sheet; what has
no name stands where the map says.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from weightlens.errors import BadInput
from weightlens.limits import BLOCK
from weightlens.spreadsheet.cell_areas import cell_area, column_number
from weightlens.workbook.formulas.arrangement import Arrangement
from weightlens.workbook.formulas.cell_arrays import COLUMN, ROW
from weightlens.workbook.formulas.promote import with_operands

if TYPE_CHECKING:
    from weightlens.recording import Step, Trace
    from weightlens.spreadsheet.cell_values import Book
    from weightlens.spreadsheet.sheet_rows import Value

MAP = "Cells"
SLOPES = "numerical_gradient"  # the defined name of differences of nearly equal losses, which leave few digits
Place = tuple[str, str]  # a sheet and a cell on it


@dataclass(frozen=True)
class Entry:
    """One block of the workbook: what it holds (``kind``: input, weight, step) and which cells it takes.

    ``occurrence`` counts the steps of one name in one layer (the time steps of a recurrent one); ``path`` is where
    a weight's numbers stand in the model file.
    """

    kind: str
    layer: str
    name: str
    occurrence: int
    sheet: str
    first: str
    arrangement: Arrangement
    defined_name: str
    path: str

    @property
    def label(self) -> str:
        """``dense/kernel``."""
        return f"{self.layer}/{self.name}"

    def references(self, first: str = "") -> np.ndarray:
        """The cell of every element, in the shape of the array: ``D13``; the block begins at ``first``."""
        addresses = self.arrangement.cells(address(first or self.first))
        names = np.empty(addresses.shape, object)
        names.reshape(-1)[:] = [f"{COLUMN[a & (ROW - 1)]}{(a >> 14) + 1}" for a in addresses.reshape(-1).tolist()]
        return names

    def place(self, book: Book) -> Place:
        """The sheet and first cell of the block now. Refuses a name that was deleted or that covers other cells."""
        if not self.defined_name:
            return self.sheet, self.first
        area = next((text for name, text in book.names.items() if name.lower() == self.defined_name.lower()), "")
        covered = cell_area(area.strip())
        if covered is None or not covered.sheet:
            raise BadInput(f"{book.path.name}: the name {self.defined_name} (the cells of {self.label}) is gone or points nowhere")
        if (covered.height, covered.width) != (self.arrangement.height, self.arrangement.width):
            cells, wanted = f"{covered.height} x {covered.width}", f"{self.arrangement.height} x {self.arrangement.width}"
            raise BadInput(f"{book.path.name}: {self.defined_name} covers {cells} cells; {self.label} takes {wanted}")
        return covered.sheet, next(covered.rows())[0]

    def places(self, book: Book) -> list[Place]:
        """The sheet and cell of every element, in C order."""
        sheet, first = self.place(book)
        return [(sheet, reference) for reference in self.references(first).reshape(-1).tolist()]

    def values(self, book: Book) -> np.ndarray:
        """What stands in the cells: an array of numbers, texts and ``None``."""
        sheet, first = self.place(book)
        cells: dict[str, Value] = book.sheets.get(sheet, {})
        values = self.references(first)
        values.reshape(-1)[:] = [cells.get(reference) for reference in values.reshape(-1).tolist()]
        return values

    def numbers(self, book: Book) -> np.ndarray:
        """The same as an array of floats; refuses a cell that holds no number."""
        from weightlens.spreadsheet.cell_values import NON_FINITE, number_fault

        numbers, (sheet, first) = self.values(book), self.place(book)
        for index, value in np.ndenumerate(numbers):
            if isinstance(value, str) and value in NON_FINITE:
                numbers[index] = NON_FINITE[value]
            elif wrong := number_fault(value):
                raise BadInput(f"{book.path.name}: '{sheet}'!{self.references(first)[index]} {wrong}; an input is a number")
        return numbers.astype(np.float64)

    def words(self, book: Book) -> np.ndarray:
        """The same as an array of texts; an empty cell gives an empty text."""
        return np.array(["" if value is None else str(value) for value in self.values(book).reshape(-1)]).reshape(self.arrangement.shape)


def read_map(book: Book) -> list[Entry]:
    """Every block of a workbook that weightlens wrote."""
    if MAP not in book.sheets:
        raise BadInput(f"{book.path.name}: has no sheet {MAP!r} that says where everything stands: weightlens did not write it")
    return list(entries(book.sheets[MAP], book.path.name))


def entries(cells: dict[str, Value], name: str) -> Iterator[Entry]:
    """The rows of the map, by the words in its head."""
    columns = {text: letters for letters in COLUMN[:40] if (text := cells.get(f"{letters}1"))}
    row = 2
    while f"A{row}" in cells:
        try:
            yield entry({str(head): str(cells.get(f"{letters}{row}", "")) for head, letters in columns.items()})
        except (KeyError, ValueError, IndexError):
            raise BadInput(f"{name}: row {row} of the sheet {MAP!r} was changed and cannot be read") from None
        row += 1


def entry(texts: dict[str, str]) -> Entry:
    """One row of the map."""
    numbers = {head: tuple(int(float(n)) for n in texts[head].split(",") if n) for head in ("shape", "row axes", "column axes")}
    if math.prod(numbers["shape"]) > BLOCK:
        raise ValueError("no block is that large")
    gaps = (int(float(texts[head] or default)) for head, default in (("row gap", 0), ("column gap", 0), ("stretch", 1)))
    return Entry(
        texts["kind"],
        texts["layer"],
        texts["name"],
        int(float(texts["occurrence"])),
        texts["sheet"],
        texts["first"],
        Arrangement(numbers["shape"], numbers["row axes"], numbers["column axes"], *gaps),
        texts["defined name"],
        texts["path"],
    )


def steps_by_entry(trace: Trace) -> dict[tuple[str, str, tuple[int, ...], int], Step]:
    """The steps of a trace by what the map says of their blocks: layer, name, shape, and how many of these came before it."""
    steps: dict[tuple[str, str, tuple[int, ...], int], Step] = {}
    seen: Counter[tuple[str, str, tuple[int, ...]]] = Counter()
    own, rewritten = {id(step.made): step for step in trace.steps}, with_operands(trace)
    for step in rewritten.steps:
        key = (step.layer, step.name, step.made.shape)
        steps[(*key, seen[key])] = own.get(id(rewritten.originals.get(id(step.made))), step)
        seen[key] += 1
    return steps


def cells_of(book: Book, trace: Trace) -> dict[int, tuple[str, np.ndarray]]:
    """The sheet and cells of every step of a trace that stands in a workbook, by the id of its value."""
    steps = steps_by_entry(trace)
    mapped = [entry for entry in read_map(book) if entry.kind == "step"]
    keyed = [((entry.layer, entry.name, entry.arrangement.shape, entry.occurrence), entry) for entry in mapped]
    cells = {id(steps[key].made): (entry.sheet, entry.references()) for key, entry in keyed if key in steps}
    if not cells:
        raise BadInput(f"{book.path.name}: {why_no_step(mapped, trace)}")
    return cells


def why_no_step(mapped: list[Entry], trace: Trace) -> str:
    """Why none of the steps in a workbook's map belongs to a trace."""
    if not mapped:
        return "holds matrices, but no steps; export it with --detail steps"
    of_a_sample = {(step.layer, step.name, step.made.shape[1:]): len(step.value) for step in trace.steps if step.made.shape}
    for entry in mapped:
        samples = of_a_sample.get((entry.layer, entry.name, entry.arrangement.shape[1:]))
        if samples is not None and samples != (exported := entry.arrangement.shape[0]):
            return f"holds {exported} sample{'s' * (exported != 1)}, and not {samples}; give the input that it was exported with"
    return "holds no step of this calculation: it is a workbook of another model"


def address(reference: str) -> int:
    """``B6`` as an integer: the row times 2^14, plus the column."""
    letters = reference.rstrip("0123456789")
    return (int(reference[len(letters) :]) - 1) * ROW + column_number(letters) - 1
