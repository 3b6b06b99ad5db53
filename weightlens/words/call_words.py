"""How a NumPy call is put into words: between its operands, in a template, as the name of a reduction or of a move."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from weightlens.recording.arrays import Recorded, cast
from weightlens.recording.texts import lowered, spaced, without_marks, word_at
from weightlens.specs.activation import LARGEST_EXPONENT

Words = tuple[str, int]  # a text, and how tightly it holds together

CHOICE, COMPARE, SUM, PRODUCT, POWER, PHRASE, ATOM = range(7)

DOT = " . "
INFIX: dict[Any, tuple[str, int]] = {
    np.add: (" + ", SUM), np.subtract: (" - ", SUM), np.multiply: (" * ", PRODUCT), np.divide: (" / ", PRODUCT), np.matmul: (DOT, PRODUCT),
    np.dot: (DOT, PRODUCT), np.floor_divide: (" // ", PRODUCT), np.remainder: (" mod ", PRODUCT), np.power: ("^", POWER),
    np.greater: (" > ", COMPARE), np.greater_equal: (" >= ", COMPARE), np.less: (" < ", COMPARE), np.less_equal: (" <= ", COMPARE),
    np.equal: (" is ", COMPARE), np.not_equal: (" is not ", COMPARE), np.logical_and: (" and ", CHOICE), np.logical_or: (" or ", CHOICE),
    np.bitwise_and: (" and ", CHOICE), np.bitwise_or: (" or ", CHOICE),
}  # fmt: skip
# A template, how tightly its result holds together, and how tightly each operand has to.
TEMPLATES: dict[Any, tuple[str, int, int]] = {
    np.exp: ("e^{}", POWER, PHRASE), np.expm1: ("e^{} - 1", SUM, PHRASE), np.exp2: ("2^{}", POWER, PHRASE),
    np.log: ("ln({})", ATOM, CHOICE), np.log1p: ("ln(1 + {})", ATOM, SUM), np.log2: ("log2({})", ATOM, CHOICE),
    np.log10: ("log10({})", ATOM, CHOICE), np.sqrt: ("sqrt({})", ATOM, CHOICE), np.square: ("{}^2", POWER, PHRASE),
    np.reciprocal: ("1 / {}", PRODUCT, POWER), np.negative: ("-{}", PRODUCT, POWER), np.positive: ("{}", ATOM, ATOM),
    np.absolute: ("|{}|", ATOM, CHOICE), lowered: ("{} in small letters", PHRASE, PHRASE),
    without_marks: ("{} without punctuation", PHRASE, PHRASE), spaced: ("{} with single spaces", PHRASE, PHRASE),
    word_at: ("words of {}", PHRASE, PHRASE), np.maximum: ("max({}, {})", ATOM, CHOICE), np.minimum: ("min({}, {})", ATOM, CHOICE),
    np.logical_not: ("not {}", COMPARE, PHRASE), np.invert: ("not {}", COMPARE, PHRASE), np.sign: ("sign of {}", PHRASE, PHRASE),
    np.where: ("{1} if {0} else {2}", CHOICE, COMPARE), np.clip: ("{} cut to {}..{}", CHOICE, SUM),
    np.take: ("rows of {} looked up by {}", PHRASE, PHRASE), np.argsort: ("sorting order of {}", PHRASE, PHRASE),
    np.sort: ("{} in rising order", CHOICE, PHRASE), np.cumsum: ("running sum of {}", PHRASE, PHRASE),
    np.round: ("{} rounded", CHOICE, PHRASE), np.rint: ("{} rounded", CHOICE, PHRASE), np.floor: ("{} rounded down", CHOICE, PHRASE),
    np.ceil: ("{} rounded up", CHOICE, PHRASE), np.trunc: ("whole part of {}", PHRASE, PHRASE),
}  # fmt: skip
REDUCTIONS: dict[Any, str] = {
    np.sum: "sum", np.mean: "mean", np.max: "max", np.min: "min", np.amax: "max", np.amin: "min", np.prod: "product", np.var: "variance",
    np.std: "standard deviation", np.argmax: "position of the largest", np.argmin: "position of the smallest", np.any: "any", np.all: "all",
    np.count_nonzero: "count", np.linalg.norm: "length",
}  # fmt: skip
UFUNC_REDUCTIONS: dict[Any, str] = {
    np.add: "sum", np.maximum: "max", np.minimum: "min", np.multiply: "product", np.logical_and: "all", np.logical_or: "any",
}  # fmt: skip
# These only move numbers: a word where the move is the step itself, nothing where it stands inside an expression.
QUIET: dict[Any, str] = {
    np.reshape: "reshaped", np.ravel: "flattened", np.transpose: "with its axes in another order", np.swapaxes: "with two axes exchanged",
    np.moveaxis: "with an axis moved", np.expand_dims: "with an axis added", np.squeeze: "without axes of length 1", np.copy: "",
    np.broadcast_to: "repeated", np.ascontiguousarray: "", cast: "", np.atleast_1d: "", np.asarray: "", np.array: "",
    np.rollaxis: "with an axis moved",
}  # fmt: skip
MOVES: dict[Any, str] = {
    np.pad: "padded {}", np.flip: "reversed {}", np.repeat: "repeated {}", np.tile: "repeated {}", np.roll: "shifted {}",
    np.rot90: "turned {}",
    sliding_window_view: "windows of {}",
}  # fmt: skip


def reduction_name(op: Any) -> str:
    """``sum`` for ``np.sum`` and ``np.add.reduce``; empty where the call is no reduction."""
    if getattr(op, "__name__", "") == "reduce":
        return UFUNC_REDUCTIONS.get(getattr(op, "__self__", None), "")
    return REDUCTIONS.get(op, "") if callable(op) else ""


def only_keeps_finite(x: Recorded) -> bool:
    """Whether this is the bound that keeps e^ from overflowing: no number that a reader meets comes near it."""
    return x.op is np.minimum and not isinstance(x.args[1], Recorded) and np.ndim(x.args[1]) == 0 and x.args[1] == LARGEST_EXPONENT


def call_name(op: Any) -> str:
    """A readable name for any function."""
    return str(getattr(op, "__name__", op)).split(" ")[0].strip("_")
