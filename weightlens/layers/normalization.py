"""Normalization layers: numbers moved to mean 0 and spread 1, then to ``beta`` and ``gamma`` (``keras.layers``, "Normalization layers")."""

from __future__ import annotations

from typing import Any

import numpy as np

from weightlens.layers.signature import Array, Axis, Call, Config, Step, Weights


def axes_of(axis: Axis, rank: int) -> tuple[int, ...]:
    """The axes that a configuration names (one number or a list), counted from the front, in rising order."""
    return tuple(sorted(a % rank for a in ((axis,) if isinstance(axis, int) else range(rank) if axis is None else axis)))


def spread(vector: Array, x: Array, axis: Axis) -> Any:
    """A stored vector (or block) turned so that it lies along ``axis`` of ``x``."""
    kept = axes_of(axis, x.ndim)
    return np.reshape(vector, [x.shape[d] if d in kept else 1 for d in range(x.ndim)])


def scaled(normalized: Array, w: Weights, axis: Axis) -> Any:
    """``normalized * gamma + beta``, as far as the layer has them."""
    y = normalized * spread(w["gamma"], normalized, axis) if "gamma" in w else normalized
    return y + spread(w["beta"], normalized, axis) if "beta" in w else y


def standardized(x: Array, axes: tuple[int, ...], epsilon: float, step: Step, outside: float = 0.0) -> Any:
    """``(x - mean) / sqrt(variance + epsilon)`` with the mean and (population) variance of ``x`` itself over ``axes``.

    ``outside`` is added to the root.
    """
    centered = step("centered", x - step("mean", np.mean(x, axis=axes, keepdims=True)))
    variance = step("variance", np.mean(centered * centered, axis=axes, keepdims=True))
    deviation = step("standard deviation", np.sqrt(variance + epsilon))
    return step("normalized", centered / (deviation + outside if outside else deviation))


def batch_normalization(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """``gamma * (x - moving_mean) / sqrt(moving_variance + epsilon) + beta`` along ``axis`` (Ioffe, Szegedy 2015).

    Shape kept. ``keras.layers.BatchNormalization``; Keras 1's ``mode`` 1 takes each sample's own mean, 2 the batch's.
    """
    axis, epsilon = config.get("axis", -1), config.get("epsilon", 1e-3)
    if config.get("mode") == 1:
        return scaled(standardized(x, (-1,), epsilon, step, outside=epsilon), w, -1)
    if config.get("mode") == 2:
        kept = axes_of(axis, x.ndim)
        return scaled(standardized(x, tuple(d for d in range(x.ndim) if d not in kept), epsilon, step), w, axis)
    deviation = step("standard deviation", np.sqrt(w["moving_variance"] + epsilon))
    normalized = step("normalized", (x - spread(w["moving_mean"], x, axis)) / spread(deviation, x, axis))
    return scaled(normalized, w, axis)


def layer_normalization(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """``gamma * (x - mean) / sqrt(variance + epsilon) + beta``, each sample's own mean over ``axis`` (Ba et al. 2016).

    Shape kept. ``keras.layers.LayerNormalization``. The old ``rms_scaling`` leaves out the mean (but not in the variance).
    """
    axis, epsilon = config.get("axis", -1), config.get("epsilon", 1e-3)
    axes = axes_of(axis, x.ndim)
    if not config.get("rms_scaling"):
        return scaled(standardized(x, axes, epsilon, step), w, axes)
    variance = step("variance", np.var(x, axis=axes, keepdims=True))
    return scaled(step("normalized", x / step("standard deviation", np.sqrt(variance + epsilon))), w, axes)


def group_normalization(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """Channels in ``groups``, each group normalized with its own mean and variance (Wu, He 2018); shape kept.

    ``keras.layers.GroupNormalization``; one group a channel (``groups=-1``) is instance normalization.
    """
    axis = config.get("axis", -1) % x.ndim
    channels = x.shape[axis]
    groups = channels if config.get("groups", 32) == -1 else config.get("groups", 32)
    grouped = np.reshape(x, (*x.shape[:axis], groups, channels // groups, *x.shape[axis + 1 :]))
    axes = tuple(d for d in range(1, grouped.ndim) if d != axis)
    return scaled(np.reshape(standardized(grouped, axes, config.get("epsilon", 1e-3), step), x.shape), w, axis)


def rms_normalization(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """``scale * x / sqrt(mean of x^2 + epsilon)`` over ``axis`` (Zhang, Sennrich 2019); shape kept. ``keras.layers.RMSNormalization``."""
    axes = axes_of(config.get("axis", -1), x.ndim)
    mean_square = step("mean square", np.mean(x * x, axis=axes, keepdims=True))
    normalized = step("normalized", x / step("root mean square", np.sqrt(mean_square + config.get("epsilon", 1e-6))))
    return normalized * w["scale"]  # like Keras: against the last axes, whatever ``axis`` is


def unit_normalization(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """``x / sqrt(sum of x^2)`` over ``axis``: length 1; shape kept. ``keras.layers.UnitNormalization``."""
    return x / step("length", length_of(x, axes_of(config.get("axis", -1), x.ndim), 1e-12))


def length_of(x: Array, axis: Axis, least: float) -> Any:
    """``sqrt(sum of x^2)`` over ``axis``, kept with length 1; at least ``least``, within the root, for a root has no slope at 0."""
    return np.sqrt(np.maximum(np.sum(x * x, axis=axis, keepdims=True), least * least))


def spectral_normalization(x: Array, w: Weights, config: Config, step: Step, *, call: Call) -> Any:
    """The wrapped layer: its stored kernel is already the normalized one. ``keras.layers.SpectralNormalization``."""
    return call("layer", x)


def normalization(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """``(x - mean) / sqrt(variance)`` with values learnt by ``adapt`` or given; shape kept. ``keras.layers.Normalization``."""
    axis = config.get("axis", -1)
    kept = () if axis is None else axes_of(axis, x.ndim)
    mean, variance = (
        w[name] if config.get(name) is None else step(name, np.asarray(config[name], x.dtype)) for name in ("mean", "variance")
    )
    shape = tuple(x.shape[d] for d in kept)
    mean, variance = (spread(np.broadcast_to(v, shape), x, kept) for v in (mean, variance))
    deviation = step("standard deviation", np.maximum(np.sqrt(variance), 1e-7))
    return mean + x * deviation if config.get("invert") else (x - mean) / deviation


def rescaling(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """``x * scale + offset``; shape kept. ``keras.layers.Rescaling``."""
    scale, offset = (
        step(name, np.asarray(v, x.dtype)) if np.ndim(v) else v
        for name, v in (("scale", config["scale"]), ("offset", config.get("offset", 0.0)))
    )
    return x * scale + offset


def layer_scale(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """``x * gamma``, a learned factor for each channel; shape kept.

    ``LayerScale`` of ``keras.applications.convnext``; Touvron et al. 2021, https://arxiv.org/abs/2103.17239.
    """
    return x * w["gamma"]
