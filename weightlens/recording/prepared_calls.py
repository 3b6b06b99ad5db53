"""Recorded calls made again, many times, with other numbers: the epochs of a training, the mistakes of a calculation by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from weightlens.recording.arrays import Part, Recorded, each
from weightlens.recording.graph import operands, ordered

Call = Callable[[Sequence[Any], dict[int, Any]], Any]
OBJECT = np.dtype(object)


class Program:
    """Everything that some values are computed from, in order, to be run with other numbers at the start."""

    def __init__(self, ends: Iterable[Recorded]) -> None:
        self.nodes = ordered(ends)
        number = {id(x): i for i, x in enumerate(self.nodes)}
        self.calls = [(i, prepared(x, number)) for i, x in enumerate(self.nodes) if x.op is not None]

    def run(self, start: Mapping[int, np.ndarray]) -> dict[int, np.ndarray]:
        """Every value by ``id``, from those at the start by ``id``; what is not given starts as it was recorded."""
        values, wholes = [start.get(id(x), x.value) for x in self.nodes], dict[int, Any]()
        with np.errstate(all="ignore"):
            for i, call in self.calls:
                values[i] = call(values, wholes)
        return {**start, **dict(zip(map(id, self.nodes), values, strict=True))}


def prepared(x: Recorded, number: Mapping[int, int]) -> Call:
    """The call that made a value, to be made many times: a function of a list of values, each at its ``number``.

    The function's second argument keeps what a call returned that returns several arrays, once for all of them.
    """
    op, args, kwargs = x.op, x.args, x.kwargs
    reads = [(k, number[id(arg)]) for k, arg in enumerate(args) if isinstance(arg, Recorded)]
    if op is None or isinstance(op, Part) or len(reads) < len(operands(x)):
        return prepared_with_nested(x, number)

    def call(values: Sequence[Any], wholes: dict[int, Any]) -> Any:
        given = [*args]
        for k, place in reads:
            given[k] = values[place]
        out = op(*given, **kwargs)
        return out.astype(np.float64) if getattr(out, "dtype", None) is OBJECT else out

    return call


def prepared_with_nested(x: Recorded, number: Mapping[int, int]) -> Call:
    """``prepared`` for a call whose arrays stand in lists or options, or that returns several."""
    op: Any = x.op
    whole = op.op if isinstance(op, Part) else op

    def made(values: Sequence[Any]) -> Any:
        args, kwargs = each(lambda thing: values[number[id(thing)]] if isinstance(thing, Recorded) else thing, (x.args, x.kwargs))
        return whole(*args, **kwargs)

    def call(values: Sequence[Any], wholes: dict[int, Any]) -> Any:
        if not isinstance(op, Part):
            return x.value if op is None else made(values)
        if id(x.args) not in wholes:
            wholes[id(x.args)] = made(values)
        return wholes[id(x.args)][op.position]

    return call
