"""Reads a TensorFlow.js model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from weightlens.errors import UnreadableModel
from weightlens.formats.architecture.build import build_model
from weightlens.formats.architecture.config_values import parse_json, parse_object
from weightlens.formats.architecture.dialect import Dialect, dialect_of
from weightlens.formats.architecture.layer_config import plain_dict
from weightlens.formats.containers.zipped import Archive
from weightlens.formats.tfjs.differences import differences
from weightlens.formats.tfjs.manifest import read_manifest
from weightlens.formats.tfjs.place import place_weights
from weightlens.formats.tfjs.shards import Find, read_bytes
from weightlens.formats.tfjs.topology import is_graph, topology_of
from weightlens.formats.weights import bare
from weightlens.limits import JSON
from weightlens.model import Model, Provenance

GRAPH = "a TensorFlow.js graph model: operations, in which the layers of Keras are gone; give the Keras model that it was converted from"
MOST_LABELS = 100_000


def read_tfjs(path: Path, value: dict[str, Any], find: Find) -> Model:
    """The model of a parsed ``model.json``, whose shards ``find`` opens."""
    stored = read_manifest(value.get("weightsManifest"), find)
    weights = [entry.weight() for entry in stored if not entry.is_optimizer]
    if is_graph(value):
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
