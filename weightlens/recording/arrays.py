"""Recorded arrays: NumPy arrays that remember the NumPy call that made them.

A layer is written once, as plain NumPy. Run on bare arrays it computes; run on ``Recorded`` arrays
the same lines leave behind the expression of every number, from which ``words`` makes text and
``workbook`` makes formulas. The mechanism is NumPy's own dispatch (NEP 13 and NEP 18).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

Operation = Callable[..., Any]
# What a layer computes with: a NumPy array, or a recorded one, which answers the same calls.
if TYPE_CHECKING:
    Array = np.ndarray
else:
    Array = Any

# These answer with what depends on the shape alone, so nothing needs remembering.
SHAPE_ONLY = {np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.full_like, np.empty_like, np.result_type, np.iscomplexobj}
NESTED = (tuple, list, slice, dict)


class Part(NamedTuple):
    """The ``position``-th array of a call that returns several (``np.split``)."""

    op: Operation
    position: int

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.op(*args, **kwargs)[self.position]


def cast(array: Any, dtype: Any) -> Any:
    """``array.astype(dtype)`` as an operation of its own, so that it can be recorded."""
    return array.astype(dtype)


class Role(NamedTuple):
    """What a step is in its layer: a ``helper`` on the way to a result, a ``gate``, a ``state``, a ``masked state``
    (``of`` which name), or the ``start`` of one; ``scaled`` is what was multiplied by a number (``of``: where it comes from).

    In training: the ``delta`` of a pre-activation, the ``gradient`` of a ``value`` or a ``weight``, a ``new`` weight or slot
    (``of`` which name), a ``hit``: whether a sample is right, the learning ``rate``, and the ``step size`` made of it.
    """

    kind: str = ""
    of: str = ""


NO_ROLE = Role()
# Whose the gradient is where numbers are equal, of a call for which it is not as TensorFlow's call of that name has it.
NEITHER, FIRST, EVERY = "neither", "first", "every"


class Recorded(NDArrayOperatorsMixin):
    """An array together with the call that made it: ``op(*args, **kwargs)``, ``None`` for a weight or an input.

    ``name`` is given by ``Trace.step``: a named value is shown, and has cells of its own. ``kind`` is
    ``input``, ``weight``, ``step`` or ``""`` (written inside the formula that uses it). ``value`` is the
    array; for unnamed ones it is dropped once their layer is done, shape and dtype stay. ``function`` names the
    activation function that made it, with its argument; ``role`` is what a step is in its layer; ``ties``: see ``tied``.
    """

    __slots__ = (
        "args", "dtype", "function", "kind", "kwargs", "layer", "name", "op", "reads", "role", "round", "shape", "source", "ties", "value",
    )  # fmt: skip

    def __init__(
        self,
        value: Any,
        op: Operation | None = None,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        kind: str = "",
        name: str = "",
    ) -> None:
        self.value: Any = np.asarray(value)
        self.shape: tuple[int, ...] = self.value.shape
        self.dtype = self.value.dtype
        self.made_by(op, args, kwargs or {})
        self.kind, self.name, self.layer = kind, name, ""
        self.source: Any = None  # the model.Weight of a weight
        self.function: tuple[str, Any] = ("", None)
        self.round = 0  # of a step: how many of its layer had its name before
        self.role = NO_ROLE
        self.ties = ""

    @classmethod
    def given(cls, value: Any, kind: str, name: str, layer: str, source: Any = None) -> Recorded:
        """An array that a layer is given: an ``input``, or a ``weight``, whose ``source`` is the model's."""
        new = cls(value, kind=kind, name=name)
        new.layer, new.source = layer, source
        return new

    def made_by(self, op: Operation | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Remember the call that made it, or another one in its place. ``graph.operands`` keeps in ``reads`` what the call is given."""
        self.op, self.args, self.kwargs = op, args, kwargs
        self.reads: list[Recorded] | None = None

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if "out" in kwargs:
            raise TypeError("layers make new arrays; in-place arithmetic cannot be recorded")
        return record(ufunc if method == "__call__" else getattr(ufunc, method), args, kwargs)

    def __array_function__(self, func: Operation, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if func in SHAPE_ONLY:
            return func(*each(shape_stand_in, args), **each(shape_stand_in, kwargs))
        return record(func, args, kwargs)

    def __getitem__(self, key: Any) -> Any:
        return record(operator.getitem, (self, key), {})

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a single number has no length")
        return self.shape[0]

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise TypeError("this NumPy call would lose the recording")

    def __bool__(self) -> bool:
        raise TypeError("branch on shapes and config, never on values: use np.where")

    def __repr__(self) -> str:
        return f"Recorded({self.name or getattr(self.op, '__name__', self.op)}, shape {self.shape})"

    def copy(self) -> Recorded:
        """A copy: the same call, value and name."""
        new = Recorded.__new__(Recorded)
        new.value, new.shape, new.dtype = self.value, self.shape, self.dtype
        new.made_by(self.op, self.args, self.kwargs)
        new.kind, new.name, new.layer, new.source, new.role, new.function, new.round, new.ties = (
            self.kind, self.name, self.layer, self.source, self.role, self.function, self.round, self.ties
        )  # fmt: skip
        return new

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        return np.transpose(self)

    def reshape(self, *shape: Any) -> Any:
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)

    def astype(self, dtype: Any) -> Any:
        return record(cast, (self, dtype), {})


def each(function: Callable[[Any], Any], thing: Any) -> Any:
    """Apply ``function`` to every leaf of nested tuples, lists, dicts and slices."""
    if type(thing) in (tuple, list):
        return type(thing)(each(function, item) for item in thing)
    if isinstance(thing, dict):
        return {key: each(function, item) for key, item in thing.items()}
    if isinstance(thing, slice):
        return slice(*(each(function, part) for part in (thing.start, thing.stop, thing.step)))
    return function(thing)


def value_of(thing: Any) -> Any:
    """The bare array of a recorded one; anything else as it is."""
    return thing.value if isinstance(thing, Recorded) else thing


def values_of(args: tuple[Any, ...]) -> list[Any]:
    """The bare arrays of a call's arguments; most calls have no nested ones, and every recorded call asks this."""
    return [arg.value if type(arg) is Recorded else each(value_of, arg) if isinstance(arg, NESTED) else arg for arg in args]


def shape_stand_in(thing: Any) -> Any:
    """An array of the right shape and dtype that takes no memory."""
    return np.broadcast_to(np.zeros((), thing.dtype), thing.shape) if isinstance(thing, Recorded) else thing


def record(op: Operation, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call ``op`` on the bare values and remember the call."""
    out = op(*values_of(args), **(each(value_of, kwargs) if kwargs else kwargs))
    if isinstance(out, (list, tuple)):
        return [Recorded(part, Part(op, i), args, kwargs) for i, part in enumerate(out)]  # type: ignore[arg-type]  # mypy: a named tuple is not called
    if isinstance(out, np.ndarray) and out.dtype.kind == "O":  # np.frompyfunc, used for erf
        out = out.astype(np.float64)
    return Recorded(out, op, args, kwargs)


def noted(y: Any, function: str, x: Any) -> Any:
    """``y``, which is this activation function of ``x``; nothing is noted of bare arrays."""
    if isinstance(y, Recorded) and y is not x and not y.kind:
        y.function = function, x
    return y


def tied(y: Any, whose: str) -> Any:
    """``y``, the larger or smaller of two numbers, or the largest of several, noted with whose the gradient is where they are equal.

    That of ``NEITHER``: a relu passes none on at its corner. That of the ``FIRST``, or the whole of it that of ``EVERY`` one: pooling
    over one or two axes, and over three. Nothing is noted of bare arrays.
    """
    if isinstance(y, Recorded):
        y.ties = whose
    return y
