"""What a mistake is, and helpers to build one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations, permutations
from typing import NamedTuple

import numpy as np

from weightlens.checks.by_hand.replay import Edits, Function, replace_by
from weightlens.checks.by_hand.scene import Scene
from weightlens.recording import Recorded, Step

LOOSE = 2.2  # about one unit in the last place: the error of numbers that were also rounded on the way
FEW = 5  # up to this length every order is tried
SEVERAL = 40  # up to this length every swap of two is tried


@dataclass(frozen=True)
class Mistake:
    """One possible mistake: its edits, its words, and its prior unlikeliness in bits.

    ``at`` is the step with the mistake, whose correct arithmetic is shown. Rounding is a ``harmless`` mistake.
    """

    kind: str
    words: str
    edits: Edits = field(repr=False)
    at: Step | None = None
    bits: float = 0.0
    harmless: bool = False


Family = Callable[[Scene], Iterator[Mistake]]


class Change(NamedTuple):
    """A mistake with one weight. ``words`` may name its ``{layer}`` and its ``{name}``."""

    kind: str
    words: str
    function: Function
    bits: float = 0.0


def changed_weights(scene: Scene, weights: Iterable[Recorded], *changes: Change) -> Iterator[Mistake]:
    """Each of the changes in each of the weights."""
    for weight in weights:
        for kind, words, function, bits in changes:
            said = words.format(layer=weight.layer, name=weight.name)
            yield weight_mistake(scene, kind, said, weight, function(weight.value), bits)


def weight_mistake(scene: Scene, kind: str, words: str, weight: Recorded, array: np.ndarray, bits: float = 0.0) -> Mistake:
    """A weight replaced by another array."""
    return Mistake(kind, words, {id(weight): replace_by(array)}, scene.readers.get(id(weight)), bits)


def multiply_by(factor: float) -> Function:
    """Multiplication by a number."""
    return lambda array: factor * array


def with_part(array: np.ndarray, index: int | tuple[int, ...], value: float) -> np.ndarray:
    """The array with another number in one place, or in one row."""
    changed = array.copy()
    changed[index] = value
    return changed


def plain_orders(array: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """The last axis rotated by one, rotated back by one, and reversed."""
    return [("moved on by one", np.roll(array, 1, -1)), ("moved back by one", np.roll(array, -1, -1)), ("in reverse", np.flip(array, -1))]


def rarer_orders(array: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Rarer orders of the last axis: every swap of two, and every permutation of a few."""
    n = array.shape[-1]
    orders: list[tuple[str, tuple[int, ...]]] = []
    if n <= SEVERAL:
        for i, j in combinations(range(n), 2):
            orders.append((f"{i} and {j} exchanged", tuple({i: j, j: i}.get(k, k) for k in range(n))))
    if n <= FEW:
        orders += [(f"as {', '.join(map(str, order))}", order) for order in permutations(range(n))]
    known = {np.ascontiguousarray(a).tobytes() for a in (array, *(moved for _, moved in plain_orders(array)))}
    for words, order in orders:
        moved = np.ascontiguousarray(array[..., list(order)])
        if moved.tobytes() not in known:
            known.add(moved.tobytes())
            yield words, moved
