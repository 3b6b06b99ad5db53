"""Pooling layers: the largest number, or the mean, of every window (``keras.layers``, "Pooling layers").

Padding never takes part: it is left out of the maximum, and not counted in the mean.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from weightlens.layers.comparisons import without_nan
from weightlens.layers.convolution.windows import channels_last, largest, like_input, per_axis, spatial_axes, ties_of, windows
from weightlens.layers.signature import Array, Config, Function, Step, Weights
from weightlens.recording import tied, value_of

LARGEST = "looks for the largest of the numbers in a window"


def pooled(x: Array, config: Config, fill: float) -> Any:
    """The windows of a pooling layer: ``(batch, *positions, channels, *pool_size)``."""
    rank = x.ndim - 2
    size = per_axis(config.get("pool_size"), rank, 2)
    strides = size if config.get("strides") is None else per_axis(config["strides"], rank)
    return windows(channels_last(x, config), size, strides, (1,) * rank, config.get("padding", "valid"), fill, two_ways=rank == 3)


def max_pooling(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """Largest number of each window. ``keras.layers.MaxPooling1D``, ``2D``, ``3D``."""
    seen = pooled(without_nan(x, LARGEST), config, -np.inf)
    return step("maximum", like_input(largest(seen, x.ndim - 2), config))


def average_pooling(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """Mean of each window. ``keras.layers.AveragePooling1D``, ``2D``, ``3D``."""
    refuse_lowest(x)
    seen = pooled(x, config, 0.0)
    axes = tuple(range(x.ndim, seen.ndim))
    if config.get("padding") != "same":
        return step("average", like_input(np.mean(seen, axis=axes), config))
    counts = np.sum(pooled(np.ones((1, *x.shape[1:]), x.dtype), config, 0.0), axis=axes)
    return step("average", like_input(np.sum(seen, axis=axes) / counts, config))


def global_pooling(reduce: Function, name: str) -> Function:
    """The layer that reduces each whole channel to its maximum or average."""

    def layer(x: Array, w: Weights, config: Config, step: Step) -> Any:
        return step(name, reduce(x, axis=tuple(spatial_axes(x, config)), keepdims=bool(config.get("keepdims"))))

    layer.__doc__ = f"The {name} of each whole channel: ``(batch, *space, channels) -> (batch, channels)``."
    return layer


global_max_pooling = global_pooling(np.max, "maximum")  # keras.layers.GlobalMaxPooling1D, 2D, 3D
global_average_pooling = global_pooling(np.mean, "average")  # keras.layers.GlobalAveragePooling2D, 3D


def global_average_pooling_1d(x: Array, w: Weights, config: Config, step: Step, *, mask: Array | None = None) -> Any:
    """Mean over the unmasked time steps: ``(batch, time, features) -> (batch, features)``. ``keras.layers.GlobalAveragePooling1D``."""
    if mask is None:
        return global_average_pooling(x, w, config, step)
    axis = spatial_axes(x, config)[0]
    keepdims, kept = bool(config.get("keepdims")), np.expand_dims(mask, 3 - axis)
    total = step("sum", np.sum(np.where(kept, x, 0.0), axis=axis, keepdims=keepdims))
    count = np.sum(np.where(kept, np.ones((), x.dtype), 0.0), axis=axis, keepdims=keepdims)
    return step("average", total / step("unmasked time steps", count))


def bins(length: int, count: int) -> list[slice]:
    """``count`` slices of an axis, which overlap where its length is no multiple of it: from floor(i n / m) to ceil((i + 1) n / m)."""
    return [slice(i * length // count, -(-(i + 1) * length // count)) for i in range(count)]


def refuse_lowest(x: Array) -> None:
    """Refuse what TensorFlow takes for padding where it averages over three axes of space, and leaves out."""
    if x.ndim == 5 and np.any(value_of(x) == np.finfo(np.float32).min):
        raise NotImplementedError("averages over three axes, and one of the numbers is the lowest of single precision")


def mean_of(x: Array, axis: int) -> Any:
    """The mean along an axis; see ``refuse_lowest``."""
    refuse_lowest(x)
    return np.mean(x, axis=axis)


def largest_of(x: Array, axis: int) -> Any:
    """The largest number along an axis; see ``without_nan``."""
    return tied(np.max(without_nan(x, LARGEST), axis=axis), ties_of(x.ndim - 2))


def adaptive_pooling(reduce: Function, name: str) -> Function:
    """The layer that cuts each spatial axis into ``output_size`` bins, and reduces each bin to one number."""

    def layer(x: Array, w: Weights, config: Config, step: Step) -> Any:
        x = channels_last(x, config)
        for axis, count in enumerate(per_axis(config["output_size"], x.ndim - 2), start=1):
            cut = [x[(slice(None),) * axis + (part,)] for part in bins(x.shape[axis], count)]
            x = step(f"{name} along axis {axis}", np.stack([reduce(part, axis=axis) for part in cut], axis=axis))
        return like_input(x, config)

    layer.__doc__ = f"The {name} of each of ``output_size`` bins along each axis of space, which overlap where these do not divide it."
    return layer


adaptive_max_pooling = adaptive_pooling(largest_of, "maximum")  # keras.layers.AdaptiveMaxPooling1D, 2D, 3D
adaptive_average_pooling = adaptive_pooling(mean_of, "average")  # keras.layers.AdaptiveAveragePooling1D, 2D, 3D
