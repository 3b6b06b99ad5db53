"""A saved model as plain data: layers, their configuration, their weights, and how they are connected.

Keras 3's names are used for everything, whatever the file says: ``kernel``, ``moving_mean``,
``batch_shape``. The readers in ``formats`` build these objects; nothing here touches a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from weightlens.errors import unknown
from weightlens.specs.quirks import NONE, Quirks
from weightlens.specs.words.number_words import counted

if TYPE_CHECKING:
    from pandas import DataFrame

    from weightlens.api.model_summary import Summary
    from weightlens.recording import Trace

INPUT = "InputLayer"  # the class of a model's inputs
NUMBERS = ("float", "bfloat", "int", "uint", "bool", "complex")  # how the names of their dtypes begin


@dataclass(eq=False, repr=False)
class Weight:
    """One stored matrix: its Keras name, shape and dtype, and how to read it.

    ``name`` is Keras 3's name inside the layer: ``kernel``; inside a wrapper ``forward_layer/kernel``.
    ``path`` is where the numbers stand in the file (several paths where an old file keeps gates apart).
    ``read`` returns the array in Keras 3's shape and order; ``read_part`` reads a slice, where the file can.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    path: str
    read: Callable[[], np.ndarray]
    read_part: Callable[[Any], np.ndarray] | None = None
    note: str = ""  # what was done to the stored numbers, e.g. "spatially flipped (Theano)"
    not_finite: int = 0  # how many of its numbers are NaN or infinite, as far as they were read
    is_state: bool = False  # where a stateful layer had come to
    owner: tuple[str, dict[str, Any]] = ("", {})  # class and configuration of its layer
    _value: np.ndarray | None = None

    def __repr__(self) -> str:
        return f"<Weight {self.path}: {self.dtype} {self.shape}>"

    @property
    def value(self) -> np.ndarray:
        """The array, read at the first touch and kept."""
        if self._value is None:
            self._value = self.read()
        return self._value

    @property
    def axes(self) -> tuple[str, ...]:
        """What each axis means, as far as its layer tells: ``("in", "head", "key dim")``."""
        from weightlens.axes.factors import axis_words
        from weightlens.axes.names import as_stored

        return tuple(map(axis_words, as_stored(*self.owner, self.name, self.shape)))

    @property
    def is_numeric(self) -> bool:
        """Whether it holds numbers; ``dtype`` says what it holds instead."""
        return self.dtype.startswith(NUMBERS)

    @property
    def is_floating(self) -> bool:
        """Whether it holds floating-point numbers: only those are trained."""
        return self.dtype.startswith(("float", "bfloat"))

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.value, dtype=dtype)


@dataclass(frozen=True)
class Ref:
    """A tensor of the graph: output ``index`` of the ``call``-th call of ``layer`` (all zero-based)."""

    layer: str
    call: int = 0
    index: int = 0

    def __str__(self) -> str:
        return f"{self.layer}[{self.call}][{self.index}]"


@dataclass(eq=False, repr=False)
class Call:
    """One use of a layer: the positional and keyword arguments, with a ``Ref`` wherever a tensor goes in.

    Arguments keep their nesting: ``args=([Ref, Ref],)`` for a merge layer, ``args=(Ref, 2.0)`` for an operator.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False, repr=False)
class Layer:
    """One layer as saved: name, class, configuration (Keras 3's keys), weights, and its calls.

    ``is_operation``: an operator node of a functional graph (``ops.numpy.Add``), which shares its class
    name with a layer. ``inner``: the wrapped layers of a wrapper (``layer``; ``forward_layer`` and
    ``backward_layer``; ``cell``; ``cells/0``). ``model``: the graph, where the layer is itself a model.
    """

    name: str
    class_name: str
    config: dict[str, Any]
    own_weights: dict[str, Weight] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    inner: dict[str, Layer] = field(default_factory=dict)
    model: Model | None = None
    is_operation: bool = False
    trainable: bool = True
    note: str = ""  # e.g. "holds Python code, which is never run"
    saved_as: str = ""  # the class in the file, where another one computes the same
    faults: list[str] = field(default_factory=list)  # what is wrong with its configuration as the file has it
    quirks: Quirks = NONE  # what the version of Keras changes in its arithmetic

    def __repr__(self) -> str:
        weights = [f"{name} {weight.shape}" for name, weight in self.weights.items()]
        shown = ", ".join(weights[:4]) + (", ..." if len(weights) > 4 else "")
        return f"<Layer {self.name}: {self.class_name}, {counted(self.size, 'parameter')}{': ' if shown else ''}{shown}>"

    @property
    def is_input(self) -> bool:
        """Whether it is an input of its model and computes nothing."""
        return self.class_name == INPUT

    @property
    def weights(self) -> dict[str, Weight]:
        """Every weight by name, those of inner layers and nested models included (``forward_layer/kernel``)."""
        inside = [*self.inner.items(), *((layer.name, layer) for layer in (self.model.layers if self.model is not None else ()))]
        return self.own_weights | {f"{prefix}/{name}": weight for prefix, layer in inside for name, weight in layer.weights.items()}

    @property
    def size(self) -> int:
        """Number of stored numbers (Keras's parameter count): those that inner layers share count once."""
        return sum(weight.size for weight in set(self.weights.values()))

    def __getitem__(self, name: str) -> Any:
        """A weight's array by name, or a layer of a nested model."""
        if self.model is not None and name.split("/")[0] in {layer.name for layer in self.model.layers}:
            return self.model[name]
        if name not in self.weights:
            raise unknown("weight", name, self.weights)
        return self.weights[name].value

    def __getattr__(self, name: str) -> np.ndarray:
        weights = self.__dict__.get("own_weights", {})
        if name in weights:
            return np.asarray(weights[name].value)
        raise AttributeError(f"layer {self.__dict__.get('name')!r} has no weight {name!r}; it has: {', '.join(weights) or 'none'}")


@dataclass(eq=False)
class Provenance:
    """Where a model came from: the file and what it says of itself."""

    path: str = ""
    format: str = ""  # in words: "Keras 2 HDF5", "Keras 3 archive (.keras)", ...
    keras_version: str = ""
    backend: str = ""
    date: str = ""
    architecture: str = ""  # the file that holds it, where that is another one
    assumed: str = ""  # the stack of layers that somebody took it for: dense:relu,softmax
    live: Any = field(default=None, repr=False)  # the network itself, where it is in memory
    closers: list[Callable[[], object]] = field(default_factory=list, repr=False)  # close what its weights are read from
    kind: str = ""  # hdf5, weights (.weights.h5), archive (a folder too), shards, architecture, savedmodel, tfjs or live
    generation: int | None = None  # the major version of the Keras that wrote it, where it is a file that Keras opens


@dataclass(eq=False, repr=False)
class Model:
    """A whole saved model: ``layers`` in file order, the graph's ``inputs`` and ``outputs``, its provenance.

    ``class_name`` is ``Sequential``, ``Functional``, a user's class, or ``""`` for a bare weights file.
    ``unplaced`` are the arrays that belong to no layer we know of: listed, never dropped.
    """

    name: str
    class_name: str
    layers: list[Layer]
    inputs: Any = field(default_factory=list)  # list of Ref (or a dict or nested list of them)
    outputs: Any = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    provenance: Provenance = field(default_factory=Provenance)
    training_config: dict[str, Any] = field(default_factory=dict)
    unplaced: list[Weight] = field(default_factory=list)
    optimizer: list[Weight] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    arrays_only: bool = False  # a plain HDF5 file, in which nothing has a name that Keras gives
    faults: list[str] = field(default_factory=list)  # why nothing may be computed with it: weights that found no certain place
    class_labels: list[str] = field(default_factory=list)  # names of the classes, where the file has them

    def __repr__(self) -> str:
        return f"<Model {self.name}: {self.class_name or 'weights'}, {counted(len(self.layers), 'layer')}, {self.size:,} parameters>"

    def __getitem__(self, name: str) -> Layer:
        """A layer by name; ``inner/dense`` reaches into a nested model. ``UnknownName`` says the nearest name there is."""
        for layer in self.layers:
            if layer.name == name:
                return layer
            if layer.model is not None and name.startswith(layer.name + "/"):
                return layer.model[name[len(layer.name) + 1 :]]
        raise unknown("layer", name, (layer.name for layer in self.layers))

    def __contains__(self, name: object) -> bool:
        """Whether it has this layer, or one of this name; ``inner/dense`` is the name of one in a nested model."""
        from weightlens.call_order import layers_with_paths

        return any(name in path_and_layer for path_and_layer in layers_with_paths(self, wrapped=False))

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. The weights that were read stay; touching another one raises ``BadInput``."""
        from weightlens.api.model_words import close

        close(self)

    @property
    def weights(self) -> dict[str, Weight]:
        """Every weight by ``layer/name``."""
        return {f"{layer.name}/{name}": weight for layer in self.layers for name, weight in layer.weights.items()}

    @property
    def size(self) -> int:
        """Number of stored numbers, optimizer excluded; a weight that layers share counts once."""
        return sum(weight.size for weight in {*self.weights.values(), *self.unplaced})

    @property
    def why_nothing_runs(self) -> str:
        """What to say where a model without inputs is asked for numbers: what is lacking, and what would help."""
        from weightlens.api.model_words import why_nothing_runs

        return why_nothing_runs(self)

    @property
    def output_names(self) -> list[str]:
        """What each output is called, in the order of ``predict``: the keys of a dictionary, or ``output``, ``output_0``..."""
        from weightlens.call_order import names_of

        return names_of(self.outputs)

    def _repr_html_(self) -> str:
        """The layers as a table, in a notebook."""
        from weightlens.api.notebook import model_html

        return model_html(self)

    def trace(self, inputs: Any, dtype: Any = np.float64) -> Trace:
        """Run the forward pass and remember every step; see ``weightlens.engine.forward.trace``."""
        from weightlens.engine.forward import trace

        return trace(self, inputs, dtype=dtype)

    def predict(self, inputs: Any, dtype: Any = np.float64) -> list[np.ndarray]:
        """Run the forward pass without recording: one array per output."""
        from weightlens.engine.forward import predict

        return predict(self, inputs, dtype=dtype)

    def summary(self) -> Summary:
        """The layers as a table in Keras's columns; ``print`` shows it."""
        from weightlens.api.model_summary import summary

        return summary(self)

    def to_frame(self) -> DataFrame:
        """The rows of the summary as a pandas frame; ``BadInput`` where pandas is not installed."""
        from weightlens.api.model_summary import model_frame

        return model_frame(self)

    def page(self, inputs: Any = None, **options: Any) -> Any:
        """The page, live in a notebook; see ``weightlens.page.Frame``."""
        from weightlens.page import Frame

        return Frame(self, inputs, **options)
