"""One run of a network: the layers in topological order, each given its arguments, weights and masks."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from weightlens.call_order import calls_in_order, path_of_call, refs
from weightlens.engine.arguments import Values, accepted, accepted_arguments, given_to, masks_wanted, settings, tensors
from weightlens.engine.faults import Source, attempt, faults_of, refuse_outside_table, shape_of
from weightlens.engine.logits import LOSSES, Producers, before_activation, producers
from weightlens.engine.wanted import batch_size
from weightlens.errors import BadInput, UnsupportedLayer, WeightlensError
from weightlens.layers import function_of, mask_rule
from weightlens.layers.masking import loses_mask
from weightlens.limits import AT_ONCE
from weightlens.model import Call, Layer, Model, Ref, Weight
from weightlens.operations.small_integers import layer_in_range
from weightlens.recording import Recorded, Role
from weightlens.recording.arrays import NO_ROLE
from weightlens.specs.kinds import is_whole
from weightlens.specs.words.number_words import counted
from weightlens.statistics import count_not_finite

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from weightlens.recording import Trace

Weights = dict[str, Any]  # the arrays of one layer by name


class Scope(NamedTuple):
    """One model during a run: the values and masks of its tensors, the calls that made them, and the path of the model."""

    values: Values
    masks: Values
    producers: Producers
    path: str  # "" for the network itself, else it ends in "/"


class Run:
    """The layers' functions applied to weights of one dtype, recorded or not. Weights are read once, faults looked for once."""

    def __init__(self, recorder: Trace | None, dtype: DTypeLike, weights: Mapping[int, Weights] | None = None) -> None:
        """``weights``: arrays to use for some layers, by the ``id`` of the layer."""
        self.recorder, self.dtype = recorder, dtype
        self.weights_of = dict(weights or {})
        self.sound: set[tuple[int, tuple[int, ...] | None]] = set()  # the layers found without fault, and on which shape
        self.reading = Lock()  # of weights, where copies of this run compute side by side
        self.source = Source([], [])
        self.batch: int | None = None  # samples that are computed together, where the model fixes it
        self.carrying: set[int] = set()  # the layers with a state of their own that have been called

    def network(self, model: Model, inputs: list[Any], path: str = "", first: int = 0) -> list[Any]:
        """The outputs of a whole network, in order. ``first`` is the number of the first sample, if they are a part of more."""
        self.source, self.batch = Source([ref.layer for ref in refs(model.inputs)], inputs, first), batch_size(model)
        return self.model(model, inputs, {}, path, None)

    def model(self, model: Model, inputs: list[Any], masks: Values, path: str, masks_of: object) -> list[Any]:
        """The outputs of a model, in order. ``masks`` is read and added to; those of the tensors ``masks_of`` will be there."""
        scope = Scope(dict(zip(refs(model.inputs), inputs, strict=True)), masks, producers(model), path)
        order = calls_in_order(model)
        wanted = masks_wanted(order, masks_of)
        for layer, number, call in order:
            place = path + path_of_call(layer.name, number)
            out, mask = self.one_call(scope, layer, call, place, (layer.name, number) in wanted)
            outs = as_list(out)
            for index, (y, m) in enumerate(itertools.zip_longest(outs, as_list(mask)[: len(outs)])):
                ref = Ref(layer.name, number, index)
                scope.values[ref], masks[ref] = y, m
        try:
            return [scope.values[ref] for ref in refs(model.outputs)]
        except KeyError as missing:
            raise WeightlensError(f"model {model.name!r} names an output that its layers do not make: {missing}") from None

    def one_call(self, scope: Scope, layer: Layer, call: Call, path: str, mask_wanted: bool) -> tuple[Any, Any]:
        """One layer of the graph: its output or list of outputs, and the mask it hands on, if that is wanted."""
        if layer.is_operation:
            from weightlens.engine.operation_nodes import computation  # few networks have such nodes

            args, kwargs = self.operands(scope, layer, call)
            return self.guarded(layer, path, computation(layer, call, args, kwargs, self.step, self.dtype, self.batch)), None
        given = given_to(layer, call, scope.values, scope.masks)
        if layer.model is not None:
            self.refuse_faults(layer, given.x)
            return self.nested(layer.model, given.x, given.mask, path)
        out = self.layer(layer, given.x, given.named, path)
        rule = mask_rule(layer.class_name) if mask_wanted and not loses_mask(given.x, layer.quirks) else None
        if rule is None:
            return out, None
        return out, self.guarded(layer, path, lambda: rule(given.x, settings(layer), given.mask, layer.quirks), name="mask")

    def operands(self, scope: Scope, layer: Layer, call: Call) -> tuple[Any, dict[str, Any]]:
        """The arguments of an operation; a crossentropy gets the logits behind a softmax or sigmoid instead of its output."""
        args, kwargs = tensors(layer, call.args, scope.values), tensors(layer, call.kwargs, scope.values)
        if layer.class_name in LOSSES and len(args) > 1:
            run, look_up = partial(self.without_activation, scope), partial(tensors, layer, values=scope.values)
            logits = before_activation(call.args[1], scope.producers, run, look_up)
            if logits is not None:
                return [args[0], logits, *args[2:]], kwargs | {"from_logits": True}
        return args, kwargs

    def without_activation(self, scope: Scope, layer: Layer, call: Call) -> Any:
        """What a layer with weights computes before its activation."""
        function: Any = function_of(layer.class_name)
        path, x = scope.path + layer.name, tensors(layer, call.args[0], scope.values)
        w, linear = self.weights(layer, path), settings(layer) | {"activation": "linear"}
        quirks = {"quirks": layer.quirks} if "quirks" in accepted(function) else {}
        return self.guarded(layer, path, lambda: function(x, w, linear, lambda _, y, role=NO_ROLE: y, **quirks), name="logits")

    def layer(self, layer: Layer, x: object, arguments: dict[str, Any], path: str) -> Any:
        """Run one layer: its output, or list of outputs."""
        if layer.model is not None:
            return self.nested(layer.model, x, arguments.get("mask"), path)[0]
        function = function_of(layer.class_name)
        if function is None:
            raise UnsupportedLayer(layer.name, layer.class_name, *([layer.note] if layer.note else []))
        self.refuse_faults(layer, x)
        given = accepted_arguments(layer, function, arguments) | self.services(layer, accepted(function), path)
        w, config, kind = self.weights(layer, path), settings(layer), str(layer.quirks.input_dtype)

        def compute() -> Any:
            refuse_outside_table(layer, x, w, bool(arguments.get("reverse")), self.source)
            y = function(x, w, config, self.step, **given)
            return layer_in_range(layer.class_name, kind, y) if kind == "bool" or is_whole(kind) else y

        since = 0 if self.recorder is None else len(self.recorder.steps)
        out = self.guarded(layer, path, compute, x)
        if self.recorder is not None:
            self.recorder.ran(path, layer.class_name, function, (x, w, config, given), since, out)
        return out

    def services(self, layer: Layer, names: frozenset[str], path: str) -> dict[str, Any]:
        """What a run offers a layer function that asks for it: ``call`` runs a wrapped layer, ``batch`` is the model's batch size."""
        offered: dict[str, Any] = {}
        if "call" in names:  # call("cell", x, ...)
            offered["call"] = lambda name, x, **arguments: self.layer(layer.inner[name], x, arguments, f"{path}/{name}")
        if "batch" in names:
            offered["batch"] = self.batch
            if layer.config.get("stateful"):
                if id(layer) in self.carrying:
                    raise UnsupportedLayer(layer.name, layer.class_name, "carries its state, and is called more than once")
                self.carrying.add(id(layer))
        return offered

    def refuse_faults(self, layer: Layer, x: object) -> None:
        """Refuse a layer whose configuration is wrong, or contradicts its weights or what comes in."""
        key = id(layer), shape_of(x)
        if key not in self.sound:
            for fault in faults_of(layer, x):
                raise UnsupportedLayer(layer.name, layer.class_name, fault)
            self.sound.add(key)

    def nested(self, model: Model, x: object, mask: object, path: str) -> tuple[Any, Any]:
        """A whole model as a layer: its output or outputs, and their masks."""
        inputs, wanted = in_order(x), list(refs(model.inputs))
        if len(inputs) != len(wanted):
            raise WeightlensError(f"nested model {path!r} takes {counted(len(wanted), 'input')}, but is given {len(inputs)}")
        given_masks = in_order(mask) if isinstance(mask, (dict, list, tuple)) else [mask] * len(inputs)
        masks: Values = dict(zip(wanted, given_masks, strict=False))
        outputs = self.model(model, inputs, masks, path + "/", model.outputs)
        if self.recorder is not None:
            self.recorder.layer_outputs.setdefault(path, outputs)
        out_masks = [masks.get(ref) for ref in refs(model.outputs)]
        return (outputs, out_masks) if len(outputs) != 1 else (outputs[0], out_masks[0])

    def weights(self, layer: Layer, path: str) -> Weights:
        """The layer's own weights, in the dtype of this run."""
        with self.reading:
            if id(layer) not in self.weights_of:
                self.weights_of[id(layer)] = self.read_all(layer, path)
        return self.weights_of[id(layer)]

    def read_all(self, layer: Layer, path: str) -> Weights:
        """All arrays of a layer; of a recorded run, those of a trace."""
        arrays: Weights = {name: self.read(w) for name, w in layer.own_weights.items()}
        if self.recorder is None:
            return arrays
        return {name: Recorded.given(array, "weight", name, path, layer.own_weights[name]) for name, array in arrays.items()}

    def read(self, weight: Weight) -> np.ndarray:
        """The array of a weight."""
        array = in_precision(weight, self.dtype)
        count_not_finite(weight, array)
        return array

    def step(self, name: str, x: Any, role: Role = NO_ROLE) -> Any:
        """Name a value: recorded under the layer that is being computed, if the run is recorded."""
        return x if self.recorder is None else self.recorder.step(name, x, role)

    def guarded(self, layer: Layer, path: str, compute: Callable[[], object], x: object = None, name: str = "output") -> Any:
        """Compute under the layer's path, with errors under its name; the outputs become steps called ``name``."""
        recorder = self.recorder
        if recorder is None:
            return attempt(layer, compute, x)
        outer, since = recorder.layer, len(recorder.steps)
        recorder.layer = path
        recorder.layers.setdefault(path, layer)
        out = self.named(attempt(layer, compute, x), name)
        if name == "output":
            recorder.layer_outputs.setdefault(path, as_list(out))
        if not outer:  # a wrapper may still need what it handed in
            recorder.drop_unnamed(since)
        recorder.layer = outer
        return out

    def named(self, out: object, name: str) -> Any:
        """The outputs of a layer as steps."""
        if isinstance(out, (list, tuple)):
            return [self.named(y, f"{name} {i}" if len(out) > 1 else name) for i, y in enumerate(out)]
        return None if out is None else self.step(name, out)


def as_list(out: object) -> list[Any]:
    """The outputs of a layer, one or several, as a list."""
    return list(out) if isinstance(out, (list, tuple)) else [out]


def in_order(x: object) -> list[Any]:
    """What is given to a nested model, input by input; a dictionary by sorted key, as Keras flattens it."""
    return [x[key] for key in sorted(x)] if isinstance(x, dict) else as_list(x)


def in_precision(weight: Weight, dtype: DTypeLike) -> np.ndarray:
    """Floats in the precision of a calculation, other numbers as they are.

    A large array that nobody has touched is converted piece by piece and not kept: it would be in memory twice.
    """
    read_part, floats = weight.read_part, weight.dtype.lstrip("<>").startswith(("f", "bfloat"))
    if weight.dtype.startswith("complex"):
        raise BadInput(f"{weight.path} holds complex numbers, with which no layer of Keras computes")
    if weight._value is not None or read_part is None or weight.size <= AT_ONCE or not floats:
        return weight.value if weight.value.dtype.kind in "iub" else weight.value.astype(dtype)
    made, step = np.empty(weight.shape, dtype), max(1, AT_ONCE * weight.shape[0] // weight.size)
    for start in range(0, weight.shape[0], step):
        made[start : start + step] = read_part(slice(start, min(start + step, weight.shape[0])))
    return made
