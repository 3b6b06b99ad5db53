"""Whole numbers of few bits: the results of operator nodes wrap around, as in Keras.

Everything is computed in floating point here, so the kind of number that Keras stored with a connection decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from weightlens.layers.signature import Array
from weightlens.specs.kinds import is_whole
from weightlens.specs.operation import PRODUCTS_OF_TRUTH, whole_of
from weightlens.specs.registry import spec

EXACT = 2.0**53  # whole numbers beyond this are not all floats
NARROW = frozenset({"int8", "uint8", "int16", "uint16", "uint32"})


def leaves(thing: Any) -> Iterator[Any]:
    """Every value in nested arguments."""
    if isinstance(thing, dict):
        thing = list(thing.values())
    if isinstance(thing, (list, tuple)):
        for item in thing:
            yield from leaves(item)
    else:
        yield thing


def farthest(x: Array) -> float:
    """The size of the largest number of an array, whether or not it is recorded."""
    values = np.asarray(getattr(x, "value", x))
    return float(np.max(np.abs(values))) if values.size and values.dtype.kind in "iuf" else 0.0


def fits(x: Array, kind: str) -> bool:
    """Whether every number of ``x`` is in the range of ``kind``."""
    values, limits = np.asarray(getattr(x, "value", x)), np.iinfo(kind)
    if limits.bits > 32:
        return farthest(x) < EXACT
    return bool(np.all((values >= limits.min) & (values <= limits.max)))


def wrapped(x: Array, kind: str) -> Any:
    """``x`` wrapped around into the range of ``kind``: 256 is 0 in ``uint8``, 128 is -128 in ``int8``."""
    limits = np.iinfo(kind)
    if farthest(x) >= EXACT or limits.bits > 32:
        raise NotImplementedError(f"counts beyond what is exact, in {kind}")
    if not limits.min:
        return np.mod(x, 2.0**limits.bits)
    return np.mod(x - float(limits.min), 2.0**limits.bits) + float(limits.min)


def kept_in_range(name: str, kind: str, given: Any, y: Array) -> Any:
    """What an operation on whole numbers of ``kind`` makes of the arguments ``given``; refused where it cannot be told."""
    what = whole_of(name)
    if kind == "bool" and (what == "cuts" or name in PRODUCTS_OF_TRUTH):
        raise NotImplementedError("computes with true and false")
    if not is_whole(kind):
        return y
    if what == "cuts":
        return np.trunc(y)
    if what == "means":
        raise NotImplementedError("takes the mean of whole numbers as a whole number")
    positional, named = given
    operands = leaves([positional, {key: value for key, value in named.items() if key in ("x", "y", "x1", "x2", "a", "b")}])
    constants: list[Any] = [value for value in operands if isinstance(value, (bool, int, float, np.ndarray))]  # as they stand in the file
    kinds = [value.dtype for value in constants if isinstance(value, np.ndarray) and value.dtype.kind in "iu"]  # a number's does not count
    counting, kind = what in ("same", "products"), str(np.result_type(kind, *kinds)) if kinds else kind
    fractions = any(np.asarray(value).dtype.kind == "f" for value in constants) or not is_whole(kind)
    if fractions or not (counting or what in ("sums", "divides")):
        return y
    if kind in NARROW and not all(fits(value, kind) for value in constants):
        raise NotImplementedError(f"takes a number that {kind} cannot hold")
    if kind in NARROW and what == "products":
        raise NotImplementedError(f"adds up products in {kind}, which wraps around")
    if kind in NARROW and counting:
        return wrapped(y, kind)
    if what != "divides" and not fits(y, "int32" if kind in NARROW else kind):
        raise NotImplementedError("counts beyond the range of its whole numbers, where Keras wraps around")
    return y


def layer_in_range(name: str, kind: str, y: Array) -> Any:
    """What a layer makes of whole numbers that Keras does not turn into fractions."""
    whole = spec(name).whole
    if kind == "bool" and whole in ("cuts", "sums"):
        raise NotImplementedError("computes with true and false")
    if whole == "cuts":
        return np.trunc(y)
    if whole == "means" or (kind in NARROW and whole == "sums"):
        raise NotImplementedError("takes whole numbers, and rounds their mean or counts beyond their range")
    return wrapped(y, kind) if kind in NARROW and whole == "wraps" else y
