"""Operations on whole arrays that NumPy has too (``keras.ops.numpy``): order and lookup, products, and what moves numbers."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from weightlens.layers.comparisons import numbers, whole, without_nan
from weightlens.layers.signature import Array, Axis, Function, Number, Step
from weightlens.operations.numeric import plain_size
from weightlens.recording import value_of

LONG_ROW = 64  # numbers: longer rows are sorted without formulas

# Order and lookup.


def placed(x: Number, step: Step) -> Any:
    """An operand of a product; a constant becomes a step, so that it has cells."""
    return step("constant", x if hasattr(x, "shape") else np.asarray(x, float))


def sort(x: Array, axis: int | None = -1) -> Any:
    """The numbers in rising order."""
    return np.sort(without_nan(x), axis=axis)


def extreme_place(find: Function, what: str) -> Function:
    """The place of the largest or smallest number, the first of several."""

    def place(a: Array, axis: int | None = None, keepdims: bool = False) -> Any:
        x = np.asarray(value_of(without_nan(a)))
        below = np.where((x == 0) & np.signbit(x), -np.finfo(np.float32).tiny, x)  # so Keras takes -0
        if x.dtype.kind == "f" and np.any(find(x, axis=axis) != find(below, axis=axis)):
            raise NotImplementedError(f"looks for the place of the {what} number, and -0 is smaller than 0 in Keras")
        return find(a, axis=axis, keepdims=keepdims)

    return place


argmax, argmin = extreme_place(np.argmax, "largest"), extreme_place(np.argmin, "smallest")


def argsort(x: Array, axis: int | None = -1, *, step: Step) -> Any:
    """The places of the numbers in rising order."""
    x = np.reshape(x, (-1,)) if axis is None else x
    return np.moveaxis(places_in_order(np.moveaxis(x, axis or 0, -1), step), -1, axis or 0)


def places_in_order(x: Array, step: Step) -> Any:
    """``argsort`` of the last axis; of short rows by rank (how many numbers come before), which a spreadsheet can follow."""
    n = without_nan(x).shape[-1]
    if n > LONG_ROW:
        return np.argsort(x, axis=-1, kind="stable")
    other, own = x[..., None, :], x[..., None]
    before = np.where(np.tri(n, k=-1, dtype=bool), other <= own, other < own)
    rank = step("rank", np.sum(np.where(before, 1.0, 0.0), axis=-1))
    places = np.arange(float(n))
    return np.sum(np.where(np.equal(rank[..., None, :], places[:, None]), places, 0.0), axis=-1)


def median(x: Array, axis: Axis = None, keepdims: bool = False) -> Any:
    """The middle number over ``axis``, or the mean of the middle two."""
    axes = tuple(range(x.ndim)) if axis is None else tuple(a % x.ndim for a in np.atleast_1d(axis).tolist())
    rest = [d for d in range(x.ndim) if d not in axes]
    rising = sort(np.reshape(np.transpose(x, [*rest, *axes]), [*(x.shape[d] for d in rest), -1]), axis=-1)
    n = rising.shape[-1]
    y = 0.5 * (rising[..., (n - 1) // 2] + rising[..., n // 2])
    return np.reshape(y, [1 if d in axes else m for d, m in enumerate(x.shape)]) if keepdims else y


def take(x: Array, indices: Any, axis: int | None = None, *, step: Step) -> Any:
    """The entries of ``x`` at ``indices``; negative ones count from the end."""
    x = placed(x, step)
    x, axis = (np.reshape(x, (-1,)), 0) if axis is None else (x, axis)
    if not hasattr(indices, "shape") or isinstance(indices, np.ndarray):
        return np.take(x, whole(np.asarray(indices)), axis=axis)
    return np.take(x, whole(np.where(indices < 0, indices + x.shape[axis], indices)), axis=axis)


def take_along_axis(x: Array, indices: Array, axis: int | None = None) -> Any:
    """Along ``axis``, the entries at ``indices``; those that are computed pick by comparison, which a spreadsheet can follow."""
    x, axis = (np.reshape(x, (-1,)), 0) if axis is None else (x, axis)
    if not hasattr(indices, "op") or x.shape[axis] > LONG_ROW:
        return np.take_along_axis(x, whole(indices), axis=axis)
    x, indices = np.moveaxis(x, axis, -1), np.moveaxis(indices, axis, -1)
    wanted = np.where(indices < 0, indices + x.shape[-1], indices)
    hit = np.equal(wanted[..., None], np.arange(float(x.shape[-1])))
    return np.moveaxis(np.sum(np.where(hit, x[..., None, :], 0.0), axis=-1), -1, axis)


def getitem(x: Array, key: Any) -> Any:
    """``x[key]`` with numbers, slices, ``...`` and new axes."""
    parts = key if isinstance(key, (list, tuple)) else [key]
    return x[tuple(plain_size(part) if hasattr(part, "op") else whole(part) for part in parts)]


# Products.


def einsum(*operands: Any, subscripts: str, step: Step) -> Any:
    """A sum of products over named axes; more than two arrays are multiplied two at a time."""
    terms, arrow, output = subscripts.replace(" ", "").partition("->")
    labels = terms.split(",")
    if not arrow:
        output = ("..." if "..." in terms else "") + "".join(sorted(c for c in set(terms) - set(",.") if terms.count(c) == 1))
    rest = [placed(x, step) for x in operands]
    while len(rest) > 2:
        later = set("".join(labels[2:]) + output)
        kept = ("..." if "..." in labels[0] + labels[1] else "") + "".join(
            c for c in dict.fromkeys(labels[0] + labels[1]) if c in later and c != "."
        )
        rest[:2] = [einsum(rest[0], rest[1], subscripts=f"{labels[0]},{labels[1]}->{kept}", step=step)]
        labels[:2] = [kept]
    return np.einsum(f"{','.join(labels)}->{output}", *rest) if len(rest) == 2 else einsum_of_one(rest[0], labels[0], output)


def einsum_of_one(x: Array, labels: str, output: str) -> Any:
    """The diagonal of repeated axes, the sum of those that the output lacks, the rest in the output's order."""
    spare = [c for c in string.ascii_letters if c not in labels]
    hidden = "".join(spare[: x.ndim - len(labels.replace("...", ""))])
    labels, output = labels.replace("...", hidden), output.replace("...", hidden)
    while len(set(labels)) < len(labels):
        twice = next(c for c in labels if labels.count(c) > 1)
        first, second = labels.index(twice), labels.rindex(twice)
        x = np.diagonal(x, axis1=first, axis2=second)
        labels = "".join(c for c in labels if c != twice) + twice
    summed = tuple(i for i, c in enumerate(labels) if c not in output)
    x = np.sum(x, axis=summed) if summed else x
    labels = "".join(c for c in labels if c in output)
    return np.transpose(x, [labels.index(c) for c in output])


def matmul(x1: Number, x2: Number, *, step: Step) -> Any:
    """The matrix product of the last two axes."""
    return placed(x1, step) @ placed(x2, step)


def dot(x1: Array, x2: Array, *, step: Step) -> Any:
    """The product over the last axis of ``x1`` and the last but one of ``x2``."""
    if not np.ndim(x1) or not np.ndim(x2):
        return x1 * x2
    x1, x2 = placed(x1, step), placed(x2, step)
    if x2.ndim < 3:
        return x1 @ x2
    letters = string.ascii_letters
    left, right = letters[: x1.ndim], letters[x1.ndim : x1.ndim + x2.ndim - 2]
    return np.einsum(f"{left},{right}{left[-1]}Z->{left[:-1]}{right}Z", x1, x2)


def tensordot(x1: Number, x2: Number, axes: int | tuple[Sequence[int], Sequence[int]] = 2, *, step: Step) -> Any:
    """The product over the given axes of both."""
    return np.tensordot(placed(x1, step), placed(x2, step), axes=axes) if axes != 0 else outer(x1, x2, flat=False)


def outer(x1: Number, x2: Number, flat: bool = True) -> Any:
    """Every number of ``x1`` times every number of ``x2``."""
    shape = (np.size(x1), np.size(x2)) if flat else (*np.shape(x1), *np.shape(x2))
    return np.reshape(np.reshape(x1, (-1, 1)) * np.reshape(x2, (1, -1)), shape)


# What only moves numbers.


def array(x: Array) -> Any:
    """Numbers of an array or of a constant list."""
    return numbers(x) if hasattr(x, "shape") else np.asarray(x, float)


def concatenate(xs: Sequence[Array], axis: int = 0) -> Any:
    """One after the other along ``axis``."""
    return np.concatenate([array(x) for x in xs], axis=axis)


def stack(x: Sequence[Array] | Array, axis: int = 0) -> Any:
    """Beside each other along a new axis."""
    return np.stack([array(part) for part in x], axis=axis)


def hstack(xs: Sequence[Array]) -> Any:
    """One after the other along the second axis (of vectors the first)."""
    return concatenate(xs, axis=0 if np.ndim(xs[0]) == 1 else 1)


def vstack(xs: Sequence[Array]) -> Any:
    """One below the other."""
    return concatenate([np.reshape(x, (1, -1)) if np.ndim(x) < 2 else x for x in xs], axis=0)


def unstack(x: Array, num: int | None = None, axis: int = 0) -> Any:
    """The parts along ``axis``, one by one."""
    return [np.squeeze(part, axis) for part in np.split(x, x.shape[axis], axis=axis)]


def reshape(x: Array, newshape: int | Sequence[int | None]) -> Any:
    """The same numbers in another shape; ``-1`` (or an unknown size) is worked out."""
    return np.reshape(x, [-1 if n is None else int(n) for n in ([newshape] if isinstance(newshape, int) else newshape)])


def broadcast_to(x: Array, shape: Sequence[int | None]) -> Any:
    """Repeated up to a shape; an unknown size is the one that ``x`` has."""
    have = (1,) * (len(shape) - x.ndim) + x.shape
    return np.broadcast_to(x, tuple(m if n is None else int(n) for n, m in zip(shape, have, strict=True)))


def pad(x: Array, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Any:
    """Cells added around, holding a constant or mirrored ones."""
    pairs = np.broadcast_to(np.asarray(pad_width, int), (x.ndim, 2)).tolist()
    options: dict[str, Any] = {"constant_values": constant_values or 0} if mode == "constant" else {"mode": mode}
    return np.pad(x, pairs, **options)


def repeat(x: Array, repeats: int | Sequence[int], axis: int | None = None) -> Any:
    """Each number several times over."""
    return np.repeat(np.reshape(x, (-1,)) if axis is None else x, repeats, axis=0 if axis is None else axis)


def diag(x: Array, k: int = 0) -> Any:
    """A vector on the diagonal of a matrix of zeros; of a matrix its diagonal."""
    if x.ndim > 1:
        return np.diagonal(x, offset=k)
    side = x.shape[0] + abs(k)
    placed = np.pad(x, (max(k, 0), max(-k, 0)) if k >= 0 else (0, -k))
    return np.where(np.eye(side, k=k, dtype=bool), np.reshape(placed, (1, -1)), 0.0)
