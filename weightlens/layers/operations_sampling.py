"""Operations that read an array between its cells (``keras.ops.image``): transformed images, and images compared window by window."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from weightlens.layers.activations import Step
from weightlens.layers.operations_image import on_images
from weightlens.layers.resizing import saturated
from weightlens.layers.windows import channels_last, windows
from weightlens.whole import is_whole

CLOSE = 1e-3  # pixels


def fixed(setting: Any, what: str) -> np.ndarray:
    """A setting as numbers in single precision, in which TensorFlow works out places."""
    if hasattr(setting, "op"):
        raise NotImplementedError(f"takes its {what} from the data")
    return np.asarray(setting, np.float32)


# Where a place outside lands, in the words of TensorFlow's ImageProjectiveTransformV3. Singles in, singles out.


def reflected(at: np.ndarray, length: int) -> np.ndarray:
    """Mirrored at the edges, which are repeated: ``d c b a | a b c d | d c b a``."""
    if length == 1:
        return np.zeros_like(at)
    twice = np.float32(2 * length)
    low = np.where(at < -twice, twice * np.trunc(-at / twice) + at, at)
    low = np.where(low < -length, low + twice, -low - 1)
    high = at - twice * np.trunc(at / twice)
    high = np.where(high >= length, twice - high - 1, high)
    return np.clip(np.where(at < 0, low, np.where(at > length - 1, high, at)), 0, length - 1)


def wrapped(at: np.ndarray, length: int) -> np.ndarray:
    """From the other side: ``a b c d | a b c d | a b c d``."""
    if length == 1:
        return np.zeros_like(at)
    low = at + length * (np.trunc(-at / np.float32(length - 1)) + 1)
    high = at - length * np.trunc(at / np.float32(length - 1))
    return np.clip(np.where(at < 0, low, np.where(at > length - 1, high, at)), 0, length - 1)


OUTSIDE: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "constant": lambda at, length: at, "nearest": lambda at, length: np.clip(at, 0, length - 1), "reflect": reflected, "wrap": wrapped,
}  # fmt: skip


def read(images: Any, rows: np.ndarray, columns: np.ndarray, fill: float) -> Any:
    """The pixels at whole places, ``fill`` where there are none."""
    height, width = images.shape[1:3]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    places = np.where(inside, rows, 0).astype(int) * width + np.where(inside, columns, 0).astype(int)
    flat = np.reshape(images, (images.shape[0], height * width, images.shape[3]))
    return np.where(inside[..., None], np.take(flat, places, axis=1), fill)


def transformed(images: Any, matrix: np.ndarray, interpolation: str, fill_mode: str, fill: float, exact: bool) -> Any:
    """Each pixel read where ``matrix`` sends it: ``(a x + b y + c, d x + e y + f) / (g x + h y + 1)``."""
    if fill_mode not in OUTSIDE:
        raise NotImplementedError(f"fill_mode {fill_mode!r} is not one that weightlens computes")
    height, width = images.shape[1:3]
    y, x = (axis.astype(np.float32) for axis in np.mgrid[:height, :width])
    a, b, c, d, e, f, g, h = matrix.astype(np.float32)
    below = g * x + h * y + np.float32(1)
    some = np.where(below == 0, np.float32(1), below)
    columns = np.where(below == 0, -np.inf, OUTSIDE[fill_mode]((a * x + b * y + c) / some, width))
    rows = np.where(below == 0, -np.inf, OUTSIDE[fill_mode]((d * x + e * y + f) / some, height))
    if interpolation == "nearest":  # halves away from zero
        if not exact and any(np.any(np.abs(np.abs(at) % 1.0 - 0.5) < CLOSE) for at in (rows, columns)):
            raise NotImplementedError("reads in the middle between two pixels, and rounding decides which")
        row, column = (np.copysign(np.floor(np.abs(at) + np.float32(0.5)), at) for at in (rows, columns))
        return read(images, row, column, fill)
    top, left = np.floor(rows), np.floor(columns)
    down, right = (np.where(np.isfinite(first), at - first, 0.0)[..., None] for at, first in ((rows, top), (columns, left)))
    above = read(images, top, left, fill) * (1.0 - right) + read(images, top, left + 1, fill) * right
    under = read(images, top + 1, left, fill) * (1.0 - right) + read(images, top + 1, left + 1, fill) * right
    return above * (1.0 - down) + under * down


def each_transformed(
    images: Any, matrices: np.ndarray, interpolation: str, fill_mode: str, fill: float, kind: Any, exact: bool = True
) -> Any:
    """All images by one matrix, or each by its own."""
    if is_whole(kind) and interpolation != "nearest":
        raise NotImplementedError("cuts off fractions that are right to single precision only")
    if len(matrices) == 1:
        return transformed(images, matrices[0], interpolation, fill_mode, fill, exact)
    if len(matrices) != images.shape[0]:
        raise NotImplementedError(f"holds {len(matrices)} transforms, so it takes as many samples")
    parts = [transformed(images[i : i + 1], matrix, interpolation, fill_mode, fill, exact) for i, matrix in enumerate(matrices)]
    return np.concatenate(parts, axis=0)


@on_images
def affine_transform(
    images: Any,
    transform: Any,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    input_dtype: str | None = None,
) -> Any:
    """Images turned, sheared, moved: each pixel is read where ``transform`` sends it."""
    matrices = np.reshape(fixed(transform, "transform"), (-1, 8))
    return each_transformed(images, matrices, interpolation, fill_mode, fill_value or 0.0, input_dtype)


def homography(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The transform that sends four points ``end`` to ``start``."""
    rows, wanted = [], []
    for (u, v), (x, y) in zip(start, end, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        wanted += [u, v]
    return np.linalg.solve(np.array(rows, np.float32), np.array(wanted, np.float32))


@on_images
def perspective_transform(
    images: Any,
    start_points: Any,
    end_points: Any,
    interpolation: str = "bilinear",
    fill_value: float = 0.0,
    input_dtype: str | None = None,
) -> Any:
    """Images seen from elsewhere: four points go to four others."""
    corners = [np.reshape(fixed(points, "points"), (-1, 4, 2)) for points in (start_points, end_points)]
    matrices = np.stack([homography(start, end) for start, end in zip(*corners, strict=True)])
    return each_transformed(images, matrices, interpolation, "constant", fill_value or 0.0, input_dtype, exact=False)


def folded(at: np.ndarray, size: int, fill_mode: str) -> np.ndarray:
    """A whole place of one axis brought inside, as ``map_coordinates`` does."""
    if fill_mode == "wrap":
        return at % size
    if fill_mode in ("mirror", "reflect"):
        rest = np.abs(at) % (2 * size)
        at = np.where(rest < size, rest, 2 * size - rest - (fill_mode == "reflect"))
    elif fill_mode not in ("constant", "nearest"):
        raise NotImplementedError(f"fill_mode {fill_mode!r} is not one that weightlens computes")
    inside: np.ndarray = np.clip(at, 0, size - 1)
    return inside


def map_coordinates(
    inputs: Any, coordinates: Any, order: int, fill_mode: str = "constant", fill_value: float = 0.0, input_dtype: str | None = None
) -> Any:
    """The numbers at fixed places between the cells of an array: the nearest (order 0), or the mean of those around, by distance."""
    at = fixed(coordinates, "coordinates")
    if order > 1:
        raise NotImplementedError("reads between cells by splines")
    near: list[list[tuple[np.ndarray, np.ndarray]]] = []  # for each axis, the cells around: place and share
    for axis in at:
        low = np.floor(axis)
        near.append([(np.rint(axis), np.ones_like(axis))] if order == 0 else [(low, 1 - (axis - low)), (low + 1, axis - low)])
    flat: Any = np.reshape(inputs, (-1,))
    total: Any = 0.0
    for corner in itertools.product(*near):
        inside = np.all([(place >= 0) & (place < size) for (place, _), size in zip(corner, inputs.shape, strict=True)], axis=0)
        places = [folded(place.astype(int), size, fill_mode) for (place, _), size in zip(corner, inputs.shape, strict=True)]
        found = np.take(flat, np.ravel_multi_index(tuple(places), inputs.shape), axis=0)
        found = np.where(inside, found, fill_value or 0.0) if fill_mode == "constant" else found
        part = found * math.prod(share.astype(float) for _, share in corner)
        total = total + part
    return np.rint(total) if is_whole(input_dtype) else total


def cubic(x: Any) -> Any:
    """Keys's cubic kernel."""
    y = np.where(x >= 1, ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0, ((1.5 * x - 2.5) * x) * x + 1.0)
    return np.where(x >= 2, 0.0, y)


def lanczos(radius: float) -> Callable[[Any], Any]:
    """A windowed sinc of ``radius`` pixels."""

    def kernel(x: Any) -> Any:
        y = radius * np.sin(math.pi * x) * np.sin(math.pi * x / radius)
        y = np.where(x > 1e-3, y / np.where(x != 0, math.pi**2 * x**2, 1.0), 1.0)
        return np.where(x > radius, 0.0, y)

    return kernel


KERNELS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(["linear", "bilinear", "trilinear", "triangle"], lambda x: np.maximum(0.0, 1.0 - np.abs(x))),
    **dict.fromkeys(["cubic", "bicubic", "tricubic"], cubic), "lanczos3": lanczos(3.0), "lanczos5": lanczos(5.0),
}  # fmt: skip


def shares(length: int, size: int, scale: float, translation: float, method: str, antialias: bool) -> Any:
    """How much of each of ``length`` old cells goes into each of ``size`` new ones."""
    one, half = np.float32(1.0) / np.float32(scale), np.float32(0.5)
    at = (np.arange(size, dtype=np.float32) + half) * one - np.float32(translation) * one - half  # in singles: edges count
    weights = KERNELS[method](np.abs(at[None, :] - np.arange(length)[:, None]) / (max(1.0 / scale, 1.0) if antialias else 1.0))
    total = np.sum(weights, axis=0, keepdims=True)
    enough = np.abs(total) > 1000.0 * np.finfo(np.float32).eps
    weights = np.where(enough, weights / np.where(total != 0, total, 1.0), 0.0)
    return np.where((at >= -0.5) & (at <= length - 0.5), weights, 0.0)


def scale_and_translate(
    images: Any,
    output_shape: Any,
    scale: Any,
    translation: Any,
    spatial_dims: Any,
    method: str,
    antialias: bool = True,
    input_dtype: str | None = None,
    *,
    step: Step,
) -> Any:
    """Arrays made larger and moved along some axes, whatever the new size shows of them."""
    scale, translation = fixed(scale, "scale").astype(float), fixed(translation, "translation").astype(float)
    y = images
    for number, axis in enumerate(spatial_dims):
        size = int(output_shape[axis])
        weights = shares(y.shape[axis], size, float(scale[number]), float(translation[number]), method, antialias)
        y = np.moveaxis(step("moved", np.moveaxis(y, axis, -1)) @ step("shares", weights.astype(images.dtype)), -1, axis)
    if is_whole(input_dtype) and len(spatial_dims):
        y = np.minimum(np.maximum(np.rint(y), np.min(images)), np.max(images))
        return saturated(y, str(input_dtype))
    return y


def bell(size: int, sigma: float) -> np.ndarray:
    """The weights of a round window, largest in the middle, one under the other; they add up to 1."""
    slope = np.exp(-((np.arange(size) - (size - 1) / 2.0) ** 2) / (2.0 * sigma**2))
    return np.reshape(np.outer(slope, slope) / np.sum(slope) ** 2, (-1, 1))


def blurred(name: str, x: Any, kernel: Any, step: Step) -> Any:
    """The weighted mean of each window of a picture."""
    size = math.isqrt(kernel.shape[0])
    seen = windows(step(name, x), (size, size), (1, 1), (1, 1), "valid")
    return np.reshape(np.reshape(seen, (*seen.shape[:-2], -1)) @ kernel, seen.shape[:-2])


def ssim(
    image1: Any,
    image2: Any,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: str | None = None,
    input_dtype: str | None = None,
    *,
    step: Step,
) -> Any:
    """How alike two images are in brightness, contrast and structure, window by window (SSIM): 1 where they are the same."""
    if is_whole(input_dtype):
        raise NotImplementedError("cuts the likeness of whole images off to a whole number")
    single, config = image1.ndim == 3, {"data_format": data_format}
    first, second = (channels_last(np.expand_dims(image, 0) if single else image, config) for image in (image1, image2))
    around = partial(blurred, kernel=step("kernel", bell(filter_size, filter_sigma).astype(first.dtype)), step=step)
    mean1, mean2 = step("mean 1", around("image 1", first)), step("mean 2", around("image 2", second))
    spread1 = around("square 1", first * first) - mean1 * mean1
    spread2 = around("square 2", second * second) - mean2 * mean2
    together = around("product", first * second) - mean1 * mean2
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    alike = (2.0 * mean1 * mean2 + c1) * (2.0 * together + c2) / ((mean1 * mean1 + mean2 * mean2 + c1) * (spread1 + spread2 + c2))
    y = np.mean(step("alike", alike), axis=tuple(range(1, alike.ndim)))
    return y[0] if single else y


OPERATIONS: dict[str, Callable[..., Any]] = {
    "AffineTransform": affine_transform, "PerspectiveTransform": perspective_transform, "MapCoordinates": map_coordinates,
    "ScaleAndTranslate": scale_and_translate, "SSIM": ssim,
}  # fmt: skip
