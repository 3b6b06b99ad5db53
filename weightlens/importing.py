"""Carrying changes back: the yellow cells of an edited workbook become the weights of a new model file."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from os import PathLike
from pathlib import Path

import numpy as np

from weightlens.call_order import weight_of_call
from weightlens.errors import BadInput
from weightlens.formats import load
from weightlens.formats.write_back import check_new_model, round_to_dtype, write_back
from weightlens.model import Model, Weight
from weightlens.spreadsheet.cell_table import NO_CELLS, Found, Value
from weightlens.spreadsheet.cell_values import NON_FINITE, Book, number_fault, read_book
from weightlens.spreadsheet.cells_map import Cells, Entry, read_map
from weightlens.workbook.formulas.cell_arrays import cell_name

SHOWN = 20  # changed numbers that are listed one by one


@dataclass(frozen=True)
class Change:
    """One changed number: the weight, its element, the cell, the value in the file and the value in the sheet."""

    weight: str
    index: tuple[int, ...]
    cell: str
    old: float
    new: float

    def __str__(self) -> str:
        place = f"[{', '.join(map(str, self.index))}]" if self.index else ""
        return f"{self.weight} {place}: {self.old:.9g} -> {self.new:.9g} ({self.cell})"


@dataclass
class Imported:
    """A new model file, and its changed numbers: every one, or the first few and how many ``more`` there are."""

    path: Path
    changes: list[Change] = field(default_factory=list)
    more: int = 0

    @property
    def lines(self) -> list[str]:
        """The changes, one a line; long lists are cut."""
        shown = [str(change) for change in self.changes[:SHOWN]]
        rest = len(self.changes) + self.more - len(shown)
        return shown + ([f"... and {rest:,} more"] if rest else []) or ["no weight was changed: the new file is a copy"]

    def __str__(self) -> str:
        return "\n".join(self.lines)


def import_workbook(
    book: str | PathLike[str],
    model_path: str | PathLike[str],
    out: str | PathLike[str],
    force: bool = False,
    config: str | PathLike[str] | None = None,
) -> Imported:
    """Write a new model file with the weights in the yellow cells of an edited workbook.

    Only the changed numbers differ from the file at ``model_path``. Cells are found by their defined names;
    anything but a finite number in one of them raises ``BadInput``, and nothing is written.
    """
    return write_copy(model_path, out, force, config, ("the workbook", book), partial(edited_weights, Path(book)))


@dataclass(frozen=True)
class NewNumbers:
    """A weight by its name, the array that it gets, and the changed numbers in it: every one, or the first few and how many ``more``."""

    name: str
    weight: Weight
    values: np.ndarray
    changes: list[Change]
    more: int = 0


def write_copy(
    model_path: str | PathLike[str],
    out: str | PathLike[str],
    force: bool,
    config: str | PathLike[str] | None,
    edited: tuple[str, str | PathLike[str] | None],
    read: Callable[[Model], Iterable[NewNumbers]],
) -> Imported:
    """Write a copy of a model file with other numbers, which ``read`` finds.

    Refuses a new file that cannot be a copy, or is a file that is read here: the model, ``config``, what was ``edited``.
    """
    source, target = Path(model_path), Path(out)
    check_new_model(source, target, force, [edited, ("--config", config)])
    imported, changed = Imported(target), {}
    for new in read(load(source, config)):
        imported.changes += new.changes
        imported.more += new.more
        if new.changes or new.more:
            changed[new.name] = new.weight, new.values
    write_back(source, target, changed, force)
    return imported


def edited_weights(path: Path, model: Model) -> Iterator[NewNumbers]:
    """The numbers in the yellow cells of a workbook."""
    book, seen = read_book(path), dict[str, np.ndarray]()
    for entry in read_map(book):
        if entry.kind == "weight":
            name, weight = weight_of(model, entry, path.name)
            cells, found = entry.place(book), entry.given(book)
            refuse_missing_results(book, *cells, found)
            values, changes = changed_numbers(weight, found, cells)
            if not np.array_equal(seen.setdefault(weight.path, values), values, equal_nan=True):
                raise BadInput(f"{path.name}: {name} stands in the workbook twice, with different numbers; the file keeps it once")
            yield NewNumbers(name, weight, values, [Change(name, *rest) for rest in changes])


def refuse_missing_results(book: Book, sheet: str, cells: np.ndarray, found: Found) -> None:
    """Refuse a weight cell with a formula whose result is not in the workbook."""
    empty = [i for i in np.flatnonzero(np.isnan(found.numbers)).tolist() if i not in found.others]
    bare = np.intersect1d(book.sheets.get(sheet, NO_CELLS).without_results(), cells.flat[empty])
    if len(bare):
        first = f"'{sheet}'!{cell_name(int(bare[0]))}"
        raise BadInput(f"{first} holds a formula without its result: open and save the workbook in a spreadsheet program first")


def weight_of(model: Model, entry: Entry, book: str) -> tuple[str, Weight]:
    """The weight shown in a block, by layer and name. All calls of a shared layer have the same weights."""
    found = weight_called(model, entry.label)
    if found is None:
        raise BadInput(f"{book}: is not a workbook of this model, which has no weight {entry.label}")
    name, weight = found
    if weight.shape != entry.arrangement.shape:
        shapes = f"{entry.arrangement.shape}, in the model {weight.shape}"
        raise BadInput(f"{book}: {name} has shape {shapes}: a workbook of another model")
    return name, weight


def weight_called(model: Model, label: str) -> tuple[str, Weight] | None:
    """The weight that a block shows, and its name in the model: ``dense/kernel``, also of ``dense #2/kernel``."""
    weights = model.weights
    if label in weights:
        return label, weights[label]
    shown = weight_of_call(model.layers, label)
    return next(((name, weight) for name, weight in weights.items() if weight is shown), None)


def changed_numbers(weight: Weight, found: Found, cells: Cells) -> tuple[np.ndarray, list[tuple[tuple[int, ...], str, float, float]]]:
    """The weight with the changed numbers of its cells, and the list of these changes.

    A number that converts to the stored one is unchanged, even if a program kept only 15 or 16 digits.
    """
    value = weight.value.copy()
    changes = []
    stored = value.reshape(-1)
    with np.errstate(over="ignore"):
        alike = found.numbers.astype(stored.dtype) == stored if stored.dtype.kind == "f" else found.numbers == stored
    for i in np.flatnonzero(~alike).tolist():
        index, cell, old = np.unravel_index(i, weight.shape), f"'{cells[0]}'!{cell_name(cells[1].flat[i])}", stored[i].item()
        new = finite_number(found.value(i), old, cell)
        if new is not None and not is_same_number(new, old, value.dtype):
            value[index] = kept = fit_to_dtype(new, weight.dtype, cell)
            if kept != old:
                changes.append((tuple(map(int, index)), cell, old, kept))
    return value, changes


def finite_number(shown: Value | None, old: float, cell: str) -> float | None:
    """The number in a cell; ``None`` if it shows the words for a non-finite number in the file."""
    if isinstance(shown, str) and shown in NON_FINITE and repr(NON_FINITE[shown]) == repr(old):
        return None
    if wrong := number_fault(shown):
        raise BadInput(f"{cell} {wrong}; a weight is a number")
    return float(shown)  # type: ignore[arg-type]  # no fault: it is a number


def is_same_number(new: float, old: float, dtype: np.dtype) -> bool:
    """Whether a number in a sheet, or on a page, equals the stored one; NaN equals NaN."""
    with np.errstate(over="ignore"):
        shortened = (float(f"{old:.{digits}g}") for digits in (15, 16))
        alike = new == float(old) or (math.isnan(new) and math.isnan(old))
        return bool(alike or (dtype.kind == "f" and dtype.type(new) == dtype.type(old)) or new in shortened)


def fit_to_dtype(new: float, stored_type: str, cell: str) -> float:
    """The number converted to the file's dtype; refused on overflow."""
    if stored_type != "bfloat16" and (dtype := np.dtype(stored_type)).kind in "iub":
        limits = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        if new != int(new) or not limits[0] <= new <= limits[1]:
            raise BadInput(f"{cell} holds {new:.9g}, but the file keeps {dtype} there: a whole number from {limits[0]} to {limits[1]}")
        return int(new)
    with np.errstate(over="ignore"):
        stored = float(round_to_dtype(np.array([new]), stored_type)[0])
    if not math.isfinite(stored):
        raise BadInput(f"{cell} holds {new:.9g}, which is too large for {stored_type}, the dtype in the file")
    return stored
