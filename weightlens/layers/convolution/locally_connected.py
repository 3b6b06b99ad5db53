"""Locally connected layers of Keras 1 and 2: convolutions whose kernel is another one at every position.

Keras 2 stores the kernels in three ways (``implementation``), which the rank of the array tells apart.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from weightlens.layers.convolution.convolutional import finish
from weightlens.layers.convolution.windows import Sizes, channels_last, pad_space, per_axis, windows
from weightlens.layers.signature import Array, Config, Step, Weights
from weightlens.specs.quirks import NONE, Quirks


def locally_connected(x: Array, w: Weights, config: Config, step: Step, *, quirks: Quirks = NONE) -> Any:
    """Each window with its own kernel: ``(batch, *space, channels) -> (batch, *positions, filters)``. ``LocallyConnected1D``, ``2D``."""
    first = config.get("data_format") == "channels_first"
    x, rank = channels_last(x, config), x.ndim - 2
    size, strides = per_axis(config["kernel_size"], rank), per_axis(config.get("strides"), rank)
    padding, channels, filters = config.get("padding", "valid"), x.shape[-1], config["filters"]
    seen = local_windows(x, size, strides, padding)
    positions, count = seen.shape[1 : rank + 1], math.prod(seen.shape[1 : rank + 1])
    kernel = w["kernel"]
    if kernel.ndim != 3:
        kernel = taken_apart(kernel, input_cells(x.shape[1:-1], size, strides, padding), channels, filters, first)
    if kernel.ndim != 3 or not first:
        seen = np.moveaxis(seen, rank + 1, -1)
    rows = np.moveaxis(np.reshape(seen, (x.shape[0], count, -1)), 1, 0)
    z = np.moveaxis(rows @ np.reshape(kernel, (count, -1, filters)), 0, 1)
    if first and "bias" in w:  # Keras re-reads the bias in this shape, without turning it
        w = {"bias": np.moveaxis(np.reshape(w["bias"], (filters, *positions)), 0, -1)}
    return finish(step("dot product", np.reshape(z, (x.shape[0], *positions, filters))), w, config, step, quirks)


def input_cells(space: Sizes, size: Sizes, strides: Sizes, padding: str) -> np.ndarray:
    """Which input cell each tap of each window sees: ``(positions, taps)``, -1 in the padding."""
    cells = np.arange(math.prod(space)).reshape(1, *space, 1)
    return np.asarray(local_windows(cells, size, strides, padding, fill=-1)).reshape(-1, math.prod(size))


def local_windows(x: Array, size: Sizes, strides: Sizes, padding: str, fill: float = 0.0) -> Any:
    """Every window, ``(batch, *positions, channels, *size)``; with "same" padding, half of it lies before its position."""
    lengths = x.shape[1:-1]
    if padding == "same":
        counts = [-(-length // stride) for length, stride in zip(lengths, strides, strict=True)]
        ends = [(c - 1) * s + n - length - n // 2 for c, s, n, length in zip(counts, strides, size, lengths, strict=True)]
        x = pad_space(x, [(n // 2, max(end, 0)) for n, end in zip(size, ends, strict=True)], fill)
        x = x[(slice(None), *(slice(0, (c - 1) * s + n) for c, s, n in zip(counts, strides, size, strict=True)))]
    return windows(x, size, strides, (1,) * len(size), "valid")


def taken_apart(kernel: Array, cells: np.ndarray, channels: int, filters: int, first: bool) -> Any:
    """The kernel as ``(positions, taps, channels, filters)``, from a full matrix or from the list of its connected entries."""
    count, space = cells.shape[0], math.prod(kernel.shape) // (channels * filters * cells.shape[0])
    if kernel.ndim > 1:  # every input with every output, of which only neighbours count
        order = (1, 0, 3, 2) if first else (0, 1, 2, 3)
        shape = (channels, space, filters, count) if first else (space, channels, count, filters)
        return np.transpose(np.reshape(kernel, shape), order)[cells, :, np.arange(count)[:, None], :]
    p, t, c, f = np.ogrid[:count, : cells.shape[1], :channels, :filters]
    space, seen = cells.max() + 1, cells[:, :, None, None] + 0 * (c + f)
    made = f * count + p if first else p * filters + f
    came = c * space + seen if first else seen * channels + c
    keys = made * space * channels + came + 0 * t
    return kernel[np.searchsorted(np.sort(keys[seen >= 0]), keys)]
