"""Operations of neural networks (``keras.ops.nn``): activations, pooling, convolution, normalization, losses, attention."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from weightlens.layers import activations, normalization
from weightlens.layers.activations import Step
from weightlens.layers.attention import MASKED, causal
from weightlens.layers.comparisons import one_hot
from weightlens.layers.convolution import convolutional, pooling
from weightlens.operations.numeric import var

ALMOST_ONE = float(np.float32(1.0 - 1e-7))  # the largest share that crossentropies take, in single precision


def pooled(layer: Callable[..., Any]) -> Callable[..., Any]:
    """A pooling layer as an operation."""

    def function(inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: Any = None, *, step: Step) -> Any:
        return layer(inputs, {}, {"pool_size": pool_size, "strides": strides, "padding": padding, "data_format": data_format}, step)

    return function


def adaptive(reduce: Callable[..., Any], name: str) -> Callable[..., Any]:
    """An adaptive pooling layer as an operation."""

    def function(inputs: Any, output_size: Any, data_format: Any = None, *, step: Step) -> Any:
        return pooling.adaptive_pooling(reduce, name)(inputs, {}, {"output_size": output_size, "data_format": data_format}, step)

    return function


def placing(strides: Any, padding: str, data_format: Any, dilation_rate: Any) -> dict[str, Any]:
    """The settings of a convolutional layer without bias."""
    return {"strides": strides, "padding": padding, "data_format": data_format, "dilation_rate": dilation_rate, "use_bias": False}


def convolution(layer: Callable[..., Any]) -> Callable[..., Any]:
    """A convolutional layer with one kernel as an operation: ``(batch, *space, channels), (*size, channels / groups, filters)``."""

    def function(
        inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: Any = None, dilation_rate: Any = 1, *, step: Step
    ) -> Any:
        groups = inputs.shape[1 if data_format == "channels_first" else -1] // kernel.shape[-2]
        config = placing(strides, padding, data_format, dilation_rate) | {"groups": groups}
        return layer(inputs, {"kernel": step("kernel", kernel)}, config, step)

    return function


def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: Any = None,
    dilation_rate: Any = 1,
    *,
    step: Step,
) -> Any:
    """A depthwise convolution followed by one over the channels."""
    kernels = {"depthwise_kernel": step("kernel", depthwise_kernel), "pointwise_kernel": step("kernel", pointwise_kernel)}
    return convolutional.separable_conv(inputs, kernels, placing(strides, padding, data_format, dilation_rate), step)


def conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    data_format: Any = None,
    dilation_rate: Any = 1,
    *,
    step: Step,
) -> Any:
    """Transposed convolution."""
    size = {"output_padding": output_padding, "filters": kernel.shape[-2], "kernel_size": kernel.shape[:-2]}
    config = placing(strides, padding, data_format, dilation_rate) | size
    return convolutional.conv_transpose(inputs, {"kernel": step("kernel", kernel)}, config, step)


def moments(x: Any, axes: Any, keepdims: bool = False) -> Any:
    """Mean and population variance over ``axes``."""
    return [np.mean(x, axis=axes, keepdims=keepdims), var(x, axes, keepdims)]


def batch_norm(
    x: Any, mean: Any, variance: Any, offset: Any = None, scale: Any = None, axis: Any = -1, epsilon: float = 1e-3, *, step: Step
) -> Any:
    """``(x - mean) / sqrt(variance + epsilon) * scale + offset``."""
    given = {"moving_mean": mean, "moving_variance": variance, "gamma": scale, "beta": offset}
    return normalization.batch_normalization(x, {k: v for k, v in given.items() if v is not None}, {"axis": axis, "epsilon": epsilon}, step)


def layer_norm(
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: Any = -1,
    epsilon: float | None = None,
    rms_scaling: bool = False,
    *,
    step: Step,
) -> Any:
    """Each sample's own mean and variance over ``axis``."""
    given = {k: v for k, v in (("gamma", gamma), ("beta", None if rms_scaling else beta)) if v is not None}
    config = {"axis": axis, "epsilon": 1e-7 if epsilon is None else epsilon, "rms_scaling": rms_scaling}
    return normalization.layer_normalization(x, given, config, step)


def rms_norm(x: Any, scale: Any = None, axis: Any = -1, epsilon: float | None = None, *, step: Step) -> Any:
    """``scale * x / sqrt(mean of x^2 + epsilon)``."""
    config = {"axis": axis, "epsilon": 1e-7 if epsilon is None else epsilon}
    return normalization.rms_normalization(x, {"scale": 1.0 if scale is None else scale}, config, step)


def normalize(x: Any, axis: Any = -1, order: int = 2, epsilon: float | None = None) -> Any:
    """``x`` over its norm, which counts as at least ``epsilon``."""
    powers = x * x if order == 2 else np.power(np.abs(x), float(order))
    total = np.sum(powers, axis=axis, keepdims=True)
    return x / np.maximum(np.sqrt(total) if order == 2 else np.power(total, 1.0 / order), 1e-7 if epsilon is None else epsilon)


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """``-(target ln output + (1 - target) ln (1 - output))``."""
    if from_logits:
        return np.maximum(output, 0.0) - output * target + np.log(1.0 + np.exp(-np.abs(output)))
    rest = np.minimum(np.maximum(1.0 - output, 1.0 - ALMOST_ONE), 1.0 - 1e-7)
    return -(target * np.log(np.minimum(np.maximum(output, 1e-7), ALMOST_ONE)) + (1.0 - target) * np.log(rest))


def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1, *, step: Step) -> Any:
    """``-sum of target ln output`` along ``axis``."""
    if from_logits:
        return -np.sum(target * activations.log_softmax(output, step, axis), axis=axis)
    share = output / step("sum", np.sum(output, axis=axis, keepdims=True))
    return -np.sum(target * np.log(np.minimum(np.maximum(share, 1e-7), ALMOST_ONE)), axis=axis)


def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1, *, step: Step) -> Any:
    """``-ln output`` at the class that ``target`` names."""
    if target.ndim == output.ndim and target.shape[-1] == 1:
        target = np.squeeze(target, -1)
    if not from_logits:
        output = np.log(np.minimum(np.maximum(output, 1e-7), ALMOST_ONE))
    return -np.sum(one_hot(target, output.shape[-1]) * activations.log_softmax(output, step, axis), axis=axis)


def dot_product_attention(
    query: Any, key: Any, value: Any, bias: Any = None, mask: Any = None, scale: Any = None, is_causal: bool = False, *, step: Step
) -> Any:
    """Attention of several heads: ``(batch, queries, heads, size) -> (batch, queries, heads, size)``."""
    key, value = (np.repeat(a, query.shape[2] // a.shape[2], axis=2) for a in (key, value))
    q, k, v = (np.swapaxes(a, 1, 2) for a in (query, key, value))
    scores = step("scores", (q @ np.swapaxes(k, -1, -2)) * (1.0 / math.sqrt(q.shape[-1]) if scale is None else scale))
    scores = scores if bias is None else step("biased scores", scores + bias)
    if is_causal:
        before = causal(*scores.shape[-2:])
        mask = before if mask is None else np.logical_and(mask, before)
    scores = scores if mask is None else step("masked scores", np.where(mask, scores, MASKED))
    return np.swapaxes(step("attention weights", activations.softmax(scores, step)) @ v, 1, 2)


def depth_to_space(x: Any, block_size: int, data_format: Any = "channels_last") -> Any:
    """Channels become blocks of pixels."""
    x = np.moveaxis(x, 1, -1) if data_format == "channels_first" else x
    n, h, w, c = x.shape
    y = np.transpose(np.reshape(x, (n, h, w, block_size, block_size, -1)), (0, 1, 3, 2, 4, 5))
    y = np.reshape(y, (n, h * block_size, w * block_size, c // block_size**2))
    return np.moveaxis(y, -1, 1) if data_format == "channels_first" else y


def space_to_depth(x: Any, block_size: int, data_format: Any = "channels_last") -> Any:
    """Blocks of pixels become channels."""
    x = np.moveaxis(x, 1, -1) if data_format == "channels_first" else x
    n, h, w, c = x.shape
    y = np.reshape(x, (n, h // block_size, block_size, w // block_size, block_size, c))
    y = np.reshape(np.transpose(y, (0, 1, 3, 2, 4, 5)), (n, h // block_size, w // block_size, c * block_size**2))
    return np.moveaxis(y, -1, 1) if data_format == "channels_first" else y


def gelu(x: Any, approximate: bool = True) -> Any:
    """The activation; approximate unless told otherwise, unlike in a layer."""
    return activations.gelu(x, approximate)
