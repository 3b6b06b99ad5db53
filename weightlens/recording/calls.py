"""What NumPy's calls do: which only move numbers, which reduce, which multiply, and along which axes."""

from __future__ import annotations

import operator
from string import ascii_letters
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from weightlens.recording.arrays import Part, Recorded
from weightlens.recording.graph import operands, shape_of, sources

# Moves of one array in which every element stays one element.
FOLLOWS: set[Any] = {
    np.reshape, np.transpose, np.split, np.array_split, np.flip, np.expand_dims, np.squeeze, np.swapaxes, np.moveaxis, np.broadcast_to,
    np.roll, np.rot90, np.ravel, np.atleast_1d, np.atleast_2d, np.diagonal, np.flipud, np.fliplr, np.rollaxis, np.copy, np.take,
    np.take_along_axis, np.delete, np.compress, operator.getitem, *([np.unstack] if hasattr(np, "unstack") else []),
}  # fmt: skip
JOINS: set[Any] = {np.stack, np.concatenate, np.hstack, np.vstack, np.dstack, np.column_stack}
# Calls that only move numbers: applied to cells, or to positions, just as they are to the values. Data comes first.
MOVES: set[Any] = FOLLOWS | JOINS | {np.pad, np.triu, np.tril, sliding_window_view, np.repeat, np.tile, np.broadcast_arrays}
UFUNC_REDUCTIONS: set[Any] = {  # over axis 0 unless told
    np.add.reduce, np.maximum.reduce, np.minimum.reduce, np.multiply.reduce, np.logical_or.reduce, np.logical_and.reduce,
}  # fmt: skip
REDUCTIONS: set[Any] = UFUNC_REDUCTIONS | {
    np.sum, np.mean, np.max, np.min, np.prod, np.var, np.std, np.median, np.argmax, np.argmin, np.any, np.all, np.count_nonzero,
    np.nansum, np.nanmean, np.nanmax, np.nanmin, np.linalg.norm,
}  # fmt: skip
PRODUCTS: set[Any] = {np.matmul, np.dot, np.einsum, np.tensordot, np.inner, np.outer, np.vdot}


def operation(x: Recorded) -> Any:
    """The NumPy call behind ``x``, without the choice of one of its several results."""
    return x.op.op if isinstance(x.op, Part) else x.op


def argument(x: Recorded, position: int, name: str) -> Any:
    """An argument of the recorded call, given by position or by name."""
    return x.args[position] if len(x.args) > position else x.kwargs.get(name)


def moved_by_data(x: Recorded) -> bool:
    """Whether the data say where the numbers of a move come from."""
    return len(operands(x)) > sum(isinstance(source, Recorded) for source in sources(x))


def reduced_axes(x: Recorded) -> tuple[list[int], list[int]]:
    """The axes that a reduction runs over, and the others."""
    rank, axis = len(x.args[0].shape), argument(x, 1, "axis")
    if axis is None and operation(x) in UFUNC_REDUCTIONS and "axis" not in x.kwargs:
        axis = 0
    over = list(range(rank)) if axis is None else [a % rank for a in (axis if isinstance(axis, (tuple, list)) else (axis,))]
    return over, [a for a in range(rank) if a not in over]


def factors(x: Recorded) -> list[Any]:
    """What a product multiplies."""
    return [arg for arg in x.args[: None if x.op is np.einsum else 2] if not isinstance(arg, str)]


def einsum_subscripts(x: Recorded) -> str:
    """The product's axes in einsum's letters: ``ab,bc->ac``."""
    op = operation(x)
    if op is np.einsum:
        return full_subscripts(x.args[0], [len(shape_of(arg)) for arg in x.args[1:]])
    a, b = (len(shape_of(arg)) for arg in x.args[:2])
    letters = ascii_letters
    if op is np.tensordot:
        return tensordot_subscripts(a, b, argument(x, 2, "axes"))
    if op is np.outer:
        return "a,b->ab"
    if op is np.inner:
        return f"{letters[: a - 1]}z,{letters[a - 1 : a + b - 2]}z->{letters[: a + b - 2]}"
    if op is np.dot and b > 2:
        first, second, last = letters[: a - 1], letters[a - 1 : a + b - 3], "y"
        return f"{first}z,{second}z{last}->{first}{second}{last}"
    rank = max(a, b) - 2
    batch = letters[: max(rank, 0)]
    first_part = batch[len(batch) - (a - 2) :] + "yz" if a > 1 else "z"
    second_part = batch[len(batch) - (b - 2) :] + "zx" if b > 1 else "z"
    return f"{first_part},{second_part}->{batch}{'y' if a > 1 else ''}{'x' if b > 1 else ''}"


def tensordot_subscripts(a: int, b: int, axes: Any) -> str:
    """The subscripts of einsum that compute ``np.tensordot`` of arrays of ``a`` and ``b`` axes."""
    axes = 2 if axes is None else axes
    left, right = (
        ([*range(a - axes, a)], [*range(axes)])
        if isinstance(axes, int)
        else ([v % n for v in (ax if isinstance(ax, (list, tuple)) else [ax])] for ax, n in zip(axes, (a, b), strict=True))
    )
    first, second = list(ascii_letters[:a]), list(ascii_letters[a : a + b])
    for i, j in zip(left, right, strict=True):
        second[j] = first[i]
    return f"{''.join(first)},{''.join(second)}->{''.join(c for c in first + second if (c in first) != (c in second))}"


def full_subscripts(text: str, ranks: list[int]) -> str:
    """An einsum string with its ellipses and implied output written out."""
    text = text.replace(" ", "")
    inputs, arrow, output = text.partition("->")
    parts = inputs.split(",")
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
    return f"{','.join(parts)}->{output.replace('...', ellipsis)}"
