"""Cell addresses as integers, and expressions over whole arrays of cells.

The cells of an array are an integer array of the array's shape: ``sheet << 34 | row << 14 | column``, all
zero-based. Moving numbers (reshape, windows, split) is then the same NumPy call on the integers. A negative
integer is a constant of ``CONSTANTS``, for instance the zero that a padded border holds.

An ``Expression`` is the formula of every element of an array at once: pieces of text, and between them
arrays of addresses that broadcast to its shape.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from string import ascii_uppercase
from typing import Any

import numpy as np

ROW, SHEET = 1 << 14, 1 << 34
MAX_ROWS, MAX_COLUMNS = 1 << 20, 1 << 14
LONGEST_TEXT = 255  # characters of a text in a formula
# The words for numbers that are none, and the formula in a cell that others read: MAX, SUM and AVERAGE leave out words, but no errors.
NO_NUMBER = {"not a number": "SQRT(-1)", "infinite": "1/0", "minus infinite": "-1/0"}
Cells = np.ndarray

# How tightly a formula binds: what stands next to a stronger operator needs parentheses.
COMPARE, ADD, MULTIPLY, UNARY, POWER, ATOM = range(6)

COLUMN = ["".join(letters) for n in (1, 2, 3) for letters in product(ascii_uppercase, repeat=n)][:MAX_COLUMNS]


def cell_name(address: int) -> str:
    """``A1`` for the zero-based address (the sheet is not named)."""
    return f"{COLUMN[address & (ROW - 1)]}{((address >> 14) & (MAX_ROWS - 1)) + 1}"


def rectangle(first: int, last: int) -> str:
    """The area between two cells in absolute terms."""
    a, b = absolute(cell_name(first)), absolute(cell_name(last))
    return a if a == b else f"{a}:{b}"


def absolute(name: str) -> str:
    """``B7`` as ``$B$7``."""
    letters = name.rstrip("0123456789")
    return f"${letters}${name[len(letters) :]}"


class Unwritable(Exception):
    """This has no formula that every spreadsheet computes."""


class Constants:
    """Numbers that stand where a cell would: each has a negative code."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self._codes: dict[str, int] = {}

    def code(self, value: float) -> int:
        """The negative integer that stands for this number; NaN has one too."""
        key = repr(float(value))
        if key not in self._codes:
            self.values.append(float(value))
            self._codes[key] = -len(self.values)
        return self._codes[key]

    def codes(self, array: Any) -> Cells:
        """The codes of a whole array of numbers."""
        flat = np.asarray(array, float)
        values, inverse = np.unique(flat, return_inverse=True)
        return np.array([self.code(v) for v in values.tolist()], np.int64)[inverse].reshape(flat.shape)

    def value(self, code: int) -> float:
        return self.values[-code - 1]


CONSTANTS = Constants()


def quoted(text: str) -> str:
    """A text in a formula, as long as Excel takes one."""
    return '"' + text[:LONGEST_TEXT].replace('"', '""') + '"'


def number(value: float) -> str:
    """A literal that every spreadsheet reads: plain decimals, no exponent, negative ones in parentheses."""
    if value - value != 0:
        raise Unwritable(f"the number {value}")
    text = format(Decimal(repr(float(value))), "f")
    text = text[:-2] if text.endswith(".0") else text
    return f"({text})" if value < 0 else text


@dataclass(frozen=True)
class Area:
    """A rectangle of cells for every element: the address of its first cell, its height and width."""

    first: Cells
    height: int = 1
    width: int = 1


Piece = str | Area
Move = Callable[[np.ndarray], np.ndarray]


@dataclass
class Expression:
    """The formula of every element of an array.

    ``options`` are the different patterns (usually one; more where borders differ), each a list of pieces;
    ``choice`` says which of them an element has (``None``: the first). ``boolean``: yields TRUE or FALSE.
    """

    shape: tuple[int, ...]
    options: list[list[Piece]]
    choice: np.ndarray | None = None
    level: int = ATOM
    boolean: bool = False

    def at_least(self, level: int) -> Expression:
        """This expression, in parentheses if it binds more loosely than ``level``."""
        if self.level >= level:
            return self
        return Expression(self.shape, [["(", *option, ")"] for option in self.options], self.choice, ATOM, self.boolean)

    def moved(self, move: Move, shape: tuple[int, ...]) -> Expression:
        """These formulas at other places of an array: ``move`` reshapes, transposes or picks."""

        def full(array: np.ndarray) -> np.ndarray:
            return move(np.broadcast_to(array, self.shape))

        options: list[list[Piece]] = [
            [p if isinstance(p, str) else Area(full(p.first), p.height, p.width) for p in option] for option in self.options
        ]
        return Expression(shape, options, None if self.choice is None else full(self.choice), self.level, self.boolean)


def combine(parts: Sequence[str | Expression], shape: tuple[int, ...], level: int = ATOM, boolean: bool = False) -> Expression:
    """Write expressions and text one after the other; the operands broadcast to ``shape`` as in NumPy."""
    choice: np.ndarray | None = None
    options: list[list[Piece]] = [[]]
    for part in parts:
        if isinstance(part, str):
            options = [[*option, part] for option in options]
            continue
        if part.choice is None:
            options = [[*option, *part.options[0]] for option in options]
            continue
        joint = part.choice if choice is None else choice * len(part.options) + part.choice
        options = (
            [[*option, *other] for option in options for other in part.options]
            if choice is not None
            else [[*options[0], *other] for other in part.options]
        )
        choice, options = compress(joint, options)
    return Expression(shape, options, choice, level, boolean)


def compress(choice: np.ndarray, options: list[list[Piece]]) -> tuple[np.ndarray | None, list[list[Piece]]]:
    """Keep only the options that some element has."""
    present, chosen = numbered(choice)
    return chosen, [options[i] for i in present]


def pick(condition: np.ndarray, yes: Expression, no: Expression, shape: tuple[int, ...]) -> Expression:
    """``np.where`` with a condition that is known beforehand: no IF, each element has one of the two formulas."""
    level = min(yes.level, no.level)
    split = len(yes.options)
    first = np.zeros((), np.int64) if yes.choice is None else yes.choice
    second = np.zeros((), np.int64) if no.choice is None else no.choice
    choice, options = compress(np.broadcast_to(np.where(condition, first, second + split), shape), yes.options + no.options)
    return Expression(shape, options, choice, level, yes.boolean and no.boolean)


def numbered(array: np.ndarray) -> tuple[list[int], np.ndarray | None]:
    """The different numbers in an array, in order, and which of them each element is; ``None`` where there is one, as nearly always."""
    first = array.reshape(-1)[:1]
    if (array == first).all():
        return first.tolist(), None
    kinds, which = np.unique(array, return_inverse=True)
    return kinds.tolist(), which.reshape(array.shape)


def refer(cells: Cells) -> Expression:
    """The plain reference to each cell; codes of constants become literals, several sheets several options."""
    sheets = np.where(cells < 0, cells, cells >> 34)
    kinds, choice = numbered(sheets)
    options: list[list[Piece]] = []
    for kind in kinds:
        options.append(
            [number(CONSTANTS.value(kind))]
            if kind < 0
            else [Area(np.where(sheets == kind, cells, kind << 34) if len(kinds) > 1 else cells)]
        )
    return Expression(cells.shape, options, choice)
