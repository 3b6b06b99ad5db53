"""The files that a converted model is written to: ``.keras``, ``.weights.h5`` and ``.h5`` of Keras 3; and which array stands where."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np

from weightlens.call_order import every_layer
from weightlens.formats.architecture.config_values import every_value
from weightlens.formats.weights.objects import inner_places, join, numbered_layers, numbered_members
from weightlens.formats.weights.order import in_keras_order, variables_in_order
from weightlens.model import Layer, Model
from weightlens.specs.layer import HOME
from weightlens.specs.registry import spec, spec_of
from weightlens.specs.variables import variable_names
from weightlens.writers.entries import model_entry
from weightlens.writers.expressible import cannot

KERAS = "3.5.0"  # in whose form the files are written; every later version reads it
Variables = list[tuple[str, np.ndarray]]


def write_keras(model: Model, path: Path) -> None:
    """A ``.keras`` archive."""
    config = json.dumps(model_entry(model))
    weights = path.with_name("model.weights.h5")
    write_weights(model, weights)
    metadata = {"keras_version": KERAS, "date_saved": datetime.now(UTC).strftime("%Y-%m-%d@%H:%M:%S")}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps(metadata))
        archive.writestr("config.json", config)
        archive.write(weights, weights.name)
    weights.unlink()


def write_weights(model: Model, path: Path) -> None:
    """A ``.weights.h5`` file: numbered variables by the path of their object."""
    with h5py.File(path, "w") as file:
        for place, name, variables in objects(model):
            group = file.create_group(f"{place}/vars")
            group.attrs["name"] = name
            for number, (_, value) in enumerate(variables):
                group[str(number)] = value


def write_hdf5(model: Model, path: Path) -> None:
    """A whole model in an ``.h5`` file: a group for each layer."""
    for layer in every_layer(model):
        if why := only_in_keras_files(layer, layer in model.layers):
            raise cannot(layer, f"{why} a .keras file only: write that")
    with h5py.File(path, "w") as file:
        file.attrs.update({"keras_version": KERAS, "backend": "tensorflow"})
        file.attrs["model_config"] = json.dumps(model_entry(model))
        root = file.create_group("model_weights")
        root.attrs.update({"keras_version": KERAS, "backend": "tensorflow"})
        names = []
        for name, variables in groups(model):
            names.append(name)
            group = root.create_group(name)
            write_names(group, "weight_names", [variable for variable, _ in variables])
            for variable, value in variables:
                group[variable] = value
        write_names(root, "layer_names", names)
        write_names(root.create_group("top_level_model_weights"), "weight_names", [])


def only_in_keras_files(layer: Layer, at_top: bool) -> str:
    """Why Keras reads a layer right from a ``.keras`` file only; empty if it does from an ``.h5`` file, too."""
    if spec_of(layer).home != HOME:
        return "is found by Keras in"
    if layer.is_operation and any(value is Ellipsis for call in layer.calls for value in every_value(call.args)):
        return "takes '...', which Keras reads from"
    learned = layer.class_name == "Normalization" and layer.own_weights
    return "is inside another layer, where Keras takes its mean and variance from" if learned and not at_top else ""


def write_names(group: h5py.Group, attribute: str, names: list[str]) -> None:
    """A list of names as an attribute, in pieces where it would be too long for HDF5."""
    texts = np.array([name.encode() for name in names]) if names else np.array([])
    pieces = -(-texts.nbytes // 64_000)
    if pieces < 2:
        group.attrs[attribute] = texts
    for number, piece in enumerate(np.array_split(texts, pieces) if pieces > 1 else []):
        group.attrs[f"{attribute}{number}"] = piece


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
    if twice := spec(layer.class_name).stored_twice:
        weights.setdefault(twice, next(iter(layer.inner["layer"].own_weights.values())))
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
