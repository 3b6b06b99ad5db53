"""Windows that slide over space: what convolution, pooling and locally connected layers share.

Inside, data are ``(batch, *space, channels)``; ``channels_last`` and ``like_input`` convert ``channels_first``
data at the start and the end of a layer. ``rank`` is the number of spatial axes.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from weightlens.layers.faster import is_recorded, times
from weightlens.layers.signature import Array, Config, Setting
from weightlens.recording import EVERY, FIRST, tied

AT_ONCE = 1 << 19  # numbers of windows that are copied at once
FEW_TAPS = 32  # cells of a window that are compared one after the other

Pair = tuple[int, int]
Sizes = Sequence[int]


def channels_last(x: Array, config: Config) -> Any:
    """``(batch, channels, *space) -> (batch, *space, channels)`` where the layer is ``channels_first``."""
    return np.moveaxis(x, 1, -1) if config.get("data_format") == "channels_first" and x.ndim > 2 else x


def like_input(y: Array, config: Config) -> Any:
    """``(batch, *space, channels)`` in the order of the layer's input."""
    return np.moveaxis(y, -1, 1) if config.get("data_format") == "channels_first" and y.ndim > 2 else y


def spatial_axes(x: Array, config: Config) -> range:
    """The spatial axes of a layer's input as it comes."""
    return range(2, x.ndim) if config.get("data_format") == "channels_first" else range(1, x.ndim - 1)


def per_axis(setting: Setting, rank: int, default: int = 1) -> tuple[int, ...]:
    """A size, stride or rate for each spatial axis, from one number or from a list."""
    if setting is None:
        setting = default
    if isinstance(setting, (int, float)):
        return (int(setting),) * rank
    sizes = tuple(int(n) for n in setting)
    return sizes * rank if len(sizes) == 1 else sizes


def margins(length: int, size: int, stride: int, padding: str) -> Pair:
    """Cells to add before and after an axis, as TensorFlow does; ``size`` is the window's span, dilation included.

    Where "same" windows leave cells over, these stand at the end.
    """
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return size - 1, 0
    if padding != "same":
        raise NotImplementedError(f"padding {padding!r} is not one that weightlens knows")
    total = max(-left_over(length, size, stride), 0)
    return total // 2, total - total // 2


def left_over(length: int, size: int, stride: int) -> int:
    """How many cells of an axis "same" windows do not reach, where strides are longer than they are; below 0: how many they lack."""
    return length - (-(-length // stride) - 1) * stride - size


def pad_space(x: Array, pairs: Sequence[Pair], fill: float = 0.0) -> Any:
    """Pad the spatial axes (all but the last, counted from the end) with ``fill``; negative margins cut."""
    first = x.ndim - len(pairs) - 1
    if any(min(pair) < 0 for pair in pairs):
        cuts = [slice(max(-before, 0), size - max(-after, 0)) for size, (before, after) in zip(x.shape[first:-1], pairs, strict=True)]
        x = x[(slice(None),) * first + tuple(cuts)]
    if not any(before > 0 or after > 0 for before, after in pairs):
        return x
    grown = [(max(before, 0), max(after, 0)) for before, after in pairs]
    return np.pad(x, [(0, 0)] * first + grown + [(0, 0)], constant_values=fill)


def windows(x: Array, size: Sizes, strides: Sizes, rates: Sizes, padding: str, fill: float = 0.0, two_ways: bool = False) -> Any:
    """Every window of ``x``: ``(batch, *space, channels) -> (batch, *positions, channels, *size)``.

    ``two_ways``: a layer for which TensorFlow leaves cells over at both ends without oneDNN, and at the end with it; refused where that
    matters.
    """
    rank, spans = len(size), [(n - 1) * rate + 1 for n, rate in zip(size, rates, strict=True)]
    lengths = x.shape[-rank - 1 : -1]
    axes = list(zip(lengths, spans, strides, strict=True))
    if two_ways and padding == "same" and any(left_over(*axis) > 1 for axis in axes):
        raise NotImplementedError("has longer strides than windows, which TensorFlow places in two ways, with oneDNN and without")
    x = pad_space(x, [margins(*axis, padding) for axis in axes], fill)
    space = tuple(range(x.ndim - rank - 1, x.ndim - 1))
    if any(x.shape[axis] < span for axis, span in zip(space, spans, strict=True)):
        raise NotImplementedError(f"its window of {' x '.join(map(str, spans))} is larger than its input")
    seen: Any = sliding_window_view(x, spans, axis=space)
    return seen[(..., *(slice(None, None, s) for s in strides), slice(None), *(slice(None, None, rate) for rate in rates))]


# -- what is done with windows: recorded as one NumPy call; of bare arrays the same in another spelling, which is faster ---------


def products(seen: Array, kernel: Array) -> Any:
    """Dot product of each window with a kernel ``(*size, channels, filters)``: ``(batch, *positions, filters)``."""
    rank = kernel.ndim - 2
    if is_recorded(seen, kernel):
        return np.tensordot(seen, kernel, axes=([*range(-rank, 0), -rank - 1], list(range(rank + 1))))
    terms, filters = math.prod(kernel.shape[:-1]), kernel.shape[-1]
    y = np.empty((*seen.shape[: -rank - 1], filters), np.result_type(seen, kernel))
    places, matrix = math.prod(y.shape[-rank - 1 : -1]), np.reshape(kernel, (terms, filters))
    # What is copied for the product should lie side by side: of one channel that is what all windows have in the same place.
    by_place, first = kernel.shape[-2] == 1, seen.ndim - 2 * rank - 1
    seen = np.moveaxis(seen, range(-rank - 1, 0), range(first, first + rank + 1)) if by_place else np.moveaxis(seen, -rank - 1, -1)
    for part in portions(seen):
        if by_place:
            read = np.swapaxes(np.reshape(seen[part], (-1, terms, places)), 1, 2)
            np.matmul(read, matrix, out=np.reshape(y[part], (-1, places, filters)))
        else:
            times(np.reshape(seen[part], (-1, terms)), matrix, out=np.reshape(y[part], (-1, filters)))
    return y


def products_apart(seen: Array, kernel: Array) -> Any:
    """Dot product of each channel of a window with its own kernels ``(*size, channels, multiplier)``: ``(..., channels, multiplier)``.

    Windows side by side, of one kernel a channel, are taken as one long row of channels: NumPy then has fewer and longer loops.
    """
    *size, channels, multiplier = kernel.shape
    rank, taps = len(size), "ijk"[: len(size)]
    *lead, width, _ = seen.shape[:-rank]
    step, next_channel = seen.strides[-rank - 2 : -rank] if not is_recorded(seen, kernel) else (0, 1)
    if multiplier > 1 or step != channels * next_channel:
        return np.einsum(f"...c{taps},{taps}cm->...cm", seen, kernel)
    rows = np.reshape(seen, (*lead, width * channels, *size))
    repeated = np.tile(kernel[..., 0], width)
    return np.reshape(np.einsum(f"...c{taps},{taps}c->...c", rows, repeated), (*lead, width, channels, 1))


def ties_of(rank: int) -> str:
    """Whose the gradient of pooling is among equal numbers: TensorFlow has other programs for three axes of space."""
    return EVERY if rank == 3 else FIRST


def largest(seen: Array, rank: int) -> Any:
    """The largest number of each window."""
    size = seen.shape[-rank:]
    if is_recorded(seen) or math.prod(size) > FEW_TAPS:
        return tied(np.max(seen, axis=tuple(range(seen.ndim - rank, seen.ndim))), ties_of(rank))
    return functools.reduce(np.maximum, (seen[(..., *tap)] for tap in np.ndindex(*size)))


def portions(seen: Array) -> list[slice]:
    """Samples taken so many at a time as have few numbers in their windows."""
    few = max(1, AT_ONCE // max(1, math.prod(seen.shape[1:])))
    return [slice(start, start + few) for start in range(0, len(seen), few)]
