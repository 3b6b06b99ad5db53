"""Layers that make numbers of categories, words and pictures (``keras.layers``, "Preprocessing layers").

What works on text is done word by word in Python, remembered as one step: it has numbers but no formula.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from weightlens.layers.comparisons import finite, one_hot, range_of, whole
from weightlens.layers.convolution.windows import channels_last, like_input
from weightlens.layers.preprocessing.hashing import crossed, fingerprint, siphash
from weightlens.layers.signature import Array, Call, Config, Function, Step, Weights
from weightlens.recording.texts import text
from weightlens.specs.kinds import is_whole
from weightlens.specs.quirks import KEEPS_AXIS_OF_ONE, NONE, Quirks


def encoded(ids: Array, mode: str, depth: int, step: Step, count_weights: Array | None = None, quirks: Quirks = NONE) -> Any:
    """Whole numbers as they are (``int``), as one row of 0 and 1 each, or as the marks or counts of all in a sample."""
    if mode == "int":
        return ids
    if mode == "one_hot":
        shrinks = ids.ndim > 1 and ids.shape[-1] == 1 and KEEPS_AXIS_OF_ONE not in quirks.old
        return one_hot(np.reshape(ids, ids.shape[:-1]) if shrinks else ids, depth)
    hot = one_hot(ids, depth)
    hot = step("one-hot", hot if count_weights is None else hot * count_weights[..., None])
    axis = 1 if ids.ndim > 1 else 0
    return np.max(hot, axis=axis) if mode in ("multi_hot", "binary") else np.sum(hot, axis=axis)


def category_encoding(
    x: Array, w: Weights, config: Config, step: Step, *, count_weights: Array | None = None, quirks: Quirks = NONE
) -> Any:
    """Marks or counts of categories: ``(batch, n) -> (batch, num_tokens)``. ``keras.layers.CategoryEncoding``."""
    return encoded(x, config.get("output_mode", "multi_hot"), config["num_tokens"], step, count_weights, quirks)


def discretization(x: Array, w: Weights, config: Config, step: Step, *, quirks: Quirks = NONE) -> Any:
    """How many of the rising boundaries the number is not below. ``keras.layers.Discretization``."""
    given = config.get("bin_boundaries")
    if given is None:
        raise NotImplementedError("has no boundaries: it was saved before adapt()")
    boundaries = step("boundaries", np.array([range_of(float(boundary))[0] for boundary in given]))
    bins = step("bin", np.sum(np.where(np.less(x[..., None], boundaries), 0.0, 1.0), axis=-1))  # NaN is below none
    return encoded(bins, config.get("output_mode", "int"), boundaries.shape[0] + 1, step, quirks=quirks)


def bin_of(count: int, salt: Any = None) -> Callable[[Any], int]:
    """The bin that TensorFlow puts a word in: FarmHash, or SipHash with a salt."""
    if salt is None:
        return lambda value: fingerprint(text(value).encode()) % count
    key = (salt, salt) if isinstance(salt, int) else (int(salt[0]), int(salt[1]))
    return lambda value: siphash(text(value).encode(), key) % count


def numbers_of(function: Function, *arrays: Any) -> Any:
    """The function of every word, as floating-point numbers."""
    return np.frompyfunc(function, len(arrays), 1)(*arrays).astype(float)


def hashing(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """Words or whole numbers thrown into ``num_bins`` bins by their hash. ``keras.layers.Hashing``."""
    bins, masked = config["num_bins"], config.get("mask_value")
    keep_first = masked is not None and bins > 1
    find = bin_of(bins - 1 if keep_first else bins, config.get("salt"))
    name = None if masked is None else text(masked)
    ids = step("bin", numbers_of(lambda value: 0 if keep_first and text(value) == name else find(value) + keep_first, x))
    mode = config.get("output_mode", "int")
    return encoded(np.squeeze(ids, -1) if mode == "one_hot" and ids.shape[-1] == 1 else ids, mode, bins, step)


def hashed_crossing(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """Several features hashed into one bin: ``[(batch, 1), (batch, 1)] -> (batch, 1)``. ``keras.layers.HashedCrossing``."""
    bins = config["num_bins"]

    def print_of(value: str | bytes | float) -> int:
        return fingerprint(text(value).encode()) if isinstance(value, (str, bytes)) else int(value)

    if len(x) != 2:
        raise NotImplementedError("crosses more than two features")
    ids = step("bin", numbers_of(lambda a, b: crossed([print_of(a), print_of(b)]) % bins, *x))
    return encoded(ids, config.get("output_mode", "int"), bins, step)


def auto_contrast(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """Each image and channel stretched to the whole range of values. ``keras.layers.AutoContrast``."""
    finite(x, "stretches the range of the pixels of an image")
    bottom, top = (float(v) for v in config.get("value_range", (0, 255)))
    pixels = step("pixels in 0..255", (x - bottom) / (top - bottom) * 255.0)
    low, high = (step(name, f(pixels, axis=(1, 2), keepdims=True)) for name, f in (("darkest", np.min), ("brightest", np.max)))
    spread = np.where(high > low, high - low, 1.0)
    stretched = np.minimum(np.maximum((pixels - low) * (255.0 / spread), 0.0), 255.0)
    return np.where(high > low, stretched / 255.0 * (top - bottom) + bottom, x)


def clahe(x: Array, w: Weights, config: Config, step: Step, *, quirks: Quirks = NONE) -> Any:
    """Histograms of tiles made flat, blended between tiles. ``keras.layers.ContrastLimitedAdaptiveHistogramEqualization``."""
    x = channels_last(x, config)
    bottom, top = (np.float32(v) for v in config.get("value_range", (0, 255)))
    pixels = x if bottom == 0 and top == 255 else (x.astype(np.float32) - bottom) / (top - bottom) * np.float32(255.0)
    rows, columns = config.get("tile_grid_size", (8, 8))
    height, width = x.shape[1:3]
    tall, wide = -(-height // rows), -(-width // columns)
    pixels = np.pad(pixels, [(0, 0), (0, tall * rows - height), (0, wide * columns - width), (0, 0)], mode="symmetric")
    levels = step("levels", np.trunc(np.minimum(np.maximum(pixels, 0.0), 255.0)))
    curves = tone_curves(levels, rows, columns, config.get("clip_limit", 4.0), step)
    y = step("blended", blended(curves, levels, rows, columns))[:, :height, :width]
    y = like_input(y / 255.0 * float(top - bottom) + float(bottom), config)
    return np.trunc(y) if is_whole(quirks.input_dtype) else y


def tone_curves(levels: Array, rows: int, columns: int, limit: float, step: Step) -> Any:
    """The new level of each old one for each tile, all in one column: ``(batch * rows * columns * channels * 256, 1)``."""
    n, height, width, channels = levels.shape
    tiles = np.reshape(levels, (n, rows, height // rows, columns, width // columns, channels))
    tiles = np.reshape(np.transpose(tiles, (0, 1, 3, 5, 2, 4)), (n, rows, columns, channels, -1))
    size = tiles.shape[-1]
    counts = step("histogram", np.sum(one_hot(tiles, 256), axis=-2))
    if limit > 0:
        kept = step("clipped histogram", np.minimum(counts, limit * size / 256.0))
        counts = step("histogram, evened", kept + np.sum(step("excess", counts - kept), axis=-1, keepdims=True) / 256.0)
    total = step("running sum", np.cumsum(counts, axis=-1))
    least = total[..., :1]
    whole_range = np.where(np.equal(size - least, 0), 1.0, size - least)
    return step("tone curve", np.reshape(np.minimum(np.maximum((total - least) * 255.0 / whole_range, 0.0), 255.0), (-1, 1)))


def blended(curves: Array, levels: Array, rows: int, columns: int) -> Any:
    """Each pixel's new level by the curves of the four nearest tiles, weighted by nearness."""
    n, height, width, channels = levels.shape
    below, down = nearest_tiles(rows, height // rows)
    right, across = nearest_tiles(columns, width // columns)
    flat = np.reshape(curves, (-1,))
    sample, channel = np.arange(n)[:, None, None, None], np.arange(channels)

    def by(row: np.ndarray, column: np.ndarray) -> Any:
        tile = (sample * rows + row[:, None, None]) * columns + column[:, None]
        return np.take(flat, whole(levels + (tile * channels + channel) * 256))

    down, across = down[:, None, None], across[:, None]
    upper = by(below[0], right[0]) * (1.0 - across) + by(below[0], right[1]) * across
    lower = by(below[1], right[0]) * (1.0 - across) + by(below[1], right[1]) * across
    return upper * (1.0 - down) + lower * down


def nearest_tiles(count: int, size: int) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """For each pixel along an axis the tiles before and after it, and how near the second is."""
    at = (np.arange(count * size) - size / 2.0) / size
    first = np.floor(at)
    before, after = (np.clip(tile, 0, count - 1).astype(int) for tile in (first, first + 1))
    return (before, after), at - first


def pipeline(x: Array, w: Weights, config: Config, step: Step, *, call: Call) -> Any:
    """Layers one after the other. ``keras.layers.Pipeline``."""
    for i in range(len(config["layers"])):
        x = call(f"layers/{i}", x)
    return x
