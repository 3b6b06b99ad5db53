"""The trace of one forward pass: its steps in the order in which they were computed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from weightlens.errors import unknown
from weightlens.recording.arrays import NO_ROLE, Operation, Recorded, Role
from weightlens.recording.graph import copies, is_inside, ordered, walk

if TYPE_CHECKING:
    from pandas import DataFrame

    from weightlens.axes import Named
    from weightlens.axes.rules import Axes
    from weightlens.model import Layer


@dataclass(eq=False, repr=False)
class Step:
    """One named matrix of the forward pass: the layer it belongs to, its name, its value, and how it came about."""

    layer: str
    name: str
    made: Recorded
    trace: Trace | None = field(default=None, repr=False)

    @property
    def value(self) -> np.ndarray:
        """The numbers of this step."""
        array: np.ndarray = self.made.value
        return array

    @property
    def words(self) -> str:
        """The step as one line of mathematics: ``pre-activation = dot product + bias``."""
        from weightlens.words.wording import words

        return words(self)

    @property
    def axes(self) -> tuple[str, ...]:
        """What each axis means: ``("sample", "head", "query token", "key token")``."""
        return self.named.words

    def place(self, index: Sequence[int]) -> str:
        """One element in words: ``sample 1, head 0, query token 2, key token 3``."""
        return self.named.place(index)

    @property
    def named(self) -> Named:
        """Its axes with the coordinates of each index."""
        return self.named_of(self.made)

    def named_of(self, x: Recorded) -> Named:
        """The axes of a value that the step is made of."""
        return (Trace() if self.trace is None else self.trace).axes.named(x)

    def __repr__(self) -> str:
        return f"<{self.layer}/{self.name} {self.value.shape}: {self.words}>"


def by_layer(steps: Iterable[Step]) -> dict[str, list[Step]]:
    """The steps of each layer, in order."""
    layers: dict[str, list[Step]] = {}
    for step in steps:
        layers.setdefault(step.layer, []).append(step)
    return layers


@dataclass(eq=False, repr=False)
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


@dataclass(eq=False, repr=False)
class Trace:
    """All steps of one forward pass, in the order in which they were computed.

    ``outputs`` holds one array per model output; ``trace["dense"]`` the steps of one layer
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
    layers: dict[str, Layer] = field(default_factory=dict)  # by the path of its steps
    layer: str = ""  # the layer being computed
    stopped: str = ""  # why the trace ends early, if it does
    keep: bool = False  # unnamed values too (for the backward pass)
    originals: dict[int, Recorded] = field(default_factory=dict)  # in a copy: by the id of each value the one that it was
    alike: dict[int, Recorded] = field(default_factory=dict)  # by the id of a value the one whose axes it has: of a gradient, its weight
    rounds: Counter[tuple[str, str]] = field(default_factory=Counter)  # how many steps of a layer have the same name
    complete: bool = False  # nothing is added to it, and nothing in it changed, any more

    def __setattr__(self, name: str, value: Any) -> None:
        self.refuse_changes()
        super().__setattr__(name, value)

    def refuse_changes(self) -> None:
        """Raise where the trace is complete: what rewrites a trace takes a copy."""
        if self.__dict__.get("complete"):
            raise AttributeError("a complete trace is not changed; take a copy of it")

    def step(self, name: str, x: Any, role: Role = NO_ROLE) -> Any:
        """Name ``x``: show it, record it, give it cells of its own. What has a name already keeps it."""
        self.refuse_changes()
        if not isinstance(x, Recorded):
            x = Recorded(x)
        if x.kind:
            return x
        x.kind, x.name, x.layer, x.role, x.round = "step", name, self.layer, role, self.rounds[self.layer, name]
        self.rounds[self.layer, name] += 1
        self.steps.append(Step(self.layer, name, x, self))
        return x

    def ran(self, layer: str, class_name: str, function: Operation, given: tuple[Any, Any, Any, Any], since: int, output: Any) -> None:
        """Note a run of a layer: what was ``given``, as ``LayerRun`` has it; its steps are those from ``since`` on."""
        self.runs.append(LayerRun(layer, class_name, function, *given, self.steps[since:], output))

    @cached_property
    def axes(self) -> Axes:
        """What the axes of every value mean."""
        from weightlens.axes.rules import Axes

        return Axes(self)

    @property
    def outputs(self) -> list[np.ndarray]:
        """One array per model output."""
        return [x.value for x in self.results]

    def __getitem__(self, layer: str) -> list[Step]:
        steps = [step for step in self.steps if is_inside(step.layer, layer)]
        if not steps and layer not in self.layer_outputs:
            raise unknown("layer", layer, self.layer_outputs)
        return steps

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __repr__(self) -> str:
        outputs = ", ".join(f"{name} {x.shape}" for name, x in zip(self.output_names, self.results, strict=False))
        end = f", stopped: {self.stopped[:200]}" if self.stopped else f", {outputs}" if len(self.results) <= 3 else ""
        return f"<Trace: {len(self.steps):,} steps of {len(self.layer_outputs)} layers{end}>"

    def to_frame(self) -> DataFrame:
        """A row for each number, with its layer, step and index, as a pandas frame; ``BadInput`` where pandas is not installed."""
        from weightlens.api.frames import frame, trace_columns

        return frame(trace_columns(self))

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The rows of ``to_frame`` for polars, DuckDB and pyarrow: ``polars.DataFrame(trace)``."""
        from weightlens.api.frames import stream, trace_columns

        return stream(trace_columns(self), requested_schema)

    def _repr_html_(self) -> str:
        """The steps as a table, in a notebook."""
        from weightlens.api.notebook import trace_html

        return trace_html(self)

    def drop_unnamed(self, since: int) -> None:
        """Forget the arrays of unnamed values behind the steps from ``since`` on; their shapes stay."""
        if not self.keep:
            for x in walk((step.made for step in self.steps[since:]), lambda x: not x.kind and x.value is not None):
                if not x.kind:
                    x.value = None

    def copy(self) -> Trace:
        """A copy with values of its own, which may be changed."""
        values = ordered([*(step.made for step in self.steps), *self.results, *self.inputs])
        new = copies(values)
        originals = {id(new[id(x)]): self.originals.get(id(x), x) for x in values}
        outputs = {layer: [new.get(id(x), x) for x in made] for layer, made in self.layer_outputs.items()}
        inputs, results = ([new[id(x)] for x in group] for group in (self.inputs, self.results))
        made = replace(self, steps=[], inputs=inputs, results=results, layer_outputs=outputs, originals=originals, complete=False)
        made.steps = [Step(step.layer, step.name, new[id(step.made)], made) for step in self.steps]
        return made
