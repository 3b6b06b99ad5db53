"""The recorded forward pass rerun with changes: what a mistake would have led to.

Every recorded value knows the NumPy call that made it, so a mistake is an edit of single values (another bias,
another function, rounded numbers), and only what follows from them is computed again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from weightlens.recording import Recorded, Trace, operands
from weightlens.recording.graph import computed, ordered

Function = Callable[[np.ndarray], np.ndarray]  # of an array
Now = Callable[[Recorded], np.ndarray]  # the current value of a recorded array
Own = Callable[[], np.ndarray]  # the value as it would be without the edit
Edit = Callable[[Now, Own], np.ndarray]  # computes a value from others, or from its own unchanged value
Edits = dict[int, Edit]  # by the id of the value


def replace_by(array: np.ndarray) -> Edit:
    """An edit: this array replaces the value."""
    return lambda now, own: array


def change_by(function: Function) -> Edit:
    """An edit: a function of the unchanged value replaces it."""
    return lambda now, own: function(own())


def compute_from(node: Recorded, function: Function = lambda value: value) -> Edit:
    """An edit: another value, or a function of it, replaces the value."""
    return lambda now, own: function(now(node))


class Replay:
    """All values of a trace in topological order."""

    def __init__(self, trace: Trace) -> None:
        self.nodes = ordered([*trace.results, *(step.made for step in trace.steps)])
        self.number = {id(node): i for i, node in enumerate(self.nodes)}
        self.before = [[self.number[id(x)] for x in operands(node)] for node in self.nodes]
        self.kept: dict[int, Any] = {}  # values that the trace has dropped, computed again
        self._ancestors: dict[int, np.ndarray] = {}
        self._affected: dict[tuple[tuple[int, ...], tuple[int, ...]], list[int]] = {}

    def ancestors(self, node: Recorded) -> np.ndarray:
        """Which values ``node`` is computed from, itself included: a boolean per number."""
        last = self.number[id(node)]
        if last not in self._ancestors:
            is_ancestor = np.zeros(len(self.nodes), bool)
            is_ancestor[last] = True
            for i in range(last, -1, -1):
                if is_ancestor[i]:
                    is_ancestor[self.before[i]] = True
            self._ancestors[last] = is_ancestor
        return self._ancestors[last]

    def original(self, i: int) -> Any:
        """The unchanged value with number ``i``."""
        node = self.nodes[i]
        if node.value is not None:
            return node.value
        if i not in self.kept:
            waiting = [i]
            while waiting:
                missing = [k for k in self.before[waiting[-1]] if self.nodes[k].value is None and k not in self.kept]
                if missing:
                    waiting += missing
                else:
                    k = waiting.pop()
                    self.kept[k] = computed(self.nodes[k], lambda x: self.kept.get(self.number[id(x)], x.value), {})
        return self.kept[i]

    def run(self, wanted: Sequence[Recorded], edits: Edits) -> list[Any]:
        """The wanted values after the edits."""
        targets = tuple(self.number[id(node)] for node in wanted)
        edited = {self.number[key]: edit for key, edit in edits.items() if key in self.number}
        changed: dict[int, Any] = {}
        wholes: dict[int, Any] = {}  # what was split into parts, once for all of them

        def now(node: Recorded) -> Any:
            i = self.number[id(node)]
            return changed[i] if i in changed else self.original(i)

        with np.errstate(all="ignore"):
            for i in self.to_recompute(targets, tuple(edited)):
                own = partial(computed, self.nodes[i], now, wholes)
                changed[i] = edited[i](now, own) if i in edited else own()
        return [changed[i] if i in changed else self.original(i) for i in targets]

    def to_recompute(self, targets: tuple[int, ...], edited: tuple[int, ...]) -> list[int]:
        """The numbers of the values to be recomputed for the targets, in order."""
        key = (targets, edited)
        if key not in self._affected:
            behind = np.logical_or.reduce([np.zeros(len(self.nodes), bool), *(self.ancestors(self.nodes[i]) for i in targets)])
            is_changed = np.zeros(len(self.nodes), bool)
            is_changed[list(edited)] = True
            for i in range(min(edited, default=len(self.nodes)), len(self.nodes)):
                if behind[i] and not is_changed[i]:
                    is_changed[i] = any(is_changed[k] for k in self.before[i])
            self._affected[key] = np.flatnonzero(is_changed & behind).tolist()
        return self._affected[key]
