"""Recording one epoch of training: forward pass, loss, backward pass, and the update of every weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from weightlens.call_order import layers_with_paths, refs
from weightlens.engine.binding import bind
from weightlens.engine.run import Run, Weights
from weightlens.errors import BadInput
from weightlens.formats.weights.order import untrained_weights
from weightlens.layers.activations import activate
from weightlens.model import Model
from weightlens.recording import Recorded, Role, Trace
from weightlens.specs.registry import spec
from weightlens.specs.words.number_words import counted
from weightlens.training.epoch import Epoch, Trained
from weightlens.training.gradients import backward
from weightlens.training.losses import Loss, remark_on
from weightlens.training.optimizers import Optimizer


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: loss, optimizer, learning rate, samples an update (``None``: all of them).

    ``logits``: the loss takes the outputs for logits, where no sigmoid or softmax is at the end.
    """

    loss: Loss
    optimizer: Optimizer
    rate: float
    batch: int | None = None
    logits: bool = False


@dataclass(frozen=True)
class Batch:
    """The samples ``start`` to ``end``, from which one update is computed: the ``number``-th (from 0) of ``count`` in an epoch."""

    number: int
    count: int
    start: int
    end: int

    @property
    def path(self) -> str:
        """What the paths of its layers begin with."""
        return f"batch {self.number + 1}/" if self.count > 1 else ""

    @property
    def label(self) -> int:
        """Its number from 1; 0 if it is all samples."""
        return self.number + 1 if self.count > 1 else 0


@dataclass(frozen=True)
class Given:
    """What is given for an epoch, as recorded arrays: targets, learning rate, number of the epoch."""

    targets: Recorded
    rate: Recorded
    number: Recorded


class Parts(dict[int, tuple[int, str]]):
    """By ``id`` of a step: the batch and the part of the epoch in which it was recorded."""

    def mark(self, trace: Trace, batch: int, part: str) -> None:
        """Assign everything recorded since the last mark."""
        for step in trace.steps:
            self.setdefault(id(step.made), (batch, part))


def record_epoch(model: Model, inputs: Any, targets: np.ndarray, recipe: Recipe, start: Mapping[str, np.ndarray] | None = None) -> Epoch:
    """Record one epoch: an update for each batch, in the order of the data.

    ``start`` replaces weights by ``layer/name``. Raises ``NoGradient``, ``UnsupportedLayer`` or ``BadInput``.
    """
    trace, given = given_arrays(model, inputs, targets, recipe.rate)
    trained, parts, about, t = trainable(model, recipe.optimizer, start or {}), Parts(), dict[int, Recorded](), given.targets
    with np.errstate(all="ignore"):
        y = forward(model, trained, trace, trace.inputs)
        trace.results = [y]
        parts.mark(trace, 0, "Forward")
        if y.shape != t.shape:
            raise BadInput(f"the network gives {_numbers(y)} for each sample, but its target (--target) has {_numbers(t)}")
        losses, loss = loss_steps(trace, recipe, t, y)
        accuracy = accuracy_step(trace, t, y)
        parts.mark(trace, 0, "Loss")
        every = batches(len(t), recipe.batch or len(t))
        for batch in every:
            part = y
            if batch.count > 1:
                part = forward(model, trained, trace, [x[batch.start : batch.end] for x in trace.inputs], batch.path)
                parts.mark(trace, batch.label, "Forward")
            gradients = gradients_of(trained, trace, recipe, t if batch.count == 1 else t[batch.start : batch.end], part, batch)
            parts.mark(trace, batch.label, "Backward")
            trained, made = update(trained, gradients, trace, recipe.optimizer, given, batch)
            about |= made
            parts.mark(trace, batch.label, "Update")
    trace.alike = about
    size, remark = every[0].end, remark_on(recipe.loss, logits_of(y, recipe)[1])
    return Epoch(
        trace, t, given.rate, given.number, trained, losses, loss, accuracy, len(every), size, start is not None, remark, parts, about
    )  # fmt: skip


def batches(samples: int, size: int) -> list[Batch]:
    """The batches of an epoch; the last one may be smaller."""
    starts = range(0, samples, size)
    return [Batch(number, len(starts), start, min(start + size, samples)) for number, start in enumerate(starts)]


def given_arrays(model: Model, inputs: Any, targets: np.ndarray, rate: float) -> tuple[Trace, Given]:
    """A trace that begins with the inputs, and the other arrays that are given."""
    names, arrays = [ref.layer for ref in refs(model.inputs)], bind(model, inputs)
    trace = Trace(keep=True, input_names=names, output_names=model.output_names)
    trace.inputs = [Recorded.given(array, "input", name, name) for array, name in zip(arrays, names, strict=True)]
    numbers = {"targets": np.asarray(targets, np.float64), "learning rate": np.asarray(float(rate)), "epoch": np.asarray(0.0)}
    given = Given(*(Recorded(array, kind="step", name=name) for name, array in numbers.items()))
    given.rate.role = Role("rate")
    if len(given.targets) != len(arrays[0]):
        raise BadInput(f"{counted(len(arrays[0]), 'sample')} but {counted(len(given.targets), 'target')} were given")
    return trace, given


def _numbers(x: Recorded) -> str:
    """The size of a sample in words: ``1 number``, ``2 x 3 numbers``."""
    return f"{' x '.join(map(str, x.shape[1:])) or 1} number{'s' * (x.size != len(x.value))}"


def trainable(model: Model, optimizer: Optimizer, start: Mapping[str, np.ndarray]) -> list[Trained]:
    """Every trainable weight as a recorded array, with its optimizer slots."""
    weights, still = [], {id(weight) for weight in untrained_weights(model)}
    for path, layer in layers_with_paths(model):
        for name, weight in layer.own_weights.items():
            if not layer.trainable or not weight.is_floating or id(weight) in still or name == spec(layer.class_name).stored_twice:
                continue
            value = np.asarray(start.get(f"{path}/{name}", weight.value), np.float64)
            now = Recorded.given(value, "weight", name, path, weight)
            slots = {
                slot: Recorded.given(np.full(value.shape, first), "weight", f"{slot} of {name}", path)
                for slot, first in optimizer.slots.items()
            }
            weights.append(Trained(path, weight, now, now, slots, slots))
    if not weights:
        raise BadInput("this network has no weights to train")
    return weights


def forward_at_start(model: Model, epoch: Epoch, inputs: list[Recorded]) -> Trace:
    """Another forward pass with the weights at the epoch's start, recorded separately."""
    trace = Trace(keep=True, inputs=inputs, output_names=model.output_names)
    trace.results = [forward(model, [replace(t, new=t.now) for t in epoch.trained], trace, inputs)]
    return trace


def forward(model: Model, trained: Sequence[Trained], trace: Trace, inputs: list[Recorded], path: str = "") -> Recorded:
    """The output of the network for recorded inputs, with the newest weights."""
    weights: dict[int, Weights] = {}
    for place, layer in layers_with_paths(model):
        new = {t.weight.name: t.new for t in trained if t.layer == place}
        if new:
            weights[id(layer)] = {
                name: new[name] if name in new else Recorded(weight.value.astype(np.float64), kind="weight", name=name)
                for name, weight in layer.own_weights.items()
            }
    outputs = Run(trace, np.float64, weights).network(model, list(inputs), path)
    if len(outputs) != 1:
        raise BadInput(f"the network has {len(outputs)} outputs; a training sheet follows one")
    y: Recorded = outputs[0]
    return y


def logits_of(y: Recorded, recipe: Recipe) -> tuple[Recorded | None, str]:
    """The logits before a final sigmoid or softmax, and which of the two it is; or the outputs, where the loss takes them for logits."""
    name, z = y.function
    if name in ("sigmoid", "softmax") and isinstance(z, Recorded):
        return z, name
    return (y, "linear") if recipe.logits else (None, "")


def loss_steps(trace: Trace, recipe: Recipe, t: Recorded, y: Recorded) -> tuple[Recorded, Recorded]:
    """The losses of the samples, and the loss of all of them."""
    trace.layer, loss = "loss", recipe.loss
    z, _ = logits_of(y, recipe)
    if loss.from_logits is not None and z is None and not loss.mean:
        raise BadInput("categorical crossentropy needs a network that ends with softmax")
    losses = trace.step("losses", loss.from_logits(t, z) if loss.from_logits is not None and z is not None else loss.value(t, y))
    return losses, trace.step("loss", np.mean(losses) if loss.mean else np.sum(losses) / loss.count(y))


def accuracy_step(trace: Trace, t: Recorded, y: Recorded) -> Recorded | None:
    """The share of samples classified correctly, for targets that are classes."""
    if y.ndim != 2 or not np.isin(t.value, (0.0, 1.0)).all():
        return None
    right = (y > 0.5) == (t > 0.5) if y.shape[1] == 1 else np.argmax(y, axis=1) == np.argmax(t, axis=1)
    hits = trace.step("right", right.astype(np.float64), Role("hit"))
    accuracy: Recorded = trace.step("accuracy", np.mean(hits))
    return accuracy


def gradients_of(trained: Sequence[Trained], trace: Trace, recipe: Recipe, t: Recorded, y: Recorded, batch: Batch) -> dict[int, Recorded]:
    """The backward pass: the gradient of the loss for every weight, by ``id`` of the weight."""
    z, ending = logits_of(y, recipe)
    trace.layer, loss = y.layer, recipe.loss
    if loss.from_logits is not None and z is not None:
        p = y if ending == loss.squash else activate(z, loss.squash, trace.step)
        begin: tuple[Recorded, Any] = z, (p - t) / loss.count(y)
    else:
        begin = y, loss.slope(t, y) / loss.count(y)
    return backward([begin], {id(w.new): (batch.path + w.layer, w.now.name) for w in trained}, trace)


def update(
    trained: Sequence[Trained],
    gradients: Mapping[int, Recorded],
    trace: Trace,
    optimizer: Optimizer,
    given: Given,
    batch: Batch,
) -> tuple[list[Trained], dict[int, Recorded]]:
    """The weights after one update; and by ``id`` of each array that was computed for a weight, the weight."""
    trace.layer, rate = "update", given.rate
    if optimizer.step_size is not None:
        before = given.number * float(batch.count) + float(batch.number) if batch.count > 1 else given.number
        rate = trace.step("step size", optimizer.step_size(rate, before), Role("step size"))
    after, about = [], dict[int, Recorded]()
    for old in trained:
        gradient = gradients.get(id(old.new))
        if gradient is None:
            after.append(old)
            continue
        trace.layer, since = batch.path + old.layer, len(trace.steps)
        name = old.now.name
        slot_step = lambda slot, x, of=name: trace.step(f"new {slot} of {of}", x, Role("new", slot))
        value, slots = optimizer.update(old.new, gradient, old.new_slots, rate, slot_step)
        new = trace.step(f"new {name}", value, Role("new", "weight"))
        after.append(replace(old, new=new, new_slots=slots, gradient=gradient))
        made = [gradient, *(step.made for step in trace.steps[since:])]
        about |= {id(x): old.now for x in made if x.shape == old.now.shape}
    trace.layer = ""
    return after, about
