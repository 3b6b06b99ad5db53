"""Reads a TensorFlow.js model: the architecture in a ``model.json``, in either of its spellings, and the weights beside it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from weightlens.errors import UnreadableModel
from weightlens.formats.architecture.build import build_model
from weightlens.formats.architecture.config_values import parse_json, parse_object
from weightlens.formats.architecture.dialect import Dialect, dialect_of
from weightlens.formats.architecture.layer_config import plain_dict
from weightlens.formats.containers.zipped import Archive
from weightlens.formats.tfjs.differences import differences
from weightlens.formats.tfjs.manifest import Find, read_bytes, read_manifest
from weightlens.formats.weights import bare
from weightlens.formats.weights.groups import distribute
from weightlens.formats.weights.layouts import settle
from weightlens.formats.weights.order import flattened, has_variables
from weightlens.limits import JSON
from weightlens.model import Layer, Model, Provenance, Weight

GRAPH = "a TensorFlow.js graph model: operations, in which the layers of Keras are gone; give the Keras model that it was converted from"
MOST_LABELS = 100_000
CAMEL = re.compile(r"[a-z][a-z0-9]*(?:[A-Z][a-z0-9]*)+")
CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Settings whose values are words of TensorFlow.js, which it may spell like its keys: "hardSigmoid", "channelsLast".
WORDS = frozenset(
    {"activation", "recurrent_activation", "data_format", "padding", "merge_mode", "interpolation", "output_mode", "mode", "distribution"}
)
OF_EVERY_LAYER = frozenset({"name", "trainable", "dtype", "batch_input_shape"})
GELU_BY_TANH = {"class_name": "gelu", "config": {"approximate": True}}


def read_tfjs(path: Path, value: dict[str, Any], find: Find) -> Model:
    """The model of a parsed ``model.json``, whose shards ``find`` opens."""
    stored = read_manifest(value.get("weightsManifest"), find)
    weights = [entry.weight() for entry in stored if not entry.is_optimizer]
    if value.get("format") == "graph-model" or "node" in plain_dict(value.get("modelTopology")):
        layers = bare.layers_of_anything({weight.path: weight for weight in weights})
        model = Model(path.name.split(".")[0], "", layers, arrays_only=True, notes=[GRAPH])
        model.provenance = Provenance(str(path), "TensorFlow.js graph model", kind="tfjs")
        return model
    entry = topology_of(value)
    said, backend = (str(entry.get(key) or "") for key in ("keras_version", "backend"))
    found = dialect_of(said, backend, entry)
    dialect = Dialect(max(found.major, 2), found.version, found.backend, found.known)
    model = build_model(entry, dialect)
    place_weights(model, weights, dialect)
    model.optimizer = [entry.weight() for entry in stored if entry.is_optimizer]
    for layer, words in differences(model, dialect.major):
        layer.faults.append(words)
    model.training_config = plain_dict(entry.get("training_config") or value.get("trainingConfig"))
    model.class_labels = labels_beside(find)
    if model.class_labels:
        model.notes.append(f"names of the classes, from metadata.json: {', '.join(model.class_labels)}")
    own = not said[:1].isdigit()  # TensorFlow.js writes its own version: "tfjs-layers 4.22.0"
    stated = ("", said) if own else (said, backend)
    model.provenance = Provenance(str(path), "TensorFlow.js layers model", *stated, kind="tfjs")
    return model


def read_zipped(path: Path, archive: Archive, member: str) -> Model:
    """The model in a zip, as Teachable Machine downloads it."""
    value = parse_object(archive.text(member), member)
    inside = member.removesuffix("model.json")
    model = read_tfjs(path, value, lambda name: archive.find(inside + name))
    model.provenance.closers.append(archive.close)
    return model


def place_weights(model: Model, weights: list[Weight], dialect: Dialect) -> None:
    """Give each layer, those of nested models included, the arrays with its name; what fits none is listed as unplaced."""
    layers: dict[str, Layer] = {}
    for layer in flattened(model):
        if has_variables(layer) is not False:
            layers.setdefault(layer.name, layer)
    given: dict[str, list[tuple[str, Weight]]] = {}
    for weight in weights:
        name = layer_in(weight.path, layers)
        if name is None:
            model.unplaced.append(weight)
        else:
            given.setdefault(name, []).append((weight.path, weight))
    for name, stored in given.items():
        distribute(layers[name], stored, dialect)
    settle(model, dialect)


def layer_in(path: str, layers: dict[str, Layer]) -> str | None:
    """The layer named first in a path: ``lstm/lstm_cell/kernel``, or ``model/dense/kernel``. A layer's name may hold slashes."""
    parts = path.split("/")
    for start in range(len(parts) - 1):
        for stop in range(len(parts) - 1, start, -1):
            if (name := "/".join(parts[start:stop])) in layers:
                return name
    return None


def labels_beside(find: Find) -> list[str]:
    """The names of the classes in Teachable Machine's ``metadata.json``; none if it is not there or not readable."""
    found = find("metadata.json")
    if found is None or found[1] > JSON:
        return []
    try:
        said = parse_json(read_bytes(found[0], 0, found[1]), "metadata.json")
    except UnreadableModel:
        return []
    labels = next((said[key] for key in ("labels", "wordLabels") if said.get(key)), None) if isinstance(said, dict) else None
    fits = isinstance(labels, list) and len(labels) <= MOST_LABELS and all(isinstance(label, str) for label in labels)
    return labels if fits and labels is not None else []


def topology_of(value: dict[str, Any]) -> dict[str, Any]:
    """The architecture's entry (``class_name``, ``config``), with the version, backend and training settings that are said beside it."""
    topology = as_object(value.get("modelTopology"))
    inside = next((topology[key] for key in ("model_config", "modelConfig") if topology.get(key) is not None), None)
    if inside is not None:
        topology = {key: topology.get(key) for key in ("keras_version", "backend", "training_config")} | as_object(inside)
    entry: dict[str, Any] = pythonic(topology)
    if not {"class_name", "config"} <= set(entry):
        raise UnreadableModel("the modelTopology of model.json is not the architecture of a Keras model")
    return entry


def as_object(value: Any) -> dict[str, Any]:
    """A JSON object, which may be stored as text."""
    return parse_object(value, "the modelTopology") if isinstance(value, str) else plain_dict(value)


def pythonic(value: Any, key: str = "") -> Any:
    """The configuration with Keras's keys (``batch_input_shape``) in place of those of JavaScript (``batchInputShape``)."""
    if isinstance(value, list):
        return [pythonic(item, key) for item in value]
    if isinstance(value, dict):
        made = {(new := snake_case(str(old))): pythonic(item, new) for old, item in value.items()}
        return made if made.get("class_name") != "RNN" else made | {"config": without_settings_of_cell(plain_dict(made.get("config")))}
    if not isinstance(value, str) or not (key in WORDS or key.endswith("_initializer")):
        return value
    word = snake_case(value)
    return GELU_BY_TANH if word == "gelu_new" else word


def without_settings_of_cell(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration of an RNN, among which TensorFlow.js writes that of its cell once more."""
    cell = plain_dict(plain_dict(config.get("cell")).get("config"))
    return {key: value for key, value in config.items() if key in OF_EVERY_LAYER or key not in cell}


def snake_case(name: str) -> str:
    """``batchInputShape`` -> ``batch_input_shape``; a name that is not written so stays as it is."""
    return CAPITAL.sub("_", name).lower() if CAMEL.fullmatch(name) else name
