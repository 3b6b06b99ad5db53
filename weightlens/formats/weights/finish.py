"""Corrections that need a layer's arrays: settings that the file leaves out, and layouts other than Keras 3's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from weightlens.formats.architecture.dialect import Dialect
from weightlens.formats.architecture.old_names import CUDNN
from weightlens.formats.weights.conversion import converted, flip_kernel
from weightlens.model import Layer, Model
from weightlens.specs.registry import spec

FEW_BITS = ("int8", "uint8")


def finish_model(model: Model, dialect: Dialect) -> None:
    """``finish`` for every layer of a model."""
    for layer in model.layers:
        finish(layer, dialect)
    if dialect.major < 3:
        from weightlens.formats.architecture.integer_dtypes import settle_integer_dtypes

        settle_integer_dtypes(model)


def finish(layer: Layer, dialect: Dialect) -> None:
    """Complete this layer and its inner layers."""
    if layer.class_name == "TimeDistributed" and any(inner.config.get("quantization_mode") for inner in layer.inner.values()):
        layer.class_name += " (quantised)"  # Keras itself ignores the scales here
    for inner in layer.inner.values():
        finish(inner, dialect)
    if layer.model is not None:
        finish_model(layer.model, dialect)
    if layer.own_weights:
        few_bits = any(w.dtype in FEW_BITS or "lora_" in name for name, w in layer.own_weights.items())
        if not layer.faults and (layer.config.get("quantization_mode") or few_bits):
            from weightlens.formats.weights import quantised_weights as quantised

            quantised.restore_quantised(layer, dialect)
        if dialect.backend == "theano" and dialect.major == 2:
            theano(layer)
    rule = RULES.get(layer.class_name)
    if rule is not None:
        rule(layer)
    if dialect.major < 3 and layer.class_name == "RandomCrop":
        layer.class_name, layer.saved_as = "Resizing", layer.class_name
        layer.note = "saved as RandomCrop, which resizes to its size when it predicts"
        layer.config |= {"interpolation": "bilinear", "crop_to_aspect_ratio": True}


def theano(layer: Layer) -> None:
    """Kernels saved by Keras 2 on Theano, which flips them in its convolutions."""
    known = spec(layer.class_name)
    for name, weight in layer.own_weights.items():
        if known.turned and name.endswith("kernel"):
            layer.own_weights[name] = flip_kernel(weight, known.spatial)


def cudnn_lstm(layer: Layer) -> None:
    """CuDNNLSTM is an LSTM whose kernels are stored transposed gate by gate, with two biases that are added."""
    _from_cudnn(
        layer,
        gates=4,
        bias=lambda b: b[: len(b) // 2] + b[len(b) // 2 :],
        bias_shape=lambda units: (4 * units,),
        add=lambda b, change: np.concatenate([b[: len(change)] + change, b[len(change) :]]),
    )
    layer.class_name = CUDNN[layer.class_name]


def cudnn_gru(layer: Layer) -> None:
    """CuDNNGRU as a GRU with ``reset_after``: its kernels are stored transposed gate by gate."""
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
    layer.note, layer.saved_as = f"saved as {layer.class_name}, which computes the same", layer.class_name
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
    """PruneLowMagnitude of tfmot stores a mask with each kernel of its wrapped layer, and multiplies them in every call."""
    inner = layer.inner.get("layer")
    if inner is None:
        return
    masks = [owner.own_weights.pop(name) for owner in (inner, layer) for name in [*owner.own_weights] if "mask" in name]
    kept = len(masks)
    for name, kernel in inner.own_weights.items():
        mask = next((mask for mask in masks if mask.shape == kernel.shape), None)
        if mask is not None:
            masks.remove(mask)
            inner.own_weights[name] = converted(
                name, [kernel, mask], lambda k, m: (k * m).astype(k.dtype), kernel.shape, "multiplied by its mask", add=np.add
            )
    state = [name for name in inner.own_weights if name.startswith(("threshold", "pruning_step"))]
    layer.own_weights |= {name: inner.own_weights.pop(name) for name in state}
    if masks or not kept:
        layer.faults.append("has no mask for its layer, or one that fits none of its weights")


def gru(layer: Layer) -> None:
    """Two rows of biases mean ``reset_after``; files before Keras 2.1.3 do not state it."""
    bias = layer.own_weights.get("bias")
    layer.config.setdefault("reset_after", bias is not None and len(bias.shape) == 2)


def sync_batch_normalization(layer: Layer) -> None:
    """SyncBatchNormalization predicts like BatchNormalization; renamed last, because files name groups by class."""
    layer.class_name = "BatchNormalization"


RULES: dict[str, Callable[[Layer], Any]] = {
    "SyncBatchNormalization": sync_batch_normalization,
    "CuDNNLSTM": cudnn_lstm,
    "CuDNNGRU": cudnn_gru,
    "PruneLowMagnitude": pruned,
    "GRU": gru,
    "GRUCell": gru,
}
