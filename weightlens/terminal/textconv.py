"""``weightlens show --textconv``: a model as stable text, from which ``git diff`` shows what changed between two versions.

Nothing in it changes unless the model does: no date, no name of the file, settings in alphabetical order. A small matrix is written
number by number, a few on each line; a large one as its range, its mean and a hash of its numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from weightlens.call_order import tensors_into
from weightlens.errors import first_line
from weightlens.model import Model, Weight
from weightlens.specs.sizes import tuple_text
from weightlens.statistics import chunks
from weightlens.terminal import clean
from weightlens.terminal.describe import UNPLACED, Entry, layer_entries
from weightlens.terminal.machine import json_ready, to_json

LONGEST = 10_000  # letters of a line
WRITTEN_OUT = 1000  # numbers of a matrix up to which each one is written
ON_A_LINE = 8


def text_of_file(path: Path, opened: Callable[[], Model]) -> Iterator[str]:
    """The lines of a model file, ``opened`` as was asked; one line that says why it cannot be read: a diff must not fail."""
    try:
        with opened() as model:
            lines = list(text_of(model))
    except Exception as error:  # whatever it is: git shows a line of text for this version, and goes on
        lines = [f"not a model that can be read: {first_line(error).replace(str(path), path.name)}"]
    return (clean(line, LONGEST) for line in lines)


def text_of(model: Model) -> Iterator[str]:
    """The lines of a model: what it is, how it was to be trained, then its layers one after another."""
    p = model.provenance
    yield f"format: {p.format}"
    yield f"keras: {p.keras_version} {p.backend}"
    yield f"model: {model.class_name or 'weights'} {model.name}"
    yield f"parameters: {model.size}"
    yield from settings("compiled with", model.training_config)
    for entry in layer_entries(model):
        yield from text_of_layer(entry)
    for title, arrays in ((UNPLACED, model.unplaced), ("optimizer", model.optimizer)):
        if arrays:
            yield ""
            yield title
            for weight in sorted(arrays, key=lambda weight: weight.path):
                yield from text_of_weight(weight.path, weight)


def text_of_layer(entry: Entry) -> Iterator[str]:
    """The lines of one layer: its class, inputs, settings and weights."""
    layer = entry.layer
    yield ""
    yield f"layer {entry.path}: {layer.class_name}" + ("" if layer.trainable else " (frozen)")
    if taken := tensors_into(*layer.calls):
        yield f"  from: {', '.join(map(str, taken))}"
    if layer.model is None:  # that of a nested model is the list of its layers, which follow
        yield from settings(" ", layer.config)
    for name, weight in entry.weights.items():
        yield from text_of_weight(name, weight)


def settings(title: str, config: dict[str, Any]) -> Iterator[str]:
    """A line for each setting, by name."""
    return (f"{title} {key}: {to_json(in_order(json_ready(config[key]))).decode()}" for key in sorted(config, key=str))


def in_order(thing: Any) -> Any:
    """Nested data with the keys of every dictionary in alphabetical order."""
    if isinstance(thing, dict):
        return {key: in_order(thing[key]) for key in sorted(thing)}
    return [in_order(item) for item in thing] if isinstance(thing, list) else thing


@np.errstate(all="ignore")  # infinite numbers and NaN are written too
def text_of_weight(name: str, weight: Weight) -> Iterator[str]:
    """The lines of a matrix: its shape and dtype, and its numbers or what stands for them."""
    yield f"  {name} {tuple_text(weight.shape)} {weight.dtype}"
    if not weight.is_numeric:
        return
    if weight.size > WRITTEN_OUT:
        yield f"    {numbers_in_short(weight)}"
        return
    values = np.atleast_1d(weight.value)
    for place in np.ndindex(values.shape[:-1]):
        for start in range(0, values.shape[-1], ON_A_LINE):
            numbers = values[place][start : start + ON_A_LINE]
            where = ", ".join([*map(str, place), str(start)])
            yield f"    [{where}] " + " ".join(map(str, numbers))


def numbers_in_short(weight: Weight) -> str:
    """The range, the mean and a hash of a matrix, in one pass: memory use does not grow with it."""
    digest, low, high, total = hashlib.sha256(), np.inf, -np.inf, 0.0
    for piece in chunks(weight):
        digest.update(piece.tobytes())
        sizes = np.abs(piece) if piece.dtype.kind == "c" else piece
        low, high = np.minimum(low, sizes.min()), np.maximum(high, sizes.max())  # of NaN there is no range
        total += float(sizes.sum(dtype=np.float64))
    return f"from {low:.6g} to {high:.6g}, mean {total / weight.size:.6g}, sha256 {digest.hexdigest()[:16]}"
