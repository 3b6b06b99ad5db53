"""The gradient rules of calls that choose among numbers: whose the gradient is where these are equal.

It is as in TensorFlow's call of the same name, unless something else was noted when the call was recorded (``recording.tied``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from weightlens.recording import EVERY, FIRST, NEITHER, Recorded
from weightlens.recording.calls import reduced_axes

Parts = list[tuple[Any, Any]]  # each operand of a call with its gradient; None where it has none
Rule = Callable[[Recorded, Recorded], Parts]  # of the result of a call and its gradient


def chosen_of_two(is_taken: Callable[[Any, Any], Any], is_alone: Callable[[Any, Any], Any]) -> Rule:
    """``np.maximum``, ``np.minimum``: the gradient goes to the operand that was taken; on a tie to the first."""

    def rule(x: Recorded, g: Recorded) -> Parts:
        a, b = x.args
        first = is_alone(a, b) if x.ties == NEITHER else is_taken(a, b)
        return [(a, np.where(first, g, 0.0)), (b, np.where(is_taken(a, b), 0.0, g) if isinstance(b, Recorded) else None)]

    return rule


def restored(x: Recorded, y: Recorded) -> Any:
    """A reduced array with its reduced axes restored as length 1, so that it broadcasts."""
    axes, _ = reduced_axes(x)
    return np.reshape(y, tuple(1 if i in axes else n for i, n in enumerate(x.args[0].shape)))


def extreme(x: Recorded, g: Recorded) -> Parts:
    """``np.max``, ``np.min``: the gradient goes to the extreme. Equal ones share it equally, if nothing else is noted."""
    if x.ties == FIRST:
        return [(x.args[0], first_largest(x, g))]
    is_it = (x.args[0] == restored(x, x)).astype(float)
    if x.ties == EVERY:
        return [(x.args[0], is_it * restored(x, g))]
    count = np.sum(is_it, axis=x.args[1] if len(x.args) > 1 else x.kwargs.get("axis"), keepdims=True)
    return [(x.args[0], is_it / count * restored(x, g))]


def first_largest(x: Recorded, g: Recorded) -> Any:
    """The gradient of a largest number, for the first of equal ones: the one that is larger than all before it."""
    over, kept = reduced_axes(x)
    seen = np.transpose(x.args[0], (*kept, *over))
    rows = np.reshape(seen, (*x.shape, -1))
    taken = [rows[..., 0] == x, *((rows[..., i] == x) & (np.max(rows[..., :i], axis=-1) < x) for i in range(1, rows.shape[-1]))]
    parts = np.stack([np.where(is_it, g, 0.0) for is_it in taken], axis=-1)
    return np.transpose(np.reshape(parts, seen.shape), np.argsort((*kept, *over)).tolist())
