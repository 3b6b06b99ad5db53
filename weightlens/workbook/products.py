"""Products of arrays of cells: ``@``, ``np.dot``, ``np.tensordot`` and ``np.einsum``, all as batches of matrix products."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from weightlens.recording import Recorded
from weightlens.workbook import areas
from weightlens.workbook.cells import Cells, Expression, Unwritable
from weightlens.workbook.table import argument, operation

if TYPE_CHECKING:
    from weightlens.workbook.formulas import Formulas


def batches(x: Recorded, formulas: Formulas) -> tuple[Cells, Cells, list[str], dict[str, int]]:
    """A product as batches of matrix products: the cells ``(g, n, k)`` and ``(g, k, m)``, the order of the result's axes, their sizes."""
    left, right = (formulas.cells(arg) for arg in [arg for arg in x.args if not isinstance(arg, str)][:2])
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


def product(x: Recorded, formulas: Formulas) -> Expression:
    """``@``, ``np.dot``, ``np.tensordot`` and two-operand ``np.einsum``, all as batches of matrix products."""
    left, right, order, size = batches(x, formulas)
    output = einsum_subscripts(x).split("->")[1]
    full = tuple(size[c] for c in order)
    return areas.product(left, right).moved(
        lambda array: np.transpose(array.reshape(full), [order.index(c) for c in output]).reshape(x.shape), x.shape
    )


def einsum_subscripts(x: Recorded) -> str:
    """The product's axes in einsum's letters: ``ab,bc->ac``."""
    op = operation(x)
    if op is np.einsum:
        return full_subscripts(x.args[0], [np.ndim(arg) for arg in x.args[1:]])
    a, b = (len(np.shape(arg)) for arg in x.args[:2])
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    if op is np.tensordot:
        axes = argument(x, 2, "axes")
        axes = 2 if axes is None else axes
        left, right = (
            ([*range(a - axes, a)], [*range(axes)])
            if isinstance(axes, int)
            else ([v % n for v in (ax if isinstance(ax, (list, tuple)) else [ax])] for ax, n in zip(axes, (a, b), strict=True))
        )
        first, second = list(letters[:a]), list(letters[a : a + b])
        for i, j in zip(left, right, strict=True):
            second[j] = first[i]
        return f"{''.join(first)},{''.join(second)}->{''.join(c for c in first + second if (c in first) != (c in second))}"
    if op is np.outer:
        return "a,b->ab"
    if op is np.inner or (op is np.dot and b == 1):
        return f"{letters[: a - 1]}z,{letters[a - 1 : a + b - 2]}z->{letters[: a + b - 2]}"
    if op is np.dot and b > 2:
        raise Unwritable("dot")
    rank = max(a, b) - 2
    batch = letters[: max(rank, 0)]
    first_part = batch[len(batch) - (a - 2) :] + "yz" if a > 1 else "z"
    second_part = batch[len(batch) - (b - 2) :] + "zx" if b > 1 else "z"
    return f"{first_part},{second_part}->{batch}{'y' if a > 1 else ''}{'x' if b > 1 else ''}"


def full_subscripts(text: str, ranks: list[int]) -> str:
    """An einsum string with its ellipses and implied output written out."""
    text = text.replace(" ", "")
    inputs, arrow, output = text.partition("->")
    parts = inputs.split(",")
    if len(parts) != 2:
        raise Unwritable("einsum of other than two arrays")
    spare = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in text]
    longest = max((rank - len(part) + 3 for part, rank in zip(parts, ranks, strict=True) if "..." in part), default=0)
    ellipsis = "".join(spare[:longest])
    parts = [
        part.replace("...", ellipsis[len(ellipsis) - (rank - len(part) + 3) :] if "..." in part else "")
        for part, rank in zip(parts, ranks, strict=True)
    ]
    if not arrow:
        joined = "".join(parts)
        output = "..." + "".join(sorted(c for c in set(joined) if joined.count(c) == 1 and c not in ellipsis))
    return f"{parts[0]},{parts[1]}->{output.replace('...', ellipsis)}"
