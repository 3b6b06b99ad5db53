"""Training data from a CSV file: the columns that are inputs, and those that are the targets."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from weightlens.errors import BadInput
from weightlens.inputs import wanted_inputs
from weightlens.model import Model


@dataclass(frozen=True)
class Data:
    """Samples with their targets, and what their columns are called."""

    inputs: list[np.ndarray]
    targets: np.ndarray
    input_labels: tuple[str, ...]
    target_labels: tuple[str, ...]


def read_data(path: str | Path, target: str, model: Model, units: int) -> Data:
    """Read a CSV file with a header; ``target`` names the target columns (``y`` or ``y0,y1``), the others are inputs.

    One target column for a network with several outputs holds classes 0, 1, 2...: they become a one-hot row.
    """
    header, rows = _table(Path(path))
    wanted = [name.strip() for name in target.split(",") if name.strip()]
    missing = [name for name in wanted if name not in header]
    if missing or not wanted:
        raise BadInput(f"{path}: has no column {missing[0] if missing else ''!r}; its columns are: {', '.join(header[:20])}")
    at = [header.index(name) for name in wanted]
    rest = [i for i in range(len(header)) if i not in at]
    targets, values = rows[:, at], rows[:, rest]
    if targets.shape[1] == 1 and units > 1:
        targets = _one_hot(targets[:, 0], units, wanted[0], path)
        wanted = [f"{wanted[0]}={i}" for i in range(units)]
    return Data(_split(values, model, path), targets, tuple(header[i] for i in rest), tuple(wanted))


def _table(path: Path) -> tuple[list[str], np.ndarray]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as trouble:
        raise BadInput(f"{path}: cannot be read as a CSV file ({getattr(trouble, 'strerror', None) or trouble})") from None
    if len(lines) < 2:
        raise BadInput(f"{path}: needs a header and at least one row of numbers")
    header = [name.strip() for name in lines[0]]
    rows = np.zeros((len(lines) - 1, len(header)))
    for i, line in enumerate(lines[1:]):
        if len(line) != len(header):
            raise BadInput(f"{path}: row {i + 2} has {len(line)} columns, the header has {len(header)}")
        for j, cell in enumerate(line):
            try:
                rows[i, j] = float(cell)
            except ValueError:
                raise BadInput(f"{path}: row {i + 2}, column {header[j]!r}: {cell.strip()!r} is not a number") from None
    if not np.isfinite(rows).all():
        raise BadInput(f"{path}: holds a number that is not finite")
    return header, rows


def _one_hot(classes: np.ndarray, units: int, name: str, path: str | Path) -> np.ndarray:
    whole = np.clip(classes, -1, units).astype(int)
    if (whole != classes).any() or whole.min() < 0 or whole.max() >= units:
        raise BadInput(f"{path}: column {name!r} must hold classes 0 to {units - 1}, one for each output of the network")
    one_hot: np.ndarray = np.eye(units)[whole]
    return one_hot


def _split(values: np.ndarray, model: Model, path: str | Path) -> list[np.ndarray]:
    """The input columns as one array per input of the network."""
    found, column = [], 0
    for wanted in wanted_inputs(model):
        size = wanted.size if wanted.size is not None else values.shape[1] - column
        shape = [size if n is None else n for n in wanted.shape] if wanted.shape is not None else [size]
        found.append(values[:, column : column + size].reshape(len(values), *shape) if column + size <= values.shape[1] else None)
        column += size
    if column != values.shape[1]:
        raise BadInput(
            f"{path}: has {values.shape[1]} input columns, but the network takes {column}; name every target column with --target"
        )
    return [array for array in found if array is not None]
