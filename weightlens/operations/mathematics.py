"""Mathematical and core operations (``keras.ops.math``, ``linalg``, ``core``, ``einops``)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from weightlens.layers.comparisons import is_truth, numbers, truth
from weightlens.layers.preprocessing.resizing import saturated
from weightlens.layers.signature import Array, Axis, Step
from weightlens.operations.numeric import LARGEST_OF_SHEETS, plain_size
from weightlens.operations.small_integers import NARROW, fits, wrapped
from weightlens.operations.whole_arrays import places_in_order, sort
from weightlens.specs.kinds import is_whole

# Mathematics.


def logsumexp(x: Array, axis: Axis = None, keepdims: bool = False, *, step: Step) -> Any:
    """``ln(sum of e^x)`` over ``axis``, the largest taken out first; an infinite one is the result."""
    largest = step("max", np.max(x, axis=axis, keepdims=True))
    total = step("sum", np.sum(step("exponentials", np.exp(x - largest)), axis=axis, keepdims=True))
    y = np.where(np.abs(largest) < LARGEST_OF_SHEETS, np.log(total) + largest, largest)
    return y if keepdims else np.squeeze(y, axis)


def top_k(x: Array, k: int, *, step: Step) -> Any:
    """The ``k`` largest numbers of the last axis, and their places."""
    falling = np.flip(sort(x), axis=-1)
    return [falling[..., :k], places_in_order(-x, step)[..., :k]]


def norm(x: Array, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """The length of vectors (``ord`` 2 unless given), or of matrices taken as one long vector."""
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    ord = {"inf": math.inf, "-inf": -math.inf}.get(ord, ord) if isinstance(ord, str) else ord
    if ord in (None, "fro", "euclidean") or (ord == 2 and len(axes) == 1):
        return np.sqrt(np.sum(x * x, axis=axes, keepdims=keepdims))
    if len(axes) > 1:
        raise NotImplementedError(f"takes a norm of matrices of order {ord}")
    size = np.abs(x)
    if math.isinf(ord):
        return (np.max if ord > 0 else np.min)(size, axis=axes, keepdims=keepdims)
    if ord == 0:
        return np.sum(np.where(np.equal(x, 0), 0.0, 1.0), axis=axes, keepdims=keepdims)
    return np.power(np.sum(np.power(size, float(ord)), axis=axes, keepdims=keepdims), 1.0 / ord)


# Core.


def cast(x: Array, dtype: str, input_dtype: str | None = None) -> Any:
    """Numbers of another kind: cut off to whole ones, or to true and false. Whole numbers of more bits keep the lowest."""
    if dtype == "bool":
        return truth(x)
    if is_whole(dtype):
        if is_whole(input_dtype) and dtype in NARROW and not np.can_cast(str(input_dtype), dtype):
            return wrapped(x, dtype)
        y = np.trunc(numbers(x))
        if not fits(y, dtype):
            raise NotImplementedError(f"makes {dtype} of numbers that it cannot hold")
        return y
    if dtype in ("float16", "bfloat16"):
        raise NotImplementedError(f"rounds to {dtype}, which weightlens does not imitate")
    return numbers(x)


def saturate_cast(x: Array, dtype: str) -> Any:
    """``cast``, cut to the range of the kind of number."""
    if is_whole(dtype):
        x = saturated(x, dtype)
    elif dtype == "bool" and not is_truth(x):
        x = np.maximum(x, 0.0)
    return cast(x, dtype)


def convert(x: Array, dtype: str | None = None, input_dtype: str | None = None) -> Any:
    """``x``, as ``dtype`` if one is given."""
    return x if dtype is None else cast(x, dtype, input_dtype)


def sliced(inputs: Array, start_indices: Any, shape: Sequence[int | None]) -> Any:
    """A block of ``inputs`` that begins at ``start_indices``; ``-1`` reaches to the end."""
    pairs = zip(plain_size(start_indices), shape, inputs.shape, strict=True)
    return inputs[tuple(slice(start, n if size in (-1, None) else start + size) for start, size, n in pairs)]


def scatter_update(inputs: Array, indices: Array, updates: Array) -> Any:
    """``inputs`` with the entries at fixed ``indices`` replaced; where several go to one place, the last one counts."""
    if not isinstance(indices, (list, tuple, np.ndarray)):
        raise NotImplementedError("replaces entries at places that depend on the data")
    places = np.asarray(indices, int)
    rest = inputs.shape[places.shape[-1] :]
    new = np.reshape(updates if hasattr(updates, "shape") else np.asarray(updates, float), (-1, *rest))
    update = np.full(inputs.shape[: places.shape[-1]], -1)  # which of the updates each place gets, -1: none
    for number, place in enumerate(places.reshape(-1, places.shape[-1])):
        update[tuple(place)] = number
    hit = np.reshape(update >= 0, (*update.shape, *((1,) * len(rest))))
    return np.where(hit, np.take(new, np.maximum(update, 0), axis=0), inputs)
