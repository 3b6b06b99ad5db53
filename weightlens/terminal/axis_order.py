"""Which axes of a matrix run down and across at the terminal, and which stand side by side, by what they mean.

As on the sheets: a kernel of a convolution is a picture for each channel of each filter, a feature map a picture for each channel,
attention a matrix of tokens for each head.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

PICTURES = (("kernel row", "kernel column"), ("row", "column"), ("kernel time step", "channel"))  # down and across
HEADS = ("head group", "head")
SIDE_BY_SIDE = (*HEADS, "filter", "filter before", "channel", "multiplier", "kernel plane", "plane")  # the last one is


class Order(NamedTuple):
    """The axes of a matrix as they are printed: the slowest first, at the end the rows and the columns of a block.

    ``tiled``: blocks along the axis before these two stand side by side. ``picture``: rows and columns are places of a picture.
    """

    axes: list[int]
    tiled: bool = False
    picture: bool = False


def order_of(names: Sequence[str], lengths: Sequence[int]) -> Order:
    """The order of axes with these names and lengths; of what has no such names, the order in the file."""
    rank = len(names)
    if rank < 3:
        return Order(list(range(rank)))
    pair = next((pair for pair in PICTURES if all(names.count(name) == 1 for name in pair)), None)
    block = [names.index(name) for name in pair] if pair else []
    if not block or max(lengths[axis] for axis in block) == 1:
        pair, block = None, [axis for axis in range(rank) if names[axis] not in HEADS][-2:]
    if len(block) < 2:
        return Order(list(range(rank)))
    rest = [axis for axis in range(rank) if axis not in block]
    rank_of = {name: at for at, name in enumerate(SIDE_BY_SIDE)}
    rest.sort(key=lambda axis: (names[axis] in rank_of, lengths[axis] > 1, rank_of.get(names[axis], 0)))
    return Order([*rest, *block], names[rest[-1]] in SIDE_BY_SIDE, pair is not None)
