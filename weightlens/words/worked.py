"""The numbers behind one element of a step: ``0*0.53 + 1*(-1.20) = -1.20``.

Elements are followed through whatever only moves numbers by moving their positions: the same NumPy call is
applied to an array of positions instead of numbers. What remains is written out with the tables of ``call_words``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from weightlens.recording import Recorded, Step, cast
from weightlens.recording.calls import MOVES, PRODUCTS, einsum_subscripts, factors, operation, reduced_axes
from weightlens.recording.graph import origins, shape_of, sources
from weightlens.words.call_words import (
    ATOM,
    CHOICE,
    COMPARE,
    INFIX,
    POWER,
    PRODUCT,
    SUM,
    TEMPLATES,
    call_name,
    only_keeps_finite,
    reduction_name,
)

Index = tuple[int, ...]
Written = tuple[str, int, Any]  # text, how tightly it holds together, what a calculator makes of it; None where some of it is left out

TERMS = 4  # terms of a sum that are written out before it is cut
DIGITS = (4, 5, 6, 8, 11, 17)  # of the numbers that are written out: the first with which a calculator comes to the result
DEEPEST = 24
MOST_FOLLOWED = 5_000_000  # numbers of an operand; of more it would take long to see which of them meet


def arithmetic(step: Step, index: Index, terms: int = TERMS) -> str:
    """The calculation of one element with its numbers; sums longer than ``terms`` are cut, with their length."""
    return Arithmetic(terms).line(step, index)


def plain(value: Any, digits: int = DIGITS[0]) -> str:
    """A number with at most four digits that matter, or so many: ``0.53``, ``-1.2``, ``1.24e-05``."""
    value = np.asarray(value).item()
    if not isinstance(value, float):
        return str(value)
    text = f"{value:.{digits}g}"
    return "0" if text == "-0" else text


class Arithmetic:
    """Writes elements out; remembers where each moved element came from."""

    def __init__(self, terms: int = TERMS) -> None:
        self.terms, self.digits = terms, DIGITS[0]
        self.origins: dict[int, tuple[Recorded, np.ndarray]] = {}

    def line(self, step: Step, index: Index) -> str:
        """``numbers = result`` for one element; the number alone where there is nothing to write out."""
        text, result = self.parts(step, index)
        return f"{text} = {result}" if text else result

    def parts(self, step: Step, index: Index) -> tuple[str, str]:
        """The numbers and the result; no numbers where there is nothing to write out.

        The numbers have as many digits as a reader needs who checks them with a calculator.
        """
        result = plain(step.value[index])
        if step.made.op is None:
            return "", result
        with np.errstate(all="ignore"):
            for self.digits in DIGITS:
                text, _, value = self.written(step.made, index, 0)
                if value is None or plain(step.made.dtype.type(value)) == result:
                    break
        return "" if text == result else text, result

    def number(self, value: Any) -> Written:
        """A number as an operand; a negative one needs parentheses inside products and differences."""
        text = plain(value, self.digits)
        shown = float(text) if isinstance(value, (float, np.floating)) else value
        return text, SUM if text.startswith("-") else ATOM, shown

    def element(self, thing: Any, index: Index, depth: int) -> Written:
        """One element of an operand: its number where it has a name, written out where it has none."""
        if not isinstance(thing, Recorded):
            return self.number(np.asarray(thing)[index] if np.ndim(thing) else thing)
        if thing.value is not None and (thing.kind or thing.op is None):
            return self.number(thing.value[index])
        return self.written(thing, index, depth + 1) if depth < DEEPEST else ("...", ATOM, None)

    def operand(self, thing: Any, index: Index, depth: int, tightness: int) -> tuple[str, Any]:
        """An element in parentheses where it would fall apart, and its value."""
        text, level, value = self.element(thing, fitted(thing, index), depth)
        return text if level >= tightness else f"({text})", value

    def written(self, x: Recorded, index: Index, depth: int) -> Written:
        """The call that made one element, with the numbers of its operands."""
        op, args = x.op, x.args
        if only_keeps_finite(x) and (free := self.element(args[0], fitted(args[0], index), depth))[2] is not None and free[2] <= args[1]:
            return free
        if operation(x) in PRODUCTS and max(map(np.size, factors(x))) <= MOST_FOLLOWED:
            return self.product(x, index, depth)
        if op in INFIX:
            sign, level = INFIX[op]
            left, a = self.operand(args[0], index, depth, level + (level == COMPARE))
            right, b = self.operand(args[1], index, depth, level + 1)
            sign = "*" if sign == " * " else sign  # so that sums of products read well
            return f"{left}{sign}{right}", level, calculated(op, a, b)
        if op in TEMPLATES and op not in (np.take, np.cumsum, np.sort, np.argsort):
            template, level, tightness = TEMPLATES[op]
            inside = [self.operand(arg, index, depth, tightness) for arg in (*args, *x.kwargs.values()) if arg is not None]
            whole = not x.kwargs and all(arg is not None for arg in args)
            text = template.format(*(text for text, _ in inside), "", "")
            return text, level, calculated(op, *(value for _, value in inside)) if whole else None
        if op is cast or operation(x) in MOVES:
            return self.moved(x, index, depth)
        if reduction_name(op) and args and isinstance(args[0], Recorded):
            return self.reduction(x, index, depth)
        if isinstance(op, np.ufunc) and op.signature is None:
            inside = [self.operand(arg, index, depth, CHOICE) for arg in args]
            text = f"{call_name(op)}({', '.join(text for text, _ in inside)})"
            return text, ATOM, calculated(op, *(value for _, value in inside))
        return self.number(x.value[index]) if x.value is not None else (f"{call_name(op)}(...)", ATOM, None)

    def product(self, x: Recorded, index: Index, depth: int) -> Written:
        """``a1*b1 + a2*b2``: what meets along the axes that are summed over; what lies beyond an edge is 0, and only counted."""
        inputs, output = einsum_subscripts(x).split("->")
        operands = list(zip(inputs.split(","), factors(x), strict=True))
        sizes = {letter: n for word, thing in operands for letter, n in zip(word, shape_of(thing), strict=True)}
        over = [letter for letter in sizes if letter not in output]
        total = int(np.prod([sizes[letter] for letter in over]))
        at = dict(zip(output, (np.full(total, i) for i in index), strict=True))
        at |= dict(zip(over, np.unravel_index(np.arange(total), [sizes[letter] for letter in over]), strict=True))
        places = [[np.minimum(at[letter], n - 1) for letter, n in zip(word, shape_of(thing), strict=True)] for word, thing in operands]
        real = np.full(total, True)
        for (_, thing), where in zip(operands, places, strict=True):
            real &= self.is_real(thing, tuple(where))
        inside = np.flatnonzero(real)
        shown = inside if len(inside) <= self.terms + 1 else inside[: self.terms]
        terms: list[tuple[str, Any]] = []
        for k in shown:
            met = [
                self.operand(thing, tuple(int(i[k]) for i in where), depth, POWER if d else PRODUCT)
                for d, ((_, thing), where) in enumerate(zip(operands, places, strict=True))
            ]
            terms.append(("*".join(text for text, _ in met), calculated(lambda *factors: math.prod(factors), *(value for _, value in met))))
        beyond = total - len(inside)
        edge = f" + 0 ({beyond} term{'s' * (beyond > 1)} beyond the edge)" if beyond else ""
        text, level, value = self.joined(terms, len(inside))
        return text + edge, SUM if edge else level, value

    def is_real(self, thing: Any, where: tuple[np.ndarray, ...]) -> Any:
        """Which of these elements of an operand are no padding."""
        real = np.full(where[0].shape if where else (), True)
        while isinstance(thing, Recorded) and not thing.kind and operation(thing) in MOVES and len(sources(thing)) == 1:
            number, thing = self.origin(thing)[where], sources(thing)[0]
            real &= number >= 0
            where = np.unravel_index(np.maximum(number, 0), shape_of(thing))
        return real

    def origin(self, x: Recorded) -> np.ndarray:
        """Where each element of what was only moved comes from."""
        if id(x) not in self.origins:
            self.origins[id(x)] = (x, origins(x))
        return self.origins[id(x)][1]

    def reduction(self, x: Recorded, index: Index, depth: int) -> Written:
        """A sum, a mean or a maximum over the elements it takes."""
        whole = x.args[0]
        axes, _ = reduced_axes(x)
        kept = list(index)
        for a in sorted(axes) if len(index) < whole.ndim else ():
            kept.insert(a, 0)
        lengths = [whole.shape[a] for a in axes]
        total = int(np.prod(lengths))
        terms = []
        for place in (np.unravel_index(k, lengths) for k in range(total if total <= self.terms + 1 else self.terms)):
            for a, i in zip(axes, place, strict=True):
                kept[a] = int(i)
            terms.append(self.operand(whole, tuple(kept), depth, PRODUCT if reduction_name(x.op) == "sum" else CHOICE))
        name = reduction_name(x.op)
        if name == "sum":
            return self.joined(terms, total)
        text = f"{name}({', '.join(text for text, _ in terms)}{f', ... {total} numbers' if total > len(terms) else ''})"
        whole = total == len(terms)
        return text, ATOM, calculated(lambda *values: x.op(values), *(value for _, value in terms)) if whole else None  # type: ignore[misc]  # a call made it

    def joined(self, terms: list[tuple[str, Any]], total: int) -> Written:
        """The terms of a sum, cut where there are more than are shown."""
        rest = f" + ... ({total} terms)" if total > len(terms) else ""
        value = None if rest else calculated(lambda *numbers: sum(numbers), *(value for _, value in terms))
        return " + ".join(text for text, _ in terms) + rest, SUM if total > 1 else PRODUCT, value

    def moved(self, x: Recorded, index: Index, depth: int) -> Written:
        """An element that was only moved: the element it came from; 0 where padding put a new one."""
        number = int(self.origin(x)[index])
        for source in sources(x):
            size = int(np.prod(shape_of(source), dtype=np.int64))
            if number < size:
                place = tuple(int(i) for i in np.unravel_index(number, shape_of(source))) if number >= 0 else ()
                return self.element(source, place, depth) if number >= 0 else self.number(x.kwargs.get("constant_values", 0))
            number -= size
        return "...", ATOM, None


def calculated(op: Any, *values: Any) -> Any:
    """What a call makes of the numbers as they are written; ``None`` where one is missing, or it takes more than numbers."""
    if any(value is None for value in values):
        return None
    try:
        return op(*values)
    except (TypeError, ValueError, AttributeError):
        return None


def fitted(thing: Any, index: Index) -> Index:
    """The index into an operand that was broadcast to the shape of the result."""
    shape = shape_of(thing)
    return tuple(0 if length == 1 else i for length, i in zip(shape, index[len(index) - len(shape) :], strict=True))
