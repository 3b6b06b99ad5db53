"""Crossentropies in a graph look through a softmax or a sigmoid at the numbers before it, as Keras on TensorFlow does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from weightlens.call_order import refs
from weightlens.errors import UnsupportedLayer
from weightlens.model import Call, Layer, Model, Ref
from weightlens.specs.activation import ACTIVATIONS
from weightlens.specs.registry import spec_of

LOSSES = frozenset({"BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"})

Producers = dict[tuple[str, int], tuple[Layer, Call]]


def producers(model: Model) -> Producers:
    """Which call made each tensor of a model; nothing where there is no crossentropy in it."""
    if not any(layer.is_operation and layer.class_name in LOSSES for layer in model.layers):
        return {}
    return {(layer.name, number): (layer, call) for layer in model.layers for number, call in enumerate(layer.calls)}


def is_activated(layer: Layer) -> bool:
    """Whether the last thing that a layer does is a softmax or a sigmoid that Keras looks through."""
    if layer.is_operation:
        return layer.class_name in ("Softmax", "Sigmoid")
    known = spec_of(layer)
    if known.only_activation and not known.ends_in_activation:
        axis = layer.config.get("axis", -1)
        return not isinstance(axis, (list, tuple)) or len(axis) == 1
    named = layer.config.get("activation")
    return known.ends_in_activation and isinstance(named, str) and named in ACTIVATIONS and ACTIVATIONS[named].logits


def before_activation(ref: Any, made: Producers, run: Callable[[Layer, Call], Any], lookup: Callable[[Any], Any]) -> Any:
    """The numbers before the softmax or sigmoid that made a tensor; ``None`` where none did. ``run`` computes a layer without it."""
    if not isinstance(ref, Ref) or (ref.layer, ref.call) not in made:
        return None
    layer, call = made[ref.layer, ref.call]
    if layer.model is not None:
        inner = list(refs(layer.model.outputs))[ref.index]
        if is_activated(layer.model[inner.layer]) or spec_of(layer.model[inner.layer]).hands_on:
            raise UnsupportedLayer(layer.name, layer.class_name, "ends in an activation that a crossentropy outside looks through")
        return None
    if spec_of(layer).hands_on:
        return before_activation(call.args[0], made, run, lookup)
    if not is_activated(layer):
        return None
    if layer.is_operation or spec_of(layer).only_activation:
        if len(call.args) != 1 or call.kwargs.get("mask") is not None:
            raise UnsupportedLayer(layer.name, layer.class_name, "is masked before a crossentropy looks through it")
        return lookup(call.args[0])
    return run(layer, call)
