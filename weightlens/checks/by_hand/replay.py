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
from weightlens.recording.graph import ordered
from weightlens.recording.prepared_calls import Call, prepared

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
        self.values: list[Any] = [node.value for node in self.nodes]  # None where the trace has dropped it and nobody has asked
        self.calls: dict[int, Call] = {}
        self._ancestors: dict[int, np.ndarray] = {}
        self._affected: dict[tuple[tuple[int, ...], tuple[int, ...]], list[tuple[int, Call]]] = {}

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
        waiting = [i]
        while waiting and self.values[i] is None:
            missing = [k for k in self.before[waiting[-1]] if self.values[k] is None]
            if missing:
                waiting += missing
            else:
                k = waiting.pop()
                self.values[k] = self.call(k)(self.values, {})
        return self.values[i]

    def call(self, i: int) -> Call:
        """The call that made the value with number ``i``."""
        if i not in self.calls:
            self.calls[i] = prepared(self.nodes[i], self.number)
        return self.calls[i]

    def run(self, wanted: Sequence[Recorded], edits: Edits) -> list[Any]:
        """The wanted values after the edits."""
        targets = tuple(self.number[id(node)] for node in wanted)
        edited = {self.number[key]: edit for key, edit in edits.items() if key in self.number}
        with np.errstate(all="ignore"):
            program = self.to_recompute(targets, tuple(edited))
            values = self.values.copy()
            wholes: dict[int, Any] = {}  # what was split into parts, once for all of them

            def now(node: Recorded) -> Any:
                i = self.number[id(node)]
                return values[i] if values[i] is not None else self.original(i)

            for i, call in program:
                values[i] = edited[i](now, partial(call, values, wholes)) if i in edited else call(values, wholes)
        return [values[i] for i in targets]

    def to_recompute(self, targets: tuple[int, ...], edited: tuple[int, ...]) -> list[tuple[int, Call]]:
        """The numbers of the values to be recomputed for the targets, in order, with their calls. What these read is there afterwards."""
        key = (targets, edited)
        if key not in self._affected:
            behind = np.logical_or.reduce([np.zeros(len(self.nodes), bool), *(self.ancestors(self.nodes[i]) for i in targets)])
            is_changed = np.zeros(len(self.nodes), bool)
            is_changed[list(edited)] = True
            for i in range(min(edited, default=len(self.nodes)), len(self.nodes)):
                if behind[i] and not is_changed[i]:
                    is_changed[i] = any(is_changed[k] for k in self.before[i])
            self._affected[key] = [(i, self.call(i)) for i in np.flatnonzero(is_changed & behind).tolist()]
            for i in {*targets, *(k for changed, _ in self._affected[key] for k in self.before[changed])}:
                self.original(i)
        return self._affected[key]
