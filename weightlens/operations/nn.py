"""Operations of neural networks (``keras.ops.nn``): activations, pooling, convolution, normalization, losses, attention."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from weightlens.layers import activations, normalization
from weightlens.layers.attention import agreed, attend, causal, scaled_scores
from weightlens.layers.comparisons import finite, one_hot
from weightlens.layers.convolution import convolutional, pooling
from weightlens.layers.signature import Array, Axis, Config, Function, Number, Step, Weights
from weightlens.operations.numeric import var

ALMOST_ONE = float(np.float32(1.0 - 1e-7))  # the largest share that crossentropies take, in single precision

OF_LOGITS = "computes the crossentropy of logits"


def grouped_conv(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """A convolution in as many groups as its kernel asks for."""
    groups = x.shape[1 if config.get("data_format") == "channels_first" else -1] // w["kernel"].shape[-2]
    return convolutional.conv(x, w, config | {"groups": groups}, step)


def as_operation(layer: Function, tensors: str, **settings: Any) -> Function:
    """A layer as an operation, whose arguments are its input, its weights and its settings, in this order.

    ``tensors`` names the input and the weights: ``mean:moving_mean`` where the layer calls one otherwise, ``scale?`` where it may be
    missing. ``settings`` are those of the operation with their defaults. There is no bias.
    """
    names = {name.partition(":")[0].rstrip("?"): name.rpartition(":")[2].rstrip("?") for name in tensors.split()}
    optional = [word.partition(":")[0].rstrip("?") for word in tensors.split() if word.endswith("?")]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    defaults = dict.fromkeys(optional) | settings
    parameters = [inspect.Parameter(n, kind, default=defaults.get(n, inspect.Parameter.empty)) for n in (*names, *settings)]
    signature = inspect.Signature(parameters)

    def function(*args: Any, step: Step, **options: Any) -> Any:
        given = {name: value for name, value in signature.bind(*args, **options).arguments.items() if value is not None}
        x, *weights = (given.pop(name, None) for name in names)
        pairs = zip(list(names.values())[1:], weights, strict=True)
        w = {name: step("kernel", array) if name.endswith("kernel") else array for name, array in pairs if array is not None}
        return layer(x, w, {"use_bias": False} | settings | given, step)

    step = inspect.Parameter("step", inspect.Parameter.KEYWORD_ONLY)
    function.__signature__ = signature.replace(parameters=[*parameters, step])  # type: ignore[attr-defined]  # what inspect reads
    return function


WINDOWS = {"strides": 1, "padding": "valid", "data_format": None, "dilation_rate": 1}
POOL = {"pool_size": 2, "strides": None, "padding": "valid", "data_format": None}
max_pool = as_operation(pooling.max_pooling, "inputs", **POOL)
average_pool = as_operation(pooling.average_pooling, "inputs", **POOL)
adaptive_max_pool = as_operation(pooling.adaptive_max_pooling, "inputs", output_size=1, data_format=None)
adaptive_average_pool = as_operation(pooling.adaptive_average_pooling, "inputs", output_size=1, data_format=None)
conv = as_operation(grouped_conv, "inputs kernel", **WINDOWS)
depthwise_conv = as_operation(convolutional.depthwise_conv, "inputs kernel", **WINDOWS)
separable_conv = as_operation(convolutional.separable_conv, "inputs depthwise_kernel pointwise_kernel", **WINDOWS)
conv_transpose = as_operation(
    convolutional.conv_transpose, "inputs kernel", strides=1, padding="valid", output_padding=None, data_format=None, dilation_rate=1
)
batch_norm = as_operation(
    normalization.batch_normalization, "x mean:moving_mean variance:moving_variance offset:beta? scale:gamma?", axis=-1, epsilon=1e-3
)


def moments(x: Array, axes: Axis, keepdims: bool = False) -> Any:
    """Mean and population variance over ``axes``."""
    return [np.mean(x, axis=axes, keepdims=keepdims), var(x, axes, keepdims)]


def layer_norm(
    x: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    axis: Axis = -1,
    epsilon: float | None = None,
    rms_scaling: bool = False,
    *,
    step: Step,
) -> Any:
    """Each sample's own mean and variance over ``axis``."""
    given = {k: v for k, v in (("gamma", gamma), ("beta", None if rms_scaling else beta)) if v is not None}
    config = {"axis": axis, "epsilon": 1e-7 if epsilon is None else epsilon, "rms_scaling": rms_scaling}
    return normalization.layer_normalization(x, given, config, step)


def rms_norm(x: Array, scale: Number | None = None, axis: Axis = -1, epsilon: float | None = None, *, step: Step) -> Any:
    """``scale * x / sqrt(mean of x^2 + epsilon)``."""
    config = {"axis": axis, "epsilon": 1e-7 if epsilon is None else epsilon}
    return normalization.rms_normalization(x, {"scale": 1.0 if scale is None else scale}, config, step)


def normalize(x: Array, axis: Axis = -1, order: int = 2, epsilon: float | None = None) -> Any:
    """``x`` over its norm, which counts as at least ``epsilon``."""
    least = 1e-7 if epsilon is None else epsilon
    if order == 2:
        return x / normalization.length_of(x, axis, least)
    return x / np.maximum(np.power(np.sum(np.power(np.abs(x), float(order)), axis=axis, keepdims=True), 1.0 / order), least)


def binary_crossentropy(target: Array, output: Array, from_logits: bool = False) -> Any:
    """``-(target ln output + (1 - target) ln (1 - output))``."""
    if from_logits:
        return np.maximum(output, 0.0) - output * target + np.log(1.0 + np.exp(-np.abs(output)))
    rest = np.minimum(np.maximum(1.0 - output, 1.0 - ALMOST_ONE), 1.0 - 1e-7)
    return -(target * np.log(np.minimum(np.maximum(output, 1e-7), ALMOST_ONE)) + (1.0 - target) * np.log(rest))


def categorical_crossentropy(target: Array, output: Array, from_logits: bool = False, axis: int = -1, *, step: Step) -> Any:
    """``-sum of target ln output`` along ``axis``."""
    if from_logits:
        finite(output, OF_LOGITS)
        return -np.sum(target * activations.log_softmax(output, step, axis), axis=axis)
    share = output / step("sum", np.sum(output, axis=axis, keepdims=True))
    return -np.sum(target * np.log(np.minimum(np.maximum(share, 1e-7), ALMOST_ONE)), axis=axis)


def sparse_categorical_crossentropy(target: Array, output: Array, from_logits: bool = False, axis: int = -1, *, step: Step) -> Any:
    """``-ln output`` at the class that ``target`` names."""
    if target.ndim == output.ndim and target.shape[-1] == 1:
        target = np.squeeze(target, -1)
    if not from_logits:
        output = np.log(np.minimum(np.maximum(output, 1e-7), ALMOST_ONE))
    finite(output, OF_LOGITS)
    return -np.sum(one_hot(target, output.shape[-1]) * activations.log_softmax(output, step, axis), axis=axis)


def dot_product_attention(
    query: Array, key: Array, value: Array, bias: Array | None = None, mask: Array | None = None, scale: Number | None = None,
    is_causal: bool = False, *, step: Step,
) -> Any:  # fmt: skip
    """Attention of several heads: ``(batch, queries, heads, size) -> (batch, queries, heads, size)``."""
    key, value = (np.repeat(a, query.shape[2] // a.shape[2], axis=2) for a in (key, value))
    q, k, v = (np.swapaxes(a, 1, 2) for a in (query, key, value))
    scores = scaled_scores(q, k, step) if scale is None else step("scores", (q @ np.swapaxes(k, -1, -2)) * scale)
    scores = scores if bias is None else step("biased scores", scores + bias)
    allowed = agreed(mask, causal(*scores.shape[-2:]) if is_causal else None)
    return np.swapaxes(attend(scores, v, allowed, step)[0], 1, 2)


def depth_to_space(x: Array, block_size: int, data_format: str | None = "channels_last") -> Any:
    """Channels become blocks of pixels."""
    x = np.moveaxis(x, 1, -1) if data_format == "channels_first" else x
    n, h, w, c = x.shape
    y = np.transpose(np.reshape(x, (n, h, w, block_size, block_size, -1)), (0, 1, 3, 2, 4, 5))
    y = np.reshape(y, (n, h * block_size, w * block_size, c // block_size**2))
    return np.moveaxis(y, -1, 1) if data_format == "channels_first" else y


def space_to_depth(x: Array, block_size: int, data_format: str | None = "channels_last") -> Any:
    """Blocks of pixels become channels."""
    x = np.moveaxis(x, 1, -1) if data_format == "channels_first" else x
    n, h, w, c = x.shape
    y = np.reshape(x, (n, h // block_size, block_size, w // block_size, block_size, c))
    y = np.reshape(np.transpose(y, (0, 1, 3, 2, 4, 5)), (n, h // block_size, w // block_size, c * block_size**2))
    return np.moveaxis(y, -1, 1) if data_format == "channels_first" else y


def gelu(x: Array, approximate: bool = True) -> Any:
    """The activation; approximate unless told otherwise, unlike in a layer."""
    return activations.gelu(x, approximate)
