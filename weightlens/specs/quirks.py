"""What a layer computes otherwise than its configuration says, for the version of Keras that wrote it or for what enters it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

LOSES_MASKS_OF_LISTS = "a layer called on several tensors in a list hands on no mask, and no mask changes its numbers"
ADDS_AS_NUMPY = "Add, and layers of float8 their bias, add as NumPy does"
ADDS_BIAS_AS_NUMPY = "a bias of several axes is added as NumPy does"
SHARES_WHERE_ALL_IS_MASKED = "Softmax, and attention by it, gives equal shares where all is masked"
TAKES_QUERY_MASK = "MultiHeadAttention looks at a query_mask that it is called with"
KEEPS_AXIS_OF_ONE = "one_hot keeps a last axis of length 1"
NORMALIZES_FLOATS = "LayerNormalization makes floating-point numbers of whole ones"
HANDS_ON_OWN_MASK = "a layer hands on the mask of its input, not the one that it is called with"
ADDS_MASKS = "Softmax adds (1 - mask) * -1e9 for a mask that is not of true and false"

Version = tuple[int, ...]
OLD_WAYS: Mapping[str, tuple[Version, Version]] = MappingProxyType(
    {
        LOSES_MASKS_OF_LISTS: ((3, 0), (3, 4)),
        ADDS_AS_NUMPY: ((0,), (3, 7)),
        ADDS_BIAS_AS_NUMPY: ((0,), (3, 10)),
        KEEPS_AXIS_OF_ONE: ((3, 0), (3, 4)),
        TAKES_QUERY_MASK: ((0,), (3, 8)),
        SHARES_WHERE_ALL_IS_MASKED: ((0,), (3, 10)),
        NORMALIZES_FLOATS: ((3, 0), (3, 11)),
        HANDS_ON_OWN_MASK: ((3, 0), (3, 11)),
        ADDS_MASKS: ((0,), (3, 13)),
    }
)
"""What Keras once computed otherwise than today: since which version, and which was the first that no longer did."""


def old_ways(stated: Version) -> frozenset[str]:
    """Those of the version of Keras that a file states; none where it states none (an empty one)."""
    return frozenset(way for way, (since, until) in OLD_WAYS.items() if stated and since <= stated < until)


class Quirks(NamedTuple):
    """Facts that change the arithmetic of a layer and that no setting of Keras holds.

    Before Keras 3 masks of merged inputs count where all of them are real, and change no number; Identity, Normalization and Rescaling
    lose the mask; TimeDistributed makes its mask of the wrapped layer's.
    """

    before_keras_3: bool = False
    input_dtype: str | None = None  # the kind of number that enters, where whole numbers make a difference
    old: frozenset[str] = frozenset()  # of ``OLD_WAYS``


NONE = Quirks()
