"""Operations that count, correlate and space numbers out (``keras.ops.numpy``)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from weightlens.layers.activations import Step
from weightlens.layers.operations_arrays import placed
from weightlens.layers.operations_numpy import Axis, in_rising_order
from weightlens.whole import is_whole


def nanquantile(x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Any:
    """What a share ``q`` of the numbers over ``axis`` that are not NaN lie below; between two of them by ``method``."""
    if np.ndim(q):
        return np.stack([nanquantile(x, float(part), axis, method, keepdims) for part in q], axis=0)
    rising, kept = in_rising_order(x, axis)
    last = np.sum(np.where(np.isnan(rising), 0.0, 1.0), axis=-1, keepdims=True) - 1.0
    position = (np.maximum(last, 0.0) * float(np.float32(q)))[..., 0]  # Keras takes the share in single precision
    low, high = np.floor(position), np.ceil(position)
    if method not in BETWEEN:
        raise NotImplementedError(f"quantile method {method!r} is not one that weightlens computes")
    below, above = (np.take_along_axis(rising, place[..., None].astype(int), axis=-1)[..., 0] for place in (low, high))
    y = below + (above - below) * BETWEEN[method](position, low, high)
    return np.reshape(y, kept) if keepdims else y


BETWEEN: dict[str, Callable[[Any, Any, Any], Any]] = {
    "linear": lambda position, low, high: position - low, "lower": lambda position, low, high: 0.0,
    "higher": lambda position, low, high: high - low, "midpoint": lambda position, low, high: 0.5 * (high - low),
    "nearest": lambda position, low, high: np.rint(position) - low,
}  # fmt: skip


def nanpercentile(x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Any:
    """``nanquantile`` with ``q`` in hundredths."""
    return nanquantile(x, np.asarray(q, np.float32) / np.float32(100.0), axis, method, keepdims)


def nanmedian(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The middle number that is not NaN."""
    return nanquantile(x, 0.5, axis, "linear", keepdims)


def corrcoef(x: Any, *, step: Step) -> Any:
    """How much each two rows rise and fall together, -1..1."""
    if x.ndim != 2:
        raise NotImplementedError("correlates rows of more than one matrix")
    away = step("away from the mean", x - np.mean(x, axis=-1, keepdims=True))
    together = step("covariance", (away @ np.swapaxes(away, 0, 1)) / (x.shape[1] - 1.0))
    spread = np.sqrt(np.diagonal(together))
    return np.minimum(np.maximum(together / (spread[:, None] * spread[None, :]), -1.0), 1.0)


def correlate(x1: Any, x2: Any, mode: str = "valid", *, step: Step) -> Any:
    """The product of ``x2`` with every window of ``x1``."""
    x1, x2 = placed(x1, step), placed(x2, step)
    n, m = x1.shape[0], x2.shape[0]
    padded = x1 if mode == "valid" else np.pad(x1, (m - 1, m - 1))
    y = sliding_window_view(padded, m) @ x2
    start = (n + m - 1 - max(n, m)) // 2
    return y[start : start + max(n, m)] if mode == "same" else y


def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0) -> Any:
    """``num`` numbers from ``start`` to ``stop``, evenly apart."""
    if retstep:
        raise NotImplementedError("also gives the distance")
    parts = max(num - 1 if endpoint else num, 1)
    y = np.stack([start + (stop - start) * (i / parts) for i in range(num)], axis=axis)
    return np.floor(y) if is_whole(dtype) else y


def logspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: float = 10, dtype: Any = None, axis: int = 0) -> Any:
    """Powers of ``base`` whose exponents are evenly apart."""
    return np.power(float(base), linspace(start, stop, num, endpoint, False, dtype, axis))


def full(fill_value: Any, shape: Any, dtype: Any = None) -> Any:
    """An array that holds one number."""
    y = np.broadcast_to(fill_value, tuple(shape) if isinstance(shape, (list, tuple)) else (shape,))
    return np.trunc(y) if is_whole(dtype) else y


def unravel_index(indices: Any, shape: Any) -> Any:
    """Places counted through an array, as a place along each axis; of more than one axis of places as Keras counts: the first first."""
    found = []
    for size in reversed(shape) if indices.ndim == 1 else shape:
        found.append(np.mod(indices, size))
        indices = np.floor(indices / size)
    return found[::-1]


OPERATIONS: dict[str, Callable[..., Any]] = {
    "Nanquantile": nanquantile, "Nanpercentile": nanpercentile, "Nanmedian": nanmedian, "Corrcoef": corrcoef, "Correlate": correlate,
    "Linspace": linspace, "Logspace": logspace, "Full": full,
    "UnravelIndex": unravel_index, "Angle": lambda x: np.where(np.less(x, 0), math.pi, 0.0), "Imag": lambda x: np.zeros(x.shape),
    "Isreal": lambda x: np.ones(x.shape, bool), "Size": lambda x: np.array(float(x.size)), "Ndim": lambda x: np.array(float(x.ndim)),
    "I0": np.i0, "Nextafter": np.nextafter,
}  # fmt: skip
