"""What a mistake is, and helpers to build one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations, permutations
from typing import Any

import numpy as np

from weightlens.checks.by_hand.replay import Edits, replace_by
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


def multiply_by(factor: float) -> Callable[[Any], Any]:
    """Multiplication by a number."""
    return lambda array: factor * array


def weight_label(node: Recorded) -> str:
    """A weight's label: ``dense/bias``."""
    return f"{node.layer}/{node.name}"


def is_bias(node: Recorded) -> bool:
    """Whether a weight is a bias."""
    return node.name.split("/")[-1] in ("bias", "beta")


def is_kernel(node: Recorded) -> bool:
    """Whether a weight is a kernel."""
    return node.name.endswith("kernel") and node.ndim > 1


def weight_mistake(scene: Scene, kind: str, words: str, node: Recorded, array: Any, bits: float = 0.0) -> Mistake:
    """A weight replaced by another array."""
    return Mistake(kind, words, {id(node): replace_by(array)}, scene.readers.get(id(node)), bits)


def plain_orders(array: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """The last axis rotated by one, rotated back by one, and reversed."""
    return [("moved on by one", np.roll(array, 1, -1)), ("moved back by one", np.roll(array, -1, -1)), ("in reverse", np.flip(array, -1))]


def rarer_orders(array: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Rarer orders of the last axis: every swap of two, and every permutation of a few."""
    n = array.shape[-1]
    arrays: list[tuple[str, np.ndarray]] = []
    orders: list[tuple[str, list[int]]] = []
    if n <= SEVERAL:
        for i, j in combinations(range(n), 2):
            order = list(range(n))
            order[i], order[j] = j, i
            orders.append((f"{i} and {j} exchanged", order))
    if n <= FEW:
        orders += [(f"as {', '.join(map(str, order))}", list(order)) for order in permutations(range(n))]
    known = [np.ascontiguousarray(a).tobytes() for a in (array, *(moved for _, moved in plain_orders(array)))]
    for words, order in orders:
        moved = np.ascontiguousarray(array[..., order])
        if moved.tobytes() not in known:
            known.append(moved.tobytes())
            arrays.append((words, moved))
    return arrays
