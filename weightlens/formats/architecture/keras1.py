"""Keras 0 and 1: their names of layers and settings translated to Keras 3."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from weightlens.errors import UnreadableModel
from weightlens.formats.architecture.layer_config import plain_dict
from weightlens.formats.architecture.old_names import KERAS_1_CLASSES

Settings = dict[str, Any]
KEYS = {
    "output_dim": "units", "nb_filter": "filters", "border_mode": "padding", "bias": "use_bias", "p": "rate", "sigma": "stddev",
    "subsample": "strides", "init": "kernel_initializer", "inner_init": "recurrent_initializer",
    "inner_activation": "recurrent_activation", "dim_ordering": "data_format", "W_regularizer": "kernel_regularizer",
    "U_regularizer": "recurrent_regularizer", "b_regularizer": "bias_regularizer", "W_constraint": "kernel_constraint",
    "b_constraint": "bias_constraint", "length": "size", "pool_length": "pool_size", "stride": "strides", "poolsize": "pool_size",
    "atrous_rate": "dilation_rate", "filter_length": "kernel_size", "subsample_length": "strides", "input_dtype": "dtype",
    "custom_name": "name", "pad": "padding",
}  # fmt: skip
ORDERINGS = {"tf": "channels_last", "th": "channels_first"}
MERGES = {"sum": "Add", "mul": "Multiply", "ave": "Average", "max": "Maximum", "concat": "Concatenate", "dot": "Dot"}
KERNEL_KEYS = (("nb_row", "nb_col"), ("kernel_dim1", "kernel_dim2", "kernel_dim3"))
MODELS = frozenset({"Sequential", "Model", "Graph", "Container"})


def modern_entry(entry: Settings) -> Settings:
    """An entry of Keras 0 or 1 translated to Keras 3."""
    if entry.get("_modern"):
        return entry
    entry = with_class_and_config(entry)
    name, config = entry["class_name"], entry.get("config")
    if name == "Graph" and isinstance(config, dict):
        return {"class_name": "Functional", "config": graph_container(config), "_modern": True}
    if name in MODELS or not isinstance(config, dict):
        return {**entry, "config": _without_merge(config)}
    class_name, settings = modern_settings(name, config)
    return {**entry, "class_name": class_name, "config": settings, "_modern": True}


def with_class_and_config(entry: Settings) -> Settings:
    """An entry of Keras 0, which has the class under ``name`` and the settings next to it, in the later form."""
    if "class_name" in entry:
        return entry
    if not isinstance(entry.get("name"), str):
        raise UnreadableModel("a layer of the architecture has no class")
    settings = {key: value for key, value in entry.items() if key != "name"}
    settings.setdefault("name" if entry["name"] in MODELS else "custom_name", entry["name"].lower())
    return {"class_name": entry["name"], "config": settings}


def modern_settings(name: str, old: Settings) -> tuple[str, Settings]:
    """The class and settings of one layer in Keras 3: ``nb_filter`` is ``filters``, ``th`` is ``channels_first``, and so on."""
    if name == "Merge":
        return modern_merge(old)
    if name == "Highway":
        old = {key: value for key, value in old.items() if key != "output_dim"}
    renamed = KEYS | ({"dims": "target_shape"} if name == "Reshape" else {})
    keep = {"output_dim"} if name == "Embedding" else {"p"} if name == "Masking" else set()
    config = {
        key if key in keep else renamed.get(key, key): value
        for key, value in old.items()
        if key not in ("input_dim", "input_length") or name == "Embedding"
    }
    config["data_format"] = ORDERINGS.get(str(config.get("data_format")), config.get("data_format"))
    if config["data_format"] in (None, "default"):
        del config["data_format"]
    for keys in KERNEL_KEYS:
        if all(key in config for key in keys):
            config["kernel_size"] = [config.pop(key) for key in keys]
    if isinstance(old.get("input_shape"), (list, tuple)):
        config.setdefault("batch_input_shape", [None, *old["input_shape"]])
    adapt = ADAPT.get(name)
    class_name = KERAS_1_CLASSES.get(name, name)
    return (class_name, config) if adapt is None else adapt(class_name, config)


def _conv1d(class_name: str, config: Settings) -> tuple[str, Settings]:
    for key in ("kernel_size", "strides", "dilation_rate"):
        if isinstance(config.get(key), int):
            config[key] = [config[key]]
    return class_name, config


def _deconvolution(class_name: str, config: Settings) -> tuple[str, Settings]:
    """Keras 1 states the output's shape instead of the padding; only for a stride of one are both known. With another it is refused."""
    if list(config.get("strides") or [1, 1]) == [1, 1]:
        config.pop("output_shape", None)
    return class_name, config


def _zero_padding(class_name: str, config: Settings) -> tuple[str, Settings]:
    """Padding of a picture as four numbers, or by the names of its sides."""
    sides = config.get("padding")
    if isinstance(sides, dict):
        sides = [sides.get(f"{side}_pad", 0) for side in ("top", "bottom", "left", "right")]
    if isinstance(sides, (list, tuple)) and len(sides) == 4:
        config["padding"] = [list(sides[:2]), list(sides[2:])]
    return class_name, config


def _batch_normalization(class_name: str, config: Settings) -> tuple[str, Settings]:
    """Mode 0 is today's layer; modes 1 (per sample) and 2 (per batch) have no successor."""
    mode = config.pop("mode", 0)
    config.setdefault("epsilon", 1e-6)
    return (class_name if mode == 0 else f"BatchNormalization (mode {mode})"), config


ADAPT: dict[str, Callable[[str, Settings], tuple[str, Settings]]] = {
    "Convolution1D": _conv1d, "AtrousConvolution1D": _conv1d, "AtrousConv1D": _conv1d, "LocallyConnected1D": _conv1d,
    "Deconvolution2D": _deconvolution, "ZeroPadding2D": _zero_padding, "BatchNormalization": _batch_normalization,
}  # fmt: skip


def modern_merge(old: Settings) -> tuple[str, Settings]:
    """``Merge`` as the layer of its mode; with a function or the cosine it stays, for no later layer is the same."""
    mode, config = old.get("mode"), {"name": old.get("name") or old.get("custom_name") or "merge"}
    if not isinstance(mode, str) or mode not in MERGES:
        return "Merge", {**config, "mode": str(mode)}
    if mode == "concat":
        config["axis"] = old.get("concat_axis", -1)
    if mode == "dot":
        axes = old.get("dot_axes", -1)
        config["axes"] = (
            [axis[0] if isinstance(axis, (list, tuple)) else axis for axis in axes] if isinstance(axes, (list, tuple)) else axes
        )
    return MERGES[mode], config


def _without_merge(config: Any) -> Any:
    """A Sequential that begins with a ``Merge`` of other models, as a functional graph."""
    entries = config if isinstance(config, list) else plain_dict(config).get("layers")
    if not isinstance(entries, list) or not entries or "output_layers" in plain_dict(config):
        return config
    entries = [with_class_and_config(entry) for entry in entries if isinstance(entry, dict)]
    first = plain_dict(entries[0].get("config"))
    branches = first.get("layers")
    if entries[0]["class_name"] != "Merge" or not isinstance(branches, list):
        return config
    return _branched(plain_dict(config), [with_class_and_config(branch) for branch in branches if isinstance(branch, dict)], entries)


def _branched(config: Settings, branches: list[Settings], entries: list[Settings]) -> Settings:
    """Inputs, the branches as nested models (whose calls Keras 1 counts from one), the merge, then the rest in a row."""
    layers, inputs, ends = [], [], []
    for number, branch in enumerate(branches):
        name = str(plain_dict(branch.get("config")).get("name") or f"branch_{number + 1}")
        shapes = list(_input_shapes(branch))
        names = [f"{name}_input" + (f"_{k + 1}" if k else "") for k in range(len(shapes))]
        layers += [_node("InputLayer", {"name": given, "batch_input_shape": shape}, []) for given, shape in zip(names, shapes, strict=True)]
        layers.append({**branch, "name": name, "inbound_nodes": [[[given, 0, 0] for given in names]]})
        inputs += [[given, 0, 0] for given in names]
        ends.append([name, 1, 0])
    for entry in entries:
        settings = {key: value for key, value in plain_dict(entry.get("config")).items() if key != "layers"}
        layers.append(_node(entry["class_name"], settings, [ends]))
        ends = [[layers[-1]["name"], 1 if entry["class_name"] in MODELS else 0, 0]]
    return {**config, "name": config.get("name", "sequential"), "layers": layers, "input_layers": inputs, "output_layers": ends}


def _input_shapes(branch: Settings, depth: int = 0) -> Iterator[Any]:
    """The shape of a branch's input; if the branch begins with a ``Merge``, those of its own branches."""
    inside = branch.get("config")
    entries = inside if isinstance(inside, list) else plain_dict(inside).get("layers")
    first = with_class_and_config(plain_dict(entries[0])) if isinstance(entries, list) and entries else {}
    config = plain_dict(first.get("config"))
    if first.get("class_name") == "Merge" and isinstance(config.get("layers"), list) and depth < 40:
        for inner in config["layers"]:
            yield from _input_shapes(with_class_and_config(plain_dict(inner)), depth + 1)
    else:
        yield modern_settings(str(first.get("class_name", "")), config)[1].get("batch_input_shape")


def _node(class_name: str, config: Settings, inbound: list[Any]) -> Settings:
    name = str(config.get("name") or config.get("custom_name") or class_name.lower())
    return {"class_name": class_name, "name": name, "config": config, "inbound_nodes": inbound}


def graph_container(config: Settings) -> Settings:
    """The ``Graph`` model of Keras 0 as a functional graph: named nodes with one input or several merged, and named outputs."""
    layers = [
        _node("InputLayer", {"name": given["name"], "batch_input_shape": [None, *given.get("input_shape", [])]}, [])
        for given in config.get("input_config", [])
    ]
    ends: dict[str, str] = {}

    def source(node: Settings, name: str) -> str:
        if not node.get("inputs"):
            return str(node["input"])
        mode = str(node.get("merge_mode", "concat"))
        settings = {"name": f"{name}_merge", "mode": mode, "concat_axis": node.get("concat_axis", -1), "dot_axes": node.get("dot_axes", -1)}
        layers.append(_node("Merge", settings, [[[str(given), 0, 0] for given in node["inputs"]]]))
        return f"{name}_merge"

    for node in config.get("node_config", []):
        entry = with_class_and_config(config["nodes"][node["name"]])
        before = source(node, node["name"])
        layers.append({**_node(entry["class_name"], entry["config"], [[[before, 0, 0]]]), "name": node["name"]})
        if node.get("create_output"):
            ends[node["name"]] = node["name"]
    for node in config.get("output_config", []):
        ends[node["name"]] = source(node, node["name"])
    inputs = [[given["name"], 0, 0] for given in config.get("input_config", [])]
    return {
        "name": str(config.get("name", "graph")),
        "layers": layers,
        "input_layers": inputs,
        "output_layers": [[end, 0, 0] for end in ends.values()],
    }
