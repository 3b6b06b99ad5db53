"""A step as one line of mathematics: ``pre-activation = dot product + bias``.

The line is made from the recorded expression, as the formula in the workbook is: operands that have a name
are written by name, those that have none are written out. A table says how an operation is put into words;
what is not in the table is written as a call, so that there are always words.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from weightlens.recording.arrays import Part, Recorded, cast
from weightlens.recording.calls import JOINS, argument, reduced_axes
from weightlens.recording.graph import named_operands
from weightlens.recording.texts import lowered, spaced, without_marks, word_at

if TYPE_CHECKING:
    from weightlens.axes import Factor, Named
    from weightlens.recording import Step

Words = tuple[str, int]  # a text, and how tightly it holds together

CHOICE, COMPARE, SUM, PRODUCT, POWER, PHRASE, ATOM = range(7)
LONGEST = 240  # characters of one line; what is longer is cut
DEEPEST = 24  # calls inside calls

DOT = " . "
INFIX: dict[Any, tuple[str, int]] = {
    np.add: (" + ", SUM),
    np.subtract: (" - ", SUM),
    np.multiply: (" * ", PRODUCT),
    np.divide: (" / ", PRODUCT),
    np.matmul: (DOT, PRODUCT),
    np.dot: (DOT, PRODUCT),
    np.floor_divide: (" // ", PRODUCT),
    np.remainder: (" mod ", PRODUCT),
    np.power: ("^", POWER),
    np.greater: (" > ", COMPARE),
    np.greater_equal: (" >= ", COMPARE),
    np.less: (" < ", COMPARE),
    np.less_equal: (" <= ", COMPARE),
    np.equal: (" = ", COMPARE),
    np.not_equal: (" is not ", COMPARE),
    np.logical_and: (" and ", CHOICE),
    np.logical_or: (" or ", CHOICE),
    np.bitwise_and: (" and ", CHOICE),
    np.bitwise_or: (" or ", CHOICE),
}
# A template, how tightly its result holds together, and how tightly each operand has to.
TEMPLATES: dict[Any, tuple[str, int, int]] = {
    np.exp: ("e^{}", POWER, PHRASE),
    np.expm1: ("e^{} - 1", SUM, PHRASE),
    np.exp2: ("2^{}", POWER, PHRASE),
    np.log: ("ln({})", ATOM, CHOICE),
    np.log1p: ("ln(1 + {})", ATOM, SUM),
    np.log2: ("log2({})", ATOM, CHOICE),
    np.log10: ("log10({})", ATOM, CHOICE),
    np.sqrt: ("sqrt({})", ATOM, CHOICE),
    np.square: ("{}^2", POWER, PHRASE),
    np.reciprocal: ("1 / {}", PRODUCT, POWER),
    np.negative: ("-{}", PRODUCT, POWER),
    np.positive: ("{}", ATOM, ATOM),
    np.absolute: ("|{}|", ATOM, CHOICE),
    lowered: ("{} in small letters", PHRASE, PHRASE),
    without_marks: ("{} without punctuation", PHRASE, PHRASE),
    spaced: ("{} with single spaces", PHRASE, PHRASE),
    word_at: ("words of {}", PHRASE, PHRASE),
    np.maximum: ("max({}, {})", ATOM, CHOICE),
    np.minimum: ("min({}, {})", ATOM, CHOICE),
    np.logical_not: ("not {}", COMPARE, PHRASE),
    np.invert: ("not {}", COMPARE, PHRASE),
    np.sign: ("sign of {}", PHRASE, PHRASE),
    np.where: ("{1} if {0} else {2}", CHOICE, COMPARE),
    np.clip: ("{} cut to {}..{}", CHOICE, SUM),
    np.take: ("rows of {} looked up by {}", PHRASE, PHRASE),
    np.argsort: ("sorting order of {}", PHRASE, PHRASE),
    np.sort: ("{} in rising order", CHOICE, PHRASE),
    np.cumsum: ("running sum of {}", PHRASE, PHRASE),
    np.round: ("{} rounded", CHOICE, PHRASE),
    np.rint: ("{} rounded", CHOICE, PHRASE),
    np.floor: ("{} rounded down", CHOICE, PHRASE),
    np.ceil: ("{} rounded up", CHOICE, PHRASE),
    np.trunc: ("whole part of {}", PHRASE, PHRASE),
}
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
OUTPUTS = {"output", "activation"}  # names under which a layer hands on its result: the layer's own name says more


def words(step: Step) -> str:
    """A step as one line of mathematics, at most ``LONGEST`` characters: ``activation = exponentials / sum``."""
    return shortened(f"{step.name} = {Wording(step).result()[0]}")


def shortened(line: str, length: int = LONGEST) -> str:
    """The line, cut where it is too long to be read."""
    return line if len(line) <= length else line[: length - 4].rstrip() + " ..."


def number(value: Any) -> str:
    """A number as a person would write it, with six digits at most."""
    value = np.asarray(value).item()
    return f"{value:.6g}" if isinstance(value, float) else str(value)


class Wording:
    """Puts the expression behind one step into words."""

    dot = DOT

    def __init__(self, step: Step) -> None:
        self.made, self.named = step.made, step.named_of
        outside = {id(x) for x in named_operands(step.made) if x.kind == "input"}
        self.one_input = len(outside) == 1

    def result(self) -> Words:
        """What the step is equal to."""
        x = self.made
        if x.op is None:
            return self.constant(x.value)
        if x.op in QUIET and x.args and isinstance(x.args[0], Recorded) and only_moved(x):
            return f"{self.operand(x.args[0], 1, PHRASE)} {self.reshaped(x)}".rstrip(), CHOICE
        return self.call(x, 0)

    def reshaped(self, x: Recorded) -> str:
        """How numbers are arranged anew."""
        return QUIET[x.op] + (f" to {' x '.join(map(str, x.shape[1:])) or 'one number'}" if x.op is np.reshape else "")

    def operand(self, thing: Any, depth: int, tightness: int = CHOICE) -> str:
        """An operand: by name, written out, or as a number; in parentheses where it would fall apart."""
        text, level = self.phrase(thing, depth)
        return text if level >= tightness else f"({text})"

    def phrase(self, thing: Any, depth: int) -> Words:
        """The words for anything that a call can be given."""
        if isinstance(thing, (list, tuple)):
            return ", ".join(self.operand(item, depth) for item in thing), CHOICE
        if not isinstance(thing, Recorded):
            return self.constant(thing)
        if thing.kind:
            return self.name(thing), ATOM
        if thing.op is None:
            return self.constant(thing.value)
        if depth > DEEPEST:
            return "...", ATOM
        text, level = self.call(thing, depth)
        return (text, level) if len(text) <= LONGEST else (shortened(text), ATOM)

    def name(self, x: Recorded) -> str:
        """The name of an operand, as seen from the step's own layer."""
        if x.kind == "input":
            return "input" if self.one_input else x.name
        if x.layer in (self.made.layer, "") or x.kind == "weight":
            return f"previous {x.name}" if x.name == self.made.name and x is not self.made and x.kind == "step" else x.name
        return x.layer if x.name in OUTPUTS else f"{x.name} of {x.layer}"

    def constant(self, value: Any) -> Words:
        """A number, or ``constants`` where there are several different ones."""
        if value is None or isinstance(value, (str, bytes, np.dtype, type)) or callable(value):
            return str(getattr(value, "__name__", value)), ATOM
        array = np.asarray(value)
        if array.size and array.dtype.kind in "biuf" and (array == array.flat[0]).all():
            text = number(array.flat[0])
            return text, SUM if text.startswith("-") else ATOM
        return "constants", ATOM

    def call(self, x: Recorded, depth: int) -> Words:
        """The words for the call that made ``x``."""
        op, args, deeper = x.op, x.args, depth + 1
        if op in INFIX and len(args) >= 2:
            sign, level = INFIX[op] if op not in (np.matmul, np.dot) else (self.dot, PRODUCT)
            tighter = level + (op not in (np.add, np.logical_and, np.logical_or))
            return f"{self.operand(args[0], deeper, level)}{sign}{self.operand(args[1], deeper, tighter)}", level
        if op in TEMPLATES:
            template, level, tightness = TEMPLATES[op]
            if op is np.negative and isinstance(args[0], Recorded) and args[0].kind and " " in (name := self.name(args[0])):
                return f"-({name})", level
            return template.format(*(self.operand(arg, deeper, tightness) for arg in (*args, *x.kwargs.values(), "", ""))), level
        if op is np.transpose and np.ndim(args[0]) == 2 and len(args) == 1:
            return f"{self.operand(args[0], deeper, ATOM)}^T", POWER
        if op in QUIET and args:
            return self.phrase(args[0], deeper)
        if op in MOVES and args:
            inner = self.operand(args[0], deeper, PHRASE)
            return inner if inner.startswith(MOVES[op][:-2]) else MOVES[op].format(inner), PHRASE
        if (reduction := reduction_name(op)) and args:
            inner = self.operand(args[0], deeper, PHRASE)
            if isinstance(args[0], Recorded) and within_windows(args[0]):
                return f"{reduction} of each {inner.replace('windows', 'window', 1)}", PHRASE
            axes = self.over(x)
            return f"{reduction} of {inner}{axes}", COMPARE if axes else PHRASE
        if op is np.stack and len(args[0]) > 1 and (several := self.of_every(x)):
            return several, PHRASE
        if op in JOINS and args:
            return f"{self.listed(args[0], deeper)} joined", CHOICE
        if op in (np.einsum, np.tensordot) and args:
            factors = args[1:] if op is np.einsum else args[:2]
            return self.dot.join(self.operand(arg, deeper, POWER) for arg in factors), PRODUCT
        if isinstance(op, Part) or op is operator.getitem:
            return self.picked(x, deeper)
        inside = ", ".join(self.operand(arg, deeper) for arg in (*args, *x.kwargs.values()))
        return f"{call_name(op)}({inside})", ATOM

    def listed(self, things: Any, depth: int) -> str:
        """``a, b and c``; equal names once, with their number."""
        texts = [self.operand(thing, depth, PHRASE) for thing in (things if isinstance(things, (list, tuple)) else [things])]
        plain = [text.removeprefix("previous ") for text in texts]
        if len(set(plain)) == 1:
            return f"{len(plain)} times {plain[0]}" if len(plain) > 1 else plain[0]
        return and_list(texts)

    def picked(self, x: Recorded, depth: int) -> Words:
        """The words for a part: ``input gate of z``, ``units 0:3 of z``, ``time step 2 of input``."""
        whole = x.args[0]
        if not isinstance(whole, Recorded) or within_windows(whole):
            return self.phrase(whole, depth)
        where = self.taken(x, whole)
        return (f"{where} of {self.operand(whole, depth, PHRASE)}", PHRASE) if where else self.phrase(whole, depth)

    # -- the names of axes -----------------------------------------------------------------------------------------------------

    def over(self, x: Recorded) -> str:
        """`` over units``: the axes that a reduction runs over; nothing where these are all."""
        axes, rest = reduced_axes(x)
        titled = self.named(x.args[0]).titled
        found = dict.fromkeys(several(f.name) for a in axes for f in titled[a])
        return f" over {and_list(list(found))}" if rest and found else ""

    def of_every(self, x: Recorded) -> str:
        """``hidden state of every time step``: one step of each place, put together."""
        parts, axis = x.args[0], self.named(x).axes[argument(x, 1, "axis") or 0]
        alike = {part.name if isinstance(part, Recorded) and part.kind else "" for part in parts}
        name = alike.pop()
        return f"{name} of every {axis[0].name}" if name and not alike and len(axis) == 1 and axis[0].name != "part" else ""

    def taken(self, x: Recorded, whole: Recorded) -> str:
        """Which part of ``whole`` this is; empty where it is all of it."""
        before, after = self.named(whole), self.named(x)
        left = {f.name: f for axis in after.axes for f in axis}
        words = [self.fixed(f, after) if f.name not in left else stretch(f, left[f.name]) for axis in before.axes for f in axis]
        words = [word for word in words if word]
        if words or x.size == whole.size:
            return ", ".join(words)
        return f"part [{', '.join(map(key_text, key if isinstance(key := x.args[1], tuple) else (key,)))}]"

    def fixed(self, f: Factor, after: Named) -> str:
        """The one place that is left of an axis."""
        return after.fixed[f.name][1] if f.name in after.fixed else ""


def stretch(f: Factor, left: Factor) -> str:
    """``units 0:3``: the places that are left of several; empty for all of them."""
    at = np.unique(left.at)
    if len(at) == len(np.unique(f.at)) or (at < 0).any():
        return ""
    if f.words:
        return and_list([f.word(int(i)) for i in at])
    step = int(at[1] - at[0]) if len(at) > 1 else 1
    if (np.diff(at) != step).any():
        return f"some {several(f.name)}"
    return f"{several(f.name)} {at[0]}:{at[-1] + 1}" + (f":{step}" if step > 1 else "") if len(at) > 1 else f.word(int(at[0]))


def several(name: str) -> str:
    """``units``, ``batches``: the plural of the name of an axis."""
    return name if name.endswith("s") else name[:-1] + "ies" if name.endswith("y") else name + ("es" if name.endswith(("x", "ch")) else "s")


def and_list(words: list[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def reduction_name(op: Any) -> str:
    """``sum`` for ``np.sum`` and ``np.add.reduce``; empty where the call is no reduction."""
    if getattr(op, "__name__", "") == "reduce":
        return UFUNC_REDUCTIONS.get(getattr(op, "__self__", None), "")
    return REDUCTIONS.get(op, "") if callable(op) else ""


def call_name(op: Any) -> str:
    """A readable name for any function."""
    return str(getattr(op, "__name__", op)).split(" ")[0].strip("_")


def only_moved(x: Recorded) -> bool:
    """Whether nothing is computed between ``x`` and the named values it comes from."""
    x = x.args[0]
    while not x.kind and x.args and isinstance(x.args[0], Recorded) and (x.op in QUIET or x.op in MOVES or x.op is operator.getitem):
        x = x.args[0]
    return bool(x.kind)


def within_windows(x: Recorded) -> bool:
    """Whether ``x`` is a view of windows, whose indexing is only strides."""
    while not x.kind and (x.op in QUIET or x.op is operator.getitem):
        x = x.args[0]
    return not x.kind and x.op is sliding_window_view


def key_text(k: Any) -> str:
    """An index as Python writes it: ``0``, ``:``, ``0:3``, ``::-1``."""
    if not isinstance(k, slice):
        return str(k) if isinstance(k, (int, np.integer)) else "..."
    start, stop = ("" if part is None else str(part) for part in (k.start, k.stop))
    return f"{start}:{stop}" + (f":{k.step}" if k.step is not None else "")
