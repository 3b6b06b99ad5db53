"""Operations of neural networks (``keras.ops.nn``): activations, pooling, convolution, normalization, losses, attention."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from weightlens.layers import activations, convolutional, normalization, pooling
from weightlens.layers.activations import Step
from weightlens.layers.attention import MASKED, causal
from weightlens.layers.operations_numpy import var
from weightlens.layers.windows import per_axis

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


def kernel_of(kernel: Any, step: Step) -> Any:
    """A kernel given as a constant becomes a step, so that it has cells."""
    return step("kernel", kernel)


def conv(
    inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: Any = None, dilation_rate: Any = 1, *, step: Step
) -> Any:
    """Convolution: ``(batch, *space, channels), (*size, channels / groups, filters)``."""
    channels = inputs.shape[1 if data_format == "channels_first" else -1]
    config = {
        "strides": strides,
        "padding": padding,
        "data_format": data_format,
        "dilation_rate": dilation_rate,
        "groups": channels // kernel.shape[-2],
    }
    return convolutional.conv(inputs, {"kernel": kernel_of(kernel, step)}, config | {"use_bias": False}, step)


def depthwise_conv(
    inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: Any = None, dilation_rate: Any = 1, *, step: Step
) -> Any:
    """Convolution of each channel by itself."""
    config = {"strides": strides, "padding": padding, "data_format": data_format, "dilation_rate": dilation_rate, "use_bias": False}
    return convolutional.depthwise_conv(inputs, {"kernel": kernel_of(kernel, step)}, config, step)


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
    config = {"strides": strides, "padding": padding, "data_format": data_format, "dilation_rate": dilation_rate, "use_bias": False}
    kernels = {"depthwise_kernel": kernel_of(depthwise_kernel, step), "pointwise_kernel": kernel_of(pointwise_kernel, step)}
    return convolutional.separable_conv(inputs, kernels, config, step)


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
    config = {
        "strides": strides,
        "padding": padding,
        "output_padding": output_padding,
        "data_format": data_format,
        "dilation_rate": dilation_rate,
    }
    config |= {"filters": kernel.shape[-2], "kernel_size": kernel.shape[:-2], "use_bias": False}
    return convolutional.conv_transpose(inputs, {"kernel": kernel_of(kernel, step)}, config, step)


def one_hot(x: Any, num_classes: int, axis: int = -1) -> Any:
    """1 at the place that ``x`` names, 0 elsewhere, along a new axis."""
    hot = np.where(np.equal(np.expand_dims(np.trunc(x), -1), np.arange(float(num_classes))), 1.0, 0.0)
    return np.moveaxis(hot, -1, axis)


def multi_hot(x: Any, num_classes: int, axis: int = -1) -> Any:
    """1 at every place that is named, 0 elsewhere."""
    return np.max(one_hot(x, num_classes, axis), axis=1 if x.ndim > 1 else 0)


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


def psnr(x1: Any, x2: Any, max_val: float) -> Any:
    """Peak signal to noise ratio in decibels."""
    return 20.0 * math.log10(max_val) - 10.0 * np.log10(np.mean((x1 - x2) * (x1 - x2)))


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


def unfold(x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Every window as a column: ``(batch, channels, height, width) -> (batch, channels * size, windows)``."""
    size, rate, margin, by = (per_axis(setting, 2) for setting in (kernel_size, dilation, padding, stride))
    x = np.pad(x, [(0, 0), (0, 0), *((m, m) for m in margin)])
    seen = sliding_window_view(x, [(n - 1) * r + 1 for n, r in zip(size, rate, strict=True)], axis=(2, 3))
    seen = seen[:, :, :: by[0], :: by[1], :: rate[0], :: rate[1]]
    return np.reshape(np.transpose(seen, (0, 1, 4, 5, 2, 3)), (x.shape[0], x.shape[1] * math.prod(size), -1))


def fold(x: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Windows added up where they came from, the way back of ``unfold``: ``(batch, channels, *output_size)``."""
    space, size, rate, margin, by = (per_axis(setting, 2) for setting in (output_size, kernel_size, dilation, padding, stride))
    whole = [n + 2 * m for n, m in zip(space, margin, strict=True)]
    counts = [(n - r * (k - 1) - 1) // s + 1 for n, r, k, s in zip(whole, rate, size, by, strict=True)]
    x = np.reshape(x, (x.shape[0], -1, *size, *counts))
    total: Any = 0.0
    for i, j in np.ndindex(*size):
        piece = np.moveaxis(convolutional.spread_out(np.moveaxis(x[:, :, i, j], 1, -1), by), -1, 1)
        first = (i * rate[0], j * rate[1])
        total = total + np.pad(piece, [(0, 0), (0, 0), *((f, n - f - m) for f, n, m in zip(first, whole, piece.shape[2:], strict=True))])
    return total[:, :, margin[0] : whole[0] - margin[0], margin[1] : whole[1] - margin[1]]


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


def softmax(x: Any, axis: Any = -1, *, step: Step) -> Any:
    """``e^x / sum of e^x`` along ``axis``; over all numbers without one."""
    return activations.softmax(x, step, tuple(range(x.ndim)) if axis is None else axis)


def log_softmax(x: Any, axis: Any = -1, *, step: Step) -> Any:
    """The logarithm of ``softmax``."""
    return activations.log_softmax(x, step, tuple(range(x.ndim)) if axis is None else axis)


def sparsemax(x: Any, axis: int = -1, *, step: Step) -> Any:
    """The nearest point of the probability simplex."""
    return activations.sparsemax(x, step, axis)


def gelu(x: Any, approximate: bool = True) -> Any:
    """The activation; approximate unless told otherwise, unlike in a layer."""
    return activations.gelu(x, approximate)


OPERATIONS: dict[str, Callable[..., Any]] = {
    # activations
    "Relu": activations.relu, "ReLU": activations.relu, "Relu6": activations.relu6, "Sigmoid": activations.sigmoid,
    "SparseSigmoid": activations.sparse_sigmoid, "Softplus": activations.softplus, "Softsign": activations.softsign,
    "SoftShrink": activations.soft_shrink, "SparsePlus": activations.sparse_plus, "Silu": activations.silu,
    "Squareplus": activations.squareplus, "LogSigmoid": activations.log_sigmoid, "LeakyRelu": activations.leaky_relu,
    "HardSigmoid": activations.hard_sigmoid, "HardSilu": activations.hard_silu, "Elu": activations.elu, "Selu": activations.selu,
    "Gelu": gelu, "Celu": activations.celu, "Glu": activations.glu, "TanhShrink": activations.tanh_shrink,
    "HardTanh": activations.hard_tanh, "HardShrink": activations.hard_shrink, "Threshold": activations.threshold, "Mish": activations.mish,
    "Softmax": softmax, "LogSoftmax": log_softmax, "Sparsemax": sparsemax,
    # pooling and convolution
    "MaxPool": pooled(pooling.max_pooling), "AveragePool": pooled(pooling.average_pooling), "AdaptiveMaxPool": adaptive(np.max, "max"),
    "AdaptiveAveragePool": adaptive(np.mean, "average"), "Conv": conv, "DepthwiseConv": depthwise_conv, "SeparableConv": separable_conv,
    "ConvTranspose": conv_transpose, "Unfold": unfold, "Fold": fold, "DepthToSpace": depth_to_space, "SpaceToDepth": space_to_depth,
    # the rest
    "OneHot": one_hot, "MultiHot": multi_hot, "Moments": moments, "BatchNorm": batch_norm, "LayerNorm": layer_norm, "RMSNorm": rms_norm,
    "Normalize": normalize, "BinaryCrossentropy": binary_crossentropy, "CategoricalCrossentropy": categorical_crossentropy,
    "SparseCategoricalCrossentropy": sparse_categorical_crossentropy, "PSNR": psnr, "DotProductAttention": dot_product_attention,
}  # fmt: skip
