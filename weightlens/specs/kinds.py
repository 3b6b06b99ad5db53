"""Kinds of option values, as specs name them: for each a check, and what it allows in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Check = Callable[[Any, int], bool]
LARGEST = 2**63 - 1  # of a whole number: no axis of an array is longer
DEEPEST = 12  # nested lists


def is_whole(kind: object) -> bool:
    """Whether a kind of number has no fractions."""
    return str(kind).startswith(("int", "uint"))


def whole(value: Any, least: int = -LARGEST) -> bool:
    """Whether this is a whole number that fits into 64 bits (``True`` is not)."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= LARGEST


def number(value: Any) -> bool:
    """Whether this is a number that a float can hold."""
    return isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1e308)


def listed(value: Any, each: Callable[[Any], bool], length: int | None = None) -> bool:
    """Whether this is a list of ``length`` things that all pass ``each``."""
    return isinstance(value, (list, tuple)) and (length is None or len(value) == length) and all(each(item) for item in value)


def nested(value: Any, each: Callable[[Any], bool], depth: int = 0) -> bool:
    """Whether this is one thing that passes ``each``, or nested lists of such things."""
    return each(value) or (depth < DEEPEST and listed(value, lambda item: nested(item, each, depth + 1)))


def per_axis(least: int) -> Check:
    """One whole number for all axes, or one for each."""
    return lambda v, rank: whole(v, least) or listed(v, lambda n: whole(n, least), rank or None)


def one_of(*words: str) -> tuple[Check, str]:
    """One of a few words; ``None`` is written as ``null``."""
    lower = frozenset(words)
    return lambda v, rank: (v is None and "null" in lower) or (isinstance(v, str) and v.lower() in lower), f"one of {', '.join(words)}"


def sides(value: Any, rank: int) -> bool:
    """Whether this says how much to pad or crop: one number, one for each axis, or a pair for each axis."""
    pair = lambda v: whole(v, 0) or listed(v, lambda n: whole(n, 0), 2)
    return whole(value, 0) or (rank == 1 and listed(value, lambda n: whole(n, 0), 2)) or listed(value, pair, rank)


def settings(value: Any) -> bool:
    """Whether this is a dictionary, as Keras writes layers, initializers and functions."""
    return isinstance(value, dict)


def optional(kind: tuple[Check, str]) -> tuple[Check, str]:
    """A kind of value that may be ``null`` as well."""
    return (lambda v, rank: v is None or kind[0](v, rank)), f"{kind[1]}, or null"


COUNT = (lambda v, rank: whole(v, 1), "a whole number from 1 up")
NUMBER = (lambda v, rank: number(v), "a number")
FLAG = (lambda v, rank: v is None or isinstance(v, bool) or (whole(v) and v in (0, 1)), "true or false")
TEXT = (lambda v, rank: isinstance(v, str), "a text")
SIZES = (per_axis(1), "a whole number from 1 up, or one for each axis")
AXIS = (lambda v, rank: whole(v), "a whole number")
AXES = (lambda v, rank: whole(v) or listed(v, whole), "a whole number or a list of them")
SHAPE = (
    lambda v, rank: whole(v, 1) or listed(v, lambda n: n is None or whole(n, 0)),
    "a list of whole numbers, null where an axis is open",
)
NUMBERS = (lambda v, rank: nested(v, number), "a number or lists of numbers")

# Each kind: whether a value (of a layer with so many spatial axes) is of it, and what that is in words.
KINDS: dict[str, tuple[Check, str]] = {
    "any": (lambda v, rank: True, "anything"),
    "count": COUNT, "count?": optional(COUNT), "natural": (lambda v, rank: whole(v, 0), "a whole number from 0 up"),
    "number": NUMBER, "number?": optional(NUMBER), "flag": FLAG, "text": TEXT, "text?": optional(TEXT),
    "positive": (lambda v, rank: number(v) and v >= 0, "a number from 0 up"),
    "sizes": SIZES, "sizes?": optional(SIZES), "naturals?": optional((per_axis(0), "a whole number from 0 up, or one for each axis")),
    "axis": AXIS, "axes": AXES, "axes?": optional(AXES), "numbers": NUMBERS, "numbers?": optional(NUMBERS),
    "axes_from_front?": (
        lambda v, rank: v is None or whole(v, 0) or listed(v, lambda n: whole(n, 0)),
        "a whole number from 0 up, a list of them, or null: versions of Keras take a negative one for different axes",
    ),
    "pair": (lambda v, rank: listed(v, lambda n: whole(n, 1), 2), "two whole numbers from 1 up"),
    "range": (lambda v, rank: listed(v, number, 2), "two numbers"),
    "axes_of_two": (lambda v, rank: whole(v) or listed(v, whole, 2), "a whole number or two"),
    "sides": (sides, "a whole number from 0 up, one for each axis, or a pair for each axis"),
    "shape": SHAPE, "shape?": optional(SHAPE),
    "batch": (
        lambda v, rank: v is None or (isinstance(v, (list, tuple)) and nested(v, lambda n: n is None or (whole(n, 0) and n < 2**31))),
        "a list of whole numbers, null where an axis is open",
    ),
    "target": (
        lambda v, rank: listed(v, lambda n: n is None or whole(n, -1)) or whole(v, -1),
        "a list of whole numbers, -1 or null for what is left",
    ),
    "order": (lambda v, rank: listed(v, lambda n: whole(n, 1)), "a list of whole numbers from 1 up"),
    "activation": (lambda v, rank: v is None or isinstance(v, str) or settings(v), "the name of a function, a layer, or null"),
    "dtype": (lambda v, rank: v is None or isinstance(v, str) or settings(v), "the name of a type of number, or a policy"),
    "layer": (lambda v, rank: settings(v), "a layer"), "layer?": (lambda v, rank: v is None or settings(v), "a layer, or null"),
    "layers": (lambda v, rank: listed(v, settings), "a list of layers"),
    "format": one_of("channels_last", "channels_first", "null"), "border": one_of("valid", "same"),
    "causal_border": one_of("valid", "same", "causal"),
    "interpolation": one_of("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area", "gaussian", "mitchellcubic"),
    "merge": one_of("concat", "sum", "mul", "ave", "null"), "score": one_of("dot", "concat"),
    "output": one_of("int", "one_hot", "multi_hot", "count", "tf_idf", "binary", "tf-idf"),
    "words": (
        lambda v, rank: v is None or isinstance(v, str) or listed(v, lambda w: isinstance(w, (str, int, float))),
        "a list of words or numbers, or null",
    ),
    "word": (lambda v, rank: v is None or isinstance(v, (str, int, float)), "a word or a number"),
    "lengths": (lambda v, rank: v is None or whole(v, 1) or listed(v, lambda n: whole(n, 1)), "a whole number from 1 up, a list, or null"),
    "salt": (
        lambda v, rank: v is None or isinstance(v, int) or listed(v, lambda n: isinstance(n, int), 2),
        "a whole number or two, or null",
    ),
    "window": (lambda v, rank: v is None or isinstance(v, str) or listed(v, number), "the name of a window"),
}  # fmt: skip


def found_text(value: Any) -> str:
    """A value as JSON shows it, in a few letters."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) and abs(value) >= 10**40:
        return "a number of many digits"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
