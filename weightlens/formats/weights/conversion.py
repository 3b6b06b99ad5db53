"""Arrays derived from stored ones when they are read: transposed, joined, dequantized."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from weightlens.errors import UnreadableModel
from weightlens.model import Weight


class Conversion(NamedTuple):
    """How an array is derived from stored ones: used by ``Weight.read``, and undone in writing back.

    ``add`` is for sums: it adds a change of the array to the first stored array, and returns that.
    """

    sources: Sequence[Weight]
    make: Callable[..., np.ndarray]
    add: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None

    def __call__(self) -> np.ndarray:
        stored = [weight.value for weight in self.sources]
        try:
            with np.errstate(all="ignore"):  # the numbers of a damaged file may be anything
                return np.ascontiguousarray(self.make(*stored))
        except (IndexError, ValueError) as error:
            paths = ", ".join(weight.path for weight in self.sources)
            raise UnreadableModel(f"{paths}: arrays that do not belong together ({str(error)[:120]})") from None


def converted(
    name: str,
    sources: Sequence[Weight],
    make: Callable[..., np.ndarray],
    shape: tuple[int, ...],
    note: str = "",
    dtype: str = "",
    add: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
) -> Weight:
    """An array derived from stored ones when it is read."""
    paths = ", ".join(weight.path for weight in sources)
    notes = "; ".join(dict.fromkeys(text for text in (*(weight.note for weight in sources), note) if text))
    conversion: Callable[[], np.ndarray] = Conversion(sources, make, add)  # type: ignore[assignment]  # mypy: a named tuple is not called
    return Weight(name, shape, dtype or sources[0].dtype, paths, conversion, note=notes)


def with_axes_moved(weight: Weight, axes: tuple[int, ...], note: str) -> Weight:
    """The array with its axes in another order."""
    return converted(weight.name, [weight], lambda w: np.transpose(w, axes), tuple(weight.shape[axis] for axis in axes), note)


def flip_kernel(weight: Weight, spatial: int) -> Weight:
    """A kernel flipped along its spatial axes: Theano computes true convolutions, all others correlations."""
    axes = tuple(range(spatial))
    return converted(weight.name, [weight], lambda w: np.flip(w, axes), weight.shape, "spatially flipped (Theano)")
