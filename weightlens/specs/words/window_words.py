"""Where the windows of a layer lie, in words: "windows of 3 x 3 pixels, moving one step at a time"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from weightlens.specs.words.number_words import sizes, sizes_in_words

Config = Mapping[str, Any]
Part = Callable[[Config, int], str]

SPACE = {1: "sequence", 2: "picture", 3: "volume"}
PLACE = {1: "place", 2: "pixel", 3: "point"}
EDGE = {1: "the ends", 2: "the edge", 3: "the edge"}
FRAMES = {1: "row", 2: "picture", 3: "volume"}
SIDES = {
    1: ("at the start", "at the end"),
    2: ("at the top", "at the bottom", "on the left", "on the right"),
    3: ("in front", "behind", "at the top", "at the bottom", "on the left", "on the right"),
}


def extent(counts: list[int], rank: int) -> str:
    """``3 x 3 pixels``, ``one pixel``."""
    return f"one {PLACE[rank]}" if set(counts) == {1} else f"{sizes_in_words(counts)} {PLACE[rank]}s"


def as_one_number(counts: list[int]) -> str:
    """One number where that says it for all axes: ``2``, ``2 x 1``."""
    return str(counts[0]) if len(set(counts)) == 1 else sizes_in_words(counts)


def moving(steps: list[int]) -> str:
    """How far a window goes from one place to the next."""
    return "one step" if set(steps) <= {1} else f"{as_one_number(steps)} steps"


def windows(config: Config, rank: int) -> str:
    """What a convolution sees at a time."""
    size, rates = sizes(config.get("kernel_size"), rank), sizes(config.get("dilation_rate", 1), rank)
    if not size:
        return ""
    if max(size) == 1:
        return f" It looks at single {PLACE[rank]}s, moving {moving(sizes(config.get('strides', 1), rank))} at a time."
    gaps = f" that lie {as_one_number(rates)} apart" if rates and max(rates) > 1 else ""
    edge = {
        "same": f", with zeros where they reach over {EDGE[rank]}",
        "causal": ", with zeros before the start: it never looks ahead",
    }.get(str(config.get("padding")), "")
    return f" It looks at windows of {extent(size, rank)}{gaps}, moving {moving(sizes(config.get('strides', 1), rank))} at a time{edge}."


def spread_windows(config: Config, rank: int) -> str:
    """Over what a transposed convolution spreads each number."""
    size, steps = sizes(config.get("kernel_size"), rank), sizes(config.get("strides", 1), rank)
    return f"; its windows of {extent(size, rank)} lie {moving(steps)} apart" if size else ""


def pool(config: Config, rank: int) -> str:
    """The size of a pooling layer's window."""
    size = sizes(config.get("pool_size"), rank)
    return f" of {extent(size, rank)}" if size else ""


def pool_steps(config: Config, rank: int) -> str:
    """How the windows of a pooling layer lie."""
    size = sizes(config.get("pool_size"), rank)
    steps = sizes(config.get("strides"), rank) or size
    lie = "lie side by side" if steps == size else f"move {moving(steps)} at a time"
    edge = f" Where they reach over {EDGE[rank]}, only what is inside counts." if config.get("padding") == "same" else ""
    return f" The windows {lie}.{edge}"


def bins(config: Config, rank: int) -> str:
    """Into how many windows an adaptive pooling layer divides."""
    counts = sizes(config.get("output_size"), rank)
    return f"{sizes_in_words(counts)} windows" if counts and max(counts) > 1 else "one window" if counts else "windows"


def sides(name: str) -> Part:
    """How much is cut off or added at each end: ``1 pixel on every side``."""

    def words(config: Config, rank: int) -> str:
        value = config.get(name)
        if rank == 1 and isinstance(value, (list, tuple)) and len(value) == 2:
            value = [value]
        axes = value if isinstance(value, (list, tuple)) and len(value) == rank else [value] * rank
        ends = [n for axis in axes for n in sizes(axis, 2)]
        if len(ends) != 2 * rank:
            return ""
        if len(set(ends)) == 1:
            return f": {ends[0]} {'at each end' if rank == 1 else 'on every side'}"
        return f": {', '.join(f'{n} {side}' for n, side in zip(ends, SIDES[rank], strict=True) if n)}"

    return words


def blocks(config: Config, rank: int) -> str:
    """How an up-sampling layer makes its input larger."""
    times, interpolation = sizes(config.get("size"), rank), config.get("interpolation", "nearest")
    if interpolation != "nearest":
        return f"it gets {sizes_in_words(times) or 'several'} times as many {PLACE[rank]}s, blended from those nearby"
    return f"each {PLACE[rank]} becomes {'a block of ' if rank > 1 else ''}{sizes_in_words(times) or 'several'} equal ones"
