"""What forbids computing with a layer: wrong options, weights that contradict them, numbers outside of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from weightlens.errors import BadInput
from weightlens.model import Layer, Model
from weightlens.recording import value_of
from weightlens.specs.registry import spec
from weightlens.specs.weights import contradictions


def faults_of(layer: Layer, x: object = None) -> Iterator[str]:
    """What is wrong with one layer, a line for each; ``x`` is what comes in, where that is known."""
    yield from layer.faults
    for name, inner in layer.inner.items():
        yield from (f"in its {name}, {fault}" for fault in inner.faults)
    if not layer.is_operation:
        stored = {name: weight.shape for name, weight in layer.own_weights.items()}
        if stored or x is not None:  # a layer without any is the business of a note until it is computed
            yield from contradictions(layer.class_name, layer.config, stored, None if x is None else shape_of(x))


def shape_of(x: object) -> tuple[int, ...] | None:
    """The shape of what comes in, of the first where several do."""
    while isinstance(x, (list, tuple)) and x:
        x = x[0]
    return tuple(x.shape) if hasattr(x, "shape") else None


def every_fault(model: Model, prefix: str = "") -> Iterator[str]:
    """What is wrong with a model and its layers, those inside others included, each with the name of its layer."""
    yield from model.faults
    for layer in model.layers:
        yield from (f"{prefix}{layer.name}: {fault}" for fault in faults_within(layer))
        if layer.model is not None:
            yield from every_fault(layer.model, f"{prefix}{layer.name}/")


def faults_within(layer: Layer) -> Iterator[str]:
    """What is wrong with a layer and with those it wraps."""
    yield from faults_of(layer)
    for name, inner in layer.inner.items():
        yield from (f"in its {name}, {fault}" for fault in faults_within(inner) if fault not in inner.faults)
        if inner.model is not None:
            yield from every_fault(inner.model, f"{name}/")


class Source(NamedTuple):
    """Where the numbers of a run come from: the names of the model's inputs, their arrays, the number of the first sample."""

    names: Sequence[str]
    arrays: Sequence[Any]
    first: int = 0


def refuse_outside_table(layer: Layer, x: object, weights: Mapping[str, Any], reverse: bool, source: Source) -> None:
    """Refuse indices that are no row of a layer's table, as Keras does: NumPy would count negative ones from the end.

    ``reverse``: the layer goes from vectors to indices, so ``x`` holds none.
    """
    if spec(layer.class_name).tokens and "embeddings" in weights and not reverse:
        rows: float = len(weights["embeddings"])
    elif layer.class_name == "CategoryEncoding" and layer.config.get("output_mode") != "one_hot":
        rows = np.inf  # a category that is too large has no mark in Keras 3
    else:
        return
    ids = np.asarray(value_of(x)).astype(np.float64)
    wrong = np.argwhere(~((ids > -1) & (ids < rows)))
    if len(wrong):
        sample, *place = wrong[0].tolist()
        name = next((f"input {name!r}" for name, x_in in zip(source.names, source.arrays, strict=True) if x_in is x), "")
        at = f", column {place[0] + 1}" if len(place) == 1 else f", position {place}" if place else ""
        limit = "on" if rows == np.inf else f"to {rows - 1}"
        raise BadInput(
            f"{name or f'the input of layer {layer.name!r}'}, row {source.first + sample + 1}{at}: {ids[tuple(wrong[0])]:.9g} is out of "
            f"range; layer {layer.name!r} ({layer.class_name}) takes whole numbers from 0 {limit}"
        )
