"""What stands beside the inputs in a CSV file: the names of its columns, and the column of true answers."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from weightlens.errors import BadInput
from weightlens.input_files import chosen_columns, is_header, is_number, table
from weightlens.inputs import wanted_inputs
from weightlens.model import Model

CSV = {".csv", ".tsv", ".txt"}


def header(given: str | None) -> list[str] | None:
    """The first row of a CSV file, where it holds names; ``None`` for anything else."""
    if given is None or Path(given).suffix.lower() not in CSV or not Path(given).is_file():
        return None
    with Path(given).open(encoding="utf-8-sig", newline="", errors="replace") as file:
        first = next(table(islice(file, 2), given), None)
    return None if first is None or any(map(is_number, first[1])) else first[1]


def input_labels(given: str | None, model: Model) -> list[str]:
    """The names of the input's columns, where the file has a header and the model one input."""
    names = header(given)
    if names is None or given is None or len(wanted := wanted_inputs(model)) != 1:
        return []
    if not is_header(names, wanted):
        return []
    columns = chosen_columns(names, len(names), wanted)
    return names if columns is None else [names[i] for i in columns]


def true_answers(given: str | None, column: str) -> list[str] | list[float]:
    """One column of the CSV file that the inputs come from: numbers where all are numbers, else words."""
    names = header(given)
    if names is None or given is None:
        raise BadInput("--target COLUMN needs -i FILE.csv with a header: the column with the true answers is read from it")
    if column not in names:
        raise BadInput(f"{given}: has no column {column!r}; its columns are: {', '.join(names[-12:])}")
    at = names.index(column)
    with Path(given).open(encoding="utf-8-sig", newline="", errors="replace") as file:
        cells = [row[at] if at < len(row) else "" for _, row in islice(table(file, given), 1, None)]
    return [float(cell) for cell in cells] if all(map(is_number, cells)) else cells
