"""A recurrent layer as one table: a row per time step, and above each sample's first one a row "start" with the initial states.

What is remembered from one time step to the next then always stands one row up, at the first time step too. Nothing
here knows any layer: a recurrence is a step whose role is that of a state, which occurs again and again; what it starts
from belongs above it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from weightlens.recording import Recorded, Step
from weightlens.recording.graph import expression, named_operands
from weightlens.recording.trace import by_layer
from weightlens.workbook.formulas.arrangement import Arrangement
from weightlens.workbook.layout import choices as layout

Key = tuple[str, tuple[int, ...]]  # name and shape of a step: its occurrences stand under each other


@dataclass(frozen=True)
class TimeTable:
    """``samples`` times one row "start" and ``steps`` time steps; ``above``: what stands in the row "start" of which columns."""

    samples: int
    steps: int
    above: dict[Key, Key]  # initial state -> the state that it stands above
    repeated: frozenset[Key]  # what every time step computes anew
    backwards: bool = False  # the first row is the last time step

    @property
    def height(self) -> int:
        return self.samples * (self.steps + 1)

    def row(self, name: str, shape: tuple[int, ...], occurrence: int) -> int | None:
        """The row in which a step begins, counted from the first "start"; ``None``: it is not part of the table."""
        if (name, shape) in self.above:
            return 0
        if (name, shape) in self.repeated:
            return occurrence + 1
        return 1 if len(shape) == 3 and shape[:2] == (self.samples, self.steps) else None

    def arrangement(self, name: str, shape: tuple[int, ...]) -> Arrangement | None:
        """Its cells: one row a sample, as far apart as the samples are; of whole sequences, one row a time step."""
        if self.row(name, shape, 0) is None:
            return None
        if len(shape) == 3:
            return Arrangement(shape, (0, 1), (2,), row_gap=1)
        return Arrangement(shape, (0,), tuple(range(1, len(shape))), stretch=self.steps + 1)

    def labels(self) -> dict[int, str]:
        """What stands left of the rows: ``start``, ``t=0``; of several ``sample 2, start``, or ``sample 2`` where nothing starts."""
        labels: dict[int, str] = {}
        for sample in range(self.samples):
            first, which = sample * (self.steps + 1), [f"sample {sample}"] if self.samples > 1 else []
            if head := ", ".join([*which, *(["start"] if self.above else [])]):
                labels[first] = head
            for k in range(self.steps):
                labels[first + 1 + k] = f"t={self.steps - 1 - k if self.backwards else k}"
        return labels


def time_tables(steps: list[Step]) -> dict[str, TimeTable]:
    """The tables of those layers that are recurrent."""
    tables = {layer: time_table(own) for layer, own in by_layer(steps).items()}
    return {layer: table for layer, table in tables.items() if table is not None}


def time_table(steps: list[Step]) -> TimeTable | None:
    """The table of one layer; ``None`` where it does not run over time, or its states are pictures."""
    counts = Counter((step.name, step.made.shape) for step in steps)
    roles = {(step.name, step.made.shape): step.made.role for step in steps}
    states = [key for key in counts if roles[key].kind in ("state", "masked state") and len(key[1]) == 2]
    if not states or any(step.made.ndim > 3 or (step.made.ndim and step.made.shape[-1] > layout.WIDEST) for step in steps):
        return None
    longest = max(states, key=lambda key: counts[key])
    samples, count = longest[1][0], counts[longest]
    above: dict[Key, Key] = {}
    for key in counts:
        goals = [state for state in states if roles[key].kind == "start" and roles[state].of == roles[key].of and state[1] == key[1]]
        if goals and counts[goals[-1]] == count:  # a state that is masked comes last
            above[key] = goals[-1]
    if count == 1 and not above:
        return None
    repeated = frozenset(
        key for key, n in counts.items() if n == count and key not in above and 0 < len(key[1]) < 3 and key[1][0] == samples
    )
    backwards = any(x.op is np.flip for step in steps[:1] for x in expression(step.made))
    return TimeTable(samples, count, above, repeated, backwards)


def sequence_read(made: Recorded, table: TimeTable) -> Recorded | None:
    """The sequences that a step of the table reads from outside its layer, if there are any and time is their second axis."""
    if any(x.op in (np.swapaxes, np.transpose) for x in expression(made)):
        return None
    outside = [y for y in named_operands(made) if y.kind in ("input", "step") and y.layer != made.layer]
    return next((y for y in outside if y.ndim == 3 and y.shape[:2] == (table.samples, table.steps) and y.dtype.kind == "f"), None)
