"""Statistics of a stored matrix, read in chunks: memory use does not grow with the matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from weightlens.model import Weight

CHUNK = 4_000_000  # numbers read at once
BINS = 24


@dataclass(frozen=True)
class Statistics:
    """Minimum, maximum, mean, population standard deviation of the finite numbers; counts of zeros, NaN, infinities."""

    count: int = 0
    smallest: float = np.nan
    largest: float = np.nan
    mean: float = np.nan
    deviation: float = np.nan
    zeros: int = 0
    nan: int = 0
    infinite: int = 0
    histogram: list[int] = field(default_factory=list)  # equal bins from smallest to largest


def chunks(weight: Weight) -> Iterator[np.ndarray]:
    """The numbers of a matrix in flat pieces of at most about ``CHUNK``, cut along the leading axes: alike for every matrix of a shape."""
    if weight.size <= CHUNK:
        yield np.asarray(weight.value).ravel()
        return
    in_file = weight.read_part if weight._value is None else None
    read: Callable[[Any], np.ndarray] = in_file or np.asarray(weight.value).__getitem__
    axis, inner = 0, weight.size // weight.shape[0]
    while inner > CHUNK and axis + 1 < len(weight.shape):
        axis += 1
        inner //= weight.shape[axis]
    step = max(1, CHUNK // max(inner, 1))
    for place in np.ndindex(weight.shape[:axis]):
        for start in range(0, weight.shape[axis], step):
            yield np.asarray(read((*map(int, place), slice(start, min(start + step, weight.shape[axis]))))).ravel()


@np.errstate(all="ignore")  # infinities and NaN are expected: they are counted
def statistics(weight: Weight, progress: Callable[[int], None] | None = None) -> Statistics:
    """Two passes over the numbers: one for the range and the moments, one for the histogram.

    ``progress`` is called with how many numbers were read since its last call.
    """
    total = squares = 0.0
    numbers = zeros = nan = finite_count = 0
    low, high = np.inf, -np.inf
    for values in read_pass(weight, progress):
        finite = values[np.isfinite(values)]
        numbers += values.size
        zeros += int(np.count_nonzero(values == 0))
        nan += int(np.count_nonzero(np.isnan(values)))
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
            # Deviations from the running mean, so that large numbers close together lose nothing (Chan et al. 1979).
            mean, count = float(finite.mean()), finite.size
            apart = mean - total / finite_count if finite_count else 0.0
            squares += float(((finite - mean) ** 2).sum()) + apart * apart * finite_count * count / (finite_count + count)
            total, finite_count = total + mean * count, finite_count + count
    counted = Statistics(count=numbers, zeros=zeros, nan=nan, infinite=numbers - finite_count - nan)
    if not finite_count:
        return counted
    bins, half = np.zeros(BINS, np.int64), 0.5 if np.isinf(high - low) else 1.0
    for values in read_pass(weight, progress):
        shares = (values[np.isfinite(values)] * half - low * half) / ((high * half - low * half) or 1.0)
        bins += np.bincount(np.minimum((shares * BINS).astype(np.int64), BINS - 1), minlength=BINS)
    deviation = float(np.sqrt(squares / finite_count))
    return replace(counted, smallest=low, largest=high, mean=total / finite_count, deviation=deviation, histogram=bins.tolist())


def read_pass(weight: Weight, progress: Callable[[int], None] | None) -> Iterator[np.ndarray]:
    """One pass over the numbers, as float64."""
    for values in chunks(weight):
        yield np.abs(values).astype(np.float64) if values.dtype.kind == "c" else values.astype(np.float64)
        if progress:
            progress(values.size)


def count_not_finite(weight: Weight, array: np.ndarray) -> None:
    """Remember how many numbers of a weight are NaN or infinite, from the array that was read."""
    with np.errstate(all="ignore"):
        if array.dtype.kind == "f" and not np.isfinite(array.sum()):
            weight.not_finite = int(array.size - np.isfinite(array).sum())
