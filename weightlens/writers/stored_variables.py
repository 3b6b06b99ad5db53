"""Which array of a model stands where in Keras 3's files."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from weightlens.formats.weights.objects import inner_places, join, numbered_layers, numbered_members
from weightlens.formats.weights.order import in_keras_order, variables_in_order
from weightlens.model import Layer, Model
from weightlens.specs.registry import spec
from weightlens.specs.variables import variable_names
from weightlens.writers.expressible import cannot

Variables = list[tuple[str, np.ndarray]]


def objects(model: Model, path: str = "") -> Iterator[tuple[str, str, Variables]]:
    """Each object with variables of its own: its path, the layer's name, and its arrays in Keras's order."""
    for layer, place in numbered_members(numbered_layers(model), join(path, "layers")):
        yield from objects_of_layer(layer, place)


def objects_of_layer(layer: Layer, path: str) -> Iterator[tuple[str, str, Variables]]:
    """The objects of one layer: itself, its parts, and the layers inside it."""
    if layer.model is not None:
        yield from objects(layer.model, path)
        return
    parts: dict[str, Variables] = {}
    for name, value in own_variables(layer):
        parts.setdefault(name.rpartition("/")[0], []).append((name, value))
    for part, variables in parts.items():
        yield place_of_part(layer, path, part), layer.name, variables
    for inner, place in inner_places(layer, path):
        yield from objects_of_layer(inner, place)


def place_of_part(layer: Layer, path: str, part: str) -> str:
    """The path of a part of a layer: itself, its cell, or a projection of attention."""
    if not part:
        return join(path, "cell") if spec(layer.class_name).mask == "recurrent" else path
    hidden = "_" if layer.class_name == "GroupQueryAttention" or part == "gate" else ""
    return join(path, f"{hidden}{'output' if part == 'attention_output' else part}_dense")


def own_variables(layer: Layer) -> Variables:
    """The variables of a layer itself by name, in Keras's order."""
    weights = dict(layer.own_weights)
    if again := spec(layer.class_name).again:
        weights.setdefault(again, next(iter(layer.inner["layer"].own_weights.values())))
    names = variable_names(layer.class_name, layer.config, len(weights)) or []
    if set(names) != set(weights):
        odd = ", ".join(sorted(set(names) ^ set(weights)))
        raise cannot(layer, f"has other weights than Keras 3's has ({odd:.100})")
    return [(name, weights[name].value) for name in names]


def groups(model: Model) -> Iterator[tuple[str, Variables]]:
    """Each layer with variables in the order in which Keras lists them: its name and its arrays, the trained ones first."""
    for layer in in_keras_order(model):
        if layer.is_input or layer.is_operation:
            continue
        found = []
        for number, (owner, name) in enumerate(variables_in_order(layer)):
            values = dict(own_variables(owner))
            inside = name if owner is layer else f"{owner.name}/{name}"
            found.append((f"{layer.name}/{number}/{inside}", values[name]))
        if found:
            yield layer.name, found
