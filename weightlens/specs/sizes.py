"""Lengths of axes as a configuration gives them: ``units``, ``4*units``, what comes in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

Size = int | None  # None: open
Shape = tuple[Size, ...]
Config = dict[str, Any]
Incoming = tuple[int, ...] | None  # the shape of what comes into a layer, batch first, where it is known


def shape_words(shape: Shape | None) -> str:
    """``28 x 28 x 1``; ``any x 16``."""
    if shape is None:
        return "any shape"
    return " x ".join("any" if n is None else str(n) for n in shape) or "one number"


def tuple_text(shape: Sequence[int]) -> str:
    """The shape of an array: ``(784, 128)``, ``(2)``."""
    return f"({', '.join(map(str, shape))})"


def channels(config: Config, x: Incoming) -> Size:
    """How many features come in: the length of the last axis, of the second where channels are first."""
    if not x:
        return None
    return x[1 if config.get("data_format") == "channels_first" and len(x) > 2 else -1]


def times(*factors: Size) -> Size:
    """The product, open where a factor is."""
    known = [factor for factor in factors if factor is not None]
    return math.prod(known) if len(known) == len(factors) else None


def spread(value: Any, rank: int) -> Shape:
    """A setting that is one number for all axes, or one for each."""
    return tuple(value) if isinstance(value, (list, tuple)) else (value,) * rank


def dimension(word: str, config: Config, x: Incoming) -> Size:
    """One axis of a shape in the table: ``units``, ``4*units``, ``in/groups``."""
    if "*" in word:
        return times(*(dimension(part, config, x) for part in word.split("*")))
    if "/" in word:
        whole, part = (dimension(part, config, x) for part in word.split("/"))
        return None if whole is None or not part else whole // part
    if word.isdecimal():
        return int(word)
    if word == "in":
        return channels(config, x)
    value = config.get(word, 1 if word in ("groups", "depth_multiplier") else None)
    return value if isinstance(value, int) else None
