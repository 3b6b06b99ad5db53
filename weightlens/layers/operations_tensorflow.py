"""TensorFlow functions that Keras 2 stored as layers (``TFOpLambda``, ``SlicingOpLambda``): by path, with TensorFlow's argument names."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from weightlens.layers import (
    activations,
    operations_arrays,
    operations_image,
    operations_linalg,
    operations_math,
    operations_nn,
    operations_numpy,
    pooling,
)
from weightlens.layers.activations import Step
from weightlens.layers.comparisons import equal, greater, greater_equal, less, less_equal, not_equal

Function = Callable[..., Any]


def unary(function: Function) -> Function:
    """A function of one array."""
    return lambda x: function(x)


def binary(function: Function) -> Function:
    """A function of ``x`` and ``y``."""
    return lambda x, y: function(x, y)


def reduced(function: Function) -> Function:
    """A reduction of ``input_tensor`` over ``axis``."""
    return lambda input_tensor, axis=None, keepdims=False: function(input_tensor, axis=axes(axis), keepdims=keepdims or False)


def axes(axis: Any) -> Any:
    """Axes as NumPy takes them: one number or a tuple."""
    return tuple(int(a) for a in axis) if isinstance(axis, (list, tuple, np.ndarray)) and np.ndim(axis) else axis


def index_part(spec: Any) -> Any:
    """One part of a stored index: a slice, a number, ``...`` or a new axis."""
    if isinstance(spec, dict) and set(spec) <= {"start", "stop", "step"}:
        return slice(*(spec.get(key) for key in ("start", "stop", "step")))
    if isinstance(spec, dict):
        spec = spec.get("value", spec.get("type"))
    return (
        {"...": Ellipsis, "Ellipsis": Ellipsis, "ellipsis": Ellipsis, "newaxis": None, "tf.newaxis": None, "None": None}.get(spec, spec)
        if isinstance(spec, str)
        else spec
    )


def getitem(tensor: Any, slice_spec: Any) -> Any:
    """``tensor[slice_spec]``."""
    parts = slice_spec if isinstance(slice_spec, (list, tuple)) else [slice_spec]
    return operations_arrays.getitem(tensor, tuple(index_part(spec) for spec in parts))


def known(size: Any) -> Any:
    """A size that the graph works out from shapes (``tf.shape``), as plain numbers."""
    size = getattr(size, "value", size)
    return [known(n) for n in size] if isinstance(size, (list, tuple)) or np.ndim(size) else int(size)


def reshape(tensor: Any, shape: Any) -> Any:
    """The same numbers in another shape."""
    return operations_arrays.reshape(tensor, known(shape))


def transpose(a: Any, perm: Any = None, conjugate: bool = False) -> Any:
    """The axes in another order."""
    return np.transpose(a, axes(perm))


def split(value: Any, num_or_size_splits: Any, axis: int = 0) -> Any:
    """Equal parts, or parts of the sizes given."""
    if isinstance(num_or_size_splits, int):
        return np.split(value, num_or_size_splits, axis=axis)
    sizes = [int(n) for n in num_or_size_splits]
    if -1 in sizes:
        sizes[sizes.index(-1)] = value.shape[axis] - sum(sizes) - 1
    return np.split(value, np.cumsum(sizes)[:-1].tolist(), axis=axis)


def squeeze(input: Any, axis: Any = None) -> Any:
    """Without the axes of length 1."""
    return np.squeeze(input, axes(axis) or None)


def gather(params: Any, indices: Any, axis: int | None = 0, batch_dims: int = 0, *, step: Step) -> Any:
    """The entries at ``indices``."""
    if batch_dims:
        raise NotImplementedError("gathers for each sample by itself (batch_dims)")
    return operations_arrays.take(params, indices, axis or 0, step=step)


def clip(t: Any, clip_value_min: Any, clip_value_max: Any) -> Any:
    """``t`` cut to a range."""
    return operations_numpy.clip(t, clip_value_min, clip_value_max)


def cast(x: Any, dtype: Any, input_dtype: str | None = None) -> Any:
    """Numbers of another kind."""
    return operations_math.cast(x, str(dtype).removeprefix("tf."), input_dtype)


def matmul(a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, *, step: Step) -> Any:
    """The matrix product of the last two axes."""
    a, b = operations_arrays.placed(a, step), operations_arrays.placed(b, step)
    return (np.swapaxes(a, -1, -2) if transpose_a else a) @ (np.swapaxes(b, -1, -2) if transpose_b else b)


def einsum(equation: Any, *inputs: Any, step: Step) -> Any:
    """A sum of products over named axes; Keras 2 does not store of what."""
    if not inputs:
        raise NotImplementedError("is an einsum whose operands Keras 2 did not save")
    return operations_arrays.einsum(*inputs, subscripts=equation, step=step)


def pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: float = 0) -> Any:
    """Cells added around."""
    return operations_arrays.pad(tensor, paddings, mode.lower(), constant_values)


def softmax(logits: Any, axis: Any = None, *, step: Step) -> Any:
    """``e^x / sum of e^x`` along the last axis unless told otherwise."""
    return activations.softmax(logits, step, -1 if axis is None else axis)


def log_softmax(logits: Any, axis: Any = None, *, step: Step) -> Any:
    """The logarithm of ``softmax``."""
    return activations.log_softmax(logits, step, -1 if axis is None else axis)


def logsumexp(input_tensor: Any, axis: Any = None, keepdims: bool = False, *, step: Step) -> Any:
    """``ln(sum of e^x)``."""
    return operations_math.logsumexp(input_tensor, axes(axis), keepdims, step=step)


def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12) -> Any:
    """``x / sqrt(max(sum of x^2, epsilon))``."""
    return x / np.sqrt(np.maximum(np.sum(x * x, axis=axes(axis), keepdims=True), epsilon))


def norm(tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: bool = False) -> Any:
    """The length of vectors."""
    return operations_linalg.norm(tensor, None if ord == "euclidean" else ord, axes(axis), keepdims or False)


def one_hot(indices: Any, depth: int, on_value: Any = None, off_value: Any = None, axis: int | None = None) -> Any:
    """``on_value`` at the place that is named, ``off_value`` elsewhere."""
    hot = operations_nn.one_hot(indices, depth, -1 if axis is None else axis)
    on, off = 1.0 if on_value is None else on_value, 0.0 if off_value is None else off_value
    return hot if (on, off) == (1.0, 0.0) else np.where(np.equal(hot, 1.0), on, off)


def top_k(input: Any, k: int = 1, *, step: Step) -> Any:
    """The ``k`` largest numbers of the last axis, and their places."""
    return operations_math.top_k(input, k, step=step)


def cumulative(function: Function) -> Function:
    """A running sum or product."""

    def call(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> Any:
        x = np.flip(x, axis) if reverse else x
        if exclusive:  # without the number itself
            before = [(0, 0)] * (x.ndim - 1) + [(1, 0)]
            x = np.moveaxis(np.pad(np.moveaxis(x, axis, -1)[..., :-1], before, constant_values=float(function is np.cumprod)), -1, axis)
        y = function(x, axis=axis)
        return np.flip(y, axis) if reverse else y

    return call


def argument(function: Function) -> Function:
    """The place of the largest or smallest number along ``axis``."""
    return lambda input, axis=None: function(input, axis=0 if axis is None else axis)


def resize(
    images: Any, size: Any, method: str = "bilinear", preserve_aspect_ratio: bool = False, antialias: bool = False, *, step: Step
) -> Any:
    """Images of another size."""
    if preserve_aspect_ratio:  # as large as fits
        lengths = np.asarray(images.shape[-3:-1], np.float32)
        size = np.rint(lengths * np.min(np.asarray(size, np.float32) / lengths))
    return operations_image.resize(images, tuple(int(n) for n in size), str(method).lower(), antialias, step=step)


def space(function: Function) -> Function:
    """Channels to pixels or back."""
    return lambda input, block_size, data_format="NHWC": function(input, block_size, "channels_first" if data_format == "NCHW" else None)


def bias_add(value: Any, bias: Any, data_format: str | None = None) -> Any:
    """``value + bias`` along the channels."""
    first = data_format is not None and data_format.startswith("NC")
    return value + (np.reshape(bias, (-1, *((1,) * (value.ndim - 2)))) if first else bias)


def tile(input: Any, multiples: Any) -> Any:
    """The whole array several times over."""
    return np.tile(input, tuple(int(n) for n in multiples))


def sliced(input_: Any, begin: Any, size: Any) -> Any:
    """A block of an array."""
    return operations_math.sliced(input_, [int(n) for n in begin], [int(n) for n in size])


def strided_slice(
    input_: Any,
    begin: Any,
    end: Any,
    strides: Any = None,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
) -> Any:
    """A block of an array, with steps; the masks are sets of positions in the index, one bit each."""
    key: list[Any] = []
    for i, (first, last) in enumerate(zip(known(begin), known(end), strict=True)):
        bit = 1 << i
        if ellipsis_mask & bit or new_axis_mask & bit:
            key.append(Ellipsis if ellipsis_mask & bit else None)
        elif shrink_axis_mask & bit:
            key.append(first)
        else:
            by = 1 if strides is None else int(strides[i])
            key.append(slice(None if begin_mask & bit else first, None if end_mask & bit else last, by))
    return input_[tuple(key)]


def scatter_update(tensor: Any, indices: Any, updates: Any) -> Any:
    """An array with the entries at fixed places replaced."""
    return operations_math.scatter_update(tensor, indices, updates)


def moments(x: Any, axes: Any, keepdims: bool = False) -> Any:
    """Mean and population variance."""
    return operations_nn.moments(x, tuple(axes) if isinstance(axes, list) else axes, keepdims)


def pooled(layer: Function) -> Function:
    """Pooling of pictures or sequences."""

    def call(input: Any, ksize: Any, strides: Any, padding: str, data_format: Any = None, *, step: Step) -> Any:
        size, by = spatial(ksize, input), spatial(strides, input)
        return operations_nn.pooled(layer)(input, size, by, padding.lower(), order(data_format), step=step)

    return call


def spatial(setting: Any, x: Any) -> Any:
    """The part of a setting that belongs to the spatial axes."""
    if np.ndim(setting) == 0:
        return setting
    numbers = tuple(int(n) for n in setting)
    return numbers if len(numbers) < x.ndim else numbers[1:-1]


def order(data_format: Any) -> Any:
    """Keras's name of where the channels are."""
    return "channels_first" if str(data_format).startswith("NC") else None


def conv2d(
    input: Any,
    filters: Any = None,
    strides: Any = 1,
    padding: Any = "VALID",
    data_format: Any = None,
    dilations: Any = 1,
    filter: Any = None,
    use_cudnn_on_gpu: bool = True,
    *,
    step: Step,
) -> Any:
    """Convolution with a constant kernel."""
    filters = filter if filters is None else filters
    if not isinstance(padding, str):
        input, padding = np.pad(input, np.asarray(padding).tolist()), "VALID"
    by, rate = spatial(strides, input), spatial(1 if dilations is None else dilations, input)
    return operations_nn.conv(input, np.asarray(filters, float), by, padding.lower(), order(data_format), rate, step=step)


def local_response_normalization(input: Any, depth_radius: int = 5, bias: float = 1.0, alpha: float = 1.0, beta: float = 0.5) -> Any:
    """``x / (bias + alpha * sum of x^2 of the channels nearby) ^ beta``."""
    r = int(depth_radius)
    squares = np.pad(input * input, [(0, 0)] * (input.ndim - 1) + [(r, r)])
    return input / np.power(bias + alpha * np.sum(sliding_window_view(squares, 2 * r + 1, axis=-1), axis=-1), beta)


def sort(values: Any, axis: int = -1, direction: str = "ASCENDING") -> Any:
    """The numbers in rising or falling order."""
    y = np.sort(values, axis=axis)
    return np.flip(y, axis) if direction == "DESCENDING" else y


def argsort(values: Any, axis: int = -1, direction: str = "ASCENDING", *, step: Step) -> Any:
    """The places of the numbers in rising or falling order."""
    return operations_arrays.argsort(-values if direction == "DESCENDING" else values, axis, step=step)


def activation(name: str) -> Function:
    """One of Keras's activations."""
    return lambda x: activations.ELEMENTWISE[name](x)


ELEMENTWISE: dict[str, Function] = {
    "abs": np.abs, "negative": np.negative, "sqrt": np.sqrt, "rsqrt": operations_numpy.OPERATIONS["Rsqrt"], "square": np.square,
    "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "sin": np.sin, "cos": np.cos, "tan": np.tan, "sinh": np.sinh,
    "cosh": np.cosh, "tanh": np.tanh, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "asinh": np.arcsinh, "acosh": np.arccosh,
    "atanh": np.arctanh, "sign": np.sign, "floor": np.floor, "ceil": np.ceil, "round": np.rint, "rint": np.rint,
    "reciprocal": operations_numpy.OPERATIONS["Reciprocal"], "erf": activations.erf, "sigmoid": activations.sigmoid,
    "softplus": activations.softplus, "is_nan": np.isnan, "is_inf": np.isinf, "is_finite": np.isfinite,
    "logical_not": operations_numpy.OPERATIONS["LogicalNot"], "zeros_like": operations_arrays.zeros_like,
    "ones_like": operations_arrays.ones_like, "identity": operations_numpy.same, "stop_gradient": operations_numpy.same,
    "log_sigmoid": activations.log_sigmoid, "softsign": activations.softsign,
}  # fmt: skip
PAIRS: dict[str, Function] = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide, "truediv": np.divide,
    "divide_no_nan": operations_numpy.divide_no_nan, "floordiv": operations_numpy.floor_divide, "floormod": np.mod, "mod": np.mod,
    "pow": np.power, "maximum": np.maximum, "minimum": np.minimum, "greater": greater, "greater_equal": greater_equal, "less": less,
    "less_equal": less_equal, "equal": equal, "not_equal": not_equal, "logical_and": operations_numpy.OPERATIONS["LogicalAnd"],
    "logical_or": operations_numpy.OPERATIONS["LogicalOr"], "logical_xor": operations_numpy.OPERATIONS["LogicalXor"],
    "squared_difference": lambda x, y: np.square(x - y), "floor_div": operations_numpy.floor_divide,
    "xlogy": lambda x, y: np.where(np.equal(x, 0), 0.0, x * np.log(y)),
}  # fmt: skip
REDUCTIONS: dict[str, Function] = {
    "reduce_sum": operations_numpy.total, "reduce_mean": operations_numpy.mean, "reduce_max": operations_numpy.largest,
    "reduce_min": operations_numpy.smallest, "reduce_prod": operations_numpy.product, "reduce_any": operations_numpy.any_of,
    "reduce_all": operations_numpy.all_of, "reduce_std": operations_numpy.std, "reduce_variance": operations_numpy.var,
}  # fmt: skip
OPERATORS = {
    "add": "add", "sub": "subtract", "mul": "multiply", "div": "divide", "truediv": "divide", "floordiv": "floordiv", "mod": "floormod",
    "pow": "pow", "and": "logical_and", "or": "logical_or", "xor": "logical_xor", "gt": "greater", "ge": "greater_equal", "lt": "less",
    "le": "less_equal", "eq": "equal", "ne": "not_equal",
}  # fmt: skip
FUNCTIONS: dict[str, Function] = {
    "__operators__.getitem": getitem, "__operators__.neg": unary(np.negative), "__operators__.abs": unary(np.abs),
    "__operators__.invert": unary(operations_numpy.OPERATIONS["LogicalNot"]), "__operators__.matmul": binary(np.matmul),
    "linalg.matmul": matmul, "matmul": matmul, "linalg.einsum": einsum, "einsum": einsum,
    "tensordot": lambda a, b, axes, *, step: operations_arrays.tensordot(a, b, axes, step=step), "reshape": reshape,
    "transpose": transpose, "compat.v1.transpose": transpose, "concat": lambda values, axis: operations_arrays.concatenate(values, axis),
    "stack": lambda values, axis=0: operations_arrays.stack(values, axis),
    "unstack": lambda value, num=None, axis=0: operations_arrays.unstack(value, num, axis), "split": split, "squeeze": squeeze,
    "compat.v1.squeeze": squeeze, "expand_dims": lambda input, axis: np.expand_dims(input, axis), "tile": tile,
    "repeat": lambda input, repeats, axis=None: operations_arrays.repeat(input, repeats, axis),
    "reverse": lambda tensor, axis: np.flip(tensor, axes(axis)),
    "roll": lambda input, shift, axis: np.roll(input, axes(shift), axes(axis)), "pad": pad, "compat.v1.pad": pad, "gather": gather,
    "compat.v1.gather": gather, "slice": sliced, "strided_slice": strided_slice,
    "broadcast_to": lambda input, shape: operations_arrays.broadcast_to(input, known(shape)), "cast": cast, "clip_by_value": clip,
    "where": lambda condition, x=None, y=None: operations_numpy.where(condition, x, y), "one_hot": one_hot,
    "add_n": lambda inputs: functools.reduce(np.add, inputs), "math.add_n": lambda inputs: functools.reduce(np.add, inputs),
    "math.argmax": argument(np.argmax), "math.argmin": argument(np.argmin), "argmax": argument(np.argmax), "argmin": argument(np.argmin),
    "math.cumsum": cumulative(np.cumsum), "cumsum": cumulative(np.cumsum), "math.cumprod": cumulative(np.cumprod), "math.top_k": top_k,
    "nn.top_k": top_k, "math.reduce_logsumexp": logsumexp, "reduce_logsumexp": logsumexp, "math.l2_normalize": l2_normalize,
    "nn.l2_normalize": l2_normalize, "linalg.l2_normalize": l2_normalize, "norm": norm, "linalg.norm": norm, "sort": sort,
    "argsort": argsort, "linalg.diag_part": lambda input: np.diagonal(input, axis1=-2, axis2=-1),
    "linalg.band_part": operations_linalg.band_part, "linalg.matrix_transpose": lambda a: np.swapaxes(a, -1, -2),
    "tensor_scatter_nd_update": scatter_update, "nn.softmax": softmax, "nn.log_softmax": log_softmax, "nn.relu": unary(activations.relu),
    "nn.relu6": unary(activations.relu6), "nn.elu": unary(activations.elu), "nn.selu": unary(activations.selu),
    "nn.silu": lambda features, beta=1.0: features * activations.sigmoid(beta * features),
    "nn.swish": lambda features, beta=1.0: features * activations.sigmoid(beta * features),
    "nn.gelu": lambda features, approximate=False: activations.gelu(features, approximate),
    "nn.leaky_relu": lambda features, alpha=0.2: activations.leaky_relu(features, alpha), "nn.bias_add": bias_add, "nn.moments": moments,
    "nn.depth_to_space": space(operations_nn.depth_to_space), "nn.space_to_depth": space(operations_nn.space_to_depth),
    "nn.max_pool": pooled(pooling.max_pooling), "nn.max_pool2d": pooled(pooling.max_pooling),
    "nn.avg_pool": pooled(pooling.average_pooling), "nn.avg_pool2d": pooled(pooling.average_pooling),
    "nn.max_pool1d": pooled(pooling.max_pooling), "nn.avg_pool1d": pooled(pooling.average_pooling), "nn.conv2d": conv2d,
    "nn.convolution": conv2d, "nn.local_response_normalization": local_response_normalization, "nn.lrn": local_response_normalization,
    "shape": lambda input: np.array(input.shape), "rank": lambda input: np.array(input.ndim),
    "math.atan2": lambda y, x: operations_numpy.arctan2(y, x), "image.resize": resize,
    "image.rgb_to_grayscale": lambda images: operations_image.rgb_to_grayscale(images),
    "keras.activations.gelu": lambda x, approximate=False: activations.gelu(x, approximate),
}  # fmt: skip
BY_PATH: dict[str, Function] = {
    **{f"tf.{path}{name}": unary(function) for name, function in ELEMENTWISE.items() for path in ("", "math.", "nn.")},
    **{f"tf.{path}{name}": binary(function) for name, function in PAIRS.items() for path in ("", "math.")},
    **{f"tf.{path}{name}": reduced(function) for name, function in REDUCTIONS.items() for path in ("", "math.")},
    **{f"tf.__operators__.{name}": binary(PAIRS[function]) for name, function in OPERATORS.items()},
    **{f"tf.__operators__.r{name}": lambda x, y, function=PAIRS[function]: function(y, x) for name, function in OPERATORS.items()},
    **{f"tf.keras.activations.{name}": activation(name) for name in activations.ELEMENTWISE},
    **{f"tf.{path}": function for path, function in FUNCTIONS.items()},
}
OPERATIONS = BY_PATH | {name.replace("tf.", "tf.compat.v1.", 1): function for name, function in BY_PATH.items()}
