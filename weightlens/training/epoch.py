"""One epoch of training, recorded once and replayed: forward, loss, backward, update.

The weights at the start of the epoch are recorded arrays, and so is everything up to the weights at its end. From
that one recording come the numbers of all epochs (by replaying the calls), the words, and the workbook's formulas.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from weightlens.call_order import refs
from weightlens.engine.forward import Run, bind
from weightlens.errors import BadInput
from weightlens.layers.activations import activate
from weightlens.model import Layer, Model, Weight
from weightlens.recording import Part, Recorded, Role, Trace
from weightlens.recording.graph import computed, ordered
from weightlens.specs.registry import spec_of
from weightlens.training.gradients import backward
from weightlens.training.losses import Loss, remark_on
from weightlens.training.optimizers import Optimizer


@dataclass(eq=False)
class Trained:
    """A weight in training: its value at the start of the epoch and at the end, and its optimizer slots likewise."""

    layer: str
    weight: Weight
    now: Recorded
    new: Recorded
    slots: dict[str, Recorded] = field(default_factory=dict)
    new_slots: dict[str, Recorded] = field(default_factory=dict)
    gradient: Recorded | None = None


@dataclass(eq=False)
class Epoch:
    """The recorded epoch. ``rate`` and ``number`` (of the epoch, from 0) are recorded numbers, too."""

    trace: Trace
    targets: Recorded
    rate: Recorded
    number: Recorded
    trained: list[Trained]
    losses: Recorded
    loss: Recorded
    accuracy: Recorded | None
    updates: int  # per epoch
    batch: int = 0  # samples an update
    random: bool = False  # starts from random weights, not from the file's
    remark: str = ""  # how the loss is computed, if not as the last activation suggests
    seen: tuple[float, float] | None = None  # the loss before and after, once the epoch has been replayed
    parts: dict[int, tuple[int, str]] = field(default_factory=dict)  # step -> batch (0: all samples) and part of the epoch
    about: dict[int, Recorded] = field(default_factory=dict)  # gradients and optimizer values -> the weight

    def mark(self, batch: int, part: str) -> None:
        """Assign everything recorded since the last mark to this part of the epoch."""
        for step in self.trace.steps:
            self.parts.setdefault(id(step.made), (batch, part))

    def replay(self, epochs: int, rate: float | None = None, keep: bool = False) -> Iterator[dict[int, np.ndarray]]:
        """The values of every step by ``id``, epoch by epoch: ``epochs + 1`` dictionaries, the last after all updates.

        ``keep``: the dictionaries hold the weights and every named value; else the weights, the loss and the accuracy only.
        """
        program = self._program()
        values: dict[int, Any] = {id(t.now): np.asarray(t.now.value, np.float64) for t in self.trained}
        values |= {id(slot): slot.value for t in self.trained for slot in t.slots.values()}
        values[id(self.rate)] = self.rate.value if rate is None else np.asarray(float(rate))
        always = [id(x) for x in (self.loss, self.accuracy) if x is not None] + [id(t.now) for t in self.trained]
        shown = [id(x) for x in program if x.kind] + list(values) if keep else always
        for epoch in range(epochs + 1):
            values[id(self.number)] = np.asarray(float(epoch))
            run, wholes = dict(values), dict[int, Any]()
            now = partial(_now, run)
            with np.errstate(all="ignore"):
                for x in program:
                    run[id(x)] = computed(x, now, wholes)
            loss = float(run[id(self.loss)])
            self.seen = (self.seen[0] if epoch and self.seen else loss, loss)
            yield {key: run[key] for key in shown} | ({id(self.number): run[id(self.number)]} if keep else {})
            for t in self.trained:
                values[id(t.now)] = run[id(t.new)]
                for name, slot in t.slots.items():
                    values[id(slot)] = run[id(t.new_slots[name])]

    def _program(self) -> list[Recorded]:
        """All calls in topological order."""
        ends = [step.made for step in self.trace.steps] + [self.loss] + [t.new for t in self.trained]
        return [x for x in ordered(ends, lambda x: x.op is not None) if x.op is not None]


def _now(run: dict[int, Any], x: Recorded) -> Any:
    """A value in the current epoch."""
    return run.get(id(x), x.value)


def record_epoch(
    model: Model,
    inputs: Any,
    targets: np.ndarray,
    loss: Loss,
    optimizer: Optimizer,
    rate: float,
    batch: int | None = None,
    start: dict[str, np.ndarray] | None = None,
) -> Epoch:
    """Record one epoch: an update every ``batch`` samples, in the order of the data (one update without).

    ``start`` replaces weights by ``layer/name``. Raises ``NoGradient``, ``UnsupportedLayer`` or ``BadInput``.
    """
    trace = Trace(keep=True, input_names=[ref.layer for ref in refs(model.inputs)], output_names=model.output_names)
    arrays = bind(model, inputs)
    samples = len(arrays[0])
    trace.inputs = [_given(array, name, "input") for array, name in zip(arrays, trace.input_names, strict=True)]
    t = _given(np.asarray(targets, np.float64), "targets")
    if len(t) != samples:
        raise BadInput(f"there are {samples} samples but {len(t)} targets")
    epoch = Epoch(trace, t, _given(np.asarray(float(rate)), "learning rate"), _given(np.asarray(0.0), "epoch"), [], t, t, None, 1)
    epoch.trained = _weights(model, optimizer, start or {})
    with np.errstate(all="ignore"):
        y = _forward(model, epoch, trace.inputs, "")
        trace.results = [y]
        epoch.mark(0, "Forward")
        if y.shape != t.shape:
            raise BadInput(f"the network gives {_numbers(y)} for each sample, but there are {_numbers(t)} in its target (--target)")
        epoch.losses, epoch.loss = _loss(trace, loss, t, y)
        epoch.random, epoch.remark = start is not None, remark_on(loss, logits_of(y)[1])
        epoch.accuracy = _accuracy(trace, t, y)
        epoch.mark(0, "Loss")
        epoch.batch = size = batch or samples
        cuts = [(a, min(a + size, samples)) for a in range(0, samples, size)]
        epoch.updates = len(cuts)
        for number, (a, b) in enumerate(cuts):
            if len(cuts) == 1:
                _update(epoch, loss, optimizer, t, y, number)
                continue
            prefix = f"batch {number + 1}/"
            part = _forward(model, epoch, [x[a:b] for x in trace.inputs], prefix)
            epoch.mark(number + 1, "Forward")
            _update(epoch, loss, optimizer, t[a:b], part, number, prefix)
    return epoch


def _numbers(x: Recorded) -> str:
    """The size of a sample in words: ``1 number``, ``2 x 3 numbers``."""
    return f"{' x '.join(map(str, x.shape[1:])) or 1} number{'s' * (x.size != len(x.value))}"


def _given(array: np.ndarray, name: str, kind: str = "step") -> Recorded:
    x = Recorded(array, kind=kind, name=name)
    x.layer = name if kind == "input" else ""
    return x


def _layers(model: Model, prefix: str = "") -> Iterator[tuple[str, Layer]]:
    """Every layer that may hold weights, wrapped and nested ones included, with its path."""
    stack = [(prefix + layer.name, layer) for layer in reversed(model.layers)]
    while stack:
        path, layer = stack.pop()
        yield path, layer
        stack.extend((f"{path}/{name}", inner) for name, inner in reversed(layer.inner.items()))
        if layer.model is not None:
            stack.extend((f"{path}/{inner.name}", inner) for inner in reversed(layer.model.layers))


def _weights(model: Model, optimizer: Optimizer, start: dict[str, np.ndarray]) -> list[Trained]:
    """Every trainable weight as a recorded array, with its optimizer slots."""
    weights = []
    for path, layer in _layers(model):
        if spec_of(layer).frozen or not layer.trainable:
            continue
        for name, weight in layer.own_weights.items():
            if not weight.dtype.startswith(("float", "bfloat")):
                continue
            value = np.asarray(start.get(f"{path}/{name}", weight.value), np.float64)
            now = Recorded(value, kind="weight", name=name)
            now.layer, now.source = path, weight
            slots = {
                slot: Recorded(np.full(value.shape, first), kind="weight", name=f"{slot} of {name}")
                for slot, first in optimizer.slots.items()
            }
            for slot in slots.values():
                slot.layer = path
            weights.append(Trained(path, weight, now, now, slots, dict(slots)))
    if not weights:
        raise BadInput("this network has no weights to train")
    return weights


def forward_at_start(model: Model, epoch: Epoch, inputs: list[Recorded]) -> Trace:
    """Another forward pass with the weights at the epoch's start, recorded separately."""
    trace = Trace(keep=True, inputs=inputs, output_names=model.output_names)
    trace.results = [_forward(model, epoch, inputs, "", trace)]
    return trace


def _forward(model: Model, epoch: Epoch, inputs: list[Recorded], prefix: str, apart: Trace | None = None) -> Recorded:
    """The network on recorded inputs, with the newest weights or, ``apart``, with those of the epoch's start."""
    run = Run(epoch.trace if apart is None else apart, np.float64)
    for path, layer in _layers(model):
        mine = {t.weight.name: t.new if apart is None else t.now for t in epoch.trained if t.layer == path}
        if mine:
            rest = {
                name: Recorded(w.value.astype(np.float64), kind="weight", name=name)
                for name, w in layer.own_weights.items()
                if name not in mine
            }
            run.weights_of[id(layer)] = {name: mine.get(name, rest.get(name)) for name in layer.own_weights}
    outputs = run.model(model, list(inputs), {}, prefix)
    if len(outputs) != 1:
        raise BadInput(f"the network has {len(outputs)} outputs; a training sheet follows one")
    y: Recorded = outputs[0]
    return y


def logits_of(y: Recorded) -> tuple[Recorded | None, str]:
    """The logits before a final sigmoid or softmax, and which of the two it is."""
    name, z = y.function
    return (z, name) if name in ("sigmoid", "softmax") and isinstance(z, Recorded) else (None, "")


def _count(loss: Loss, y: Recorded) -> float:
    return float(y.size if loss.mean else y.size // y.shape[-1])


def _loss(trace: Trace, loss: Loss, t: Recorded, y: Recorded) -> tuple[Recorded, Recorded]:
    trace.layer = "loss"
    z, _ = logits_of(y)
    if loss.from_logits is not None and z is None and not loss.mean:
        raise BadInput("categorical crossentropy needs a network that ends with softmax")
    each_one = trace.step("losses", loss.from_logits(t, z) if loss.from_logits is not None and z is not None else loss.value(t, y))
    total = np.mean(each_one) if loss.mean else np.sum(each_one) / _count(loss, y)
    return each_one, trace.step("loss", total)


def _accuracy(trace: Trace, t: Recorded, y: Recorded) -> Recorded | None:
    """The share of samples classified correctly, for targets that are classes."""
    if y.ndim != 2 or not np.isin(t.value, (0.0, 1.0)).all():
        return None
    right = (y > 0.5) == (t > 0.5) if y.shape[1] == 1 else np.argmax(y, axis=1) == np.argmax(t, axis=1)
    hits = trace.step("right", right.astype(np.float64), Role("hit"))
    made: Recorded = trace.step("accuracy", np.mean(hits))
    return made


def _update(epoch: Epoch, loss: Loss, optimizer: Optimizer, t: Any, y: Recorded, number: int, prefix: str = "") -> None:
    """The backward pass and the new weights, for one batch."""
    trace = epoch.trace
    z, squash = logits_of(y)
    n = _count(loss, y)
    trace.layer = y.layer
    if loss.from_logits is not None and z is not None:
        p = y if squash == loss.squash else activate(z, loss.squash, trace.step)
        begin = [(z, (p - t) / n)]
    else:
        begin = [(y, loss.slope(t, y) / n)]
    batch = number + (epoch.updates > 1)
    gradients = backward(begin, {id(w.new): (prefix + w.layer, w.now.name) for w in epoch.trained}, trace)
    epoch.mark(batch, "Backward")
    trace.layer = "update"
    rate: Any = epoch.rate
    if optimizer.step_size is not None:
        updates = epoch.number * float(epoch.updates) + float(number) if epoch.updates > 1 else epoch.number
        rate = trace.step("step size", optimizer.step_size(rate, updates))
    for trained in epoch.trained:
        g = gradients.get(id(trained.new))
        if g is None:
            continue
        trace.layer, name = prefix + trained.layer, trained.now.name
        trained.gradient, since = g, len(trace.steps)
        new, trained.new_slots = optimizer.update(trained.new, g, trained.new_slots, rate, partial(_slot, trace, name))
        trained.new = trace.step(f"new {name}", new, Role("new", "weight"))
        made = [g, *(step.made for step in trace.steps[since:])]
        epoch.about |= {id(x): trained.now for x in made if x.shape == trained.now.shape}
    epoch.mark(batch, "Update")
    trace.layer = ""


def _slot(trace: Trace, weight: str, name: str, x: Any) -> Any:
    """Name an optimizer slot of a weight."""
    return trace.step(f"new {name} of {weight}", x, Role("new", name))


__all__ = ["Epoch", "Part", "Trained", "forward_at_start", "record_epoch"]
