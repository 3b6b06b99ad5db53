"""A model as TensorFlow.js reads it: a ``model.json`` in the words of Keras 2, and the weights one after another in a file beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from weightlens.call_order import every_layer
from weightlens.errors import BadInput
from weightlens.formats.tfjs.differences import differences
from weightlens.model import Call, Layer, Model, Ref
from weightlens.specs.registry import spec
from weightlens.writers.constructors import ENDINGS
from weightlens.writers.entries import by_place
from weightlens.writers.expressible import cannot

Entry = dict[str, Any]
SHARD = "weights.bin"
ACTIVATIONS = {name: name for name in (
    "elu", "selu", "relu", "relu6", "linear", "sigmoid", "softplus", "softsign", "tanh", "softmax", "log_softmax", "gelu", "mish",
)} | {"silu": "swish", "hard_sigmoid_keras2": "hard_sigmoid"}  # fmt: skip
RENAMED = {"batch_shape": "batch_input_shape"}
ALPHA = {"negative_slope": "alpha"}  # of LeakyReLU
NOT_WRITTEN = frozenset(
    {"module", "dtype", "name", "trainable", "build_config", "build_input_shape", "quantization_config", "seed", "lora_rank"}
)
# Settings that TensorFlow.js passes over or does not have: the only values that mean the same there.
ONLY: dict[str, tuple[Any, ...]] = {
    "reset_after": (False, None), "output_padding": (None,), "rms_scaling": (False, None),
    "causal": (False,), "renorm": (False, None), "time_major": (False, None), "stateful": (False, None), "return_state": (False, None),
    "zero_output_for_mask": (False, None), "ragged": (False, None), "sparse": (False, None),
}  # fmt: skip
ONLY_OF: dict[str, dict[str, tuple[Any, ...]]] = {  # the same of some classes
    "ELU": {"alpha": (1,)}, "Softmax": {"axis": (-1, [-1])}, "Conv1D": {"padding": ("valid", "same")},
    "Conv2DTranspose": {"dilation_rate": (None, 1, [1, 1], (1, 1))},
}  # fmt: skip
NAMES = {"DepthwiseConv2D": {"kernel": "depthwise_kernel"}}  # of variables, where they are not Keras 3's


def write_tfjs(model: Model, folder: Path) -> None:
    """The files of a model in a new folder."""
    folder.mkdir()
    refuse_differences(model)
    weights = list(variables(model))
    names = [name for name, _ in weights]
    if len({*names}) < len(names):
        double = next(name for name in names if names.count(name) > 1)
        raise cannot(model.layers[0], f"is beside layers of the same name ({double}), which TensorFlow.js cannot tell apart")
    entries = [{"name": name, "shape": list(value.shape), "dtype": value.dtype.name} for name, value in weights]
    topology = {**model_entry(model), "keras_version": "2.4.0", "backend": "tensorflow"}
    manifest = [{"paths": [SHARD], "weights": entries}]
    said = {
        "format": "layers-model",
        "generatedBy": "weightlens",
        "convertedBy": None,
        "modelTopology": topology,
        "weightsManifest": manifest,
    }
    (folder / "model.json").write_text(json.dumps(said))
    (folder / SHARD).write_bytes(
        b"".join(np.ascontiguousarray(value).astype(value.dtype.newbyteorder("<")).tobytes() for _, value in weights)
    )


def refuse_differences(model: Model) -> None:
    """Refuse a model that TensorFlow.js would compute otherwise."""
    for layer in every_layer(model):
        if layer.is_operation or (layer.model is None and not spec(layer.class_name).tfjs):
            raise cannot(layer, "is not a layer of TensorFlow.js")
    for layer, words in differences(model, 3):
        raise cannot(layer, f"would change: {words}")


def model_entry(model: Model) -> Entry:
    """The entry of a model."""
    if model.class_name == "Sequential":
        return {"class_name": "Sequential", "config": {"name": model.name, "layers": [layer_entry(layer) for layer in model.layers]}}
    nested = {layer.name for layer in model.layers if layer.model is not None}
    layers = [
        layer_entry(layer) | {"name": layer.name, "inbound_nodes": [node(layer, call, nested) for call in layer.calls]}
        for layer in model.layers
    ]
    config = {
        "name": model.name,
        "layers": layers,
        "input_layers": endpoints(model.inputs, set()),
        "output_layers": endpoints(model.outputs, nested),
    }
    return {"class_name": "Model", "config": config}


def endpoints(refs: Any, nested: set[str]) -> list[Any]:
    """The inputs or outputs of a model."""
    if not isinstance(refs, list) or not all(isinstance(ref, Ref) for ref in refs):
        raise BadInput("cannot be converted: its inputs or outputs have names or are nested, which TensorFlow.js does not save")
    return [place(ref, nested) for ref in refs]


def place(ref: Ref, nested: set[str]) -> list[Any]:
    """A tensor; the making of a nested model is its first call."""
    return [ref.layer, ref.call + (ref.layer in nested), ref.index]


def node(layer: Layer, call: Call, nested: set[str]) -> list[Any]:
    """One call of a layer: the tensors that it takes."""
    given = call.args[0] if len(call.args) == 1 else call.args
    tensors = list(given) if isinstance(given, (list, tuple)) else [given]
    odd = [key for key, value in call.kwargs.items() if not (value is None or (key == "training" and value is False))]
    if odd or not all(isinstance(tensor, Ref) for tensor in tensors):
        raise cannot(layer, f"is called with {', '.join(odd) or 'other things than tensors'}, which TensorFlow.js has no way to save")
    return [[*place(tensor, nested), {}] for tensor in tensors]


def layer_entry(layer: Layer) -> Entry:
    """The entry of a layer, or of a nested model."""
    if layer.model is not None:
        made = model_entry(layer.model)
        made["config"]["name"] = layer.name
        return made
    config: Entry = {"name": layer.name, "trainable": layer.trainable}
    if layer.is_input or layer.config.get("batch_shape"):
        config["dtype"] = input_dtype(layer)
    elif layer.config.get("dtype") not in ("float32", None):
        raise cannot(layer, f"computes in {layer.config['dtype']}, which TensorFlow.js does not")
    only = ONLY | ONLY_OF.get(layer.class_name, {})
    names = RENAMED | (ALPHA if layer.class_name == "LeakyReLU" else {})
    for key, value in layer.config.items():
        if key in NOT_WRITTEN or key.endswith(ENDINGS) or (layer.class_name == "ReLU" and key != "max_value"):
            continue
        if key in only and value not in only[key]:
            raise cannot(layer, f"has {key}={value!r:.40}, which TensorFlow.js does not")
        config[names.get(key, key)] = activation(layer, key, value) if key in ("activation", "recurrent_activation") else value
    return {"class_name": layer.class_name, "config": config | inner_entries(layer)}


def input_dtype(layer: Layer) -> str:
    """The dtype of an input."""
    dtype = str(layer.config.get("dtype") or "float32")
    if dtype not in ("float32", "int32"):
        raise cannot(layer, f"takes {dtype}, which TensorFlow.js does not")
    return dtype


def activation(layer: Layer, key: str, value: Any) -> str:
    """An activation by TensorFlow.js's name."""
    if not isinstance(value, str) or value not in ACTIVATIONS:
        name = value.get("class_name") if isinstance(value, dict) else value
        raise cannot(layer, f"has the {key} {name}, which TensorFlow.js does not have")
    return ACTIVATIONS[value]


def inner_entries(layer: Layer) -> Entry:
    """The layers inside a wrapper."""
    if "forward_layer" in layer.inner:
        forward = layer.inner["forward_layer"]
        inner = layer_entry(forward)
        inner["config"]["name"] = forward.name.removeprefix("forward_")
        return {"layer": inner}
    return by_place(layer, layer_entry)


def variables(model: Model) -> Iterator[tuple[str, np.ndarray]]:
    """Each array under the name by which TensorFlow.js looks for it."""
    for layer in model.layers:
        if layer.model is not None:
            yield from variables(layer.model)
        else:
            yield from variables_of(layer, layer.name)


def variables_of(layer: Layer, prefix: str) -> Iterator[tuple[str, np.ndarray]]:
    """The arrays of a layer and of those inside it."""
    for name, weight in layer.own_weights.items():
        value = weight.value
        yield f"{prefix}/{NAMES.get(layer.class_name, {}).get(name, name)}", value if value.dtype == np.int32 else value.astype(np.float32)
    for key, inner in layer.inner.items():
        yield from variables_of(inner, prefix + scope(inner, key))


def scope(inner: Layer, key: str) -> str:
    """What TensorFlow.js puts between the name of a wrapper and that of a variable of the layer inside."""
    kind, _, number = key.partition("/")
    name = inner.name.removeprefix("forward_").removeprefix("backward_").removeprefix("forward_")
    return {"forward_layer": f"/forward_{name}", "backward_layer": f"/backward_{name}", "cells": f"/RNNCell_{number}"}.get(kind, "")
