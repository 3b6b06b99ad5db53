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

from weightlens.errors import BadInput, UnreadableModel
from weightlens.limits import BLOCK
from weightlens.specs.words.number_words import counted
from weightlens.spreadsheet.cell_areas import address, address_at, cell_area
from weightlens.spreadsheet.cell_table import Found
from weightlens.workbook.formulas.arrangement import Arrangement
from weightlens.workbook.formulas.cell_arrays import NO_NUMBER, ROW, cell_name
from weightlens.workbook.formulas.promote import with_operands

if TYPE_CHECKING:
    from weightlens.recording import Step, Trace
    from weightlens.spreadsheet.cell_table import CellTable
    from weightlens.spreadsheet.cell_values import Book

MAP = "Cells"
WORDS = {formula: word for word, formula in NO_NUMBER.items()}
SLOPES = "numerical_gradient"  # the defined name of differences of nearly equal losses, which leave few digits
HEADS = 40  # columns that may have a title
Cells = tuple[str, np.ndarray]  # a sheet and the addresses of cells on it


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

    def addresses(self, first: int | None = None) -> np.ndarray:
        """The cell of every element, in the shape of the array; the block begins at ``first``."""
        return self.arrangement.cells(address(self.first) if first is None else first)

    def place(self, book: Book) -> Cells:
        """The sheet and cells of the block now. Refuses a name that was deleted or that covers other cells."""
        if not self.defined_name:
            return self.on_sheet(book, self.sheet), self.addresses()
        area = next((text for name, text in book.names.items() if name.lower() == self.defined_name.lower()), "")
        covered = cell_area(area.strip())
        if covered is None or not covered.sheet:
            raise BadInput(f"{book.path.name}: the name {self.defined_name} (the cells of {self.label}) is gone or points nowhere")
        if (covered.height, covered.width) != (self.arrangement.height, self.arrangement.width):
            cells, wanted = f"{covered.height} x {covered.width}", f"{self.arrangement.height} x {self.arrangement.width}"
            raise BadInput(f"{book.path.name}: {self.defined_name} covers {cells} cells; {self.label} takes {wanted}")
        return self.on_sheet(book, covered.sheet), self.addresses(address_at(covered.top, covered.left))

    def on_sheet(self, book: Book, sheet: str) -> str:
        """The sheet, if it is there."""
        if sheet not in book.sheets:
            raise BadInput(f"{book.path.name}: has no sheet {sheet!r}, where {self.label} stood; give it its name again")
        return sheet

    def found(self, book: Book) -> Found:
        """What stands in the cells, in C order."""
        return book.found(*self.place(book))

    def given(self, book: Book) -> Found:
        """What stands in the cells of an input or a weight. A formula there stands for a number that is none: its word is returned."""
        (sheet, cells), found = self.place(book), self.found(book)
        places = np.flatnonzero(np.isnan(found.numbers)).tolist()
        if not places or sheet not in book.formulas:
            return found
        words = {i: WORDS.get(book.formulas[sheet].get(cell_name(int(cells.flat[i])), "")) for i in places}
        return Found(found.numbers, found.others | {i: word for i, word in words.items() if word is not None})

    def numbers(self, book: Book) -> np.ndarray:
        """What stands in the cells, as an array of floats; refuses a cell that holds no number."""
        from weightlens.spreadsheet.cell_values import NON_FINITE, number_fault

        (sheet, cells), found = self.place(book), self.given(book)
        numbers, values = found.numbers, found.values
        for i in np.flatnonzero(~np.isfinite(numbers)).tolist():
            if isinstance(value := values[i], str) and value in NON_FINITE:
                numbers[i] = NON_FINITE[value]
            elif wrong := number_fault(value):
                raise BadInput(f"{book.path.name}: '{sheet}'!{cell_name(cells.flat[i])} {wrong}; an input is a number")
        return numbers.reshape(self.arrangement.shape)

    def words(self, book: Book) -> np.ndarray:
        """What stands in the cells, as an array of texts; an empty cell gives an empty text."""
        return np.array(["" if value is None else str(value) for value in self.found(book).values]).reshape(self.arrangement.shape)


def read_map(book: Book) -> list[Entry]:
    """Every block of a workbook that weightlens wrote."""
    if MAP not in book.sheets:
        raise BadInput(f"{book.path.name}: has no sheet {MAP!r} that says where everything stands: weightlens did not write it")
    return list(entries(book.sheets[MAP], book.path.name))


def entries(cells: CellTable, name: str) -> Iterator[Entry]:
    """The rows of the map, by the words in its head."""
    rows = np.unique(np.append(cells.at // ROW, 0))
    values = ["" if value is None else str(value) for value in cells.found(rows[:, None] * ROW + np.arange(HEADS)).values]
    head, *texts = (values[start : start + HEADS] for start in range(0, len(values), HEADS))
    for row, texts_of_row in enumerate(texts, 1):
        if row != rows[row] or not texts_of_row[0]:
            return
        try:
            yield entry({title: text for title, text in zip(head, texts_of_row, strict=True) if title})
        except (KeyError, ValueError, IndexError, UnreadableModel):
            raise BadInput(f"{name}: row {row + 1} of the sheet {MAP!r} was changed and cannot be read") from None


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


def cells_of(book: Book, trace: Trace) -> dict[int, Cells]:
    """The sheet and cells of every step of a trace that stands in a workbook, by the id of its value."""
    steps = steps_by_entry(trace)
    mapped = [entry for entry in read_map(book) if entry.kind == "step"]
    keyed = [((entry.layer, entry.name, entry.arrangement.shape, entry.occurrence), entry) for entry in mapped]
    cells = {id(steps[key].made): (entry.sheet, entry.addresses()) for key, entry in keyed if key in steps}
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
            return f"holds {counted(exported, 'sample')}, and not {samples}; give the input that it was exported with"
    return "holds no step of this calculation: it is a workbook of another model"
