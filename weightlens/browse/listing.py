"""What can be picked: the matrices of a file, the steps of a trace, the differences from another file."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from weightlens.difference import as_float64, compare_weights
from weightlens.limits import AT_ONCE
from weightlens.model import Model, Weight
from weightlens.recording import Step, Trace
from weightlens.terminal.describe import UNPLACED, layer_entries
from weightlens.terminal.matrices import Labels, array_weight, read_part, weight_labels


class Item(NamedTuple):
    """A matrix under the heading of its layer.

    ``step``: the step of a trace that computed it; ``first``, ``second``: what is subtracted from what, where it is a difference.
    """

    group: str
    title: str
    weight: Weight
    label: Labels
    step: Step | None = None
    first: Weight | None = None
    second: Weight | None = None
    note: str = ""
    differs: bool | None = None  # unknown where that would take long to find out

    @property
    def name(self) -> str:
        """Layer and matrix: ``dense/kernel``."""
        return f"{self.group}/{self.title}"


def weight_items(model: Model) -> list[Item]:
    """The matrices of a file, layer by layer, at the end what belongs to none."""
    items = [
        Item(entry.path, name, weight, weight_labels(weight)) for entry in layer_entries(model) for name, weight in entry.weights.items()
    ]
    return items + [Item(UNPLACED, weight.path, weight, weight_labels(weight)) for weight in model.unplaced]


def step_items(trace: Trace) -> list[Item]:
    """The inputs and the steps of a trace; of a step that is repeated (a time step), which round it is."""
    rounds = Counter((step.layer, step.name) for step in trace.steps)
    seen: Counter[tuple[str, str]] = Counter()
    items = [recorded_item("inputs", x.name, x.value, Labels(trace.axes.named(x).titled)) for x in trace.inputs]
    for step in trace.steps:
        key = step.layer, step.name
        seen[key] += 1
        title = f"{step.name}, round {seen[key]}" if rounds[key] > 1 else step.name
        items.append(recorded_item(step.layer, title, step.value, Labels(step.named.titled))._replace(step=step))
    return items


def recorded_item(group: str, title: str, values: object, label: Labels) -> Item:
    """A recorded value; one of words is a note."""
    weight = array_weight(np.asarray(values))
    if np.asarray(values).dtype.kind in "biufc":
        return Item(group, title, weight, label)
    return Item(group, title, replace(weight, dtype="text"), label, note=str(np.asarray(values).tolist()))


def difference_items(items: list[Item], other: Model) -> list[Item]:
    """The matrices of the other file minus those of this one; notes say what cannot be compared."""
    there = {item.name: item.weight for item in weight_items(other)}
    pairs = [compared(item, there.get(item.name)) for item in items]
    if sum(item.weight.size for item in items) > AT_ONCE:
        return pairs
    same = [compare_weights(item.name, item.weight, there.get(item.name), 0.0, 0.0).same for item in items]
    return [pair._replace(differs=not equal) for pair, equal in zip(pairs, same, strict=True)]


def compared(item: Item, second: Weight | None) -> Item:
    """One matrix and its counterpart."""
    first = item.weight
    if second is None:
        return item._replace(note="not in the other file")
    if second.shape != first.shape:
        return item._replace(note=f"of shape {second.shape} in the other file")
    if not (first.is_numeric and second.is_numeric):
        return item._replace(note=f"{second.dtype} in the other file")

    @np.errstate(invalid="ignore")  # infinite numbers have no difference
    def read(key: tuple[int | slice, ...] = ()) -> np.ndarray:
        return np.asarray(as_float64(read_part(second, key)) - as_float64(read_part(first, key)))

    dtype = "complex128" if any(weight.dtype.startswith("complex") for weight in (first, second)) else "float64"
    weight = Weight(first.name, first.shape, dtype, first.path, read, read, owner=first.owner)
    return item._replace(weight=weight, first=first, second=second)
