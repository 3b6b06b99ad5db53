"""A model as the JSON that Keras 3 reads: an entry for each layer, with its settings and its connections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from weightlens.formats.architecture.layer_config import ACTIVATION_KEYS, HARD_SIGMOID_2, hard_sigmoid_keras_2
from weightlens.model import Call, Layer, Model, Ref
from weightlens.specs import options
from weightlens.specs.registry import spec
from weightlens.writers.constructors import (
    ENDINGS,
    LATE,
    WITHOUT_EFFECT,
    constructor_options,
    is_activation,
    is_in_keras_3,
    taken_in_training,
    training_setting,
)
from weightlens.writers.expressible import cannot

Entry = dict[str, Any]
EVERY_LAYER = ("name", "trainable", "dtype")
NOT_SETTINGS = frozenset({"module", "build_input_shape", "quantization_mode", "quantization_config", "build_config", "batch_shape"})
CASTS = ("Cast", "SaturateCast")  # operators that must have a dtype


def entry(module: str, class_name: str, config: Entry) -> Entry:
    """One object as Keras 3 saves it."""
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


def model_entry(model: Model) -> Entry:
    """The entry of a model."""
    if model.class_name == "Sequential":
        layers = [layer_entry(layer) for layer in model.layers if not layer.is_input or layer.config.get("batch_shape")]
        return entry("keras", "Sequential", {"name": model.name, "layers": layers})
    layers = [
        layer_entry(layer) | {"name": layer.name, "inbound_nodes": [node(layer, call) for call in layer.calls]} for layer in model.layers
    ]
    nested = {layer.name for layer in model.layers if layer.model is not None and layer.model.class_name != "Sequential"}
    config = {
        "name": model.name,
        "trainable": bool(model.config.get("trainable", True)),
        "layers": layers,
        "input_layers": endpoints(model.inputs, set()),
        "output_layers": endpoints(model.outputs, nested),
    }
    return entry("keras.src.models.functional", "Functional", config)


def endpoints(refs: Any, nested: set[str]) -> Any:
    """The inputs or outputs of a model, a single one not in a list.

    Here, and nowhere else, Keras counts the creation of a nested functional model as its first call.
    """
    if isinstance(refs, Ref):
        return [refs.layer, refs.call + (refs.layer in nested), refs.index]
    if isinstance(refs, dict):
        return {key: endpoints(inner, nested) for key, inner in refs.items()}
    return endpoints(refs[0], nested) if len(refs) == 1 else [endpoints(inner, nested) for inner in refs]


def layer_entry(layer: Layer) -> Entry:
    """The entry of a layer, or of a nested model."""
    if layer.model is not None:
        made = model_entry(layer.model)
        made["config"]["name"] = layer.name
        return made
    if layer.is_operation:
        return operation_entry(layer)
    config = input_settings(layer) if layer.is_input else settings(layer)
    inside = by_place(layer, layer_entry)
    config |= {"layer" if name == "forward_layer" else name: part for name, part in inside.items()}
    return entry(spec(layer.class_name).home, layer.class_name, {"name": layer.name, **config})


def operation_entry(layer: Layer) -> Entry:
    """The entry of an operator, which only Keras 3 has under its own name."""
    config = {key: value for key, value in layer.config.items() if key != "module"}
    if config.get("dtype") == "float32" and layer.class_name not in CASTS:  # also where the file has none
        del config["dtype"]
    return {
        **entry(layer.config["module"], layer.class_name, {key: constant(value) for key, value in config.items()}),
        "registered_name": layer.class_name,
    }


def input_settings(layer: Layer) -> Entry:
    """The settings of an input."""
    shape = layer.config.get("batch_shape")
    if not shape:
        raise cannot(layer, "has no shape in the file")
    return {"batch_shape": list(shape), "dtype": layer.config.get("dtype") or "float32", "sparse": bool(layer.config.get("sparse"))}


def settings(layer: Layer) -> Entry:
    """The settings of a layer: those that its constructor takes. One that changes numbers and that it does not take is refused.

    What Keras 3 does not have is without effect where it is off, empty, or one group.
    """
    of_every_layer = {"dtype": layer.config.get("dtype") or "float32", "trainable": layer.trainable}
    not_taken = spec(layer.class_name).not_taken.split()
    found: Entry = {key: value for key, value in of_every_layer.items() if key not in not_taken}
    for key, value in layer.config.items():
        if key in EVERY_LAYER or key in NOT_SETTINGS:
            continue
        if key in ACTIVATION_KEYS:
            found[key] = activation(layer, key, value)
        elif key.endswith(ENDINGS):
            if key in taken_in_training(layer.class_name) and (kept := training_setting(key, value)) is not None:
                found[key] = kept
        elif key in constructor_options(layer.class_name):
            if key not in LATE or value != LATE[key]:
                found[key] = constant(value)
        elif (value is True or (value and value != 1)) and key not in WITHOUT_EFFECT and key not in options.of_every_layer():
            raise cannot(layer, f"has the setting {key}={value!r:.40}, which Keras 3 does not have")
    return found


def by_place(layer: Layer, made: Callable[[Layer], Any]) -> dict[str, Any]:
    """What is made of each layer inside a wrapper, by its place there; a list of those that are in a list."""
    found: dict[str, Any] = {}
    for key, inner in layer.inner.items():
        name, _, number = key.partition("/")
        if number:
            found.setdefault(name, []).append(made(inner))
        else:
            found[name] = made(inner)
    return found


def activation(layer: Layer, key: str, value: Any) -> Any:
    """An activation by its name, or as the layers that compute it."""
    if value == HARD_SIGMOID_2:
        return hard_sigmoid_keras_2(str(layer.config.get("dtype") or "float32"))
    if isinstance(value, dict):
        inside, name = value.get("config"), str(value.get("class_name"))
        if not is_in_keras_3(name) or not isinstance(inside, dict):
            raise cannot(layer, f"has the {key} {name} with settings, for which Keras 3 has no name")
        return entry("keras.layers", name, {setting: constant(item) for setting, item in inside.items()})
    if not is_activation(value):
        raise cannot(layer, f"has the {key} {value}, which Keras 3 does not have")
    return value


def node(layer: Layer, call: Call) -> Entry:
    """One call of a layer."""
    dtype = layer.quirks.input_dtype or "float32"
    kwargs = {key: constant(item, dtype) for key, item in call.kwargs.items()}
    return {"args": [constant(item, dtype) for item in call.args], "kwargs": kwargs}


def constant(value: Any, dtype: str = "float32") -> Any:
    """A value as Keras 3 writes it; tensors by the call that makes them."""
    if isinstance(value, Ref):
        history = [value.layer, value.call, value.index]
        return {"class_name": "__keras_tensor__", "config": {"shape": [None], "dtype": dtype, "keras_history": history}}
    if isinstance(value, dict):
        return {key: constant(item, dtype) for key, item in value.items()}
    if isinstance(value, slice):
        parts = {key: constant(getattr(value, key), dtype) for key in ("start", "stop", "step")}
        return {"class_name": "__slice__", "config": parts}
    if isinstance(value, np.ndarray):
        return {"class_name": "__numpy__", "config": {"value": value.tolist(), "dtype": str(value.dtype)}}
    if value is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    return [constant(item, dtype) for item in value] if isinstance(value, (list, tuple)) else value
