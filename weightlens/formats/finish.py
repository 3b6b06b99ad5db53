"""What follows from the arrays of a layer once they are in place: settings that a file leaves out, other layouts undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from weightlens.formats.conversion import converted, flipped
from weightlens.formats.dialect import Dialect
from weightlens.formats.old_names import CUDNN
from weightlens.model import Layer, Model

FEW_BITS = ("int8", "uint8")
SPATIAL = {"Conv1D": 1, "Conv2D": 2, "Conv3D": 3, "Conv2DTranspose": 2, "ConvLSTM2D": 2}


def finish_model(model: Model, dialect: Dialect) -> None:
    """``finish`` for every layer of a model."""
    for layer in model.layers:
        finish(layer, dialect)
    if dialect.major < 3:
        from weightlens.formats.kinds import settle_kinds

        settle_kinds(model)


def finish(layer: Layer, dialect: Dialect) -> None:
    """Settle this layer and everything inside it."""
    if layer.class_name == "TimeDistributed" and any(inner.config.get("quantization_mode") for inner in layer.inner.values()):
        layer.class_name += " (quantised)"  # Keras itself goes past the scales here
    for inner in layer.inner.values():
        finish(inner, dialect)
    if layer.model is not None:
        finish_model(layer.model, dialect)
    if layer.own_weights:
        few_bits = any(w.dtype in FEW_BITS or "lora_" in name for name, w in layer.own_weights.items())
        if not layer.faults and (layer.config.get("quantization_mode") or few_bits):
            from weightlens.formats import quantised

            quantised.restore(layer, dialect)
        if dialect.backend == "theano" and dialect.major == 2:
            theano(layer)
    rule = RULES.get(layer.class_name)
    if rule is not None:
        rule(layer)
    if dialect.major < 3 and layer.class_name == "RandomCrop":
        layer.class_name, layer.note = "Resizing", "saved as RandomCrop, which resizes to its size when it predicts"
        layer.config |= {"interpolation": "bilinear", "crop_to_aspect_ratio": True}


def theano(layer: Layer) -> None:
    """Kernels saved by Keras 2 on Theano, which turns them round as it computes."""
    for name, weight in layer.own_weights.items():
        if layer.class_name in SPATIAL and name.endswith("kernel"):
            layer.own_weights[name] = flipped(weight, SPATIAL[layer.class_name])


def cudnn_lstm(layer: Layer) -> None:
    """CuDNNLSTM is an LSTM whose kernels are stored transposed gate by gate, with two biases that are added."""
    _from_cudnn(layer, gates=4, bias=lambda b: b[: len(b) // 2] + b[len(b) // 2 :], bias_shape=lambda units: (4 * units,), add=first_half)
    layer.class_name = CUDNN[layer.class_name]


def first_half(stored: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Two biases whose sum is changed: the first of them takes it."""
    return np.concatenate([stored[: len(change)] + change, stored[len(change) :]])


def cudnn_gru(layer: Layer) -> None:
    """CuDNNGRU is a GRU with ``reset_after`` whose kernels are stored transposed gate by gate."""
    _from_cudnn(layer, gates=3, bias=lambda b: b.reshape(2, -1), bias_shape=lambda units: (2, 3 * units))
    layer.class_name = CUDNN[layer.class_name]
    layer.config["reset_after"] = True


def _from_cudnn(
    layer: Layer,
    gates: int,
    bias: Callable[[np.ndarray], np.ndarray],
    bias_shape: Callable[[int], tuple[int, ...]],
    add: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
) -> None:
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
        "recurrent_kernel": converted(
            "recurrent_kernel", [weights["recurrent_kernel"]], recurrent, weights["recurrent_kernel"].shape, note
        ),
        "bias": converted("bias", [weights["bias"]], bias, bias_shape(units), note, add=add),
    }


def pruned(layer: Layer) -> None:
    """PruneLowMagnitude keeps a mask beside the kernel of the layer that it wraps."""
    from weightlens.formats import other_packages

    other_packages.prune(layer)


def gru(layer: Layer) -> None:
    """Two rows of biases mean ``reset_after``; files before Keras 2.1.3 do not say."""
    bias = layer.own_weights.get("bias")
    layer.config.setdefault("reset_after", bias is not None and len(bias.shape) == 2)


def sync_batch_normalization(layer: Layer) -> None:
    """It differs from BatchNormalization while it learns; renamed last, for files name their groups by class."""
    layer.class_name = "BatchNormalization"


RULES: dict[str, Callable[[Layer], Any]] = {
    "SyncBatchNormalization": sync_batch_normalization,
    "CuDNNLSTM": cudnn_lstm,
    "CuDNNGRU": cudnn_gru,
    "PruneLowMagnitude": pruned,
    "GRU": gru,
    "GRUCell": gru,
}
