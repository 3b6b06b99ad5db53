"""The graph that recorded arrays form: what reads what, in which order it is computed, computing it again.

An *expression* is a value with the unnamed ones behind it: what is written in one formula, or one line of words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from weightlens.recording.arrays import NESTED, Part, Recorded, cast, each, record

Follow = Callable[[Recorded], bool]


def unnamed(x: Recorded) -> bool:
    """Whether a value is part of the expression that reads it."""
    return not x.kind


def operands(x: Recorded) -> list[Recorded]:
    """The recorded arrays that the call which made ``x`` was given, in order. Looked up once: every walk asks for them."""
    if x.reads is None:
        x.reads = recorded_among((*x.args, *x.kwargs.values()) if x.kwargs else x.args)
    return x.reads


def is_inside(path: str, layer: str) -> bool:
    """Whether the steps at ``path`` belong to a layer: its own, those of layers inside it, those of a further call (``dense #2``)."""
    return path == layer or path.startswith((layer + "/", layer + " #"))


def recorded_among(things: tuple[Any, ...] | list[Any]) -> list[Recorded]:
    """The recorded arrays among these things, and inside of them."""
    arrays = []
    for thing in things:
        kind = type(thing)  # asked once: this runs for every call of every walk
        if kind is Recorded:
            arrays.append(thing)
        elif kind is tuple or kind is list:
            arrays += recorded_among(thing)
        elif kind is dict:
            arrays += recorded_among(tuple(thing.values()))
        elif kind is slice:
            arrays += recorded_among((thing.start, thing.stop, thing.step))
    return arrays


def walk(roots: Iterable[Recorded], follow: Follow = unnamed) -> Iterator[Recorded]:
    """What the roots are made of, each value once, from left to right; operands only of values for which ``follow`` is true."""
    seen: set[int] = set()
    for root in roots:
        stack = operands(root)[::-1]
        while stack:
            x = stack.pop()
            if id(x) not in seen:
                seen.add(id(x))
                yield x
                if x.args and follow(x):
                    stack.extend(operands(x)[::-1])


def named_operands(*made: Recorded) -> list[Recorded]:
    """The named values that these expressions read, each once, as ``walk`` meets them (which is slower: every sheet asks this often)."""
    seen: dict[int, Recorded] = {}
    for root in made:
        own = operands(root)
        if all(x.kind for x in own):  # as in most
            seen |= {id(x): x for x in own}
            continue
        stack = own[::-1]
        while stack:
            x = stack.pop()
            if id(x) not in seen:
                seen[id(x)] = x
                if not x.kind and x.args:
                    stack += operands(x)[::-1]
    return [x for x in seen.values() if x.kind]


def ordered(roots: Iterable[Recorded], follow: Follow = lambda x: True, last_first: bool = False) -> list[Recorded]:
    """The roots and every value behind them, operands first, from left to right or the last one first.

    Operands are those of values for which ``follow`` is true.
    """
    done: dict[int, Recorded] = {}
    for root in roots:
        stack = [(root, not follow(root))]
        while stack:
            x, ready = stack.pop()
            if id(x) in done:
                continue
            if ready:
                done[id(x)] = x
            else:
                stack.append((x, True))
                inside = operands(x) if last_first else operands(x)[::-1]
                stack.extend((y, not follow(y)) for y in inside if id(y) not in done)
    return list(done.values())


def expression(made: Recorded) -> list[Recorded]:
    """A value and the unnamed ones behind it, operands first."""
    chain, x = [made], made
    while True:  # most have one unnamed value behind each at the most
        inside = [y for y in operands(x) if not y.kind]
        if len(inside) > 1:
            break
        if not inside:
            return chain[::-1]
        (x,) = inside
        chain.append(x)
    done: dict[int, Recorded] = {}
    stack = [(made, False)]
    while stack:
        x, ready = stack.pop()
        if ready:
            done[id(x)] = x
        elif id(x) not in done:
            stack.append((x, True))
            stack += [(y, False) for y in operands(x)[::-1] if not y.kind]
    return list(done.values())


def evaluate(x: Recorded) -> np.ndarray:
    """The value of an array, computed again from its operands where it was dropped."""
    with np.errstate(all="ignore"):
        for y in ordered([x], lambda y: y.value is None):
            if y.value is None and y.op is not None:
                y.value = record(y.op, y.args, y.kwargs).value
    value: np.ndarray = x.value
    return value


def evaluated(thing: Any) -> Any:
    """The value of a recorded array, computed again where it was dropped; anything else as it is."""
    return evaluate(thing) if isinstance(thing, Recorded) else thing


def sources(x: Recorded) -> list[Any]:
    """The arrays whose elements a move moves."""
    return list(x.args[0]) if isinstance(x.args[0], (list, tuple)) else [x.args[0]]


def shape_of(thing: Any) -> tuple[int, ...]:
    """The shape of anything that a call can be given."""
    return thing.shape if isinstance(thing, Recorded) else np.shape(thing)


def pads_with_a_number(x: Recorded) -> bool:
    """Whether the call is ``np.pad`` with a number, rather than with what stands at the edge."""
    return x.op is np.pad and (x.args[2] if len(x.args) > 2 else x.kwargs.get("mode", "constant")) == "constant"


def origins(x: Recorded, shapes: list[tuple[int, ...]] | None = None) -> np.ndarray:
    """For every element of a moved array its position among the elements of its sources; -1 where it is new.

    The same NumPy call is applied to positions instead of numbers; ``shapes``: as if the sources had these.
    """
    shapes = [shape_of(source) for source in sources(x)] if shapes is None else shapes
    starts = np.cumsum([0, *(int(np.prod(shape, dtype=np.int64)) for shape in shapes)])
    places = [np.arange(a, b).reshape(shape) for a, b, shape in zip(starts, starts[1:], shapes, strict=False)]
    op, several = x.op.op if isinstance(x.op, Part) else x.op, isinstance(x.args[0], (list, tuple))
    if op is cast:
        return places[0]
    kwargs = {key: value for key, value in x.kwargs.items() if key != "dtype"}
    if pads_with_a_number(x):
        kwargs["constant_values"] = -1
    rest, kwargs = each(evaluated, x.args[1:]), each(evaluated, kwargs)
    moved = np.asarray(x.op(type(x.args[0])(places) if several else places[0], *rest, **kwargs))  # type: ignore[misc]  # what moves was made by a call
    return moved if op not in (np.triu, np.tril) else np.where(op(np.ones(moved.shape, bool), *rest, **kwargs), moved, -1)


def copies(values: Iterable[Recorded]) -> dict[int, Recorded]:
    """Copies of values that read each other's copies, by the id of each value; ``values`` are in order."""
    made: dict[int, Recorded] = {}

    def copy_of(thing: Any) -> Any:
        return made[id(thing)] if isinstance(thing, Recorded) else thing

    for x in values:
        made[id(x)] = new = x.copy()
        args = tuple(each(copy_of, arg) if isinstance(arg, NESTED) and recorded_among([arg]) else made.get(id(arg), arg) for arg in x.args)
        new.made_by(x.op, args, each(copy_of, x.kwargs) if x.kwargs and recorded_among([x.kwargs]) else x.kwargs)
        name, argument = x.function
        new.function = name, made.get(id(argument), argument)
    return made
