"""Recorded arrays: NumPy arrays that remember the NumPy call that made them.

A layer is written once, as plain NumPy. Run on bare arrays it computes; run on ``Recorded`` arrays
the same lines leave behind the expression of every number, from which ``text`` makes words and
``workbook`` makes formulas. The mechanism is NumPy's own dispatch (NEP 13 and NEP 18).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

Operation = Callable[..., Any]

# These answer with what depends on the shape alone, so nothing needs remembering.
SHAPE_ONLY = {np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.full_like, np.empty_like, np.result_type, np.iscomplexobj}


@dataclass(frozen=True)
class Part:
    """The ``index``-th array of a call that returns several (``np.split``)."""

    op: Operation
    index: int

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.op(*args, **kwargs)[self.index]


def cast(array: Any, dtype: Any) -> Any:
    """``array.astype(dtype)`` as an operation of its own, so that it can be recorded."""
    return array.astype(dtype)


class Recorded(NDArrayOperatorsMixin):
    """An array together with the call that made it: ``op(*args, **kwargs)``, ``None`` for a weight or an input.

    ``name`` is given by ``Trace.step``: a named value is shown, and has cells of its own. ``kind`` is
    ``input``, ``weight``, ``step`` or ``""`` (written inside the formula that uses it). ``value`` is the
    array; for unnamed ones it is dropped once their layer is done, shape and dtype stay.
    """

    __slots__ = ("args", "dtype", "kind", "kwargs", "layer", "name", "op", "shape", "source", "value")

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
        self.op, self.args, self.kwargs = op, args, kwargs or {}
        self.kind, self.name, self.layer = kind, name, ""
        self.source: Any = None  # the model.Weight of a weight

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

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        return np.transpose(self)

    def reshape(self, *shape: Any) -> Any:
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)

    def astype(self, dtype: Any) -> Any:
        return record(cast, (self, dtype), {})


def each(function: Callable[[Any], Any], thing: Any) -> Any:
    """Apply ``function`` to every leaf of nested tuples, lists, dicts and slices."""
    if isinstance(thing, (tuple, list)):
        return type(thing)(each(function, item) for item in thing)
    if isinstance(thing, dict):
        return {key: each(function, item) for key, item in thing.items()}
    if isinstance(thing, slice):
        return slice(*(each(function, part) for part in (thing.start, thing.stop, thing.step)))
    return function(thing)


def value_of(thing: Any) -> Any:
    """The bare array of a recorded one; anything else as it is."""
    return thing.value if isinstance(thing, Recorded) else thing


def shape_stand_in(thing: Any) -> Any:
    """An array of the right shape and dtype that takes no memory."""
    return np.broadcast_to(np.zeros((), thing.dtype), thing.shape) if isinstance(thing, Recorded) else thing


def record(op: Operation, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call ``op`` on the bare values and remember the call."""
    out = op(*each(value_of, args), **each(value_of, kwargs))
    if isinstance(out, (list, tuple)):
        return [Recorded(part, Part(op, i), args, kwargs) for i, part in enumerate(out)]
    if isinstance(out, np.ndarray) and out.dtype.kind == "O":  # np.frompyfunc, used for erf
        out = out.astype(np.float64)
    return Recorded(out, op, args, kwargs)


def operands(x: Recorded) -> Iterator[Recorded]:
    """The recorded arrays that the call which made ``x`` was given, in order."""
    stack: list[Any] = [x.kwargs, x.args]
    while stack:
        thing = stack.pop()
        if isinstance(thing, Recorded):
            yield thing
        elif isinstance(thing, (tuple, list)):
            stack.extend(reversed(thing))
        elif isinstance(thing, dict):
            stack.extend(reversed(list(thing.values())))
        elif isinstance(thing, slice):
            stack.extend((thing.step, thing.stop, thing.start))


@dataclass(eq=False)
class Step:
    """One named matrix of the forward pass: the layer it belongs to, its name, its value, and how it came about."""

    layer: str
    name: str
    made: Recorded

    @property
    def value(self) -> np.ndarray:
        """The numbers of this step."""
        array: np.ndarray = self.made.value
        return array

    @property
    def words(self) -> str:
        """The step as one line of mathematics: ``pre-activation = dot product + bias``."""
        from weightlens.text import words

        return words(self)

    def __repr__(self) -> str:
        return f"<{self.layer}/{self.name} {self.value.shape}: {self.words}>"


@dataclass(eq=False)
class LayerRun:
    """One run of a layer: ``function(x, weights, config, step, **arguments)``, the steps it made (those of inner layers too)."""

    layer: str
    class_name: str
    function: Operation
    x: Any
    weights: dict[str, Any]
    config: dict[str, Any]
    arguments: dict[str, Any]
    steps: list[Step]
    output: Any


@dataclass(eq=False)
class Trace:
    """All steps of one forward pass, in the order in which they were computed.

    ``outputs`` holds one float64 array per model output; ``trace["dense"]`` the steps of one layer
    (those of wrapped and nested layers included); ``layer_outputs`` what each layer handed on; ``runs`` what it was given.
    """

    steps: list[Step] = field(default_factory=list)
    inputs: list[Recorded] = field(default_factory=list)
    input_names: list[str] = field(default_factory=list)
    output_names: list[str] = field(default_factory=list)  # the keys of a dictionary of outputs; else output, or output_0, output_1...
    outputs_named: bool = False  # whether the model's outputs are such a dictionary
    results: list[Recorded] = field(default_factory=list)
    layer_outputs: dict[str, list[Recorded]] = field(default_factory=dict)
    runs: list[LayerRun] = field(default_factory=list)
    layer: str = ""  # the layer being computed
    stopped: str = ""  # why the trace ends early, if it does
    keep: bool = False  # unnamed values too (for the backward pass)

    def step(self, name: str, x: Any) -> Any:
        """Name ``x``: show it, record it, give it cells of its own. What has a name already keeps it."""
        if not isinstance(x, Recorded):
            x = Recorded(x)
        if x.kind:
            return x
        x.kind, x.name, x.layer = "step", name, self.layer
        self.steps.append(Step(self.layer, name, x))
        return x

    @property
    def outputs(self) -> list[np.ndarray]:
        """One array per model output."""
        return [x.value for x in self.results]

    def __getitem__(self, layer: str) -> list[Step]:
        found = [step for step in self.steps if step.layer == layer or step.layer.startswith((layer + "/", layer + " #"))]
        if not found and layer not in self.layer_outputs:
            raise KeyError(layer)
        return found

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def _repr_html_(self) -> str:
        """The steps as a table, in a notebook."""
        from weightlens.html import of_trace

        return of_trace(self)

    def drop_unnamed(self, since: int) -> None:
        """Forget the arrays of unnamed values behind the steps from ``since`` on; their shapes stay."""
        if self.keep:
            return
        stack = [x for step in self.steps[since:] for x in operands(step.made)]
        while stack:
            x = stack.pop()
            if not x.kind and x.value is not None:
                x.value = None
                stack.extend(operands(x))
