"""TensorFlow's functions on pictures that Keras 2 stored as layers, and its convolutions; by path, with TensorFlow's argument names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from weightlens.layers import operations_image, operations_nn, pooling, resizing
from weightlens.layers.activations import Step
from weightlens.layers.operations_tensorflow import known, order, pooled, spatial
from weightlens.layers.windows import pad_space

Function = Callable[..., Any]
TO_YUV = np.array([[0.299, -0.14714119, 0.61497538], [0.587, -0.28886916, -0.51496512], [0.114, 0.43601035, -0.10001026]])


def old_resize(method: str) -> Function:
    """Pictures of another size as TensorFlow 1 does it: by the corners of pixels, or with first and last pixels on each other."""

    def weights(old: int, new: int, align_corners: bool) -> np.ndarray:
        scale = (old - 1) / (new - 1) if align_corners and new > 1 else old / new
        at = (np.arange(new, dtype=np.float32) * np.float32(scale)).astype(float)
        if method == "nearest":
            at = np.floor(at + 0.5) if align_corners else np.floor(at)
        return np.asarray(np.maximum(1.0 - np.abs(np.minimum(at, old - 1.0)[:, None] - np.arange(old)), 0.0))

    def call(images: Any, size: Any, align_corners: bool = False, half_pixel_centers: bool = False, *, step: Step) -> Any:
        if half_pixel_centers:
            return operations_image.resize(images, tuple(int(n) for n in size), method, step=step)
        rows, columns = (
            step(name, weights(n, int(m), align_corners).astype(images.dtype))
            for name, n, m in zip(("row weights", "column weights"), images.shape[1:3], size, strict=True)
        )
        n, height, width, channels = images.shape
        tall = step("resized rows", np.reshape(rows @ np.reshape(images, (n, height, -1)), (n, int(size[0]), width, channels)))
        return step("resized", columns @ tall)

    return call


def cut(image: Any, top: int, left: int, height: int, width: int) -> Any:
    """A part of each picture."""
    return image[..., top : top + height, left : left + width, :]


def central_crop(image: Any, central_fraction: float) -> Any:
    """The middle of each picture."""
    height, width = image.shape[-3:-1]
    top, left = (int((n - n * central_fraction) / 2) for n in (height, width))
    return cut(image, top, left, height - 2 * top, width - 2 * left)


def padded(image: Any, offset_height: int, offset_width: int, target_height: int, target_width: int) -> Any:
    """Zeros around each picture."""
    height, width = image.shape[-3:-1]
    margins = [(offset_height, target_height - height - offset_height), (offset_width, target_width - width - offset_width), (0, 0)]
    return np.pad(image, [(0, 0)] * (image.ndim - 3) + margins)


def crop_or_pad(image: Any, target_height: int, target_width: int) -> Any:
    """The middle of each picture, or zeros around it."""
    top, left = (max(n - m, 0) // 2 for n, m in zip(image.shape[-3:-1], (target_height, target_width), strict=True))
    image = cut(image, top, left, target_height, target_width)
    top, left = ((m - n) // 2 for n, m in zip(image.shape[-3:-1], (target_height, target_width), strict=True))
    return padded(image, top, left, target_height, target_width)


def standardized(image: Any) -> Any:
    """Each picture with mean 0 and variance 1; its deviation counts as at least ``1 / sqrt(number of values)``."""
    over = (-3, -2, -1)
    centered = image - np.mean(image, axis=over, keepdims=True)
    deviation = np.sqrt(np.mean(centered * centered, axis=over, keepdims=True))
    return centered / np.maximum(deviation, 1.0 / np.sqrt(float(np.prod(image.shape[-3:]))))


def contrast(images: Any, contrast_factor: float) -> Any:
    """Each channel farther from (or nearer to) its mean."""
    mean = np.mean(images, axis=(-3, -2), keepdims=True)
    return (images - mean) * contrast_factor + mean


def patches(images: Any, sizes: Any, strides: Any, rates: Any, padding: str) -> Any:
    """Every window as one long pixel."""
    size, by, rate = (tuple(int(n) for n in setting[1:3]) for setting in (sizes, strides, rates))
    return operations_image.extract_patches(images, size, by, rate, padding.lower())


def yuv(images: Any, *, step: Step) -> Any:
    """Brightness and two differences of colour."""
    return images @ step("kernel", TO_YUV)


def pool(
    input: Any,
    window_shape: Any,
    pooling_type: str,
    strides: Any = None,
    padding: str = "VALID",
    data_format: Any = None,
    dilations: Any = None,
    *,
    step: Step,
) -> Any:
    """Pooling by the name of its kind."""
    if dilations is not None and np.any(np.not_equal(dilations, 1)):
        raise NotImplementedError("pools with holes (dilations)")
    layer = {"MAX": pooling.max_pooling, "AVG": pooling.average_pooling}[pooling_type]
    return pooled(layer)(input, window_shape, 1 if strides is None else strides, padding, data_format, step=step)


def depthwise_conv2d(
    input: Any, filter: Any, strides: Any, padding: Any, data_format: Any = None, dilations: Any = None, rate: Any = None, *, step: Step
) -> Any:
    """Convolution of each channel by itself, with a constant kernel."""
    rates = spatial(next((r for r in (dilations, rate) if r is not None), 1), input)
    kernel = np.asarray(filter, float)
    return operations_nn.depthwise_conv(input, kernel, spatial(strides, input), padding.lower(), order(data_format), rates, step=step)


def separable_conv2d(
    input: Any, depthwise_filter: Any, pointwise_filter: Any, strides: Any, padding: Any, data_format: Any = None, *, step: Step
) -> Any:
    """A depthwise convolution followed by one over the channels, with constant kernels."""
    depthwise, pointwise = (np.asarray(kernel, float) for kernel in (depthwise_filter, pointwise_filter))
    return operations_nn.separable_conv(
        input, depthwise, pointwise, spatial(strides, input), padding.lower(), order(data_format), step=step
    )


def conv1d(
    value: Any = None,
    filters: Any = None,
    stride: Any = 1,
    padding: Any = "VALID",
    data_format: Any = None,
    dilations: Any = None,
    input: Any = None,
    use_cudnn_on_gpu: Any = None,
    *,
    step: Step,
) -> Any:
    """Convolution of sequences with a constant kernel."""
    x = input if value is None else value
    rate = spatial(1 if dilations is None else dilations, x)
    return operations_nn.conv(x, np.asarray(filters, float), spatial(stride, x), padding.lower(), order(data_format), rate, step=step)


def with_padding(
    images: Any, target_height: int, target_width: int, method: str = "bilinear", antialias: bool = False, *, step: Step
) -> Any:
    """Pictures made to fit a size in their own proportions, with zeros around."""
    height, width = images.shape[1:3]
    ratio = max(width / target_width, height / target_height)
    size = (int(height / ratio), int(width / ratio))
    y = resizing.resize(images, size, str(method).lower(), antialias, step)
    top, left = int((target_height - height / ratio) / 2), int((target_width - width / ratio) / 2)
    return pad_space(y, [(top, target_height - size[0] - top), (left, target_width - size[1] - left)])


def conv2d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: str = "SAME",
    data_format: str = "NHWC",
    dilations: Any = None,
    *,
    step: Step,
) -> Any:
    """Transposed convolution with a constant kernel, to a shape that it would have anyway."""
    rate, way = spatial(1 if dilations is None else dilations, input), order(data_format)
    y = operations_nn.conv_transpose(
        input, np.asarray(filters, float), spatial(strides, input), padding.lower(), None, way, rate, step=step
    )
    if tuple(known(output_shape))[1:] != y.shape[1:]:
        raise NotImplementedError(f"is a transposed convolution to a shape of its own, {tuple(known(output_shape))}")
    return y


def saturation(image: Any, saturation_factor: float, *, step: Step) -> Any:
    """Colours made paler or stronger, in hue, saturation and value."""
    hsv = operations_image.rgb_to_hsv(image, step=step)
    strength = np.minimum(np.maximum(hsv[..., 1:2] * saturation_factor, 0.0), 1.0)
    return operations_image.hsv_to_rgb(np.concatenate([hsv[..., :1], strength, hsv[..., 2:]], axis=-1))


FUNCTIONS: dict[str, Function] = {
    "image.resize_bilinear": old_resize("bilinear"), "image.resize_nearest_neighbor": old_resize("nearest"),
    "image.flip_left_right": lambda image: np.flip(image, axis=-2), "image.flip_up_down": lambda image: np.flip(image, axis=-3),
    "image.rot90": lambda image, k=1: np.rot90(image, k, (image.ndim - 3, image.ndim - 2)), "image.central_crop": central_crop,
    "image.crop_to_bounding_box": lambda image, offset_height, offset_width, target_height, target_width: cut(
        image, offset_height, offset_width, target_height, target_width
    ),
    "image.pad_to_bounding_box": padded, "image.resize_with_crop_or_pad": crop_or_pad, "image.resize_with_pad": with_padding,
    "image.per_image_standardization": standardized, "image.adjust_brightness": lambda image, delta: image + delta,
    "image.adjust_contrast": contrast, "image.adjust_saturation": saturation, "image.extract_patches": patches, "image.rgb_to_yuv": yuv,
    "image.grayscale_to_rgb": lambda images: np.repeat(images, 3, axis=-1), "image.rgb_to_hsv": operations_image.rgb_to_hsv,
    "image.hsv_to_rgb": operations_image.hsv_to_rgb, "nn.pool": pool, "nn.depthwise_conv2d": depthwise_conv2d,
    "nn.separable_conv2d": separable_conv2d, "nn.conv1d": conv1d, "nn.conv2d_transpose": conv2d_transpose,
}  # fmt: skip
