"""Layers that make images larger or smaller (``keras.layers``, "Image preprocessing layers" and ``UpSampling2D``).

A new pixel is a weighted mean of old ones, rows and columns apart: two small constant matrices, applied as products.
The weights are those of TensorFlow, which works out positions in float32 with pixel centres at one half.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from weightlens.layers.comparisons import finite
from weightlens.layers.convolution.windows import channels_last, like_input, pad_space, per_axis
from weightlens.layers.signature import Array, Config, Step, Weights
from weightlens.specs.kinds import is_whole
from weightlens.specs.quirks import NONE, Quirks

CUBIC_TABLE = 1024  # TensorFlow looks bicubic weights up in a table with this many places between two pixels


def keys_cubic(t: Array) -> Array:
    """Cubic weights with slope -1/2 (Keys 1981)."""
    far = ((-0.5 * t + 2.5) * t - 4.0) * t + 2.0
    return np.where(t < 1.0, (1.5 * t - 2.5) * t * t + 1.0, np.where(t < 2.0, far, 0.0))


def mitchell_cubic(t: Array) -> Array:
    """Cubic weights with B = C = 1/3 (Mitchell, Netravali 1988)."""
    far = ((-7.0 / 18.0 * t + 2.0) * t - 10.0 / 3.0) * t + 16.0 / 9.0
    return np.where(t < 1.0, (7.0 / 6.0 * t - 2.0) * t * t + 8.0 / 9.0, np.where(t < 2.0, far, 0.0))


def lanczos(radius: float) -> Callable[[Array], Array]:
    """``sinc(t) * sinc(t / radius)`` up to the radius."""
    return lambda t: np.where(t <= radius, np.sinc(t) * np.sinc(t / radius), 0.0)


KERNELS: dict[str, Callable[[Array], Array]] = {  # the weight of a pixel at a distance
    "bilinear": lambda t: np.maximum(1.0 - t, 0.0),
    "bicubic": keys_cubic,
    "mitchellcubic": mitchell_cubic,
    "gaussian": lambda t: np.where(t < 1.5, np.exp(-2.0 * t * t), 0.0),  # of standard deviation 1/2, cut
    "lanczos3": lanczos(3.0),
    "lanczos5": lanczos(5.0),
}


def centres(old: int, new: int, scale: np.float32 | None = None) -> np.ndarray:
    """Where the centre of each new pixel lies among the old ones, in float32 like TensorFlow."""
    scale = np.float32(old) / np.float32(new) if scale is None else scale
    return np.asarray((np.arange(new, dtype=np.float32) + np.float32(0.5)) * scale)


BLURRING = ("gaussian", "mitchellcubic")  # these change an image even if it keeps its size


def resize_weights(old: int, new: int, interpolation: str, antialias: bool = False) -> np.ndarray:
    """The share of each old pixel in each new one: ``(new, old)``, every row adding up to 1."""
    if interpolation == "area":
        edges = np.arange(new + 1) * (old / new)
        overlap = np.minimum(edges[1:, None], np.arange(old) + 1.0) - np.maximum(edges[:-1, None], np.arange(old))
        return np.asarray(np.maximum(overlap, 0.0) * (new / old))
    if interpolation not in KERNELS:
        raise NotImplementedError(f"interpolation {interpolation!r} is not one that weightlens knows")
    shrinking = np.float32(1.0 / float(np.float32(new) / np.float32(old)))
    at = centres(old, new, shrinking)
    if interpolation == "bicubic" and not antialias:
        at = np.rint((centres(old, new) - np.float32(0.5)) * CUBIC_TABLE) / CUBIC_TABLE + np.float32(0.5)
    distance = np.abs(np.arange(old, dtype=np.float32) + np.float32(0.5) - at[:, None])
    if antialias:  # the weights reach further where the image becomes smaller
        distance = distance * (np.float32(1.0) / max(shrinking, np.float32(1.0)))
    shares = KERNELS[interpolation](distance.astype(np.float64))
    return np.asarray(shares / np.sum(shares, axis=1, keepdims=True))


def resize(x: Array, size: Sequence[int], interpolation: str, antialias: bool, step: Step) -> Any:
    """Images of another size: ``(batch, height, width, channels) -> (batch, *size, channels)``, as ``tf.image.resize`` does."""
    height, width, channels = x.shape[1:]
    if (height, width) == tuple(size) and interpolation not in BLURRING:
        return x
    if interpolation == "nearest":
        rows, columns = (np.minimum(centres(old, new).astype(int), old - 1) for old, new in zip((height, width), size, strict=True))
        return np.take(np.take(x, rows, axis=1), columns, axis=2)
    finite(x, "mixes the pixels of whole rows and columns")
    rows = step("row weights", resize_weights(height, size[0], interpolation, antialias).astype(x.dtype))
    columns = step("column weights", resize_weights(width, size[1], interpolation, antialias).astype(x.dtype))
    tall = step("resized rows", np.reshape(rows @ np.reshape(x, (x.shape[0], height, -1)), (x.shape[0], size[0], width, channels)))
    return step("resized", columns @ tall)


def fitting(length: int, size: int, other: int) -> int:
    """The length that goes with ``other`` old pixels at the new size's aspect ratio."""
    return int(np.float32(length * other) / np.float32(size))


def cropped_to_aspect(x: Array, size: Sequence[int]) -> Any:
    """The largest middle part with the aspect ratio of ``size``."""
    height, width = x.shape[1:3]
    return middle(x, max(min(height, fitting(width, size[1], size[0])), 1), max(min(width, fitting(height, size[0], size[1])), 1))


def padded_to_aspect(x: Array, size: Sequence[int], fill: float) -> Any:
    """As much on both sides as gives the aspect ratio of ``size``; an odd pixel is dropped, as in Keras."""
    height, width = x.shape[1:3]
    top = (max(height, fitting(width, size[1], size[0])) - height) // 2
    left = (max(width, fitting(height, size[0], size[1])) - width) // 2
    return pad_space(x, [(top, top), (left, left)], fill)


def middle(x: Array, height: int, width: int) -> Any:
    """The middle of each image; where it cannot be in the middle, one pixel nearer to the top left."""
    top, left = (x.shape[1] - height) // 2, (x.shape[2] - width) // 2
    return x[:, top : top + height, left : left + width]


def resizing(x: Array, w: Weights, config: Config, step: Step, *, quirks: Quirks = NONE) -> Any:
    """Images resized, cropped or padded first to keep their proportions; whole numbers stay whole. ``keras.layers.Resizing``."""
    x, size = images(x, config), (config["height"], config["width"])
    if config.get("crop_to_aspect_ratio"):
        x = cropped_to_aspect(x, size)
    elif config.get("pad_to_aspect_ratio"):
        x = padded_to_aspect(x, size, config.get("fill_value") or 0.0)
    interpolation = str(config.get("interpolation", "bilinear")).lower()
    y = like_input(resize(x, size, interpolation, bool(config.get("antialias")), step), config)
    return kept_whole(y, quirks)


def kept_whole(y: Array, quirks: Quirks) -> Any:
    """Whole numbers where whole numbers went in."""
    return saturated(np.rint(y), str(quirks.input_dtype)) if is_whole(quirks.input_dtype) else y


def saturated(x: Array, dtype: str) -> Any:
    """``x`` cut to the range of a kind of whole number."""
    limits = np.iinfo(dtype)
    return np.minimum(np.maximum(x, float(limits.min)), float(limits.max))


def center_crop(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """The middle of each image; images that are too small are cropped to the aspect ratio and made larger. ``keras.layers.CenterCrop``."""
    x, size = images(x, config), (config["height"], config["width"])
    if x.shape[1] >= size[0] and x.shape[2] >= size[1]:
        return like_input(middle(x, *size), config)
    return like_input(resize(cropped_to_aspect(x, size), size, "bilinear", False, step), config)


def images(x: Array, config: Config) -> Any:
    """A batch of images, channels last."""
    if x.ndim != 4:
        raise NotImplementedError("takes single images here, and weightlens knows batches of images only")
    return channels_last(x, config)


def up_sampling_2d(x: Array, w: Weights, config: Config, step: Step, *, quirks: Quirks = NONE) -> Any:
    """Every row and column several times, or pixels in between. ``keras.layers.UpSampling2D``."""
    x, sizes = channels_last(x, config), per_axis(config.get("size"), 2, 2)
    interpolation = config.get("interpolation", "nearest")
    if interpolation == "nearest":
        return like_input(np.repeat(np.repeat(x, sizes[0], axis=1), sizes[1], axis=2), config)
    y = like_input(resize(x, (x.shape[1] * sizes[0], x.shape[2] * sizes[1]), interpolation, False, step), config)
    return kept_whole(y, quirks)
