"""Models of any size as HDF5 files that Keras and weightlens both read, made without Keras; weights are random, from a fixed seed."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Made = tuple[str, dict[str, Any], dict[str, tuple[int, ...]]]  # class name, configuration, shapes of the weights


def write(path: str | Path, input_shape: Sequence[int], layers: Sequence[Made], graph: bool = False) -> str:
    """A Sequential model as Keras 2 saved it; as a ``graph`` a functional one, each layer called on the one before."""
    random = np.random.default_rng(0)
    first = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, *input_shape], "dtype": "float32", "name": "input_1"}}
    named = [(f"{kind.lower()}_{i}", kind, config, shapes) for i, (kind, config, shapes) in enumerate(layers)]
    config: dict[str, Any] = {
        "name": "model",
        "layers": [first, *({"class_name": k, "config": {"name": n, "dtype": "float32"} | c} for n, k, c, _ in named)],
    }
    if graph:
        config |= connected(config["layers"], [None, *input_shape])
    with h5py.File(path, "w") as file:
        file.attrs.update(
            {
                "model_config": json.dumps({"class_name": "Functional" if graph else "Sequential", "config": config}),
                "keras_version": "2.15.0",
                "backend": "tensorflow",
            }
        )
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = np.array([n.encode() for n, *_ in named])
        weights.attrs["keras_version"], weights.attrs["backend"] = "2.15.0", "tensorflow"
        for name, _, _, shapes in named:
            group = weights.create_group(name)
            group.attrs["weight_names"] = np.array([f"{name}/{weight}:0".encode() for weight in shapes], dtype="S99")
            for weight, shape in shapes.items():
                fan = max(1, int(np.prod(shape[:-1])))
                group[f"{name}/{weight}:0"] = (random.normal(size=shape) / np.sqrt(fan)).astype(np.float32)
    return str(path)


def connected(layers: list[dict[str, Any]], shape: list[int | None]) -> dict[str, Any]:
    """What makes a graph of a list of layers that keep the shape; attention is given what comes in as its values, too."""
    names = [layer["config"]["name"] for layer in layers]
    for before, name, layer in zip(["", *names], names, layers, strict=False):
        history = {"shape": shape, "dtype": "float32", "keras_history": [before, 0, 0]}
        read = {"class_name": "__keras_tensor__", "config": history}
        given = [read, read] if layer["class_name"] == "MultiHeadAttention" else [read]
        layer |= {"name": name, "inbound_nodes": [{"args": given, "kwargs": {}}] if before else []}
    return {"input_layers": [[names[0], 0, 0]], "output_layers": [[names[-1], 0, 0]]}


def a_dense(features: int, units: int, activation: str = "relu") -> Made:
    """A densely connected layer."""
    return "Dense", {"units": units, "activation": activation, "use_bias": True}, {"kernel": (features, units), "bias": (units,)}


def dense(path: str | Path, *widths: int) -> str:
    """Dense layers: ``widths`` from the input to the softmax."""
    pairs = list(itertools.pairwise(widths))
    return write(path, widths[:1], [a_dense(n, m, "softmax" if i == len(pairs) - 1 else "relu") for i, (n, m) in enumerate(pairs)])


def convolution(path: str | Path, size: int, channels: int = 1, filters: int = 16) -> str:
    """Two convolutions with pooling, then a classification: pictures of ``size`` x ``size``."""

    def conv(n: int, m: int) -> Made:
        config = {"filters": m, "kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "activation": "relu", "use_bias": True}
        return "Conv2D", config | {"data_format": "channels_last", "dilation_rate": [1, 1]}, {"kernel": (3, 3, n, m), "bias": (m,)}

    pool: Made = ("MaxPooling2D", {"pool_size": [2, 2], "strides": [2, 2], "padding": "valid", "data_format": "channels_last"}, {})
    flat = (size // 4) ** 2 * 2 * filters
    layers = [conv(channels, filters), pool, conv(filters, 2 * filters), pool, ("Flatten", {}, {}), a_dense(flat, 10, "softmax")]
    return write(path, (size, size, channels), layers)


def recurrent(path: str | Path, steps: int, features: int, units: int, kind: str = "LSTM") -> str:
    """An LSTM or a GRU, and a classification."""
    config = {"units": units, "activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": True, "return_sequences": False}
    config |= {"reset_after": True} if kind == "GRU" else {}
    gates, biases = (3, (2, 3 * units)) if kind == "GRU" else (4, (4 * units,))
    shapes = {"kernel": (features, gates * units), "recurrent_kernel": (units, gates * units), "bias": biases}
    return write(path, (steps, features), [(kind, config, shapes), a_dense(units, 10, "softmax")])


def attention(path: str | Path, tokens: int, features: int, heads: int, size: int) -> str:
    """Attention of every token to every token, its normalization, and a dense layer for each token."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name in ("query", "key", "value"):
        shapes |= {f"{name}/kernel": (features, heads, size), f"{name}/bias": (heads, size)}
    shapes |= {"attention_output/kernel": (heads, size, features), "attention_output/bias": (features,)}
    normalization: Made = ("LayerNormalization", {"axis": [-1], "epsilon": 1e-3}, {"gamma": (features,), "beta": (features,)})
    layers = [("MultiHeadAttention", {"num_heads": heads, "key_dim": size}, shapes), normalization, a_dense(features, 10, "softmax")]
    return write(path, (tokens, features), layers, graph=True)


def depthwise(path: str | Path, size: int, channels: int, filters: int) -> str:
    """A convolution for each channel alone and a mixture of them, twice, then a classification."""
    config = {"kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "activation": "relu", "use_bias": True, "depth_multiplier": 1}
    config |= {"data_format": "channels_last", "dilation_rate": [1, 1]}

    def separable(n: int, m: int) -> Made:
        shapes = {"depthwise_kernel": (3, 3, n, 1), "pointwise_kernel": (1, 1, n, m), "bias": (m,)}
        return "SeparableConv2D", config | {"filters": m}, shapes

    mean: Made = ("GlobalAveragePooling2D", {"data_format": "channels_last"}, {})
    layers = [separable(channels, filters), separable(filters, 2 * filters), mean, a_dense(2 * filters, 10, "softmax")]
    return write(path, (size, size, channels), layers)


def nested(path: str | Path, models: int, units: int = 8) -> str:
    """Models in a model: so many of two layers each."""

    def inner() -> Made:
        kind, config, shapes = a_dense(units, units)
        named = [{"class_name": kind, "config": config | {"name": name, "dtype": "float32"}} for name in ("first", "second")]
        entry = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, units], "dtype": "float32", "name": "entry"}}
        weights = {f"{layer}/{name}": shape for layer in ("first", "second") for name, shape in shapes.items()}
        return "Sequential", {"layers": [entry, *named]}, weights

    return write(path, (units,), [inner() for _ in range(models)])
