"""Stored arrays turned into the shape and order that Keras 3 has for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from weightlens.formats.dialect import Dialect
from weightlens.model import Layer, Model, Weight


def converted(name: str, sources: Sequence[Weight], make: Callable[..., np.ndarray], shape: tuple[int, ...], note: str = "", dtype: str = "") -> Weight:
    """An array made of stored ones, worked out when it is read."""
    paths = ", ".join(weight.path for weight in sources)
    return Weight(name, shape, dtype or sources[0].dtype, paths, lambda: np.ascontiguousarray(make(*(weight.value for weight in sources))), note=note)


def finish(layer: Layer, dialect: Dialect) -> None:
    """What follows from the arrays and the dialect, for this layer and everything inside it."""
    for inner in layer.inner.values():
        finish(inner, dialect)
    if layer.model is not None:
        finish_model(layer.model, dialect)
    rule = RULES.get(layer.class_name)
    if rule is not None:
        rule(layer)


def finish_model(model: Model, dialect: Dialect) -> None:
    """``finish`` for every layer of a model."""
    for layer in model.layers:
        finish(layer, dialect)


def cudnn_lstm(layer: Layer) -> None:
    """CuDNNLSTM is an LSTM whose kernels are stored transposed gate by gate, with two biases that are added."""
    _from_cudnn(layer, gates=4, bias=lambda b: b[: len(b) // 2] + b[len(b) // 2 :], bias_shape=lambda units: (4 * units,))
    layer.class_name = "LSTM"


def cudnn_gru(layer: Layer) -> None:
    """CuDNNGRU is a GRU with ``reset_after`` whose kernels are stored transposed gate by gate."""
    _from_cudnn(layer, gates=3, bias=lambda b: b.reshape(2, -1), bias_shape=lambda units: (2, 3 * units))
    layer.class_name = "GRU"
    layer.config["reset_after"] = True


def _from_cudnn(layer: Layer, gates: int, bias: Callable[[np.ndarray], np.ndarray], bias_shape: Callable[[int], tuple[int, ...]]) -> None:
    note = "stored in cuDNN's order"
    layer.config |= {"activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": True}
    layer.note = f"saved as {layer.class_name}, which computes the same"
    weights = layer.own_weights
    if not {"kernel", "recurrent_kernel", "bias"} <= set(weights):
        return
    units = weights["recurrent_kernel"].shape[0]

    def kernel(w: np.ndarray) -> np.ndarray:
        return np.hstack([gate.reshape(units, -1).T for gate in np.hsplit(w, gates)])

    def recurrent(w: np.ndarray) -> np.ndarray:
        return np.hstack([gate.T for gate in np.hsplit(w, gates)])

    layer.own_weights = {
        "kernel": converted("kernel", [weights["kernel"]], kernel, weights["kernel"].shape, note),
        "recurrent_kernel": converted("recurrent_kernel", [weights["recurrent_kernel"]], recurrent, weights["recurrent_kernel"].shape, note),
        "bias": converted("bias", [weights["bias"]], bias, bias_shape(units), note),
    }


def gru(layer: Layer) -> None:
    """Two rows of biases mean ``reset_after``; files before Keras 2.1.3 do not say."""
    bias = layer.own_weights.get("bias")
    if bias is not None:
        layer.config["reset_after"] = len(bias.shape) == 2
    else:
        layer.config.setdefault("reset_after", False)


RULES: dict[str, Callable[[Layer], Any]] = {"CuDNNLSTM": cudnn_lstm, "CuDNNGRU": cudnn_gru, "GRU": gru, "GRUCell": gru}
