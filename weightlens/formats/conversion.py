"""Arrays made of stored ones: turned, joined, restored when they are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from weightlens.errors import UnreadableModel
from weightlens.model import Weight


@dataclass(frozen=True)
class Conversion:
    """How an array is made of stored ones: what ``Weight.read`` is for it, and what writing back has to undo.

    ``add`` is for sums: it adds a change of the array to the first of the stored ones, and gives that.
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
    """An array made of stored ones, worked out when it is read."""
    paths = ", ".join(weight.path for weight in sources)
    notes = "; ".join(dict.fromkeys(text for text in (*(weight.note for weight in sources), note) if text))
    return Weight(name, shape, dtype or sources[0].dtype, paths, Conversion(sources, make, add), note=notes)


def moved(weight: Weight, axes: tuple[int, ...], note: str) -> Weight:
    """The array with its axes in another order."""
    return converted(weight.name, [weight], lambda w: np.transpose(w, axes), tuple(weight.shape[axis] for axis in axes), note)


def flipped(weight: Weight, spatial: int) -> Weight:
    """A kernel turned end for end in its first axes: Theano computes true convolutions, everybody else correlations."""
    axes = tuple(range(spatial))
    return converted(weight.name, [weight], lambda w: np.flip(w, axes), weight.shape, "spatially flipped (Theano)")
