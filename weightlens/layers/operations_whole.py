"""Whole numbers of few bits: what operator nodes compute of them starts again at the other end of their range, as in Keras.

Everything is computed in floating point here, so the kind of number that Keras stored with a connection decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

EXACT = 2.0**53  # whole numbers beyond this are not all floats
NARROW = frozenset({"int8", "uint8", "int16", "uint16", "uint32"})
SAME_KIND = frozenset({  # operations whose result is of the kind of their operands
    "Absolute", "Abs", "Add", "BitwiseInvert", "BitwiseLeftShift", "BitwiseNot", "BitwiseXor", "Clip", "Cross", "Cumsum", "Diff",
    "FloorDivide", "Kron", "Lcm", "LeftShift", "Maximum", "Minimum", "Mod", "Multiply", "Negative", "Outer", "Power", "Ptp", "Square",
    "Subtract",
})  # fmt: skip
SUMMING = frozenset({"Sum", "Prod", "Trace", "CountNonzero"})  # these widen to 32 bits first
PRODUCTS = frozenset({"Cumprod", "Dot", "Einsum", "Inner", "Matmul", "Tensordot", "Vdot", "Correlate", "Average"})


def is_whole(kind: Any) -> bool:
    """Whether a kind of number has no fractions."""
    return str(kind).startswith(("int", "uint"))


def leaves(thing: Any) -> Iterator[Any]:
    """Every value in nested arguments."""
    if isinstance(thing, dict):
        thing = list(thing.values())
    if isinstance(thing, (list, tuple)):
        for item in thing:
            yield from leaves(item)
    else:
        yield thing


def farthest(x: Any) -> float:
    """The size of the largest number of an array, whether or not it is recorded."""
    values = np.asarray(getattr(x, "value", x))
    return float(np.max(np.abs(values))) if values.size and values.dtype.kind in "iuf" else 0.0


def fits(x: Any, kind: str) -> bool:
    """Whether every number of ``x`` is in the range of ``kind``."""
    values, limits = np.asarray(getattr(x, "value", x)), np.iinfo(kind)
    return not values.size or bool(np.all((values >= limits.min) & (values <= limits.max)) or not np.all(np.isfinite(values)))


def wrapped(x: Any, kind: str) -> Any:
    """``x`` counted around the range of ``kind``: 256 is 0 in ``uint8``, 128 is -128 in ``int8``."""
    limits = np.iinfo(kind)
    if farthest(x) >= EXACT or limits.bits > 32:
        raise NotImplementedError(f"counts beyond what is exact, in {kind}")
    if not limits.min:
        return np.mod(x, 2.0**limits.bits)
    return np.mod(x - float(limits.min), 2.0**limits.bits) + float(limits.min)


def kept_in_range(name: str, kind: str, given: Any, y: Any) -> Any:
    """What an operation on whole numbers of ``kind`` makes of the arguments ``given``; refused where it cannot be told."""
    if name == "Moments":
        raise NotImplementedError("takes the mean of whole numbers as a whole number")
    plain = [value for value in leaves(given) if isinstance(value, (bool, int, float))]
    arrays = [value for value in leaves(given) if isinstance(value, np.ndarray)]
    fractions = any(isinstance(value, float) for value in plain) or any(a.dtype.kind == "f" for a in arrays)
    if fractions or name not in SAME_KIND | SUMMING | PRODUCTS:
        return y
    if kind in NARROW and name in PRODUCTS:
        raise NotImplementedError(f"adds up products in {kind}, which wraps around")
    if kind in NARROW and name in SAME_KIND:
        if name != "Clip" and not all(fits(value, kind) for value in plain):
            raise NotImplementedError(f"takes a number that {kind} cannot hold")
        return wrapped(y, kind)
    if not fits(y, "int32" if kind in NARROW else kind):
        raise NotImplementedError("counts beyond the range of its whole numbers, where Keras starts again at the other end")
    return y
