"""One epoch of training as recorded arrays, and its replay for any number of epochs.

The weights at the start of the epoch are recorded arrays, and so is everything up to the weights at its end. From
that one recording come the numbers of all epochs (by replaying the calls), the words, and the workbook's formulas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from weightlens.model import Weight
from weightlens.recording import Recorded, Trace
from weightlens.recording.prepared_calls import Program

Updated = dict[str, tuple[Weight, np.ndarray]]  # new numbers by ``layer/name``, each with the weight that it is of


@dataclass(frozen=True, eq=False)
class Trained:
    """A weight in training: its value at the start of the epoch and at the end, its optimizer slots likewise, its last gradient."""

    layer: str
    weight: Weight
    now: Recorded
    new: Recorded
    slots: dict[str, Recorded]
    new_slots: dict[str, Recorded]
    gradient: Recorded | None = None


@dataclass(eq=False)
class Epoch:
    """The recorded epoch. The learning ``rate`` and the ``number`` of the epoch, from 0, are recorded numbers, too."""

    trace: Trace
    targets: Recorded
    rate: Recorded
    number: Recorded
    trained: list[Trained]
    losses: Recorded  # one for each sample, or for each output of each sample
    loss: Recorded
    accuracy: Recorded | None
    updates: int  # per epoch
    batch: int  # samples an update
    random: bool  # starts from random weights, not from the file's
    remark: str  # how the loss is computed, if not as the last activation suggests
    parts: dict[int, tuple[int, str]]  # by id of a step: its batch (0: all samples) and part of the epoch
    about: dict[int, Recorded]  # by id of a gradient or an optimizer value: the weight
    seen: tuple[float, float] | None = field(default=None, init=False)  # the loss before and after, once the epoch has been replayed

    def replay(self, epochs: int, rate: float | None = None, keep: bool = False) -> Iterator[dict[int, np.ndarray]]:
        """The values of every step by ``id``, epoch by epoch: ``epochs + 1`` dictionaries, the last after all updates.

        ``keep``: the dictionaries hold the weights and every named value; else the weights, the loss and the accuracy only.
        """
        program = self.program()
        values: dict[int, np.ndarray] = {id(t.now): np.asarray(t.now.value, np.float64) for t in self.trained}
        values |= {id(slot): slot.value for t in self.trained for slot in t.slots.values()}
        values[id(self.rate)] = self.rate.value if rate is None else np.asarray(float(rate))
        always = [id(x) for x in (self.loss, self.accuracy) if x is not None] + [id(t.now) for t in self.trained]
        shown = [id(x) for x in program.nodes if x.op is not None and x.kind] + [*values, id(self.number)] if keep else always
        for epoch in range(epochs + 1):
            values[id(self.number)] = np.asarray(float(epoch))
            run = program.run(values)
            loss = float(run[id(self.loss)])
            self.seen = (self.seen[0] if epoch and self.seen else loss, loss)
            yield {key: run[key] for key in shown}
            for t in self.trained:
                values[id(t.now)] = run[id(t.new)]
                values |= {id(slot): run[id(t.new_slots[name])] for name, slot in t.slots.items()}

    def train(self, epochs: int, advance: Callable[[int], None] = lambda done: None) -> tuple[Updated, float | None]:
        """The weights after all epochs, and the last accuracy, if there are classes."""
        last: dict[int, np.ndarray] = {}
        for last in self.replay(epochs):  # noqa: B007 - the last one is what is kept
            advance(1)
        weights = {f"{t.layer}/{t.weight.name}": (t.weight, np.asarray(last[id(t.now)])) for t in self.trained}
        return weights, None if self.accuracy is None else float(last[id(self.accuracy)])

    def program(self) -> Program:
        """All calls of an epoch."""
        return Program([*(step.made for step in self.trace.steps), self.loss, *(t.new for t in self.trained)])
