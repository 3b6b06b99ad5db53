"""What TensorFlow's functions do otherwise than Keras's operations of the same name, under TensorFlow's names of the arguments."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from weightlens.layers import comparisons
from weightlens.layers.signature import Array, Axis, Function, Setting, Step
from weightlens.operations import images as operations_image
from weightlens.operations import nn as operations_nn
from weightlens.operations import whole_arrays as operations_arrays
from weightlens.operations.numeric import plain_size

INDEX = {"...": Ellipsis, "Ellipsis": Ellipsis, "ellipsis": Ellipsis, "newaxis": None, "tf.newaxis": None, "None": None}

MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")  # of a strided slice


# Indices and sizes.


def index_part(spec: Any) -> Any:
    """One part of a stored index: a slice, a number, ``...`` or a new axis."""
    if isinstance(spec, dict) and set(spec) <= {"start", "stop", "step"}:
        return slice(*(None if spec.get(key) is None else plain_size(spec[key]) for key in ("start", "stop", "step")))
    spec = spec.get("value", spec.get("type")) if isinstance(spec, dict) else spec
    return INDEX.get(spec, spec) if isinstance(spec, str) else spec


def getitem(tensor: Any, slice_spec: Any) -> Any:
    """``tensor[slice_spec]``."""
    parts = slice_spec if isinstance(slice_spec, (list, tuple)) else [slice_spec]
    return operations_arrays.getitem(tensor, tuple(index_part(spec) for spec in parts))


def strided_slice(input_: Any, begin: Axis, end: Axis, strides: Sequence[int] | None = None, **masks: int) -> Any:
    """A block of an array, with steps; the masks are sets of positions in the index, one bit each."""
    begin_mask, end_mask, ellipsis, new_axis, shrink = (masks.pop(name, 0) for name in MASKS)
    if masks:
        raise NotImplementedError(f"is called with {next(iter(masks))}, which weightlens does not know")
    key: list[Any] = []
    for i, (first, last) in enumerate(zip(plain_size(begin), plain_size(end), strict=True)):
        bit = 1 << i
        if (ellipsis | new_axis) & bit:
            key.append(Ellipsis if ellipsis & bit else None)
        elif shrink & bit:
            key.append(first)
        else:
            by = 1 if strides is None else int(strides[i])
            key.append(slice(None if begin_mask & bit else first, None if end_mask & bit else last, by))
    return input_[tuple(key)]


def split(value: Array, num_or_size_splits: Any, axis: int = 0) -> Any:
    """Equal parts, or parts of the sizes given."""
    sizes = plain_size(num_or_size_splits)
    if isinstance(sizes, int):
        return np.split(value, sizes, axis=axis)
    if -1 in sizes:
        sizes[sizes.index(-1)] = value.shape[axis] - sum(sizes) - 1
    return np.split(value, np.cumsum(sizes)[:-1].tolist(), axis=axis)


def squeeze(input: Array, axis: Axis = None) -> Any:
    """Without the axes of length 1."""
    return np.squeeze(input, None if axis == () else axis)


def embedding_lookup(params: Array, ids: Array, *, step: Step) -> Any:
    """The rows of one table at ``ids``."""
    if np.ndim(params) != 2:
        raise NotImplementedError("looks up in several tables, or in one of more than two axes")
    return operations_arrays.take(params, ids, 0, step=step)


def sequence_mask(lengths: Array, maxlen: Any = None) -> Any:
    """True for the first ``lengths`` places of ``maxlen``."""
    if maxlen is None:
        raise NotImplementedError("makes a mask as long as the longest sequence, which depends on the data")
    return np.less(np.arange(float(plain_size(maxlen))), np.expand_dims(lengths, -1))


def numbers_from(start: Any, limit: Any = None, delta: Any = 1) -> Any:
    """``start, start + delta, ...`` below ``limit``; one number is the limit."""
    first, last = (0, start) if limit is None else (start, limit)
    first, last, delta = (plain_size(n) if hasattr(n, "op") else float(n) for n in (first, last, delta))
    return np.arange(first, last, delta)


def one_hot(indices: Array, depth: Any, on_value: float = 1.0, off_value: float = 0.0, axis: int = -1) -> Any:
    """``on_value`` at the place that is named, ``off_value`` elsewhere."""
    hot = comparisons.one_hot(indices, plain_size(depth), axis)
    return hot if (on_value, off_value) == (1.0, 0.0) else np.where(np.equal(hot, 1.0), on_value, off_value)


# Arithmetic.


def add_n(inputs: Sequence[Array]) -> Any:
    """The sum of several arrays."""
    return functools.reduce(np.add, inputs)


def cumulative(function: Function) -> Function:
    """A running sum or product."""

    def call(x: Array, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> Any:
        x = np.flip(x, axis) if reverse else x
        if exclusive:  # without the number itself
            before = [(0, 0)] * (x.ndim - 1) + [(1, 0)]
            x = np.moveaxis(np.pad(np.moveaxis(x, axis, -1)[..., :-1], before, constant_values=float(function is np.cumprod)), -1, axis)
        y = function(x, axis=axis)
        return np.flip(y, axis) if reverse else y

    return call


def sort(values: Array, axis: int = -1, direction: str = "ASCENDING") -> Any:
    """The numbers in rising or falling order."""
    y = operations_arrays.sort(values, axis)
    return np.flip(y, axis) if direction == "DESCENDING" else y


def argsort(values: Array, axis: int = -1, direction: str = "ASCENDING", *, step: Step) -> Any:
    """The places of the numbers in rising or falling order."""
    return operations_arrays.argsort(-values if direction == "DESCENDING" else values, axis, step=step)


def l2_normalize(x: Array, axis: Axis = None, epsilon: float = 1e-12) -> Any:
    """``x / sqrt(max(sum of x^2, epsilon))``."""
    return x / np.sqrt(np.maximum(np.sum(x * x, axis=axis, keepdims=True), epsilon))


def matmul(a: Array, b: Array, transpose_a: bool = False, transpose_b: bool = False, *, step: Step) -> Any:
    """The matrix product of the last two axes."""
    a, b = operations_arrays.placed(a, step), operations_arrays.placed(b, step)
    return (np.swapaxes(a, -1, -2) if transpose_a else a) @ (np.swapaxes(b, -1, -2) if transpose_b else b)


def einsum(equation: Any, *inputs: Array, step: Step) -> Any:
    """A sum of products over named axes; Keras 2 does not store of what."""
    if not inputs:
        raise NotImplementedError("is an einsum whose operands Keras 2 did not save")
    return operations_arrays.einsum(*inputs, subscripts=equation, step=step)


def band_part(input: Array, num_lower: int, num_upper: int) -> Any:
    """A matrix with zeros away from its diagonal."""
    rows, columns = np.arange(input.shape[-2])[:, None], np.arange(input.shape[-1])
    kept = ((num_lower < 0) | (rows - columns <= num_lower)) & ((num_upper < 0) | (columns - rows <= num_upper))
    return np.where(kept, input, 0.0)


# Neural networks.


def bias_add(value: Array, bias: Array, data_format: str | None = None) -> Any:
    """``value + bias`` along the channels."""
    return value + (np.reshape(bias, (-1, *((1,) * (value.ndim - 2)))) if data_format == "channels_first" else bias)


def local_response_normalization(input: Array, depth_radius: int = 5, bias: float = 1.0, alpha: float = 1.0, beta: float = 0.5) -> Any:
    """``x / (bias + alpha * sum of x^2 of the channels nearby) ^ beta``."""
    r = int(depth_radius)
    squares = np.pad(input * input, [(0, 0)] * (input.ndim - 1) + [(r, r)])
    return input / np.power(bias + alpha * np.sum(sliding_window_view(squares, 2 * r + 1, axis=-1), axis=-1), beta)


def standardized(image: Array) -> Any:
    """Each picture with mean 0 and variance 1; its deviation counts as at least ``1 / sqrt(number of values)``."""
    over = (-3, -2, -1)
    centered = image - np.mean(image, axis=over, keepdims=True)
    deviation = np.sqrt(np.mean(centered * centered, axis=over, keepdims=True))
    return centered / np.maximum(deviation, 1.0 / np.sqrt(float(np.prod(image.shape[-3:]))))


def patches(images: Array, sizes: Sequence[int], strides: Sequence[int], rates: Sequence[int], padding: str) -> Any:
    """Every window as one long pixel."""
    size, by, rate = (tuple(int(n) for n in setting[1:3]) for setting in (sizes, strides, rates))
    return operations_image.extract_patches(images, size, by, rate, padding)


def resized(method: str) -> Function:
    """Pictures of another size by a node of the graph, pixels being areas (``half_pixel_centers``)."""

    def call(images: Array, size: Setting, half_pixel_centers: bool = False, align_corners: bool = False, *, step: Step) -> Any:
        if align_corners or not half_pixel_centers:
            raise NotImplementedError("resizes as TensorFlow 1 did (without half_pixel_centers)")
        return operations_image.resize(images, tuple(plain_size(size)), interpolation=method, step=step)

    return call


def spatial(setting: Setting, x: Array) -> Any:
    """The part of a setting that belongs to the spatial axes."""
    if setting is None or isinstance(setting, int):
        return setting
    numbers = tuple(int(n) for n in setting)
    return numbers if len(numbers) < x.ndim else numbers[1:-1]


def pooled(operation: Function) -> Function:
    """Pooling of pictures or sequences."""

    def call(input: Array, ksize: Setting, strides: Setting, padding: str, data_format: str | None = None, *, step: Step) -> Any:
        size, by = spatial(ksize, input), spatial(strides, input)
        return operation(input, size, by, padding, data_format, step=step)

    return call


def convolution(operation: Function) -> Function:
    """A convolution with one kernel."""

    def call(
        input: Array,
        filters: Array,
        strides: Setting = 1,
        padding: Any = "valid",
        data_format: str | None = None,
        dilations: Setting = 1,
        *,
        step: Step,
    ) -> Any:
        if not isinstance(padding, str):
            input, padding = np.pad(input, np.asarray(padding).tolist()), "valid"
        by, rate = spatial(strides, input), spatial(dilations, input)
        return operation(input, operations_arrays.array(filters), by, padding, data_format, rate, step=step)

    return call


def transposed_convolution(
    input: Array, filters: Array, output_shape: Any, strides: Setting, padding: str = "same", data_format: str | None = None, *, step: Step
) -> Any:
    """Transposed convolution, to a shape that it would have anyway."""
    kernel, by = operations_arrays.array(filters), spatial(strides, input)
    y = operations_nn.conv_transpose(input, kernel, by, padding, None, data_format, step=step)
    if tuple(plain_size(output_shape))[1:] != y.shape[1:]:
        raise NotImplementedError(f"is a transposed convolution to a shape of its own, {tuple(plain_size(output_shape))}")
    return y


# Nodes of TensorFlow's own graph whose last argument says along which axis.


def concat(*values: Any) -> Any:
    """The arrays one after the other along the axis that comes last."""
    return operations_arrays.concatenate(values[:-1], plain_size(values[-1]))
