"""The weights of Keras 0 and 1: an array per gate, kernels in Theano's axis order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from weightlens.formats.architecture.dialect import Dialect
from weightlens.formats.weights.conversion import converted, flip_kernel, with_axes_moved
from weightlens.model import Layer, Weight
from weightlens.specs.variables import variable_names

LSTM_GATES, GRU_GATES = (0, 2, 1, 3), (0, 1, 2)  # stored i, c, f, o and z, r, h; Keras 3 has i, f, c, o and z, r, h
THEANO_ORDER = {
    "Conv1D": (2, 3, 1, 0),
    "Conv2D": (2, 3, 1, 0),
    "Conv3D": (2, 3, 4, 1, 0),
    "Conv2DTranspose": (2, 3, 0, 1),
}
GATED = {12: LSTM_GATES, 9: GRU_GATES}
RECURRENT = ("kernel", "recurrent_kernel", "bias")


def name_weights(layer: Layer, stored: Sequence[Weight], dialect: Dialect) -> bool:
    """Name and convert a layer's arrays by their order; False for a layer unknown to Keras 1."""
    names = variable_names(layer.class_name, layer.config)
    if layer.own_weights:  # a second group for the same layer: hides nothing of the first
        return False
    if len(stored) in GATED and names == list(RECURRENT):
        layer.own_weights = join_gates(stored, GATED[len(stored)])
    elif names is None or len(names) != len(stored):
        return False
    else:
        layer.own_weights = dict(zip(names, stored, strict=True))
    convert = KERNELS.get(layer.class_name)
    for name, weight in layer.own_weights.items():
        weight.name = name
        if convert is not None and name.endswith("kernel"):
            layer.own_weights[name] = convert(layer, weight)
    if layer.class_name == "BatchNormalization" and (dialect.major == 0 or (dialect.version and not dialect.at_least(1, 0, 6))):
        _deviation(layer)
    return True


def join_gates(stored: Sequence[Weight], order: tuple[int, ...]) -> dict[str, Weight]:
    """One array per gate (W, U, b, W, U, b, ...) joined along the last axis in Keras 3's order of gates."""
    joined = {}
    for position, name in enumerate(RECURRENT):
        gates = [stored[3 * gate + position] for gate in order]
        shape = (*gates[0].shape[:-1], sum(gate.shape[-1] for gate in gates))
        joined[name] = converted(name, gates, lambda *arrays: np.concatenate(arrays, axis=-1), shape, "gates joined")
    return joined


def _conv1d(layer: Layer, weight: Weight) -> Weight:
    """Convolution1D is stored as a picture one pixel wide: (length, 1, in, out), before 1.1 (out, in, length, 1)."""
    if len(weight.shape) != 4:
        return weight
    if (
        weight.shape[3] == 1
        and weight.shape[:1] == (layer.config.get("filters"),)
        and weight.shape[2] == layer.config.get("kernel_size", [0])[0]
    ):
        weight = with_axes_moved(weight, THEANO_ORDER["Conv1D"], "axes in Theano's order")
    shape = (weight.shape[0], *weight.shape[2:])
    return converted(weight.name, [weight], lambda w: w.reshape(shape), shape, "without its axis of length one")


def _conv(layer: Layer, weight: Weight) -> Weight:
    """Theano's axis order (out, in, rows, columns) for a layer with its channels first.

    The file does not name its backend, but TensorFlow's arrays are called ``..._W:0``; others are Theano's, flipped.
    """
    axes = THEANO_ORDER[layer.class_name]
    if layer.config.get("data_format") != "channels_first" or len(weight.shape) != len(axes):
        return weight
    turned = with_axes_moved(weight, axes, "axes in Theano's order")
    return turned if weight.path.endswith(":0") else flip_kernel(turned, len(axes) - 2)


def _conv_transpose(layer: Layer, weight: Weight) -> Weight:
    """Stored (rows, columns, in, out) or, channels first, (out, in, rows, columns)."""
    if layer.config.get("data_format") == "channels_first":
        return _conv(layer, weight)
    return with_axes_moved(weight, (0, 1, 3, 2), "axes in Keras 1's order")


def _separable(layer: Layer, weight: Weight) -> Weight:
    return (
        with_axes_moved(weight, THEANO_ORDER["Conv2D"], "axes in Theano's order")
        if layer.config.get("data_format") == "channels_first"
        else weight
    )


KERNELS: dict[str, Callable[[Layer, Weight], Weight]] = {
    "Conv1D": _conv1d, "Conv2D": _conv, "Conv3D": _conv, "Conv2DTranspose": _conv_transpose,
    "SeparableConv2D": _separable, "ConvLSTM2D": _separable,
}  # fmt: skip


def _deviation(layer: Layer) -> None:
    """Before 1.0.6 the last array is the standard deviation: (x - mean) / (deviation + epsilon)."""
    deviation, epsilon = layer.own_weights["moving_variance"], float(layer.config.get("epsilon", 1e-6))
    note = "a standard deviation in the file"
    layer.own_weights["moving_variance"] = converted(
        "moving_variance", [deviation], lambda d: np.square(d + epsilon) - epsilon, deviation.shape, note
    )
