"""One layer's configuration with Keras 3's keys, from any version."""

from __future__ import annotations

from typing import Any

from weightlens.formats.architecture.config_values import as_lists, is_wrapped, plain
from weightlens.formats.architecture.dialect import Dialect
from weightlens.formats.architecture.old_names import ACTIVATION_NAMES, CLASS_NAMES
from weightlens.specs import options
from weightlens.specs.registry import REGISTERED, SPECS

OWN_PACKAGES = frozenset({"keras", "tf_keras", "tensorflow", "keras_core", "builtins", "tensorflow_model_optimization"})
ACTIVATION_KEYS = ("activation", "recurrent_activation")
HARD_SIGMOID_2 = "hard_sigmoid_keras2"  # that of Keras 1 and 2: Keras 3's has another slope
INNER_KEYS = frozenset({"layer", "backward_layer", "cell", "cells"})
CODE_KEYS = frozenset(
    {"function", "mask", "output_shape", "function_type", "output_shape_type", "mask_type", "module", "output_shape_module", "mask_module"}
)
RENAMED = {
    "LeakyReLU": {"alpha": "negative_slope"},
    "InputLayer": {"batch_input_shape": "batch_shape", "input_dtype": "dtype"},
    "CategoryEncoding": {"max_tokens": "num_tokens"},
    "Discretization": {"bins": "bin_boundaries"},
}


def class_name_of(entry: dict[str, Any]) -> str:
    """The class's Keras 3 name; a third-party class keeps its package's name (``Custom>Dense``).

    A class of the program that made the model keeps it as well, if Keras has one of that name (``__main__>Rescaling``); a class
    that the user has registered under its own name does not.
    """
    name = str(entry.get("class_name", ""))
    module, registered = entry.get("module"), entry.get("registered_name")
    if isinstance(registered, str) and (module is None or str(module).split(".")[0] not in OWN_PACKAGES):
        if ">" in registered:
            return registered
        if name not in REGISTERED and (name in SPECS or name in CLASS_NAMES):
            return f"{module or '__main__'}>{name}"
    return CLASS_NAMES.get(name, name)


def modern_config(class_name: str, raw: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
    """The configuration with Keras 3's keys; wrapped layers are left out, they become layers of their own."""
    renamed = RENAMED.get(class_name, {})
    drop = CODE_KEYS if class_name == "Lambda" else INNER_KEYS
    config = {renamed.get(key, key): as_lists(plain(value)) for key, value in raw.items() if key not in drop and key != "dtype"}
    if "batch_input_shape" in config:
        config.setdefault("batch_shape", config.pop("batch_input_shape"))
    mode, dtype = dtype_policy(raw.get("dtype", config.get("dtype")), str(config.get("name", "")))
    config["dtype"] = dtype
    if mode:
        config["quantization_mode"] = mode
    for key in ACTIVATION_KEYS:
        if key in config:
            config[key] = modern_activation(raw[key], dialect)
    if "pool_size" in config:
        config |= {
            key: config[key][0] for key in ("pool_size", "strides") if isinstance(config.get(key), (list, tuple)) and len(config[key]) == 1
        }
    if class_name == "BatchNormalization" and isinstance(config.get("axis"), (list, tuple)) and len(config["axis"]) == 1:
        config["axis"] = config["axis"][0]
    return config


def without_wrong_options(class_name: str, raw: dict[str, Any], dialect: Dialect) -> tuple[dict[str, Any], list[str]]:
    """A layer's configuration as saved, without its invalid options, and what is wrong with those."""
    values = {key: as_lists(plain(value)) if is_wrapped(value) else value for key, value in raw.items()}
    good, faults = options.sound(class_name, values, dialect.major if dialect.known else 0)
    return ({key: raw[key] for key in good} if faults else raw), faults


def modern_activation(value: Any, dialect: Dialect) -> Any:
    """An activation as its name, or as ``{"class_name", "config"}`` for a layer with settings of its own.

    The slope of ``hard_sigmoid`` changed with Keras 3; an older file's is called ``hard_sigmoid_keras2``.
    """
    if value is None:
        return "linear"
    if isinstance(value, dict):
        inside = value.get("config")
        if isinstance(inside, str):
            registered = value.get("registered_name")
            custom = isinstance(registered, str) and ">" in registered
            return registered if custom else modern_activation(inside, dialect)
        name = class_name_of(value)
        if name == "Sequential" and is_hard_sigmoid_keras_2(value):
            return HARD_SIGMOID_2
        config = modern_config(name, inside if isinstance(inside, dict) else {}, dialect)
        return {"class_name": name, "config": config}
    name = ACTIVATION_NAMES.get(str(value), str(value))
    return HARD_SIGMOID_2 if name == "hard_sigmoid" and dialect.major < 3 else name


def hard_sigmoid_keras_2(dtype: str) -> dict[str, Any]:
    """The ``hard_sigmoid`` of Keras 1 and 2, 0.2 x + 0.5 cut at 0 and 1, as two layers of Keras 3, which compute with this dtype."""

    def layer(class_name: str, **config: Any) -> dict[str, Any]:
        return {"module": "keras.layers", "class_name": class_name, "config": {"dtype": dtype, **config}, "registered_name": None}

    layers = [layer("Rescaling", scale=0.2, offset=0.5), layer("ReLU", max_value=1.0)]
    return {"module": "keras", "class_name": "Sequential", "config": {"name": HARD_SIGMOID_2, "layers": layers}, "registered_name": None}


def is_hard_sigmoid_keras_2(value: dict[str, Any]) -> bool:
    """Whether an activation is that function: as ``weightlens convert`` writes it, and as Keras writes it again."""
    config = value.get("config")
    if value.get("class_name") != "Sequential" or not isinstance(config, dict) or config.get("name") != HARD_SIGMOID_2:
        return False
    layers = config.get("layers")
    found = (
        {layer.get("class_name"): layer.get("config") for layer in layers if isinstance(layer, dict)} if isinstance(layers, list) else {}
    )
    found.pop("InputLayer", None)  # Keras adds it
    scaled, cut = found.get("Rescaling"), found.get("ReLU")
    if list(found) != ["Rescaling", "ReLU"] or not isinstance(scaled, dict) or not isinstance(cut, dict):
        return False
    bent = cut.get("negative_slope") or cut.get("threshold")
    return [scaled.get("scale"), scaled.get("offset"), cut.get("max_value")] == [0.2, 0.5, 1] and not bent


def dtype_policy(value: Any, layer: str = "") -> tuple[str, str]:
    """The quantization mode and the name of the dtype or policy in a ``dtype`` entry of any version."""
    if isinstance(value, str) or value is None:
        return "", str(value or "float32")
    if not isinstance(value, dict):
        return "", "float32"
    config = value.get("config")
    config = config if isinstance(config, dict) else value
    if "policy_map" in config:
        own = {path: given for path, given in plain_dict(config["policy_map"]).items() if path.split("/")[-1] == layer}
        return dtype_policy(next(iter(own.values()), config.get("default_policy")), layer)
    mode = str(config.get("mode") or "")
    name = str(config.get("source_name") or config.get("name") or "float32")
    if "_from_" in name:  # "int8_from_float32"
        mode, name = (mode or name.split("_from_")[0]), name.split("_from_")[1]
    return mode, name


def plain_dict(value: Any) -> dict[str, Any]:
    """The value if it is a dictionary, else an empty one."""
    return value if isinstance(value, dict) else {}
