"""Numbers of a layer's configuration in words: ``one unit``, ``16 units``, ``3 x 3``, ``1/255``."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any


class Setting:
    """A number among the settings, and how it is said."""

    def __init__(self, value: Any) -> None:
        self.value = amount(value)

    def __format__(self, spec: str) -> str:
        if not spec:
            return "a fixed number" if self.value is None else number(self.value)
        one, _, several = spec.partition("|")
        if not several:
            one, several = f"one {spec}", f"# {spec}s"
        if self.value is None:
            return several.replace("# ", "")
        return one if self.value == 1 else several.replace("#", number(self.value))


def is_number(value: Any) -> bool:
    """A number that can be written out; ``True`` is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15 and math.isfinite(value)


def amount(value: Any) -> float | None:
    """The value where it is a number, else nothing."""
    return value if is_number(value) else None


def number(value: float) -> str:
    """``0.00001``, ``2``, ``1/255``: six digits, or the fraction that is meant."""
    below = round(2 / value) / 2 if value and abs(value) < 1 else 0
    if 1 < below < 1000 and len(repr(float(value))) > 12 and math.isclose(value * below, 1.0, rel_tol=1e-6):
        return f"1/{below:g}"
    return format(Decimal(f"{value:.6g}"), "f") if abs(value) < 1e6 else str(round(value))


def counted(amount: int, word: str, several: str = "") -> str:
    """``1 epoch``, ``5,000 epochs``; ``several``: the word for more than one where it does not only end in an s: ``matrices``."""
    return f"{amount:,} {word if amount == 1 else several or word + 's'}"


def sizes(value: Any, rank: int) -> list[int]:
    """A whole number for each axis, from one or from a list; empty where there are none."""
    listed = list(value) if isinstance(value, (list, tuple)) else [value]
    if not all(isinstance(n, int) and is_number(n) for n in listed):
        return []
    return listed * rank if len(listed) == 1 else listed if len(listed) == rank else []


def sizes_in_words(counts: list[int]) -> str:
    """``3 x 3``."""
    return " x ".join(map(str, counts))
