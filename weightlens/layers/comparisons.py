"""Comparisons as Keras makes them, and what is true or false as numbers.

Keras compares with a fixed number in single precision. In double precision 0.1 and the nearest single to it differ; a mask
value or a threshold means both. So a fixed number stands for the range between the two.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from weightlens.layers.signature import Array, Function, Number
from weightlens.recording import value_of


def range_of(value: Number) -> tuple[Any, Any]:
    """A fixed number and its nearest single, the smaller first; an array is both ends itself."""
    if not isinstance(value, float):
        return value, value
    single = float(np.float32(value))
    return min(value, single), max(value, single)


def compared(compare: Function, left: int, right: int) -> Function:
    """A comparison of two numbers: the smaller (0) or larger (1) end of the range on either side."""

    def function(x1: Number, x2: Number) -> Any:
        return compare(range_of(x1)[left], range_of(x2)[right])

    return function


greater, greater_equal = compared(np.greater, 0, 1), compared(np.greater_equal, 1, 0)
less, less_equal = compared(np.less, 1, 0), compared(np.less_equal, 0, 1)


def equal(x1: Number, x2: Number) -> Any:
    """``x1 = x2``."""
    (low1, high1), (low2, high2) = range_of(x1), range_of(x2)
    alike = np.equal(low1, low2)
    return alike if (low1, low2) == (high1, high2) else np.logical_or(alike, np.equal(high1, high2))


def not_equal(x1: Number, x2: Number) -> Any:
    """``x1 <> x2``."""
    (low1, high1), (low2, high2) = range_of(x1), range_of(x2)
    differs = np.not_equal(low1, low2)
    return differs if (low1, low2) == (high1, high2) else np.logical_and(differs, np.not_equal(high1, high2))


def is_truth(x: object) -> bool:
    """Whether these are true and false, not numbers."""
    return isinstance(x, bool) or getattr(getattr(x, "dtype", None), "kind", "") == "b"


def truth(x: Number) -> Any:
    """Numbers as true or false: 0 is false."""
    return x if is_truth(x) else np.not_equal(x, 0)


def numbers(x: Number) -> Any:
    """True and false as 1 and 0; numbers as they are."""
    return np.where(x, 1.0, 0.0) if is_truth(x) else x


def without_nan(x: Array, doing: str = "puts numbers in order") -> Array:
    """``x``, which is about to be put in order; refused with NaN in it, for which each backend of Keras finds another place."""
    values = np.asarray(value_of(x))
    if values.dtype.kind == "f" and np.isnan(values).any():
        raise NotImplementedError(f"{doing}, and one of them is NaN")
    return x


def finite(x: Number, doing: str) -> None:
    """Refuse NaN and infinite numbers where Keras multiplies or adds in another way, which is the same for all others."""
    if not np.isfinite(value_of(x)).all():
        raise NotImplementedError(f"{doing}, and one of them is not finite")


def whole(x: Array) -> Any:
    """Numbers used as places: integers."""
    return x.astype(int) if hasattr(x, "dtype") and x.dtype.kind not in "iu" else x


def one_hot(x: Array, num_classes: int, axis: int = -1) -> Any:
    """1 at the place that ``x`` names, 0 elsewhere, along a new axis."""
    hot = np.where(np.equal(np.expand_dims(np.trunc(x), -1), np.arange(float(num_classes))), 1.0, 0.0)
    return np.moveaxis(hot, -1, axis)
