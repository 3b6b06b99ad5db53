"""The true answers in the inputs' table: one of its columns; what its classes are called, and how many there can be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from weightlens.errors import BadInput
from weightlens.model import Model
from weightlens.specs.words.number_words import counted
from weightlens.tables import is_table, open_table
from weightlens.tables.cells import Numbers, is_number, seems_titled
from weightlens.tables.table_files import split_area


def true_answers(given: str | None, column: str) -> list[str] | list[float]:
    """One column of the table: numbers where all are numbers, else words."""
    if given is None or not is_table(given) or not Path(split_area(given)[0]).is_file():
        raise BadInput("--target COLUMN needs -i FILE.csv with a header: the column with the true answers is read from it")
    table = open_table(given)
    table.begin(seems_titled(table))
    if table.titles is None:
        raise BadInput(f"--target COLUMN needs a header, and the first row of {given} holds numbers")
    if column not in table.titles:
        raise BadInput(f"{given}: has no column {column!r}; its columns are: {', '.join(table.titles[-12:])}")
    at, rows = table.titles.index(column), table.rows()
    if all(is_number(row[at]) for _, row in rows):
        return [float(x) for x in Numbers(table).matrix(rows, [at])[:, 0]]
    return [row[at] for _, row in rows]


def labels_of(model: Model, units: int) -> list[str]:
    """The names of the classes, where the file has one for each of so many units, and no two alike."""
    return model.class_labels if len(model.class_labels) == units == len({*model.class_labels}) else []


def refuse_labels(given: int, shapes: Sequence[tuple[int, ...]]) -> None:
    """Refuse so many class labels where no output, by its shape, has as many units (a single unit has two classes)."""
    widths = [shape[-1] for shape in shapes if shape]
    if given and given not in widths and not (given == 2 and 1 in widths):
        raise BadInput(f"{counted(given, 'label')} given, but the output has {' and '.join(counted(n, 'unit') for n in widths)}")
