"""A number as a person wrote it: its value, and the digits that it was written with."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from weightlens.errors import BadInput
from weightlens.tables.cells import ASCII_MINUS, THOUSANDS, two_numbers

WRITTEN = re.compile(r"[-+]?(?:\d+\.?(?P<decimals>\d*)|\.(?P<bare>\d+))(?:[eE](?P<exponent>[-+]?\d{1,3}))?")
GROUPS = re.compile(r"(?<=\d)\s(?=\d{3}(?!\d))")  # the space between thousands
BESIDE = re.compile(r"(?<=[-+=~\u2248])\s+|(?<!\s)\s+(?=[%\u2026.])")  # spaces after a sign, and before what ends a number
POWER = re.compile(r"\s*[\u00b7\u22c5*\u00d7xX]\s*10(?:\^\(?([-+]?\d+)\)?|([\u207a\u207b]?[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+))")
RAISED = str.maketrans("\u207a\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079", "+-0123456789")
HALVES = {"\u00bd": "1/2", "\u2153": "1/3", "\u2154": "2/3", "\u00bc": "1/4", "\u00be": "3/4", "\u2044": "/"}
FRACTION = re.compile(r"([-+]?\d+)\s*/\s*(0*[1-9]\d*)")
CUT_OFF = ("\u2026", "...")  # how a number ends whose further digits were left out
DOUBLE = 15  # digits that a double holds
OF_A_FRACTION = 3  # decimals to which a fraction is compared
SMALLEST = 300  # decimals
LONGEST = 400  # letters: room for every double, with all its digits
MANY = 6  # numbers that cannot all end in a zero by chance


@dataclass(frozen=True)
class WrittenNumber:
    """One number as written: ``0.80`` has two decimals and, like ``0.8``, one significant digit.

    ``is_fraction``: it was written as ``1/3``, which says nothing about the digits of other numbers. ``mark``: the point or comma
    in it. ``grouped``: it as it was written, where its comma may as well part thousands: ``1,250``.
    """

    value: float
    decimals: int
    digits: int
    is_fraction: bool = False
    mark: str = ""
    grouped: str = ""

    @property
    def exponent(self) -> int:
        """The power of ten of the first digit."""
        return int(np.floor(np.log10(abs(self.value)))) if self.value else 0

    @property
    def stands_alone(self) -> bool:
        """Whether its own last place is meant: two digits and more, one of them behind the point, are no number met by chance."""
        return self.is_fraction or (self.digits > 1 and self.decimals > 0)


def parse_number(text: str) -> WrittenNumber | None:
    """The number in a text (``0.83``, ``0,83``, ``83 %``, ``1.2e-3``, ``1.2 x 10^-3``, ``-.5``, ``~0.8``, ``0.83...``, ``1/3``).

    ``None`` if there is none, or if it may be two.
    """
    if len(text := text.strip()) > LONGEST:
        return None
    clean = GROUPS.sub("", BESIDE.sub("", text.translate(ASCII_MINUS))).lstrip("=~\u2248")
    if (fraction := FRACTION.fullmatch("".join(HALVES.get(letter, letter) for letter in clean))) is not None:
        share = float(fraction[1]) / float(fraction[2])
        return WrittenNumber(share, OF_A_FRACTION, OF_A_FRACTION, True) if math.isfinite(share) else None
    ending = next((mark for mark in CUT_OFF if clean.endswith(mark)), "")
    clean = POWER.sub(lambda power: "e" + (power[1] or power[2].translate(RAISED)), clean.removesuffix(ending))
    percent, mark = clean.endswith("%"), "." if "." in clean else "," if "," in clean else ""
    grouped = clean if re.fullmatch(THOUSANDS, clean.removesuffix("%")) else ""
    clean = re.sub(r"^([-+]?\d*),(\d+(?:[eE][-+]?\d+)?%?)$", r"\1.\2", clean)  # a decimal comma
    match = WRITTEN.fullmatch(clean.removesuffix("%"))
    if match is None or not math.isfinite(float(match[0])):
        return None
    decimals = len(match["decimals"] or match["bare"] or "") - int(match["exponent"] or 0) + 2 * percent
    mantissa = re.sub(r"[eE].*", "", match[0]).lstrip("+-")
    value, digits = float(match[0]) / (100 if percent else 1), len(mantissa.replace(".", "").lstrip("0"))
    if digits > DOUBLE:  # what a program printed: 0.59330000000000005
        return number_of_cell(value)
    if ending:
        value += math.copysign(0.5 * 10.0**-decimals, -1 if clean.startswith("-") else 1)
    return WrittenNumber(value, decimals, digits, False, mark, grouped) if decimals < SMALLEST else None


def refuse_unclear_marks(numbers: Sequence[tuple[WrittenNumber, str]]) -> None:
    """Refuse numbers, each with its place, of which some have a decimal comma and others a point, or whose commas may part thousands."""
    marked = {number.mark: (number, place) for number, place in numbers if number.mark and not number.grouped}
    unclear = next(((number, place) for number, place in numbers if number.grouped), None)
    if len(marked) > 1:
        raise BadInput(f"{marked[','][1]}: some numbers have a decimal comma, others a decimal point; write all of them in one way")
    if unclear is not None and "," not in marked:
        raise BadInput(f"{unclear[1]}: {two_numbers(unclear[0].grouped)}")


def number_of_cell(value: float) -> WrittenNumber:
    """The number in a cell: 15 significant digits; a spreadsheet does not keep trailing zeros."""
    number = parse_number(repr(float(f"{value:.{DOUBLE}g}")).removesuffix(".0"))
    if number is None:
        raise BadInput(f"{value} is not a finite number")
    return number


def usual_decimals(decimals: list[int]) -> int | None:
    """How many decimals two thirds of the numbers have, if others have more; ``None`` if no number says so, or too few numbers do."""
    count = Counter(decimals).most_common(1)
    usual, times = count[0] if count else (0, 0)
    return usual if 0 < usual < max(decimals, default=0) and times >= MANY and times * 3 >= len(decimals) * 2 else None


def rounding_allowances(numbers: Sequence[WrittenNumber]) -> np.ndarray:
    """The largest rounding error of each number: half a unit of its last place.

    Trailing zeros are often not written: a whole number and one of a single digit (``0.5`` beside ``0.8316``) have as many
    decimals as the others show, by one rule for all of them. A number of two digits and more is taken as it is written.
    """
    places = [n.decimals if n.stands_alone else place for n, place in zip(numbers, common_places(numbers), strict=True)]
    return np.array([0.5 * 10.0**-place for place in places])


def common_places(numbers: Sequence[WrittenNumber]) -> list[int]:
    """The last decimal of each number if all were rounded by one rule: as many decimals as most have, or as many significant digits.

    If both are possible, the more generous one is taken. Where far more numbers have the same fewer decimals than zeros at
    the end explain, only small numbers were written with more.
    """
    telling = [n for n in numbers if not n.is_fraction]
    most_decimals, most_digits = max((n.decimals for n in telling), default=0), max((n.digits for n in telling), default=1)
    by_decimals = sum(n.decimals == most_decimals for n in telling)
    by_digits = sum(n.digits == most_digits for n in telling if n.value)
    usual = usual_decimals([n.decimals for n in telling if n.value])
    if usual is not None and sum(n.decimals == usual for n in telling) > by_digits:
        return [max(n.decimals, usual) for n in numbers]
    if by_decimals > by_digits:
        return [most_decimals] * len(numbers)
    return [max(n.decimals, min(most_decimals, most_digits - n.exponent - 1) if n.value else most_decimals) for n in numbers]
