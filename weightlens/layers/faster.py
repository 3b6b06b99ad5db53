"""Another spelling of calculations with bare arrays, because it is faster. A trace records the plain one, which formulas are made of."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from weightlens.layers.signature import Array
from weightlens.recording import NEITHER, Recorded, tied

ON_ONE_CORE = 1 << 18  # multiplications in a matrix product that BLAS does not share out among its threads
FEWEST_ROWS = 8  # of such a product: of fewer, preparing it costs more than the product
MANY = 1 << 12  # numbers from which on the time goes into computing, not into calling NumPy
SHORT = 1 << 8  # numbers in a row, of which NumPy begins a loop for each row


def is_recorded(*arrays: object) -> bool:
    """Whether a trace is being made, in which every call becomes part of a formula."""
    return any(isinstance(array, Recorded) for array in arrays)


def times(x: Array, kernel: Array, out: np.ndarray | None = None) -> Any:
    """``x . kernel``, ``(rows, n) -> (rows, m)``, so few rows at a time that BLAS stays on one core; of bare arrays into ``out`` if given.

    To wake its threads costs more than they save, all the more where portions of samples are computed side by side.
    """
    few = ON_ONE_CORE // max(1, kernel.size)
    if is_recorded(x, kernel) or x.ndim != 2 or len(x) <= few or few < FEWEST_ROWS:
        return x @ kernel if out is None else np.matmul(x, kernel, out=out)
    few = math.ceil(len(x) / math.ceil(len(x) / few))
    whole = len(x) - len(x) % few
    y: np.ndarray = np.empty((len(x), kernel.shape[1]), np.result_type(x, kernel)) if out is None else out
    np.matmul(x[:whole].reshape(-1, few, x.shape[1]), kernel, out=y[:whole].reshape(-1, few, y.shape[1]))
    if whole < len(x):
        np.matmul(x[whole:], kernel, out=y[whole:])
    return y


def at_least(x: Array, low: float) -> Any:
    """``max(x, low)``: NumPy compares many numbers with two bounds several times as fast as with one."""
    return np.clip(x, low, math.inf) if is_many(x) else np.maximum(x, low)


def at_most(x: Array, high: float) -> Any:
    """``min(x, high)``, see ``at_least``."""
    return np.clip(x, -math.inf, high) if is_many(x) else np.minimum(x, high)


def cut_off(x: Array, low: float | None = None, high: float | None = None) -> Any:
    """``x`` cut as a relu cuts it: to ``low`` and more, to ``high`` and less; at both ends its slope is 0."""
    x = x if low is None else tied(at_least(x, low), NEITHER)
    return x if high is None else tied(at_most(x, high), NEITHER)


def exp_at_most(x: Array, high: float) -> Any:
    """``e^min(x, high)``. Bare numbers are not compared where ``e^high`` is infinite in their type: so is ``e`` to any more."""
    if is_recorded(x) or x.dtype.kind != "f" or high <= np.log(np.finfo(x.dtype).max):
        return np.exp(at_most(x, high))
    return np.exp(x)


def is_many(x: Array) -> bool:
    """Whether these are many bare floats."""
    return not is_recorded(x) and x.dtype.kind == "f" and x.size > MANY


def plus_row(x: Array, row: Array) -> Any:
    """``x + row`` along the last axis: short rows side by side are taken as one long one."""
    if is_recorded(x, row) or row.shape != x.shape[-1:] or len(row) >= SHORT or x.size <= MANY or not x.flags.c_contiguous:
        return x + row
    side_by_side = math.gcd(x.size // len(row), 1 << 8) if x.ndim == 2 else x.shape[-2]
    return np.reshape(np.reshape(x, (-1, side_by_side * len(row))) + np.tile(row, side_by_side), x.shape)
