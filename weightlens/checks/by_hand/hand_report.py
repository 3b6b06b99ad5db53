"""The result of checking a calculation by hand: how many digits of each step were compared, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from weightlens.checks.by_hand.explain import Explanation
from weightlens.checks.by_hand.numbers import DOUBLE
from weightlens.checks.by_hand.placing import Given
from weightlens.report import Report, Row
from weightlens.specs.words.number_words import counted

AS_LIKELY = 2.0  # bits between two mistakes that lead to the same numbers
WHOLE = 1e-3  # so near a whole number, that whole number is the result: weights that were trained to be 2 are 1.99999


@dataclass(frozen=True)
class HandRow(Row):
    """One step. ``worst_relative`` is the difference in units of the rounding error allowed: up to 1 is right.

    ``digits``: how many were compared, 0 if the numbers were rounded to integers. ``units``: the difference beyond the digits,
    explained by float32 rounding, in units in the last place of the step's largest number.
    """

    digits: int = 0
    units: int = 0
    decimals: tuple[int, int] = (0, 0)  # the fewest and the most places after the point that were compared

    @property
    def step(self) -> str:
        """The name of the step, which stands where other checks have the class of the layer."""
        return self.class_name

    @property
    def verdict(self) -> str:
        """``OK``, ``DIFFERS``, or ``NO DIGITS`` where there was nothing to compare."""
        return "DIFFERS" if not self.ok else "OK" if self.digits else "NO DIGITS"

    @property
    def words(self) -> str:
        """The verdict as it is shown to people."""
        if self.verdict == "OK":
            return f"right, {units_words(self.units)}" if self.units else f"right to {precision_words([self])}"
        return "differs" if not self.ok else "no digits"


@dataclass(frozen=True)
class HandReport(Report):
    """The result of checking a calculation by hand: a row per step, and explanations of the first that differs, likeliest first."""

    rows: Sequence[HandRow] = ()
    explanations: Sequence[Explanation] = ()
    first: str = ""
    worked: str = ""  # how the number that differs is calculated

    @property
    def ok(self) -> bool:
        """True if digits of every step were compared and nothing differs."""
        return super().ok and all(row.digits for row in self.rows)

    @property
    def summary(self) -> str:
        """The verdict: right and to how many digits, or what is wrong first, and why."""
        if self.ok:
            count, units = sum(int(np.prod(row.shape)) for row in self.rows), max(row.units for row in self.rows)
            remark = f" ({'; '.join(self.notes)})" if self.notes else ""
            right = f"within float32 rounding, {units_words(units)}" if units else f"to {precision_words(self.rows)}"
            numbers = ("all " if count > 1 else "") + counted(count, "number")
            return f"{self.subject}: right {right}, {numbers} in {counted(len(self.rows), 'step')}{remark}"
        if not self.rows:
            return f"{self.subject}: nothing was compared"
        if not self.first:
            return f"{self.subject}: {self.no_digits}"
        why = f" {self.explanations[0]}" if self.explanations else " None of the known mistakes gives these numbers."
        as_well = [f" Or: {other.words}, which gives these numbers as well." for other in self.as_likely[:1]]
        return f"{self.subject}: {self.first}.{why}{''.join(as_well)}"

    @property
    def as_likely(self) -> list[Explanation]:
        """Other mistakes that give the numbers and are about as likely as the first that is named."""
        first = self.explanations[0] if self.explanations else None
        return [e for e in self.explanations[1:] if first and not e.harmless and e.kind != first.kind and e.bits < first.bits + AS_LIKELY]

    @property
    def no_digits(self) -> str:
        """Which numbers were rounded so far that no digit is left to compare."""
        row = next(row for row in self.rows if not row.digits)
        example = f"{row.theirs:g} for {row.ours:.4g}"
        return f"no digits were compared in {row.layer}/{row.step}: its numbers are rounded to whole ones ({example})"

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain data."""
        keys = ("kind", "words", "correction", "step", "harmless")
        explanations = [{key: getattr(e, key) for key in keys} for e in self.explanations]
        plain = super().as_dict()
        more = ({"step": row.step, "digits": row.digits, "float32_units": row.units} for row in self.rows)
        rows = [known | facts for known, facts in zip(plain["rows"], more, strict=True)]
        digits = min((row.digits for row in self.rows), default=0)
        return plain | {"rows": rows, "digits": digits, "first_difference": self.first, "explanations": explanations}


def precision_words(rows: Sequence[HandRow]) -> str:
    """``4 decimals``, ``at least 2 decimals``; ``3 digits`` where some numbers have no decimals."""
    decimals = [count for row in rows for count in row.decimals]
    counts, what = (decimals, "decimal") if min(decimals) > 0 else ([row.digits for row in rows], "digit")
    fewest = min(counts)
    return f"{'at least ' * (max(counts) > fewest)}{counted(fewest, what)}"


def units_words(units: int) -> str:
    """``3 units in the last place``."""
    return f"{counted(units, 'unit')} in the last place"


def whole_is_meant(givens: Sequence[Given]) -> float:
    """How near a number is to the whole one that was written for it: the decimals of the other steps tell what was left out as zeros."""
    decimals = [most for given in givens if (most := max(number.decimals for number in given.written)) > 0]
    return max(WHOLE, 0.5 * 10.0 ** -min(decimals)) if decimals else WHOLE


def row_of(given: Given, exact: np.ndarray, off: np.ndarray, near: float, carried: bool) -> HandRow:
    """One step as a row of the report.

    ``off``: how far each number is off, in units of its allowed rounding error; ``near``: what ``whole_is_meant`` says;
    ``carried``: whether it is right for the numbers before it only.
    """
    worst, picked = int(off.argmax()), given.pick(exact)
    true, value = float(picked[worst]), float(given.values[worst])
    element = "[" + ", ".join(map(str, given.elements[worst])) + "]"
    numbers = (len(given.elements),), "by hand", abs(value - true), float(off[worst]), element, 1.0, true, value
    units = units_off(given, picked) if (off <= 1).all() and not carried else 0
    decimals = np.rint(-np.log10(2 * given.allowed))
    span = int(decimals.min()), int(decimals.max())
    return HandRow(given.step.layer, given.step.name, *numbers, digits=digits_compared(given, picked, near), units=units, decimals=span)


def digits_compared(given: Given, true: np.ndarray, near: float) -> int:
    """How many digits were compared: those after the point or, if more, the significant ones.

    An integer of one digit says nothing, unless the exact value is that integer, or so near that it is meant.
    """
    if (given.values == np.rint(given.values)).all() and (np.abs(given.values - true) <= near).all():
        return min(DOUBLE, max(1, *(w.digits for w in given.written)))
    decimals = np.rint(-np.log10(2 * given.allowed))
    with np.errstate(divide="ignore"):
        matter = np.floor(np.log10(np.abs(true)) + decimals + 1e-9) + 1
    matter = np.where(matter >= 2, matter, 0)
    return int(min(DOUBLE, max(decimals.max(), matter.max(), 0)))


def units_off(given: Given, true: np.ndarray) -> int:
    """How far the numbers are off beyond their rounding, in float32 units in the last place of the largest number."""
    beyond = np.abs(given.values - true) - given.allowed * (1 + 1e-9)
    if not (beyond > 0).any():
        return 0
    unit = float(np.spacing(np.float32(np.abs(true).max())))
    return max(1, math.ceil(float(np.abs(given.values - true)[beyond > 0].max()) / unit - 0.5))
