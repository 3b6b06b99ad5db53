"""Operations on images (``keras.ops.image``): ``(batch, height, width, channels)``, or one image without the batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from weightlens.layers.activations import Step
from weightlens.layers.preprocessing import resizing
from weightlens.layers.windows import channels_last, like_input, per_axis, windows
from weightlens.whole import is_whole


def batch_of(images: Any, data_format: str | None, rank: int = 2) -> Any:
    """The images as a batch, channels last."""
    return channels_last(images if images.ndim == rank + 2 else np.expand_dims(images, 0), {"data_format": data_format})


def as_given(y: Any, images: Any, data_format: str | None, rank: int = 2) -> Any:
    """What was made of ``batch_of(images)``, in the order and with the batch of ``images``."""
    y = like_input(y, {"data_format": data_format})
    return y if images.ndim == rank + 2 else y[0]


def resize(
    images: Any,
    size: Any,
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
    input_dtype: str | None = None,
    *,
    step: Step,
) -> Any:
    """Images of another size; whole numbers stay whole."""
    batch = batch_of(images, data_format)
    if crop_to_aspect_ratio:
        batch = resizing.cropped_to_aspect(batch, size)
    elif pad_to_aspect_ratio:
        batch = resizing.padded_to_aspect(batch, size, fill_value)
    y = resizing.resize(batch, size, interpolation, antialias, step)
    y = resizing.saturated(np.rint(y), str(input_dtype)) if is_whole(input_dtype) else y
    return as_given(y, images, data_format)


def rgb_to_grayscale(images: Any, data_format: str | None = None) -> Any:
    """``0.2989 red + 0.587 green + 0.114 blue``."""
    gray = np.sum(batch_of(images, data_format) * np.array([0.2989, 0.587, 0.114]), axis=-1, keepdims=True)
    return as_given(gray, images, data_format)


def extract_patches(
    images: Any, size: Any, strides: Any = None, dilation_rate: Any = 1, padding: str = "valid", data_format: str | None = None
) -> Any:
    """Every window as one long pixel: ``(batch, *space, channels) -> (batch, *positions, size * channels)``."""
    rank = len(size) if isinstance(size, (list, tuple)) else 2
    batch = batch_of(images, data_format, rank)
    seen = windows(batch, per_axis(size, rank), per_axis(strides or size, rank), per_axis(dilation_rate, rank), padding)
    seen = np.moveaxis(seen, rank + 1, -1)
    return as_given(np.reshape(seen, (*seen.shape[: rank + 1], -1)), images, data_format, rank)
