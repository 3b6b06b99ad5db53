"""A step as one line of mathematics: ``pre-activation = dot product + bias``.

The line is made from the recorded expression, as the formula in the workbook is: operands that have a name
are written by name, those that have none are written out. A table says how an operation is put into words;
what is not in the table is written as a call, so that there are always words.
"""

from __future__ import annotations

import operator
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from weightlens.recording.arrays import Part, Recorded
from weightlens.recording.calls import JOINS, argument, reduced_axes
from weightlens.recording.graph import is_inside, named_operands
from weightlens.words.call_words import (
    ATOM,
    CHOICE,
    COMPARE,
    DOT,
    INFIX,
    MOVES,
    PHRASE,
    POWER,
    PRODUCT,
    QUIET,
    SUM,
    TEMPLATES,
    Words,
    call_name,
    only_keeps_finite,
    reduction_name,
)  # fmt: skip

if TYPE_CHECKING:
    from weightlens.axes import Factor, Named
    from weightlens.recording import Step

LONGEST = 240  # characters of one line; what is longer is cut
DEEPEST = 24  # calls inside calls
OUTPUTS = {"output", "activation"}  # names under which a layer hands on its result: the layer's own name says more


def words(step: Step) -> str:
    """A step as one line of mathematics, at most ``LONGEST`` characters: ``activation = exponentials / sum``."""
    return shortened(f"{step.name} = {Wording(step).result()[0]}")


def shortened(line: str, length: int = LONGEST, end: str = " ...") -> str:
    """The line, cut where it is too long to be read."""
    return line if len(line) <= length else line[: length - len(end)].rstrip() + end


def number(value: Any) -> str:
    """A number as a person would write it, with six digits at most."""
    value = np.asarray(value).item()
    return f"{value:.6g}" if isinstance(value, float) else str(value)


class Wording:
    """Puts the expression behind one step into words."""

    dot = DOT

    def __init__(self, step: Step) -> None:
        self.made, self.named = step.made, step.named_of
        self.handed_on = {} if step.trace is None else step.trace.layer_outputs
        inputs = [] if step.trace is None else step.trace.inputs
        self.rounds = Counter[tuple[str, str]]() if step.trace is None else step.trace.rounds
        self.one_input = len(inputs or {id(x) for x in named_operands(step.made) if x.kind == "input"}) == 1

    def result(self) -> Words:
        """What the step is equal to."""
        x = self.made
        if x.op is None:
            return self.constant(x.value)
        if x.op in QUIET and x.args and isinstance(x.args[0], Recorded) and only_moved(x):
            return f"{self.operand(x.args[0], 1, PHRASE)} {self.reshaped(x)}".rstrip(), CHOICE
        if x.role.kind == "scaled":
            return f"{self.operand(x.args[0], 1, PRODUCT)} * {x.role.of}", PRODUCT
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
        if x.kind == "weight":
            return x.name if not x.layer or is_inside(self.made.layer, x.layer) else f"{x.name} of {x.layer}"
        if x.layer in (self.made.layer, ""):
            return f"previous {x.name}" if self.is_earlier(x) else x.name
        layer = x.layer.removeprefix(f"{self.made.layer}/")
        return layer if x.name in OUTPUTS or any(y is x for y in self.handed_on.get(x.layer, ())[:1]) else f"{x.name} of {layer}"

    def is_earlier(self, x: Recorded) -> bool:
        """Whether a step is read that its layer makes again and again (a state), and this one is of an earlier round."""
        if x.kind != "step" or x is self.made or x.layer != self.made.layer:
            return False
        return x.name == self.made.name or (x.round < self.made.round and self.rounds[x.layer, x.name] > 1)

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
        if only_keeps_finite(x):
            return self.phrase(args[0], deeper)
        if op in INFIX and len(args) >= 2:
            return self.with_sign_between(x, deeper)
        if op in TEMPLATES:
            template, level, tightness = TEMPLATES[op]
            if op is np.negative and isinstance(args[0], Recorded) and args[0].kind and " " in (name := self.name(args[0])):
                return f"-({name})", level
            return template.format(*(self.operand(arg, deeper, tightness) for arg in (*args, *x.kwargs.values(), "", ""))), level
        if op is np.transpose and np.ndim(args[0]) == 2 and len(args) == 1:
            inner, level = self.phrase(args[0], deeper)
            return f"({inner})^T" if level < ATOM or " " in inner else f"{inner}^T", POWER
        if op in QUIET and args:
            return self.phrase(args[0], deeper)
        if op in MOVES and args:
            inner = self.operand(args[0], deeper, PHRASE)
            if op is np.repeat and x.size == np.size(args[0]):  # each once
                return self.phrase(args[0], deeper)
            return inner if inner.startswith(MOVES[op][:-2]) else MOVES[op].format(inner), PHRASE
        if (reduction := reduction_name(op)) and args:
            inner = self.operand(args[0], deeper, PHRASE)
            if isinstance(args[0], Recorded) and within_windows(args[0]):
                return f"{reduction} of each {inner.replace('windows', 'window', 1)}", PHRASE
            axes = self.over_axes(x)
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

    def with_sign_between(self, x: Recorded, depth: int) -> Words:
        """Two operands and the sign between them."""
        sign, level = INFIX[x.op] if x.op not in (np.matmul, np.dot) else (self.dot, PRODUCT)
        tighter = level + (x.op not in (np.add, np.logical_and, np.logical_or))
        first = level + (level == COMPARE)  # comparisons of comparisons are not chained
        return f"{self.operand(x.args[0], depth, first)}{sign}{self.operand(x.args[1], depth, tighter)}", level

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
        if not isinstance(whole, Recorded) or within_windows(whole) or was_padded(whole):
            return self.phrase(whole, depth)
        where = self.which_part(x, whole)
        return (f"{where} of {self.operand(whole, depth, PHRASE)}", PHRASE) if where else self.phrase(whole, depth)

    # -- the names of axes -----------------------------------------------------------------------------------------------------

    def over_axes(self, x: Recorded) -> str:
        """`` over units``: the axes that a reduction runs over; nothing where these are all."""
        axes, rest = reduced_axes(x)
        titled = self.named(x.args[0]).titled
        names = dict.fromkeys(plural(f.name) for a in axes for f in titled[a])
        return f" over {and_list(list(names))}" if rest and names else ""

    def of_every(self, x: Recorded) -> str:
        """``hidden state of every time step``: one step of each place, put together."""
        parts, axis = x.args[0], self.named(x).axes[argument(x, 1, "axis") or 0]
        alike = {part.name if isinstance(part, Recorded) and part.kind else "" for part in parts}
        name = alike.pop()
        return f"{name} of every {axis[0].name}" if name and not alike and len(axis) == 1 and axis[0].name != "part" else ""

    def which_part(self, x: Recorded, whole: Recorded) -> str:
        """Which part of ``whole`` this is; empty where it is all of it."""
        before, after = self.named(whole), self.named(x)
        left = {f.name: f for axis in after.axes for f in axis}
        words = [self.fixed(f, after) if f.name not in left else places_left(f, left[f.name]) for axis in before.axes for f in axis]
        words = [word for word in words if word]
        if words or x.size == whole.size:
            return ", ".join(words)
        return f"part [{', '.join(map(key_text, key if isinstance(key := x.args[1], tuple) else (key,)))}]"

    def fixed(self, f: Factor, after: Named) -> str:
        """The one place that is left of an axis."""
        return after.fixed[f.name].text(0) if f.name in after.fixed else ""


def places_left(f: Factor, left: Factor) -> str:
    """``units 0:3``: the places that are left of several; empty for all of them."""
    at, whole = (np.array(sorted(set(places.tolist()))) for places in (left.at, f.at))  # np.unique alone loads np.ma, which takes long
    if len(at) == len(whole) or (at < 0).any():
        return ""
    if f.words:
        return and_list([f.coordinate(int(i)) for i in at])
    step = int(at[1] - at[0]) if len(at) > 1 else 1
    if (np.diff(at) != step).any():
        return f"some {plural(f.name)}"
    return f"{plural(f.name)} {at[0]}:{at[-1] + 1}" + (f":{step}" if step > 1 else "") if len(at) > 1 else f.coordinate(int(at[0]))


def plural(name: str) -> str:
    """``units``, ``batches``: the plural of the name of an axis."""
    return name if name.endswith("s") else name[:-1] + "ies" if name.endswith("y") else name + ("es" if name.endswith(("x", "ch")) else "s")


def and_list(words: list[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


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


def was_padded(x: Recorded) -> bool:
    """Whether ``x`` has new numbers beside its own, of which a part is cut off again."""
    while not x.kind and x.op in QUIET and isinstance(x.args[0], Recorded):
        x = x.args[0]
    return not x.kind and x.op is np.pad


def key_text(k: Any) -> str:
    """An index as Python writes it: ``0``, ``:``, ``0:3``, ``::-1``."""
    if not isinstance(k, slice):
        return str(k) if isinstance(k, (int, np.integer)) else "..."
    start, stop = ("" if part is None else str(part) for part in (k.start, k.stop))
    return f"{start}:{stop}" + (f":{k.step}" if k.step is not None else "")
