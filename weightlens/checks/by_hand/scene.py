"""Where mistakes can be made: the weights, inputs and functions of one recorded forward pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from weightlens.checks.by_hand.replay import Replay
from weightlens.recording import LayerRun, Recorded, Step, Trace, operands
from weightlens.recording.arrays import Operation
from weightlens.recording.graph import named_operands, walk
from weightlens.recording.trace import by_layer
from weightlens.specs.layer import LayerSpec
from weightlens.specs.registry import spec

SCALING = ("Rescaling", "Normalization")
SITES = ("tanh", "relu", "sigmoid", "softmax")  # activation functions that are recognised wherever they stand


@dataclass(eq=False)
class Site:
    """A place where a function is applied: ``out = function(argument)``. ``at``: the step it belongs to."""

    function: str
    argument: Recorded
    out: Recorded
    at: Step


@dataclass(eq=False)
class Scene:
    """One recorded forward pass, and the places in it where mistakes can be made."""

    trace: Trace
    replay: Replay

    def runs_of(self, *class_names: str) -> list[LayerRun]:
        """Every run of a layer of these classes."""
        return [run for run in self.trace.runs if run.class_name in class_names]

    def runs_with(self, fact: Callable[[LayerSpec], bool]) -> list[LayerRun]:
        """Every run of a layer of whose class a fact is true."""
        return [run for run in self.trace.runs if fact(spec(run.class_name))]

    @cached_property
    def weights(self) -> list[Recorded]:
        """Every weight in use, in the order of first use."""
        return [node for node in self.replay.nodes if node.kind == "weight"]

    @cached_property
    def owner(self) -> dict[int, Step]:
        """The step in which each value is computed; a named value is its own step."""
        owners: dict[int, Step] = {}
        for step in self.trace.steps:
            owners[id(step.made)] = step
            for node in walk([step.made]):
                if not node.kind:
                    owners.setdefault(id(node), step)
        return owners

    def class_of(self, step: Step) -> str:
        """The class of a step's layer; empty for a constant of the graph."""
        layer = self.trace.layers.get(step.layer)
        return "" if layer is None else layer.class_name

    @cached_property
    def steps_of_layer(self) -> dict[str, list[Step]]:
        """The steps of each layer, in order."""
        return by_layer(self.trace.steps)

    @cached_property
    def readers(self) -> dict[int, Step]:
        """The first step that reads each weight."""
        readers: dict[int, Step] = {}
        for node in self.replay.nodes:
            if id(node) in self.owner:
                for x in operands(node):
                    if x.kind == "weight":
                        readers.setdefault(id(x), self.owner[id(node)])
        return readers

    @cached_property
    def sites(self) -> list[Site]:
        """Every activation: by its recorded function, else by the step's name; then the layers without one, as ``linear``."""
        sites = []
        for node in self.replay.nodes:
            step = self.owner.get(id(node))
            name, argument = node.function if node.op is not np.tanh else ("tanh", node.args[0])
            if step is not None and name in SITES and isinstance(argument, Recorded) and argument.shape == node.shape:
                sites.append(Site(name, argument, node, step))
        taken = {id(site.out) for site in sites}
        for steps in self.steps_of_layer.values():
            last = steps[-1]
            if id(last.made) in taken:
                continue
            if last.name in ("pre-activation", "dot product"):
                sites.append(Site("linear", last.made, last.made, last))
            elif last.name == "activation" and (only := only_argument(last.made)) is not None:
                sites.append(Site("activation", only, last.made, last))
        return sites

    @cached_property
    def softmaxes(self) -> list[Site]:
        """The sites of softmax: ``e^(z - max) / sum``."""
        return [site for site in self.sites if site.function == "softmax"]

    @cached_property
    def maxima(self) -> list[Recorded]:
        """The maximum that each softmax subtracts before e^x; leaving it out is also correct."""
        return [site.out.args[0].args[0].args[1] for site in self.softmaxes]

    @cached_property
    def float_inputs(self) -> list[Recorded]:
        """The inputs that hold numbers with a fraction."""
        return [x for x in self.trace.inputs if x.value.dtype.kind == "f"]

    @cached_property
    def biases(self) -> list[Recorded]:
        """Every bias in use."""
        return [weight for weight in self.weights if is_bias(weight)]

    @cached_property
    def scalings(self) -> list[tuple[Step, Recorded]]:
        """Layers that scale their input, with that input."""
        scalings = []
        for layer, steps in self.steps_of_layer.items():
            last = steps[-1]
            if self.class_of(last) in SCALING:
                before = [x for x in named_operands(last.made) if x.layer != layer and x.shape == last.made.shape]
                scalings += [(last, before[0])] if before else []
        return scalings

    @cached_property
    def flattenings(self) -> list[tuple[Step, Recorded, Recorded]]:
        """Values flattened to one row per sample, with their sources."""
        flattenings = []
        for node in self.replay.nodes:
            if node.op is np.reshape and isinstance(node.args[0], Recorded) and id(node) in self.owner:
                source = node.args[0]
                if source.ndim > 2 and node.ndim == 2 and source.shape[0] == node.shape[0]:
                    flattenings.append((self.owner[id(node)], source, node))
        return flattenings

    def with_operation(self, *operations: Operation) -> Iterator[tuple[str, list[Recorded], Step]]:
        """The values made by one of these NumPy calls, layer by layer, and the step of the first."""
        nodes: dict[str, list[Recorded]] = {}
        for node in self.replay.nodes:
            if node.op in operations and id(node) in self.owner:
                nodes.setdefault(self.owner[id(node)].layer, []).append(node)
        for layer, made in nodes.items():
            yield layer, made, self.owner[id(made[0])]


def is_bias(weight: Recorded) -> bool:
    """Whether a weight is a bias; a cell's is called ``cell/bias``."""
    return weight.name.split("/")[-1] in ("bias", "beta")


def only_argument(node: Recorded) -> Recorded | None:
    """The one named value that an elementwise step is a function of, looked for within its layer; ``None`` if there are several."""
    read = walk([node], lambda x: not x.kind or x.layer == node.layer)
    shaped = [x for x in read if x.kind not in ("", "weight") and x.shape == node.shape]
    return shaped[0] if len(shaped) == 1 else None


def rectangle_sizes(n: int) -> list[tuple[int, int]]:
    """Rectangles of n cells with at least two rows and columns, the squarest first."""
    pairs = [(a, n // a) for a in range(2, math.isqrt(n) + 1) if n % a == 0]
    return [pair for a, b in reversed(pairs) for pair in dict.fromkeys([(a, b), (b, a)])]
