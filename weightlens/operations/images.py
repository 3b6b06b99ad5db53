"""Operations on images (``keras.ops.image``): ``(batch, height, width, channels)``, or one image without the batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from weightlens.layers.comparisons import finite
from weightlens.layers.convolution.windows import channels_last, like_input, per_axis, windows
from weightlens.layers.preprocessing import resizing
from weightlens.layers.signature import Array, Setting, Step
from weightlens.specs.options import options_of
from weightlens.specs.quirks import Quirks


def batch_of(images: Array, data_format: str | None, rank: int = 2) -> Any:
    """The images as a batch, channels last."""
    return channels_last(images if images.ndim == rank + 2 else np.expand_dims(images, 0), {"data_format": data_format})


def as_given(y: Array, images: Array, data_format: str | None, rank: int = 2) -> Any:
    """What was made of ``batch_of(images)``, in the order and with the batch of ``images``."""
    y = like_input(y, {"data_format": data_format})
    return y if images.ndim == rank + 2 else y[0]


def resize(images: Array, size: Sequence[int], *, input_dtype: str | None = None, step: Step, **settings: Any) -> Any:
    """Images of another size, as the layer ``Resizing`` makes them; whole numbers stay whole."""
    unknown = set(settings) - set(options_of("Resizing") or {})
    if unknown:
        raise NotImplementedError(f"is called with {min(unknown)}, which weightlens does not know")
    batch = images if images.ndim == 4 else np.expand_dims(images, 0)
    config = {"height": size[0], "width": size[1], **settings}
    y = resizing.resizing(batch, {}, config, step, quirks=Quirks(input_dtype=input_dtype))
    return y if images.ndim == 4 else y[0]


def rgb_to_grayscale(images: Array, data_format: str | None = None) -> Any:
    """``0.2989 red + 0.587 green + 0.114 blue``."""
    gray = np.sum(batch_of(images, data_format) * np.array([0.2989, 0.587, 0.114]), axis=-1, keepdims=True)
    return as_given(gray, images, data_format)


def extract_patches(
    images: Array,
    size: Setting,
    strides: Setting = None,
    dilation_rate: Setting = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """Every window as one long pixel: ``(batch, *space, channels) -> (batch, *positions, size * channels)``."""
    rank = len(size) if isinstance(size, (list, tuple)) else 2
    finite(images, "cuts patches of pixels, which Keras multiplies by 0 and 1 and adds up")
    batch = batch_of(images, data_format, rank)
    seen = windows(batch, per_axis(size, rank), per_axis(strides or size, rank), per_axis(dilation_rate, rank), padding)
    seen = np.moveaxis(seen, rank + 1, -1)
    return as_given(np.reshape(seen, (*seen.shape[: rank + 1], -1)), images, data_format, rank)
