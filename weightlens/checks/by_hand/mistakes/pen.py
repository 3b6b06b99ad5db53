"""Slips of the pen: one number of a step has a lost sign, a misplaced point, two digits exchanged, or is another one's."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from weightlens.checks.by_hand.mistakes.misread import exchanged_digits
from weightlens.checks.by_hand.mistakes.mistake import Mistake, with_part
from weightlens.checks.by_hand.replay import replace_by
from weightlens.checks.by_hand.trials import Trials

Index = tuple[int, ...]
SIGN, POINT, DIGITS, COPIED = 3.0, 4.0, 4.0, 5.0  # bits


def slips_of_the_pen(trials: Trials, own: np.ndarray, label: str) -> Iterator[Mistake]:
    """What could have happened to the one number that differs; ``own`` is what it should be by the person's numbers before it."""
    target = trials.target
    (which,) = np.flatnonzero(trials.sought).tolist()
    index, written, room = target.elements[which], target.values[which], float(target.allowed[which])
    right = float(own[index])
    for words, value, bits in readings(right, own, index, max(target.written[which].decimals, 0)):
        if abs(value - written) <= room * (1 + 1e-9) and abs(value - right) > room:
            edits = {id(target.node): replace_by(with_part(own, index, value))}
            yield Mistake("slip of the pen", f"{label} {words}", edits, target.step, bits)


def readings(right: float, own: np.ndarray, index: Index, decimals: int) -> Iterator[tuple[str, float, float]]:
    """What could stand in the place of a number: words, the number, and how unlikely that is in bits."""
    yield "was written with the wrong sign", -right, SIGN
    for factor in (10.0, 0.1):
        yield "was written with the point in the wrong place", right * factor, POINT
    for value in exchanged_digits(right, (decimals,)):
        yield "was written with two digits exchanged", value, DIGITS
    for axis, length in enumerate(own.shape):
        for other in (other for other in range(length) if other != index[axis]):
            place = (*index[:axis], other, *index[axis + 1 :])
            what = "sample" if axis == 0 and own.ndim > 1 else "unit"
            yield f"is the number of {what} {other}", float(own[place]), COPIED + math.log2(length)
