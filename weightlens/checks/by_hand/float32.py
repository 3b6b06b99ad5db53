"""Error bounds: how far a float32 calculation may be from the exact one, in any order of its sums.

The bounds are computed along the recorded forward pass. A sum of n products has an error of at most ``gamma_n * sum |x w|``
(Higham, *Accuracy and Stability of Numerical Algorithms*, 3.1), plus the errors of its terms; a function, as much as it
changes between the ends of its argument's interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from weightlens.checks.by_hand.replay import Replay, replace_by
from weightlens.recording import Part, Recorded, cast, each
from weightlens.recording.calls import MOVES

ROUND = 2.0**-24  # the largest relative error of one rounding
EXACT, ARITHMETIC, FUNCTION = 0.0, 1.0, 4.0  # roundings in one operation; programs differ in how they approximate functions
SMALL, TIMES = 1e-5, 30.0  # caps on a bound, which grows with depth: relative to the largest number, and times the measured error
SUMS = {np.sum, np.mean, np.matmul, np.dot, np.einsum, np.tensordot, np.add.reduce}
LARGEST_OF = {np.max, np.min}
COMPARISONS = {np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal}
PICKING = {np.maximum, np.minimum, np.negative, np.abs, np.absolute}
BASIC = {np.add, np.subtract, np.multiply, np.divide, np.sqrt, np.square}


class Bounds:
    """The float32 error bound of every value of a forward pass."""

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        self.kept: dict[int, Any] = {}

    def bound(self, node: Recorded) -> np.ndarray:
        """The error bound of each element of one value."""
        needed = np.flatnonzero(self.replay.ancestors(node)).tolist()
        with np.errstate(all="ignore"):
            for i in needed:
                if i not in self.kept:
                    self.kept[i] = np.nan_to_num(self.bound_of_call(self.replay.nodes[i], self.replay.original(i)), nan=0.0, posinf=0.0)
            value = self.replay.original(needed[-1])
            measured = float(np.nan_to_num(np.abs(self.in_float32(node) - value)).max(initial=0.0))
            largest = float(np.nan_to_num(np.abs(value)).max(initial=1.0))
        bound: np.ndarray = np.minimum(self.kept[needed[-1]], max(SMALL * largest, TIMES * measured))
        return bound

    def in_float32(self, node: Recorded) -> Any:
        """The value computed in float32."""
        leaves = [x for x in self.replay.nodes if x.op is None and x.value.dtype.kind == "f"]
        return self.replay.run([node], {id(x): replace_by(x.value.astype(np.float32)) for x in leaves})[0]

    def operand_value(self, thing: Any) -> Any:
        """An operand's value: recorded or constant."""
        return self.replay.original(self.replay.number[id(thing)]) if isinstance(thing, Recorded) else thing

    def operand_end(self, thing: Any, off: Any, side: int) -> Any:
        """An operand at one end of its error interval."""
        return self.operand_value(thing) + side * off if side else self.operand_value(thing)

    def operand_bound(self, thing: Any) -> Any:
        """The error bound of an operand."""
        return self.kept[self.replay.number[id(thing)]] if isinstance(thing, Recorded) else stored_error(thing)

    def bound_of_call(self, node: Recorded, value: Any) -> Any:
        """The error bound of one value, from those of its operands."""
        op: Any = node.op
        if op is None:
            return stored_error(value)
        if np.asarray(value).dtype.kind not in "fb":
            return np.zeros(np.shape(value))
        if op in MOVES or op is cast or isinstance(op, Part):
            return self.bound_of_move(node)
        if op in SUMS:
            return self.bound_of_sum(node, value)
        if op in LARGEST_OF:
            return np.max(self.operand_bound(node.args[0]), *node.args[1:], **node.kwargs)
        if op is np.where:
            return self.bound_of_choice(*node.args)
        if op in COMPARISONS:
            off = self.operand_bound(node.args[0]) + self.operand_bound(node.args[1])
            return ((off > 0) & (np.abs(self.operand_value(node.args[0]) - self.operand_value(node.args[1])) <= off)).astype(float)
        return self.bound_of_function(node, value)

    def bound_of_move(self, node: Recorded) -> Any:
        """The bound of moved numbers: their bounds, moved likewise; padding is exact."""
        kwargs = {key: 0.0 if key == "constant_values" else each(self.moved_bound, x) for key, x in node.kwargs.items()}
        first, *others = node.args
        args = [each(self.moved_bound, first), *(each(self.operand_value, x) for x in others)]
        return np.asarray(operation(node)(*args, **kwargs), np.float64)

    def moved_bound(self, thing: Any) -> Any:
        """The error bound that stands in for a moved operand; constants are exact."""
        return self.operand_bound(thing) if isinstance(thing, Recorded) else 0.0 if isinstance(thing, float) else thing

    def bound_of_sum(self, node: Recorded, value: Any) -> Any:
        """The bound of a sum of n terms; with two operands, of n products."""
        op: Callable[..., Any] = partial(operation(node), **node.kwargs)
        arrays = [isinstance(x, (Recorded, np.ndarray)) for x in node.args]
        sizes = [np.abs(self.operand_value(x)) if is_array else x for x, is_array in zip(node.args, arrays, strict=True)]
        upper = [s + self.operand_bound(x) if is_array else x for s, x, is_array in zip(sizes, node.args, arrays, strict=True)]
        total = op(*upper)
        terms = max(np.size(s) for s, is_array in zip(sizes, arrays, strict=True) if is_array)
        if sum(arrays) == 2:
            first, second = (np.size(s) for s, is_array in zip(sizes, arrays, strict=True) if is_array)
            terms = round(math.sqrt(first * second / max(np.size(value), 1)))
        elif np.size(value):
            terms //= np.size(value)
        return total - op(*sizes) + terms * ROUND * total

    def bound_of_choice(self, condition: Any, one: Any, other: Any) -> Any:
        """The bound of ``np.where``: that of the chosen value, or of both where rounding may flip the condition."""
        a, b = self.operand_value(one), self.operand_value(other)
        ea, eb = np.broadcast_to(self.operand_bound(one), np.shape(a)), np.broadcast_to(self.operand_bound(other), np.shape(b))
        certain = np.where(self.operand_value(condition), ea, eb)
        turned = self.operand_bound(condition) if isinstance(condition, Recorded) else 0.0
        return np.where(np.asarray(turned) > 0, np.abs(a - b) + np.maximum(ea, eb), certain)

    def bound_of_function(self, node: Recorded, value: Any) -> Any:
        """Any other call: the largest change of its result at the corners of its operands' intervals, plus its own rounding."""
        op: Callable[..., Any] = partial(operation(node), **node.kwargs)
        off = [self.operand_bound(x) if isinstance(x, (Recorded, float)) else None for x in node.args]
        sides = [(0,) if e is None or not np.any(e) else (-1, 1) for e in off]
        change: Any = 0.0
        for corner in product(*sides):
            args = [self.operand_end(x, e, side) for x, e, side in zip(node.args, off, corner, strict=True)]
            change = np.maximum(change, np.abs(np.asarray(op(*args), np.float64) - value))
        size = np.abs(np.asarray(value, np.float64))
        if node.op in (np.add, np.subtract):  # the size before cancellation, because sums are taken in any order
            size = np.abs(self.operand_value(node.args[0])) + np.abs(self.operand_value(node.args[1]))
        roundings = EXACT if node.op in PICKING else ARITHMETIC if node.op in BASIC else FUNCTION
        return np.broadcast_to(change + roundings * ROUND * size, np.shape(value))


def operation(node: Recorded) -> Callable[..., Any]:
    """The call that made a value."""
    assert node.op is not None
    return node.op


def stored_error(thing: Any) -> Any:
    """The error of rounding a stored or given number to float32."""
    array = np.asarray(thing)
    if array.dtype.kind != "f":
        return np.zeros(array.shape)
    return np.abs(array - array.astype(np.float32).astype(np.float64))
