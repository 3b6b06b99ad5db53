"""Operations on images (``keras.ops.image``): ``(batch, height, width, channels)``, or one image without the batch."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from weightlens.layers import resizing
from weightlens.layers.activations import Step
from weightlens.layers.windows import channels_last, like_input, pad_space, per_axis, windows
from weightlens.whole import is_whole


def on_images(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, written for a batch with channels last, for any image: single ones, and channels first."""

    @functools.wraps(function)
    def whole(images: Any, *args: Any, data_format: str | None = None, **kwargs: Any) -> Any:
        config = {"data_format": data_format}
        batch = images if images.ndim == 4 else np.expand_dims(images, 0)
        y = like_input(function(channels_last(batch, config), *args, **kwargs), config)
        return y if images.ndim == 4 else y[0]

    known = inspect.signature(function)
    setting = inspect.Parameter("data_format", inspect.Parameter.KEYWORD_ONLY, default=None)
    parameters = [*known.parameters.values(), setting] if "data_format" not in known.parameters else list(known.parameters.values())
    whole.__signature__ = known.replace(parameters=parameters)  # type: ignore[attr-defined]
    return whole


@on_images
def resize(
    images: Any,
    size: Any,
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    input_dtype: str | None = None,
    *,
    step: Step,
) -> Any:
    """Images of another size; whole numbers stay whole."""
    if crop_to_aspect_ratio:
        images = resizing.cropped_to_aspect(images, size)
    elif pad_to_aspect_ratio:
        images = resizing.padded_to_aspect(images, size, fill_value)
    y = resizing.resize(images, size, interpolation, antialias, step)
    return resizing.saturated(np.rint(y), str(input_dtype)) if is_whole(input_dtype) else y


@on_images
def rgb_to_grayscale(images: Any) -> Any:
    """``0.2989 red + 0.587 green + 0.114 blue``."""
    return np.sum(images * np.array([0.2989, 0.587, 0.114]), axis=-1, keepdims=True)


@on_images
def rgb_to_hsv(images: Any, *, step: Step) -> Any:
    """Hue, saturation and value, each in 0..1."""
    red, green, blue = (images[..., i] for i in range(3))
    value = step("value", np.max(images, axis=-1))
    spread = step("spread", value - np.min(images, axis=-1))
    some = np.where(spread > 0, spread, 1.0)
    by_green = np.where(np.equal(green, value), 2.0 + (blue - red) / some, 4.0 + (red - green) / some)
    sixth = step("sixth", np.where(np.equal(red, value), (green - blue) / some, by_green) / 6.0)
    hue = np.where(spread > 0, np.where(sixth < 0, sixth + 1.0, sixth), 0.0)
    return np.stack([hue, np.where(value > 0, spread / np.where(value > 0, value, 1.0), 0.0), value], axis=-1)


@on_images
def hsv_to_rgb(images: Any) -> Any:
    """Red, green and blue from hue, saturation and value."""
    hue, saturation, value = (images[..., i] for i in range(3))
    sixth = hue * 6.0
    pure = (np.abs(sixth - 3.0) - 1.0, 2.0 - np.abs(sixth - 2.0), 2.0 - np.abs(sixth - 4.0))
    return np.stack([((1.0 - saturation) + saturation * np.minimum(np.maximum(c, 0.0), 1.0)) * value for c in pure], axis=-1)


def margins_of(length: int, before: int | None, after: int | None, target: int | None, sign: int = 1) -> tuple[int, int]:
    """What is added to (``sign`` 1) or taken from (-1) both ends, worked out where one end or the target is given."""
    change = sign * ((length if target is None else target) - length)
    first = change - (after or 0) if before is None else before
    return first, change - first if after is None else after


@on_images
def pad_images(
    images: Any,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
) -> Any:
    """Zeros around."""
    height, width = images.shape[1:3]
    return pad_space(
        images,
        [margins_of(height, top_padding, bottom_padding, target_height), margins_of(width, left_padding, right_padding, target_width)],
    )


@on_images
def crop_images(
    images: Any,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
) -> Any:
    """A part of each image."""
    top, bottom = margins_of(images.shape[1], top_cropping, bottom_cropping, target_height, -1)
    left, right = margins_of(images.shape[2], left_cropping, right_cropping, target_width, -1)
    return images[:, top : images.shape[1] - bottom, left : images.shape[2] - right]


def extract_patches(
    images: Any, size: Any, strides: Any = None, dilation_rate: Any = 1, padding: str = "valid", data_format: str | None = None
) -> Any:
    """Every window as one long pixel: ``(batch, *space, channels) -> (batch, *positions, size * channels)``."""
    rank = len(size) if isinstance(size, (list, tuple)) else 2
    config = {"data_format": data_format}
    batch = channels_last(images if images.ndim == rank + 2 else np.expand_dims(images, 0), config)
    seen = windows(batch, per_axis(size, rank), per_axis(strides or size, rank), per_axis(dilation_rate, rank), padding)
    seen = np.moveaxis(seen, rank + 1, -1)
    y = like_input(np.reshape(seen, (*seen.shape[: rank + 1], -1)), config)
    return y if images.ndim == rank + 2 else y[0]


@on_images
def gaussian_blur(images: Any, kernel_size: Any = (3, 3), sigma: Any = (1.0, 1.0), *, step: Step) -> Any:
    """The mean around each pixel, weighted by a bell; beyond the edge is zero."""
    bells = [np.exp(-0.5 * ((np.arange(n) - (n - 1) / 2.0) / s) ** 2) for n, s in zip(kernel_size, sigma, strict=True)]
    across, down = (bell / bell.sum() for bell in bells)
    kernel = step("kernel", np.outer(down, across).reshape(kernel_size).astype(images.dtype))
    seen = windows(images, kernel_size, (1, 1), (1, 1), "same")
    return np.reshape(np.reshape(seen, (*seen.shape[:-2], -1)) @ np.reshape(kernel, (-1, 1)), images.shape)


def sobel_edges(images: Any, data_format: str | None = None, *, step: Step) -> Any:
    """How fast each pixel changes downwards and to the right: ``(batch, height, width, channels, 2)``."""
    config = {"data_format": data_format}
    images = channels_last(images, config)
    kernel = np.array([[-1.0, -2.0, -1.0], [0.0, 0.0, 0.0], [1.0, 2.0, 1.0]])
    kernels = step("kernels", np.stack([kernel.reshape(-1), kernel.T.reshape(-1)], axis=-1).astype(images.dtype))
    seen = windows(np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="reflect"), (3, 3), (1, 1), (1, 1), "valid")
    edges = np.reshape(seen, (*seen.shape[:-2], -1)) @ kernels
    return np.moveaxis(edges, 3, 1) if data_format == "channels_first" else edges


OPERATIONS: dict[str, Callable[..., Any]] = {
    "Resize": resize, "RGBToGrayscale": rgb_to_grayscale, "RGBToHSV": rgb_to_hsv, "HSVToRGB": hsv_to_rgb, "PadImages": pad_images,
    "CropImages": crop_images, "ExtractPatches": extract_patches, "GaussianBlur": gaussian_blur, "SobelEdges": sobel_edges,
}  # fmt: skip
