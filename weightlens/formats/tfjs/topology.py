"""The architecture in a ``model.json``, in either of its spellings, as Keras 2 writes it."""

from __future__ import annotations

import re
from typing import Any

from weightlens.errors import UnreadableModel
from weightlens.formats.architecture.config_values import parse_object
from weightlens.formats.architecture.layer_config import plain_dict

CAMEL = re.compile(r"[a-z][a-z0-9]*(?:[A-Z][a-z0-9]*)+")
CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Settings whose values are words of TensorFlow.js, which it may spell like its keys: "hardSigmoid", "channelsLast".
WORDS = frozenset(
    {"activation", "recurrent_activation", "data_format", "padding", "merge_mode", "interpolation", "output_mode", "mode", "distribution"}
)

OF_EVERY_LAYER = frozenset({"name", "trainable", "dtype", "batch_input_shape"})
GELU_BY_TANH = {"class_name": "gelu", "config": {"approximate": True}}


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


def is_graph(value: dict[str, Any]) -> bool:
    """Whether it is a graph of operations, which has no layers."""
    return value.get("format") == "graph-model" or "node" in plain_dict(value.get("modelTopology"))
