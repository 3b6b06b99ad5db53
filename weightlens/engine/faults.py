"""What speaks against computing with a layer: options that are wrong, weights that contradict them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from weightlens.model import Layer, Model
from weightlens.specs.weights import contradictions


def faults_of(layer: Layer, x: Any = None) -> Iterator[str]:
    """What is wrong with one layer, a line for each; ``x`` is what comes in, where that is known."""
    yield from layer.faults
    for name, inner in layer.inner.items():
        yield from (f"in its {name}, {fault}" for fault in inner.faults)
    if not layer.is_operation:
        stored = {name: weight.shape for name, weight in layer.own_weights.items()}
        if stored or x is not None:  # a layer without any is the business of a note until it is computed
            yield from contradictions(layer.class_name, layer.config, stored, None if x is None else shape_of(x))


def shape_of(x: Any) -> tuple[int, ...] | None:
    """The shape of what comes in, of the first where several do."""
    while isinstance(x, (list, tuple)) and x:
        x = x[0]
    return tuple(np.shape(x)) if hasattr(x, "shape") else None


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
