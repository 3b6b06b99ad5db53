"""Layers that move numbers without changing them (``keras.layers``, "Reshaping layers").

``UpSampling2D`` and the image layers that compute new pixels stand in ``resizing``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from weightlens.layers.convolution.windows import channels_last, like_input, spatial_axes
from weightlens.layers.signature import Array, Config, Step, Weights

Pairs = list[tuple[int, int]]


def flatten(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """One row of numbers per sample, channels varying fastest: ``(batch, ...) -> (batch, product)``. ``keras.layers.Flatten``."""
    if x.ndim > 1:
        x = channels_last(x, config)
    return np.reshape(x, (x.shape[0], math.prod(x.shape[1:])))


def reshape(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """The same numbers in another shape, one -1 worked out. ``keras.layers.Reshape``."""
    return np.reshape(x, (x.shape[0], *resolved(x, config["target_shape"])))


def resolved(x: Array, target: Array) -> list[int]:
    """The target shape with its -1 (or ``None``) filled in; -1 also for an empty batch."""
    sizes = [-1 if n is None else int(n) for n in target]
    known = math.prod(n for n in sizes if n != -1)
    return [math.prod(x.shape[1:]) // known if n == -1 else n for n in sizes]


def permute(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """Axes in another order, counted from 1 after the batch. ``keras.layers.Permute``."""
    return np.transpose(x, (0, *config["dims"]))


def repeat_vector(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """The same features at ``n`` time steps: ``(batch, features) -> (batch, n, features)``. ``keras.layers.RepeatVector``."""
    return np.repeat(x[:, None, :], config["n"], axis=1)


def cropping(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """Cut rows off both ends of each spatial axis. ``keras.layers.Cropping1D``, ``2D``, ``3D``."""
    pairs = dict(zip(spatial_axes(x, config), pairs_of(config["cropping"], x.ndim - 2), strict=True))
    if any(before + after >= x.shape[axis] for axis, (before, after) in pairs.items()):
        raise NotImplementedError("it cuts off all there is: the samples are too short")
    cuts = [pairs.get(axis, (0, 0)) for axis in range(x.ndim)]
    return x[tuple(slice(before, size - after) for size, (before, after) in zip(x.shape, cuts, strict=True))]


def zero_padding(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """Zeros at both ends of each spatial axis. ``keras.layers.ZeroPadding1D``, ``2D``, ``3D``."""
    pairs = dict(zip(spatial_axes(x, config), pairs_of(config["padding"], x.ndim - 2), strict=True))
    return np.pad(x, [pairs.get(axis, (0, 0)) for axis in range(x.ndim)])


def pairs_of(setting: int | Sequence[Any], rank: int) -> Pairs:
    """``(before, after)`` for each of ``rank`` axes: from one number, from a number an axis, or from pairs."""
    if isinstance(setting, int):
        return [(setting, setting)] * rank
    if rank == 1 and len(setting) == 2 and isinstance(setting[0], int):
        return [(setting[0], int(setting[1]))]
    return [(n, n) if isinstance(n, int) else (int(n[0]), int(n[-1])) for n in setting]


def up_sampling(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """Every row (column, plane) several times over. ``keras.layers.UpSampling1D`` and ``UpSampling3D``."""
    x = channels_last(x, config)
    sizes = config["size"] if isinstance(config["size"], (list, tuple)) else [config["size"]] * (x.ndim - 2)
    for axis, times in enumerate(sizes, start=1):
        x = np.repeat(x, times, axis=axis)
    return like_input(x, config)
