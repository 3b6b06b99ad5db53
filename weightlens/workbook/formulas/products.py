"""Products of arrays of cells: ``@``, ``np.dot``, ``np.tensordot`` and ``np.einsum``, all as batches of matrix products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from weightlens.recording import Recorded
from weightlens.recording.calls import einsum_subscripts, factors
from weightlens.recording.graph import shape_of
from weightlens.workbook.formulas import areas
from weightlens.workbook.formulas.cell_arrays import Cells, Expression, Unwritable

CellsOf = Callable[[Any], Cells | None]  # the cells of a value, or None where it is an expression


def batches(x: Recorded, cells_of: CellsOf) -> tuple[Cells, Cells, list[str], dict[str, int]]:
    """A product as batches of matrix products: the cells ``(g, n, k)`` and ``(g, k, m)``, the order of the result's axes, their sizes."""
    if len(factors(x)) != 2:
        raise Unwritable("einsum of other than two arrays")
    left, right = (cells_of(arg) for arg in factors(x))
    if left is None or right is None:
        raise Unwritable("an operand without cells")
    inputs, output = einsum_subscripts(x).split("->")
    a, b = inputs.split(",")
    size: dict[str, int] = {}
    for label, n in zip(a + b, left.shape + right.shape, strict=True):
        size[label] = max(size.get(label, 1), n)
    batch = [c for c in a if c in b and c in output]
    rows = [c for c in a if c not in b and c in output]
    columns = [c for c in b if c not in a and c in output]
    summed = [c for c in dict.fromkeys(a + b) if c not in output]

    def arrange(cells: Cells, labels: str, wanted: list[str], parts: tuple[list[str], ...]) -> Cells:
        present = [c for c in wanted if c in labels]
        cells = np.transpose(cells, [labels.index(c) for c in present])
        cells = cells.reshape([cells.shape[present.index(c)] if c in present else 1 for c in wanted])
        shape = [int(np.prod([size[c] for c in part], dtype=np.int64)) for part in parts]
        return np.broadcast_to(cells, [size[c] for c in wanted]).reshape(shape)

    a_cells = arrange(left, a, batch + rows + summed, (batch, rows, summed))
    b_cells = arrange(right, b, batch + summed + columns, (batch, summed, columns))
    return a_cells, b_cells, batch + rows + columns, size


def summed_length(x: Recorded) -> int:
    """How many products are added up for one element."""
    inputs, output = einsum_subscripts(x).split("->")
    size = dict(zip(inputs.replace(",", ""), [n for array in factors(x) for n in shape_of(array)], strict=True))
    return int(np.prod([n for label, n in size.items() if label not in output], dtype=np.int64))


def product(x: Recorded, cells_of: CellsOf) -> Expression:
    """``@``, ``np.dot``, ``np.tensordot`` and two-operand ``np.einsum``, all as batches of matrix products."""
    left, right, order, size = batches(x, cells_of)
    output = einsum_subscripts(x).split("->")[1]
    full = tuple(size[c] for c in order)
    return areas.product(left, right).moved(
        lambda array: np.transpose(array.reshape(full), [order.index(c) for c in output]).reshape(x.shape), x.shape
    )
