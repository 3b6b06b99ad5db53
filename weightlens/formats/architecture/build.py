"""From a saved configuration to a ``Model``: its layers, their inner layers, and the graph; without weights."""

from __future__ import annotations

from typing import Any

from weightlens.errors import UnreadableModel
from weightlens.formats.architecture import inbound
from weightlens.formats.architecture.dialect import Dialect
from weightlens.formats.architecture.inbound import restore_lost_connection
from weightlens.formats.architecture.layer_config import class_name_of, modern_config, plain_dict, without_wrong_options
from weightlens.model import INPUT, Call, Layer, Model, Ref
from weightlens.specs.operation import whole_of
from weightlens.specs.quirks import Quirks, old_ways
from weightlens.specs.registry import spec

FUNCTION_NODES = frozenset({"TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer", "ClassMethod", "InstanceProperty", "InstanceMethod"})
FOREIGN_CODE = frozenset({"Lambda", "TFSMLayer", "JaxLayer", "FlaxLayer", "TorchModuleWrapper"})
MAX_NESTING = 40
MAX_LAYERS = 25_000  # ten times the largest that anybody has published


def build_model(entry: dict[str, Any], dialect: Dialect, depth: int = 0) -> Model:
    """A model from its entry ``{"class_name", "config"}``."""
    if depth > MAX_NESTING:
        raise UnreadableModel("models are nested deeper than any that Keras writes")
    if not depth and too_many_layers(entry):
        raise UnreadableModel(f"more than {MAX_LAYERS:,} layers, which is more than any Keras model has")
    entry = modern_entry(entry, dialect)
    config: Any = entry.get("config")
    if not is_model(entry):
        name = str(plain_dict(config).get("name") or entry.get("class_name") or "model")
        return Model(name, class_name_of(entry), [], config=plain_dict(config))
    if isinstance(config, list):  # Sequential, up to Keras 2.2.2
        config = {"name": "sequential", "layers": config}
    layers = [build_layer(inner, dialect, depth) for inner in _entries(config)]
    built = plain_dict(entry.get("build_config")).get("input_shape")
    settings = {key: value for key, value in config.items() if key not in ("layers", "input_layers", "output_layers")}
    class_name = class_name_of(entry)
    model = Model(str(config.get("name") or "model"), class_name, layers, config=settings)
    if "output_layers" in config:
        _connect(model, config, dialect)
    else:
        _chain(model, config.get("build_input_shape") or built, dialect)
    return model


def too_many_layers(entry: Any) -> bool:
    """Whether a saved model lists more layers than the limit, those of nested models included."""
    count, waiting = 0, [entry]
    while waiting and count <= MAX_LAYERS:
        item = waiting.pop()
        if isinstance(item, list):
            count += len(item)
            waiting.extend(item)
        elif isinstance(item, dict):
            waiting.extend(item[key] for key in ("config", "layers", "layer", "cell") if key in item)
    return count > MAX_LAYERS


def is_model(entry: dict[str, Any]) -> bool:
    """Whether an entry is a model with layers of its own (not a Pipeline of preprocessing layers)."""
    config = entry.get("config")
    if isinstance(config, list):
        return True
    return isinstance(config, dict) and isinstance(config.get("layers"), list) and entry.get("class_name") != "Pipeline"


def _entries(config: dict[str, Any]) -> list[dict[str, Any]]:
    entries = config["layers"]
    if not all(isinstance(entry, dict) and ("class_name" in entry or "name" in entry) for entry in entries):
        raise UnreadableModel("the list of layers holds something that is not a layer")
    return list(entries)


def _connect(model: Model, config: dict[str, Any], dialect: Dialect) -> None:
    """The graph of a functional model."""
    for layer, entry in zip(model.layers, config["layers"], strict=True):
        layer.name = str(entry.get("name") or layer.name)
        layer.calls = inbound.calls_of(entry.get("inbound_nodes", []))
        inbound.split_states(layer)
        inbound.put_in_order(layer)
        if layer.class_name.startswith("tf.raw_ops."):
            from weightlens.formats.architecture import raw_nodes

            raw_nodes.complete_arguments(layer)
    if len({layer.name for layer in model.layers}) < len(model.layers):
        raise UnreadableModel(f"two layers of model {model.name!r} have the same name")
    model.inputs = inbound.endpoints(config.get("input_layers", []))
    model.outputs = inbound.count_from_zero(model.layers, inbound.endpoints(config["output_layers"]), dialect)
    if dialect.major < 3:
        restore_lost_connection(model)
    elif not dialect.at_least(3, 2):
        inbound.count_used_calls(model.layers, model.outputs)


def _chain(model: Model, built_shape: Any, dialect: Dialect) -> None:
    """The graph of a Sequential: each layer takes the one before; an InputLayer is added if there is none."""
    if not model.layers:
        return
    first = model.layers[0]
    if not first.is_input:
        inside = first.model.layers[:1] if first.model is not None else []  # of a nested model it is that of its first layer
        shape = first.config.pop("batch_shape", None) or next((x.config.get("batch_shape") for x in inside), None) or built_shape
        settings = {"name": first.name + "_input", "batch_shape": shape, "dtype": first.config.get("dtype", "float32")}
        model.layers.insert(0, Layer(settings["name"], INPUT, settings))
    _number_doubles(model.layers)
    for before, layer in zip(model.layers, model.layers[1:], strict=False):
        layer.calls = [Call((Ref(before.name),))]
        if before.is_input and spec(layer.class_name).whole == "rounds" and dialect.major >= 3:
            layer.quirks = layer.quirks._replace(input_dtype=before.config.get("dtype"))
    model.inputs, model.outputs = [Ref(model.layers[0].name)], [Ref(model.layers[-1].name)]


def _number_doubles(layers: list[Layer]) -> None:
    """Make layer names unique: Keras 0 gives all layers of a class the same name."""
    used: set[str] = set()
    for layer in layers:
        name, count = layer.name, 1
        while layer.name in used:
            count += 1
            layer.name = f"{name}_{count}"
        used.add(layer.name)


def modern_entry(entry: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
    """An entry of Keras 0 or 1 translated to Keras 3; an entry of a later version unchanged."""
    if dialect.major >= 2:
        return entry
    from weightlens.formats.architecture import keras1

    return keras1.modern_entry(entry)


def build_layer(entry: dict[str, Any], dialect: Dialect, depth: int = 0) -> Layer:
    """A layer from its entry, with its inner layers and models."""
    entry = modern_entry(entry, dialect)
    raw = entry.get("config")
    if is_model(entry):
        model = build_model(entry, dialect, depth + 1)
        name = str(entry.get("name") or plain_dict(raw).get("name") or model.name)
        return Layer(name, model.class_name, dict(model.config), model=model, trainable=bool(model.config.get("trainable", True)))
    if not isinstance(raw, dict):
        raise UnreadableModel(f"layer {str(entry.get('name') or entry.get('class_name'))!r} has no configuration")
    class_name = class_name_of(entry)
    operation = _is_operation(entry, raw, dialect)
    raw, faults = (raw, []) if operation else without_wrong_options(class_name, raw, dialect)
    config = modern_config(class_name, raw, dialect)
    name = str(entry.get("name") or config.get("name") or class_name.lower())
    layer = Layer(name, class_name, config, trainable=bool(config.get("trainable", True)), faults=faults)
    if "quantization_mode" in config:
        config["build_input_shape"] = plain_dict(entry.get("build_config")).get("input_shape")
    entering = None
    old = old_ways(dialect.stated or (() if dialect.major == 3 else (dialect.major,)))
    known = spec(class_name)
    whole = whole_of(class_name) if operation else "" if known.once_floats in old else known.whole
    if whole in ("cuts", "rounds"):
        entering = next(inbound.input_dtypes(entry.get("inbound_nodes")), None)
    elif operation or (whole in ("wraps", "sums") and dialect.major >= 3):
        entering = inbound.common_dtype(entry.get("inbound_nodes"))
    layer.quirks = Quirks(dialect.major < 3, entering, old)
    layer.inner = _inner_layers(class_name, raw, dialect, depth + 1)
    if class_name in FOREIGN_CODE:
        layer.note = "holds program code, which is never run"
    elif not operation and spec(class_name).options is None:
        from weightlens.formats.architecture.old_names import advice_for_class

        layer.note = advice_for_class(class_name)
    if class_name in FUNCTION_NODES:
        _name_function(layer)
    elif operation:
        layer.is_operation, layer.config["module"] = True, str(entry.get("module") or "")
    return layer


def _inner_layers(class_name: str, raw: dict[str, Any], dialect: Dialect, depth: int) -> dict[str, Layer]:
    """The layers a wrapper wraps: ``layer``; ``forward_layer`` and ``backward_layer``; ``cell``; ``cells/0``, ..."""
    if depth > MAX_NESTING:
        raise UnreadableModel("layers are nested deeper than any that Keras writes")
    inner: dict[str, Layer] = {}
    if class_name == "Bidirectional":
        forward = plain_dict(raw.get("layer"))
        inner["forward_layer"] = build_layer(forward, dialect, depth)
        inner["backward_layer"] = build_layer(plain_dict(raw.get("backward_layer")) or _backward(forward), dialect, depth)
        return inner
    for key in ("layer", "cell"):
        if isinstance(raw.get(key), dict) and "class_name" in raw[key]:
            inner[key] = build_layer(raw[key], dialect, depth)
    for key in ("cells", "layers"):
        for number, entry in enumerate(raw.get(key) or [] if isinstance(raw.get(key), list) else []):
            if isinstance(entry, dict) and "class_name" in entry:
                inner[f"{key}/{number}"] = build_layer(entry, dialect, depth)
    return inner


def _backward(forward: dict[str, Any]) -> dict[str, Any]:
    """The backward layer if the file leaves it out: the forward layer, reading in reverse."""
    config = plain_dict(forward.get("config"))
    name = str(config.get("name", "")).removeprefix("forward_")
    return {**forward, "config": {**config, "name": f"backward_{name}", "go_backwards": not config.get("go_backwards", False)}}


def _is_operation(entry: dict[str, Any], raw: dict[str, Any], dialect: Dialect) -> bool:
    """Whether an entry is an operator node of Keras 3: known by its module or, in ``.h5``, by a missing common setting.

    The activation ``relu`` with settings of its own is saved as an operator that is the layer ReLU in all but name.
    """
    if entry.get("class_name") == "ReLU":
        return False
    if isinstance(entry.get("module"), str):
        return ".ops." in entry["module"] or entry["module"].endswith(".ops")
    called = bool(entry.get("inbound_nodes")) and isinstance(entry["inbound_nodes"], list)
    return dialect.major == 3 and called and "trainable" not in raw and "trainable" not in spec(str(entry.get("class_name"))).not_taken


def _name_function(layer: Layer) -> None:
    """Name a TensorFlow function called on tensors (Keras 2) by its path, such as ``tf.math.multiply``."""
    layer.is_operation = True
    given = layer.config.get("function") or layer.config.get("symbol")
    if layer.class_name == "SlicingOpLambda":
        given = given or "__operators__.getitem"
    if layer.class_name == "TensorFlowOpLayer":
        node = plain_dict(layer.config.get("node_def"))
        given = "raw_ops." + str(node.get("op", "unknown"))
    layer.class_name = f"tf.{given}"
