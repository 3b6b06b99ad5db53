"""More of TensorFlow's functions that Keras 2 stored as layers: making, picking and counting; by path, with TensorFlow's argument names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from weightlens.layers import activations, operations_arrays, operations_linalg, operations_math, operations_numpy
from weightlens.layers.activations import Step
from weightlens.layers.operations_tensorflow import axes, known


def filled(number: float) -> Callable[..., Any]:
    """An array of one number."""
    return lambda shape: np.full(known(shape), number)


def numbers_from(start: Any, limit: Any = None, delta: Any = 1) -> Any:
    """``start, start + delta, ...`` below ``limit``; one number is the limit."""
    first, last = (0, start) if limit is None else (start, limit)
    first, last, delta = (float(getattr(n, "value", n)) for n in (first, last, delta))
    return np.arange(first, last, delta)


def sequence_mask(lengths: Any, maxlen: Any = None) -> Any:
    """True for the first ``lengths`` places of ``maxlen``."""
    if maxlen is None:
        raise NotImplementedError("makes a mask as long as the longest sequence, which depends on the data")
    return np.less(np.arange(float(known(maxlen))), np.expand_dims(lengths, -1))


def boolean_mask(tensor: Any, mask: Any, axis: int | None = None) -> Any:
    """The entries at the places that a fixed mask names."""
    if hasattr(mask, "op") or np.ndim(mask) != 1:
        raise NotImplementedError("picks by a mask that depends on the data or has several axes")
    return np.take(tensor, np.flatnonzero(mask), axis=axis or 0)


def gather_nd(params: Any, indices: Any, batch_dims: int = 0, bad_indices_policy: str = "") -> Any:
    """The entries at fixed places, each a list of indices."""
    if batch_dims or hasattr(indices, "op"):
        raise NotImplementedError("gathers at places that depend on the data")
    places = np.asarray(indices, int)
    return params[tuple(np.moveaxis(places, -1, 0))]


def clip_by_norm(t: Any, clip_norm: float, axes: Any = None) -> Any:
    """``t``, made shorter where it is longer than ``clip_norm``."""
    over = tuple(axes) if isinstance(axes, list) else axes
    length = np.sqrt(np.sum(t * t, axis=over, keepdims=True))
    return t * clip_norm / np.maximum(length, clip_norm)


def count_nonzero(input: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """How many numbers are not 0."""
    return np.sum(np.where(operations_numpy.truth(input), 1.0, 0.0), axis=axes(axis), keepdims=keepdims or False)


def diagonal_matrix(diagonal: Any, k: int = 0) -> Any:
    """Vectors on the diagonals of matrices of zeros."""
    if k:
        raise NotImplementedError("puts vectors beside the diagonal")
    return np.where(np.eye(diagonal.shape[-1], dtype=bool), diagonal[..., None], 0.0)


def normalized(tensor: Any, ord: Any = "euclidean", axis: Any = None) -> Any:
    """``tensor`` divided by its length, and the length."""
    length = operations_linalg.norm(tensor, None if ord == "euclidean" else ord, axes(axis), True)
    return [tensor / length, length]


def softmax_cross_entropy(labels: Any, logits: Any, axis: int | None = None, *, step: Step) -> Any:
    """``-sum of labels * ln softmax(logits)``."""
    axis = -1 if axis is None else axis
    return -np.sum(labels * activations.log_softmax(logits, step, axis), axis=axis)


def sigmoid_cross_entropy(labels: Any, logits: Any) -> Any:
    """``-(labels ln p + (1 - labels) ln (1 - p))`` with ``p`` the sigmoid of the logits."""
    return np.maximum(logits, 0.0) - logits * labels + np.log(1.0 + np.exp(-np.abs(logits)))


def frames(signal: Any, frame_length: int, frame_step: int, axis: int = -1) -> Any:
    """Pieces of a sequence, each ``frame_step`` after the one before."""
    if axis not in (-1, signal.ndim - 1):
        raise NotImplementedError("cuts pieces along another axis than the last")
    return operations_math.extract_sequences(signal, int(frame_length), int(frame_step))


def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Any:
    """Where ``values`` would go into the sorted sequences, row by row."""
    compare = np.less if side == "left" else np.less_equal
    found = compare(np.asarray(sorted_sequence)[..., None, :], np.expand_dims(values, -1))
    return np.sum(np.where(found, 1.0, 0.0), axis=-1)


def embedding_lookup(
    params: Any, ids: Any, partition_strategy: str = "mod", validate_indices: bool = True, max_norm: Any = None, *, step: Step
) -> Any:
    """The rows at ``ids``."""
    if max_norm is not None or (isinstance(params, (list, tuple)) and hasattr(params[0], "op")):
        raise NotImplementedError("looks up in several tables, or cuts the length of their rows")
    return operations_arrays.take(params, ids, 0, step=step)


def saturate_cast(value: Any, dtype: Any) -> Any:
    """``cast``, cut to the range of the kind of number."""
    return operations_math.saturate_cast(value, str(dtype).removeprefix("tf."))


def segments(operation: str) -> Callable[..., Any]:
    """The rows that share a segment number, reduced."""
    return lambda data, segment_ids, num_segments: operations_math.OPERATIONS[operation](data, segment_ids, int(num_segments))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "zeros": filled(0.0), "ones": filled(1.0), "fill": lambda dims, value: np.full(known(dims), value), "range": numbers_from,
    "size": lambda input: np.array(int(np.prod(input.shape))), "ensure_shape": lambda x, shape: x, "convert_to_tensor": lambda value: value,
    "sequence_mask": sequence_mask, "boolean_mask": boolean_mask, "gather_nd": gather_nd, "clip_by_norm": clip_by_norm,
    "math.count_nonzero": count_nonzero, "searchsorted": searchsorted, "nn.embedding_lookup": embedding_lookup,
    "meshgrid": lambda *args, indexing="xy": operations_arrays.meshgrid(*args, indexing=indexing), "signal.frame": frames,
    "linalg.diag": diagonal_matrix, "linalg.normalize": normalized, "linalg.inv": lambda input: np.linalg.inv(input),
    "linalg.det": lambda input: np.linalg.det(input), "linalg.cross": lambda a, b: operations_arrays.cross(a, b),
    "linalg.trace": lambda x: operations_arrays.trace(x, 0, -2, -1), "nn.softmax_cross_entropy_with_logits_v2": softmax_cross_entropy,
    "nn.softmax_cross_entropy_with_logits": softmax_cross_entropy, "nn.sigmoid_cross_entropy_with_logits": sigmoid_cross_entropy,
    "math.reduce_euclidean_norm": lambda input_tensor, axis=None, keepdims=False: operations_linalg.norm(
        input_tensor, None, axes(axis), keepdims or False
    ),
    **{f"math.unsorted_segment_{name.lower()}": segments(f"Segment{name}") for name in ("Sum", "Max", "Min", "Prod")},
    "saturate_cast": saturate_cast, "dtypes.saturate_cast": saturate_cast,
    "math.segment_sum": lambda data, segment_ids: operations_math.OPERATIONS["SegmentSum"](data, segment_ids),
    "nn.crelu": lambda features, axis=-1: activations.relu(np.concatenate([features, -features], axis=axis)),
    "math.erfc": lambda x: 1.0 - activations.erf(x), "keras.backend.batch_flatten": lambda x: np.reshape(x, (x.shape[0], -1)),
    "math.reciprocal_no_nan": lambda x: operations_numpy.divide_no_nan(np.ones(x.shape), x),
    "math.multiply_no_nan": lambda x, y: np.where(np.equal(y, 0), 0.0, x * y),
    "math.xdivy": lambda x, y: np.where(np.equal(x, 0), 0.0, np.divide(x, y)),
}  # fmt: skip
