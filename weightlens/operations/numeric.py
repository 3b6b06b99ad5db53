"""Operations that NumPy has too (``keras.ops.numpy``): arithmetic, comparison, reductions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from weightlens.layers.comparisons import numbers, truth
from weightlens.layers.signature import Array, Axis, Function, Number, Step
from weightlens.operations.small_integers import NARROW, fits, leaves

LARGEST_OF_SHEETS = 9.99e307  # what is larger no spreadsheet holds


def from_data(x: object) -> bool:
    """Whether any of the values was made from an input of the model."""
    waiting, seen = list(leaves(x)), set()
    while waiting:
        made = waiting.pop()
        if getattr(made, "kind", "") == "input":
            return True
        if hasattr(made, "op") and id(made) not in seen:
            seen.add(id(made))
            waiting += leaves((made.args, made.kwargs))
    return False


def plain_size(size: Any) -> Any:
    """A size or place that the graph works out from shapes (``tf.shape``), as plain numbers."""
    if from_data(size):
        raise NotImplementedError("takes a size or a place from the data")
    size = getattr(size, "value", size)
    return [plain_size(n) for n in size] if isinstance(size, (list, tuple)) or np.ndim(size) else int(size)


# Arithmetic, element by element.


def divide_no_nan(x1: Number, x2: Number) -> Any:
    """``x1 / x2``, 0 where ``x2`` is 0."""
    return np.where(np.equal(x2, 0), 0.0, x1 / np.where(np.equal(x2, 0), 1.0, x2))


def floor_divide(x1: Number, x2: Number) -> Any:
    """The whole part of ``x1 / x2``, rounded down."""
    return np.floor(np.divide(x1, x2))


def fmod(x1: Number, x2: Number) -> Any:
    """The rest of ``x1 / x2`` with the sign of ``x1``."""
    return np.sign(x1) * np.mod(np.abs(x1), np.abs(x2))


def cbrt(x: Array) -> Any:
    """The cube root, negative for negative numbers."""
    return np.sign(x) * np.power(np.abs(x), 1.0 / 3.0)


def clip(x: Array, x_min: Array | None, x_max: Array | None, input_dtype: str | None = None) -> Any:
    """``x`` cut to ``x_min``..``x_max``."""
    if input_dtype in NARROW and not all(fits(limit, str(input_dtype)) for limit in (x_min, x_max) if limit is not None):
        raise NotImplementedError(f"takes a number that {input_dtype} cannot hold")
    x = x if x_min is None else np.maximum(x, x_min)
    return x if x_max is None else np.minimum(x, x_max)


def around(x: Array, decimals: int = 0) -> Any:
    """To the nearest whole number (or that many ``decimals``), halves to the even neighbour."""
    return np.rint(x * 10.0**decimals) / 10.0**decimals if decimals else np.rint(x)


def logaddexp(x1: Number, x2: Number, *, step: Step) -> Any:
    """``ln(e^x1 + e^x2)``, the larger taken out first; an infinite one is the result."""
    larger = step("larger", np.maximum(x1, x2))
    return np.where(np.abs(larger) < LARGEST_OF_SHEETS, larger + np.log(1.0 + np.exp(-np.abs(np.subtract(x1, x2)))), larger)


def hypot(x1: Number, x2: Number, *, step: Step) -> Any:
    """``sqrt(x1^2 + x2^2)``, the larger taken out first: no square is too large or too small. Of two infinite numbers NaN."""
    larger = step("larger", np.maximum(np.abs(x1), np.abs(x2)))
    ratio = step("ratio", divide_no_nan(np.minimum(np.abs(x1), np.abs(x2)), larger))
    return larger * np.sqrt(1.0 + ratio * ratio)


def nan_to_num(x: Array, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None, input_dtype: str | None = None) -> Any:
    """``x`` with other numbers in the place of NaN and infinity: unless given, the largest that the kind of number has."""
    limits = np.finfo(np.float64 if input_dtype == "float64" else np.float32)
    x = np.where(np.isnan(x), nan, x)
    x = np.where(x == np.inf, limits.max if posinf is None else posinf, x)
    return np.where(x == -np.inf, limits.min if neginf is None else neginf, x)


def isin(x1: Number, x2: Number, assume_unique: bool = False, invert: bool = False) -> Any:
    """Whether each number of ``x1`` is among ``x2``."""
    among = np.any(np.equal(np.expand_dims(x1, -1), np.reshape(x2, (-1,))), axis=-1)
    return np.logical_not(among) if invert else among


def where(condition: Number, x1: Number | None = None, x2: Number | None = None) -> Any:
    """``x1`` where the condition holds, else ``x2``."""
    if x1 is None or x2 is None:
        raise NotImplementedError("gives the places where a condition holds, whose number depends on the data")
    return np.where(truth(condition), x1, x2)


def logical(operation: Function) -> Callable[..., Any]:
    """The operation on true and false, which numbers become where they are not 0."""

    def function(x1: Number, x2: Number) -> Any:
        return operation(truth(x1), truth(x2))

    return function


def logical_not(x: Array) -> Any:
    """Whether ``x`` is 0."""
    return np.logical_not(truth(x))


# Reductions.


def reduction(reduce: Function, prepare: Function = numbers) -> Callable[..., Any]:
    """A reduction over ``axis`` of what ``prepare`` makes of the values."""

    def function(x: Array, axis: Axis = None, keepdims: bool = False) -> Any:
        return reduce(prepare(x), axis=axis, keepdims=keepdims)

    return function


def extreme(reduce: Function, better: Function) -> Callable[..., Any]:
    """The largest or smallest number over ``axis``, ``initial`` among them."""

    def function(x: Array, axis: Axis = None, keepdims: bool = False, initial: float | None = None) -> Any:
        y = reduce(x, axis=axis, keepdims=keepdims)
        return y if initial is None else better(y, initial)

    return function


largest, smallest = extreme(np.max, np.maximum), extreme(np.min, np.minimum)


def running(accumulate: Function) -> Callable[..., Any]:
    """A running sum or product along ``axis``, over all numbers in a row without one."""

    def function(x: Array, axis: int | None = None) -> Any:
        return accumulate(np.ravel(x), axis=0) if axis is None else accumulate(x, axis=axis)

    return function


def var(x: Array, axis: Axis = None, keepdims: bool = False) -> Any:
    """The population variance over ``axis``: the mean squared distance from the mean."""
    away = x - np.mean(x, axis=axis, keepdims=True)
    return np.mean(away * away, axis=axis, keepdims=keepdims)


def std(x: Array, axis: Axis = None, keepdims: bool = False) -> Any:
    """The square root of the population variance."""
    return np.sqrt(var(x, axis, keepdims))


def ptp(x: Array, axis: Axis = None, keepdims: bool = False) -> Any:
    """The largest less the smallest."""
    return np.max(x, axis=axis, keepdims=keepdims) - np.min(x, axis=axis, keepdims=keepdims)


def average(x: Array, weights: Any = None, axis: Axis = None) -> Any:
    """The mean over ``axis``, each number counted ``weights`` times."""
    if weights is None:
        return np.mean(x, axis=axis)
    if np.ndim(weights) == 1 and np.ndim(x) > 1 and isinstance(axis, int):
        weights = np.reshape(weights, [-1 if d == axis % np.ndim(x) else 1 for d in range(np.ndim(x))])
    return np.sum(x * weights, axis=axis) / np.sum(np.broadcast_to(weights, x.shape), axis=axis)


def count_nonzero(x: Array, axis: Axis = None) -> Any:
    """How many numbers over ``axis`` are not 0."""
    return np.sum(np.where(truth(x), 1.0, 0.0), axis=axis)


def diff(a: Array, n: int = 1, axis: int = -1, input_dtype: str | None = None) -> Any:
    """Each number less the one before it, ``n`` times over; of true and false whether they differ."""
    for _ in range(n):
        a = np.moveaxis(a, axis, 0)
        a = np.moveaxis(np.not_equal(a[1:], a[:-1]) if input_dtype == "bool" else a[1:] - a[:-1], 0, axis)
    return a
