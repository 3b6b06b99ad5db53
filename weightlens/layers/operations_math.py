"""Mathematical, and core operations (``keras.ops.math``, ``core``, ``einops``)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from weightlens.layers import activations
from weightlens.layers.activations import Step
from weightlens.layers.operations_arrays import places_in_order
from weightlens.layers.operations_nn import one_hot
from weightlens.layers.operations_numpy import Axis, is_truth, numbers, same, truth
from weightlens.layers.operations_whole import NARROW, fits, wrapped
from weightlens.layers.resizing import saturated
from weightlens.layers.spectral import fourier, short_time_fourier, window_of
from weightlens.whole import is_whole

LARGEST = float(np.finfo(np.float32).max)

# Mathematics.


def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False, *, step: Step) -> Any:
    """``ln(sum of e^x)`` over ``axis``, the largest taken out first."""
    largest = step("max", np.max(x, axis=axis, keepdims=True))
    total = step("sum", np.sum(step("exponentials", np.exp(x - largest)), axis=axis, keepdims=True))
    y = np.log(total) + largest
    return y if keepdims else np.squeeze(y, axis)


def top_k(x: Any, k: int, *, step: Step) -> Any:
    """The ``k`` largest numbers of the last axis, and their places."""
    falling = np.flip(np.sort(x, axis=-1), axis=-1)
    return [falling[..., :k], places_in_order(-x, step)[..., :k]]


def in_top_k(targets: Any, predictions: Any, k: int) -> Any:
    """Whether fewer than ``k`` predictions are larger than the target's."""
    own = np.sum(one_hot(targets, predictions.shape[-1]) * predictions, axis=-1, keepdims=True)
    return np.less(np.sum(np.where(predictions > own, 1.0, 0.0), axis=-1), k)


def cdist(x: Any, y: Any) -> Any:
    """The distance of every row of ``x`` from every row of ``y``."""
    apart = np.expand_dims(x, -2) - np.expand_dims(y, -3)
    return np.sqrt(np.sum(apart * apart, axis=-1))


def extract_sequences(x: Any, sequence_length: int, sequence_stride: int) -> Any:
    """Every window of the last axis."""
    return sliding_window_view(x, sequence_length, axis=-1)[..., ::sequence_stride, :]


def segment(reduction: Callable[..., Any], stand_in: float) -> Callable[..., Any]:
    """The reduction of the rows that share a segment number."""

    def function(data: Any, segment_ids: Any, num_segments: int | None = None) -> Any:
        if num_segments is None:
            raise NotImplementedError("makes as many rows as there are segments in the data")
        member = np.equal(np.arange(float(num_segments))[:, None], segment_ids)
        member = np.reshape(member, (*member.shape, *((1,) * (data.ndim - 1))))
        return reduction(np.where(member, np.expand_dims(data, 0), stand_in), axis=1)

    return function


def rfft(x: Any, fft_length: int | None = None, *, step: Step) -> Any:
    """How much of each frequency is in the last axis: real and imaginary part."""
    n = x.shape[-1] if fft_length is None else fft_length
    x = x[..., :n] if x.shape[-1] >= n else np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, n - x.shape[-1])])
    cosines, sines = fourier(n, n // 2 + 1, x.dtype)
    return [x @ step("cosines", cosines), x @ step("sines", sines)]


def irfft(x: Any, fft_length: int | None = None, *, step: Step) -> Any:
    """The signal that has these frequencies, given as ``(real, imaginary)``."""
    n = 2 * (x[0].shape[-1] - 1) if fft_length is None else fft_length
    wanted = n // 2 + 1
    real, imaginary = (
        part[..., :wanted] if part.shape[-1] >= wanted else np.pad(part, [(0, 0)] * (part.ndim - 1) + [(0, wanted - part.shape[-1])])
        for part in x
    )
    twice = np.where((np.arange(wanted) == 0) | (2 * np.arange(wanted) == n), 1.0, 2.0) / n  # a frequency stands for its mirror image too
    cosines, sines = (step(name, (m * twice).T) for name, m in zip(("cosines", "sines"), fourier(n, wanted, real.dtype), strict=True))
    return step("from cosines", real @ cosines) + step("from sines", imaginary @ sines)


def erfinv(x: Any) -> Any:
    """The number whose error function is ``x``."""
    return np.frompyfunc(lambda v: NormalDist().inv_cdf((v + 1.0) / 2.0) / math.sqrt(2.0) if abs(v) < 1.0 else v * math.inf, 1, 1)(
        x
    ).astype(float)


def fft(x: Any, *, step: Step) -> Any:
    """The Fourier transform of the last axis of ``(real, imaginary)``."""
    real, imaginary = x
    cosines, sines = (
        step(name, m) for name, m in zip(("cosines", "sines"), fourier(real.shape[-1], real.shape[-1], real.dtype), strict=True)
    )
    parts = [
        step(name, a @ m)
        for name, a, m in (("rc", real, cosines), ("is", imaginary, sines), ("rs", real, sines), ("ic", imaginary, cosines))
    ]
    return [parts[0] - parts[1], parts[2] + parts[3]]


def fft2(x: Any, *, step: Step) -> Any:
    """The Fourier transform of the last two axes."""
    turned = [np.swapaxes(part, -1, -2) for part in fft(x, step=step)]
    return [np.swapaxes(part, -1, -2) for part in fft(turned, step=step)]


def ifft2(x: Any, *, step: Step) -> Any:
    """The inverse of ``fft2``."""
    real, imaginary = fft2([x[0], -x[1]], step=step)
    size = real.shape[-1] * real.shape[-2]
    return [real / size, -imaginary / size]


def stft(
    x: Any, sequence_length: int, sequence_stride: int, fft_length: int, window: Any = "hann", center: bool = True, *, step: Step
) -> Any:
    """The Fourier transform of each short piece: real and imaginary part, ``(..., pieces, frequencies)``."""
    return list(short_time_fourier(x, sequence_length, sequence_stride, fft_length, window, center, step))


def istft(
    x: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: Any = "hann",
    center: bool = True,
    *,
    step: Step,
) -> Any:
    """The signal whose short pieces have these frequencies, given as ``(real, imaginary)``: the pieces added up where they overlap."""
    pieces = step("pieces", irfft(x, fft_length, step=step))
    count, left = pieces.shape[-2], (fft_length - sequence_length) // 2
    if window is not None:
        weights = np.pad(window_of(window, sequence_length), (left, fft_length - sequence_length - left))
        squares = np.pad(weights**2, (0, -fft_length % sequence_stride)).reshape(-1, sequence_stride).sum(axis=0)
        pieces = step("windowed", pieces * (weights / np.resize(squares, fft_length)))
    end = fft_length + sequence_stride * (count - 1)
    rest = [(0, 0)] * (pieces.ndim - 2)
    starts = range(0, sequence_stride * count, sequence_stride)
    y: Any = sum(np.pad(pieces[..., i, :], [*rest, (start, end - fft_length - start)]) for i, start in enumerate(starts))
    first = fft_length // 2 if center else 0
    return y[..., first : end - first if length is None else first + length]


# Core.


def cast(x: Any, dtype: str, input_dtype: str | None = None) -> Any:
    """Numbers of another kind: cut off to whole ones, or to true and false. Whole numbers of more bits keep the lowest."""
    if dtype == "bool":
        return truth(x)
    if is_whole(dtype):
        if is_whole(input_dtype) and dtype in NARROW and not np.can_cast(str(input_dtype), dtype):
            return wrapped(x, dtype)
        y = np.trunc(numbers(x))
        if not fits(y, dtype):
            raise NotImplementedError(f"makes {dtype} of numbers that it cannot hold")
        return y
    if dtype in ("float16", "bfloat16"):
        raise NotImplementedError(f"rounds to {dtype}, which weightlens does not imitate")
    return numbers(x)


def saturate_cast(x: Any, dtype: str) -> Any:
    """``cast``, cut to the range of the kind of number."""
    if is_whole(dtype):
        x = saturated(x, dtype)
    elif dtype == "bool" and not is_truth(x):
        x = np.maximum(x, 0.0)
    return cast(x, dtype)


def convert(x: Any, dtype: str | None = None, input_dtype: str | None = None) -> Any:
    """``x``, as ``dtype`` if one is given."""
    return x if dtype is None else cast(x, dtype, input_dtype)


def sliced(inputs: Any, start_indices: Any, shape: Any) -> Any:
    """A block of ``inputs`` that begins at ``start_indices``; ``-1`` reaches to the end."""
    if any(hasattr(start, "op") for start in start_indices):
        raise NotImplementedError("cuts out a block at a place that depends on the data")
    pairs = zip((int(start) for start in start_indices), shape, inputs.shape, strict=True)
    return inputs[tuple(slice(start, n if size in (-1, None) else start + size) for start, size, n in pairs)]


def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Any:
    """``inputs`` with a block of it replaced."""
    if any(hasattr(start, "op") for start in start_indices):
        raise NotImplementedError("replaces a block at a place that depends on the data")
    places = [(int(start), int(start) + size) for start, size in zip(start_indices, updates.shape, strict=True)]
    inside = np.zeros(inputs.shape, bool)
    inside[tuple(slice(*place) for place in places)] = True
    around = [(first, n - last) for (first, last), n in zip(places, inputs.shape, strict=True)]
    return np.where(inside, np.pad(updates, around), inputs)


REPLACING: dict[str | None, Callable[..., Any]] = {
    None: lambda old, new: new, "add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum,
}  # fmt: skip


def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Any:
    """``inputs`` with the entries at fixed ``indices`` replaced, or added to (multiplied...); of the same place one after the other."""
    if not isinstance(indices, (list, tuple, np.ndarray)):
        raise NotImplementedError("replaces entries at places that depend on the data")
    places = np.asarray(indices, int)
    flat = places.reshape(-1, places.shape[-1])
    rest = inputs.shape[places.shape[-1] :]
    new = np.reshape(updates if hasattr(updates, "shape") else np.asarray(updates, float), (len(flat), *rest))
    for slot in turns(flat, inputs.shape[: places.shape[-1]]):
        hit = (slot >= 0).reshape(*slot.shape, *((1,) * len(rest)))
        inputs = np.where(hit, REPLACING[reduction](inputs, np.take(new, np.maximum(slot, 0), axis=0)), inputs)
    return inputs


def scatter(indices: Any, values: Any, shape: Any) -> Any:
    """Zeros with numbers added at fixed places."""
    return scatter_update(np.zeros(shape), indices, values, "add")


def turns(places: np.ndarray, shape: tuple[int, ...]) -> list[np.ndarray]:
    """For each turn which update goes to which entry (-1: none), so that no entry is met twice in a turn."""
    found: list[np.ndarray] = []
    for number, place in enumerate(map(tuple, places)):
        slot = next((slot for slot in found if slot[place] < 0), None)
        if slot is None:
            slot = np.full(shape, -1)
            found.append(slot)
        slot[place] = number
    return found


# Axes by name.


def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Any:
    """Axes split, reordered and merged by name: ``rearrange(x, "b (h p) c -> b h (p c)", p=2)``."""
    before, after = ([re.findall(r"\w+", group) for group in re.findall(r"\w+|\(.*?\)", side)] for side in re.split(r"\s*->\s*", pattern))
    size = dict(axes_lengths)
    for group, n in zip(before, tensor.shape, strict=True):
        known = math.prod(size[name] for name in group if name in size)
        size |= {name: n // known for name in group if name not in size}
    names = [name for group in before for name in group]
    tensor = np.reshape(tensor, [size[name] for name in names])
    tensor = np.transpose(tensor, [names.index(name) for group in after for name in group])
    return np.reshape(tensor, [math.prod(size[name] for name in group) for group in after])


OPERATIONS: dict[str, Callable[..., Any]] = {
    # mathematics
    "Logsumexp": logsumexp, "TopK": top_k, "InTopK": in_top_k, "CDist": cdist, "ExtractSequences": extract_sequences,
    "Erf": activations.erf, "Erfc": lambda x: 1.0 - activations.erf(x), "SegmentSum": segment(np.sum, 0.0),
    "SegmentMax": segment(np.max, -LARGEST), "SegmentMin": segment(np.min, LARGEST), "SegmentProd": segment(np.prod, 1.0), "RFFT": rfft,
    "IRFFT": irfft, "Erfinv": erfinv, "FFT": fft, "FFT2": fft2, "IFFT2": ifft2, "STFT": stft, "ISTFT": istft,
    # core
    "Cast": cast, "SaturateCast": saturate_cast, "ConvertToTensor": convert, "StopGradient": same, "Slice": sliced,
    "SliceUpdate": slice_update, "ScatterUpdate": scatter_update, "Scatter": scatter,
    # axes by name
    "Rearrange": rearrange,
}  # fmt: skip
