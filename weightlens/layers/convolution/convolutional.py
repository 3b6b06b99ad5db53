"""Convolution layers in one, two and three dimensions (``keras.layers``, "Convolution layers").

A convolution is the dot product of every window of the input with the kernel. Kernels stand as Keras stores them,
``(*kernel_size, channels, filters)``; data are ``(batch, *space, channels)``, with the axes moved where the layer is
``channels_first``. Every function works for any number of spatial axes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from weightlens.layers.activations import activate
from weightlens.layers.convolution.windows import (
    Sizes,
    channels_last,
    like_input,
    margins,
    pad_space,
    per_axis,
    products,
    products_apart,
    windows,
)
from weightlens.layers.faster import plus_row
from weightlens.layers.signature import Array, Config, Setting, Step, Weights
from weightlens.specs.quirks import NONE, Quirks


def convolve(x: Array, kernel: Array, strides: Setting = 1, padding: str = "valid", rates: Setting = 1, groups: int = 1) -> Any:
    """Dot product of each window with the kernel: ``(batch, *space, channels) -> (batch, *positions, filters)``.

    With ``groups``, channels and filters are split into as many parts, each part seeing its own channels only.
    """
    rank = kernel.ndim - 2
    seen = windows(x, kernel.shape[:-2], per_axis(strides, rank), per_axis(rates, rank), padding, two_ways=rank == 3 and groups == 1)
    if groups == 1:
        return products(seen, kernel)
    places, terms = seen.shape[: -rank - 1], math.prod(kernel.shape[:-1])
    seen = np.reshape(np.moveaxis(seen, -rank - 1, -1), (math.prod(places), -1, groups, kernel.shape[-2]))
    seen = np.reshape(np.moveaxis(seen, 2, 0), (groups, -1, terms))
    kernel = np.moveaxis(np.reshape(kernel, (terms, groups, -1)), 1, 0)
    return np.reshape(np.moveaxis(seen @ kernel, 0, 1), (*places, -1))


def depthwise(x: Array, kernel: Array, strides: Setting = 1, padding: str = "valid", rates: Setting = 1) -> Any:
    """Each channel with kernels of its own: ``channels -> channels * depth_multiplier``, those of a channel side by side."""
    *size, channels, multiplier = kernel.shape
    rank = len(size)
    y = products_apart(windows(x, size, per_axis(strides, rank), per_axis(rates, rank), padding), kernel)
    return np.reshape(y, (*y.shape[:-2], channels * multiplier))


def placing(config: Config) -> dict[str, Any]:
    """Where the windows of a layer lie."""
    return {"strides": config.get("strides", 1), "padding": config.get("padding", "valid"), "rates": config.get("dilation_rate", 1)}


def finish(z: Array, w: Weights, config: Config, step: Step, quirks: Quirks) -> Any:
    """What follows every convolution: the bias, the axes as in the input, the activation."""
    if config.get("use_bias", True):
        width, filters = z.shape[-2], z.shape[-1]
        if not quirks.before_keras_3 and config.get("data_format") == "channels_first" and width == filters > 1:
            raise NotImplementedError("is as wide as it has filters, channels first: versions of Keras 3 differ in where the bias goes")
        z = step("pre-activation", plus_row(z, w["bias"]))
    return step("activation", activate(like_input(z, config), config.get("activation"), step))


def conv(x: Array, w: Weights, config: Config, step: Step, *, quirks: Quirks = NONE) -> Any:
    """Convolution: ``(batch, *space, channels) -> (batch, *positions, filters)``. ``keras.layers.Conv1D``, ``Conv2D``, ``Conv3D``."""
    z = convolve(channels_last(x, config), w["kernel"], groups=config.get("groups") or 1, **placing(config))
    return finish(step("dot product", z), w, config, step, quirks)


def depthwise_conv(x: Array, w: Weights, config: Config, step: Step, *, quirks: Quirks = NONE) -> Any:
    """A convolution for each channel alone. ``keras.layers.DepthwiseConv1D``, ``DepthwiseConv2D``."""
    z = depthwise(channels_last(x, config), w["kernel"], **placing(config))
    return finish(step("dot product", z), w, config, step, quirks)


def separable_conv(x: Array, w: Weights, config: Config, step: Step, *, quirks: Quirks = NONE) -> Any:
    """A convolution for each channel alone, then a mixture of the channels. ``keras.layers.SeparableConv1D``, ``SeparableConv2D``."""
    z = step("depthwise product", depthwise(channels_last(x, config), w["depthwise_kernel"], **placing(config)))
    return finish(step("dot product", convolve(z, w["pointwise_kernel"])), w, config, step, quirks)


def conv_transpose(x: Array, w: Weights, config: Config, step: Step, *, quirks: Quirks = NONE) -> Any:
    """Transposed convolution: every input number spreads over a window of the output. ``keras.layers.Conv1DTranspose``, ``2D``, ``3D``.

    Written as a convolution: zeros between the inputs (``strides - 1``), the kernel ``(*size, filters, channels)`` turned
    by 180 degrees. Output places and margins are those of the forward convolution that TensorFlow reverses.
    """
    x, kernel = channels_last(x, config), w["kernel"]
    rank = kernel.ndim - 2
    strides, rates = per_axis(config.get("strides"), rank), per_axis(config.get("dilation_rate"), rank)
    turned = np.swapaxes(np.flip(kernel, axis=tuple(range(rank))), -2, -1)
    spread = pad_space(spread_out(x, strides), transpose_margins(x.shape[1:-1], kernel.shape[:rank], strides, rates, config))
    if max(strides) > 1:
        spread = step("spread input", spread)
    z = convolve(spread, step("turned kernel", turned), rates=rates)
    return finish(step("dot product", z), w, config, step, quirks)


def spread_out(x: Array, strides: Sizes) -> Any:
    """``stride - 1`` zeros between neighbours along each spatial axis."""
    for axis, stride in enumerate(strides, start=1):
        if stride > 1:
            size = x.shape[axis]
            x = np.pad(np.expand_dims(x, axis + 1), [(0, stride - 1 if a == axis + 1 else 0) for a in range(x.ndim + 1)])
            x = np.reshape(x, (*x.shape[:axis], size * stride, *x.shape[axis + 2 :]))
            x = x[(slice(None),) * axis + (slice(0, (size - 1) * stride + 1),)]
    return x


def transpose_margins(lengths: Sizes, size: Sizes, strides: Sizes, rates: Sizes, config: Config) -> list[tuple[int, int]]:
    """Zeros before and after the spread input, for each axis."""
    padding, extra = config.get("padding", "valid"), config.get("output_padding")
    extras = [None] * len(size) if extra is None else per_axis(extra, len(size))
    pairs = []
    for length, n, stride, rate, more in zip(lengths, size, strides, rates, extras, strict=True):
        span = (n - 1) * rate + 1
        if padding == "same":
            out = length * stride if more is None else (length - 1) * stride + span % 2 + more
        else:
            out = (length - 1) * stride + (max(span, stride) if more is None else span + more)
        before = span - 1 - margins(out, span, stride, padding)[0]
        pairs.append((before, out + span - 1 - before - (length - 1) * stride - 1))
    return pairs
