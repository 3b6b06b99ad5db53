"""Training data from a table: the columns of the inputs and those of the targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from weightlens.engine.wanted import name_list, wanted_inputs
from weightlens.errors import BadInput
from weightlens.inputs.columns import columns_of_inputs, is_index_left_out
from weightlens.inputs.given import refuse_no_index, shaped
from weightlens.model import Model
from weightlens.specs.words.number_words import counted
from weightlens.tables import Block, Table, open_table
from weightlens.tables.cells import Numbers, is_content, seems_titled
from weightlens.tables.table import Row


@dataclass(frozen=True)
class Data:
    """Samples with their targets, and the names of their columns."""

    inputs: list[np.ndarray]
    targets: np.ndarray
    input_labels: tuple[str, ...]
    target_labels: tuple[str, ...]


def read_data(path: str | Path, target: str, model: Model, units: int, note: Callable[[str], None] = lambda text: None) -> Data:
    """Read a table with a header; ``target`` names the target columns (``y`` or ``y0,y1``), the others are inputs.

    One target column for a network with several outputs holds classes, numbered or named: they become a one-hot row.
    """
    table = open_table(str(path))
    table.begin(seems_titled(table))
    rows = table.rows()
    if table.titles is None or not rows:
        raise BadInput(f"{path}: needs a header and at least one row of numbers")
    titles, numbers = table.titles, Numbers(table)
    wanted = [name.strip() for name in target.split(",") if name.strip()]
    missing = [name for name in wanted if name not in titles]
    if missing or not wanted:
        raise BadInput(f"{path}: has no column {missing[0] if missing else ''!r}; its columns are: {', '.join(titles[:20])}")
    at = [titles.index(name) for name in wanted]
    rest = [i for i in range(len(titles)) if i not in at]
    inputs, labels = _inputs(table, rows, rest, model, numbers, note)
    if len(at) == 1 and (units > 1 or any(not is_content(row[at[0]]) for _, row in rows)):
        targets, wanted = _classes(table, rows, at[0], units, numbers, note)
    else:
        targets = numbers.matrix(rows, at)
    for text in numbers.notes():
        note(f"{table.name}: {text}")
    return Data(inputs, targets, labels, tuple(wanted))


def _inputs(
    table: Table, rows: list[Row], rest: list[int], model: Model, numbers: Numbers, note: Callable[[str], None]
) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """The input columns as one array per input of the network, and their titles in that order."""
    titles, wanted = [table.titles[i] for i in rest] if table.titles else [], wanted_inputs(model)
    chosen, notes = columns_of_inputs(titles, len(rest), wanted, table.name)
    for text in notes:
        note(f"{table.name}: {text}")
    if is_index_left_out(titles, chosen):
        refuse_no_index(table, Block([(number, [row[rest[0]]]) for number, row in rows]))
    arrays = [shaped(numbers.matrix(rows, [rest[i] for i in part]), w, table.name) for part, w in zip(chosen, wanted, strict=True)]
    return arrays, tuple(titles[i] for part in chosen for i in part)


def _classes(
    table: Table, rows: list[Row], column: int, units: int, numbers: Numbers, note: Callable[[str], None]
) -> tuple[np.ndarray, list[str]]:
    """One-hot targets from a column of classes (0 or 1 for a network with one output), and the name of each output."""
    cells, name = [row[column] for _, row in rows], table.titles[column] if table.titles else ""
    if any(map(is_content, cells)):  # numbers, or what should be numbers
        classes, names = numbers.matrix(rows, [column])[:, 0], [str(i) for i in range(units)]
    elif not all(cells):
        raise BadInput(f"{numbers.cell_position(rows[cells.index('')][0], column)}: the cell is empty")
    else:
        names = sorted(set(cells))
        if len(names) != max(units, 2):
            outputs = counted(units, "output") + (", which tells two classes apart" if units == 1 else ", one for each class")
            found = f"{counted(len(names), 'class', 'classes')} ({name_list(names)})"
            raise BadInput(f"{table.name}: column {name!r} names {found}, but the network has {outputs}")
        note(f"{table.name}: {name}: " + ", ".join(f"{word} is class {i}" for i, word in enumerate(names[:8])) + ", ..." * (len(names) > 8))
        classes = np.array([names.index(cell) for cell in cells], dtype=np.float64)
    if units == 1:
        return classes[:, None], [f"{name}={names[-1]}"]
    return _one_hot(classes, units, name, table.name), [f"{name}={word}" for word in names]


def _one_hot(classes: np.ndarray, units: int, name: str, source: str) -> np.ndarray:
    whole = np.clip(classes, -1, units).astype(int)
    if (whole != classes).any() or whole.min() < 0 or whole.max() >= units:
        raise BadInput(f"{source}: column {name!r} must hold classes 0 to {units - 1}, one for each output of the network")
    one_hot: np.ndarray = np.eye(units)[whole]
    return one_hot
