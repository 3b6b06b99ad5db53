"""The forward pass: walk the graph, call each layer's function, hand on values and masks."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from weightlens.call_order import calls_in_order, refs
from weightlens.engine.faults import faults_of, shape_of
from weightlens.engine.logits import LOSSES, Producers, before_activation, producers
from weightlens.engine.state import batch_size
from weightlens.errors import BadInput, UnsupportedLayer, WeightlensError, first_line
from weightlens.layers import function_of, mask_rule
from weightlens.layers.masking import blind_to_masks
from weightlens.model import Call, Layer, Model, Ref, Weight
from weightlens.operations.small_integers import kept_in_range, layer_in_range, taken_for_a_bias
from weightlens.recording import LayerRun, Recorded, Role, Trace, each, value_of
from weightlens.recording.arrays import NO_ROLE
from weightlens.specs.registry import spec, spec_of
from weightlens.whole import is_whole

Values = dict[Ref, Any]
AT_ONCE = 128  # samples: what is computed of them stays in the processor's cache


def predict(model: Model, inputs: Any, dtype: Any = np.float64, first: int = 0) -> list[np.ndarray]:
    """Compute the outputs: one array per model output. Nothing is recorded; many samples are taken some at a time.

    ``first`` is the number of the first of them, where they are a part of more.
    """
    run, arrays = Run(None, dtype), bind(model, inputs, dtype)
    samples = {len(x) if x.ndim else 0 for x in arrays}
    count = samples.pop() if len(samples) == 1 and each_alone(model) else 0
    with np.errstate(all="ignore"):
        if count <= AT_ONCE:
            run.first = first
            return [np.asarray(y) for y in run.model(model, arrays, {}, "")]
        done = []
        for start in range(0, count, AT_ONCE):
            run.first = first + start
            done.append(run.model(model, [x[start : start + AT_ONCE] for x in arrays], {}, ""))
    return [np.concatenate(parts) for parts in zip(*done, strict=True)]


def each_alone(model: Model) -> bool:
    """Whether no sample can change what another one comes to, so that they may be taken some at a time."""
    return all(
        spec_of(layer).alone and not layer.config.get("time_major") and not layer.config.get("stateful")
        if layer.model is None
        else each_alone(layer.model)
        for layer in model.layers
    )


def trace(model: Model, inputs: Any, dtype: Any = np.float64, stop_at_unsupported: bool = False) -> Trace:
    """Compute the outputs and remember every step.

    With ``stop_at_unsupported`` a layer that cannot be computed ends the trace (``Trace.stopped`` says
    why) instead of raising ``UnsupportedLayer``.
    """
    recorder = Trace(input_names=[ref.layer for ref in refs(model.inputs)])
    arrays = bind(model, inputs, dtype)
    recorder.inputs = [Recorded(x, kind="input", name=name) for x, name in zip(arrays, recorder.input_names, strict=True)]
    for x in recorder.inputs:
        x.layer = x.name
    try:
        with np.errstate(all="ignore"):
            recorder.results = Run(recorder, dtype).model(model, recorder.inputs, {}, "")
        recorder.output_names, recorder.outputs_named = model.output_names, isinstance(model.outputs, dict)
    except UnsupportedLayer as refusal:
        if not stop_at_unsupported:
            raise
        recorder.stopped = str(refusal)
    return recorder


def bind(model: Model, inputs: Any, dtype: Any = np.float64) -> list[np.ndarray]:
    """The model's input arrays in order, checked against its shapes; a missing batch axis is added."""
    wanted = list(refs(model.inputs))
    if model.faults:
        raise BadInput(f"{model.faults[0]}; its matrices can still be shown (weightlens show)")
    if not wanted:
        raise BadInput(model.why_nothing_runs)
    if isinstance(inputs, dict):
        names = [ref.layer for ref in wanted]
        from weightlens.inputs.columns import input_keys  # with it come all readers of tables

        keys = input_keys(map(str, inputs), names)
        if keys is None:
            missing = next((name for name in names if name not in inputs), names[0])
            raise BadInput(f"no values for input {missing!r}; the inputs are: {', '.join(names)} (or all of them by place: input_0, ...)")
        inputs = [inputs[key] for key in keys]
    elif not (isinstance(inputs, (list, tuple)) and len(inputs) == len(wanted) and all(hasattr(x, "shape") for x in inputs)):
        inputs = [inputs] if len(wanted) == 1 else list(inputs)
    if len(inputs) != len(wanted):
        raise BadInput(f"the model has {len(wanted)} inputs ({', '.join(ref.layer for ref in wanted)}), but {len(inputs)} were given")
    return [fit(x, model[ref.layer], dtype) for x, ref in zip(inputs, wanted, strict=True)]


def fit(x: Any, layer: Layer, dtype: Any) -> np.ndarray:
    """One input as an array of the shape that its InputLayer asks for."""
    array = np.asarray(x)
    if not array.size:
        raise BadInput(f"input {layer.name!r} was given no numbers")
    array = as_text(array) if array.dtype.kind in "USO" else array.astype(dtype)
    shape = layer.config.get("batch_shape")
    if layer.faults:
        raise UnsupportedLayer(layer.name, layer.class_name, layer.faults[0])
    if shape is None:
        return array
    rank = len(shape)
    if array.ndim == rank - 1:
        array = array[..., None] if shape[-1] == 1 and array.shape[-1:] != (1,) else array[None]
    if array.ndim != rank or any(want is not None and want != have for want, have in zip(shape[1:], array.shape[1:], strict=True)):
        asked = " x ".join("any" if n is None else str(n) for n in shape[1:]) or "a single number"
        got = " x ".join(map(str, array.shape[1:] if array.ndim == rank else array.shape)) or "a single number"
        raise BadInput(f"input {layer.name!r} takes {asked} per sample, but the numbers given are {got}")
    return array


def as_text(array: np.ndarray) -> np.ndarray:
    """Words as text, whether they came as text, bytes or Python objects."""
    words = [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in array.reshape(-1).tolist()]
    return np.array(words, dtype=str).reshape(array.shape)


@functools.cache
def accepted(function: Callable[..., Any]) -> frozenset[str]:
    """Names of the optional arguments that a layer function takes (``mask``, ``call``, ``initial_state``...)."""
    return frozenset(name for name, p in inspect.signature(function).parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY)


BOOKKEEPING = frozenset({
    "name", "dtype", "trainable", "module", "function", "sorted", "sparse", "synchronized", "flash_attention", "registered_name",
    "out_type",
})  # fmt: skip


def as_tuple(setting: Any) -> Any:
    """Lists of a configuration as the tuples that NumPy takes; tensors in them stay in a list."""
    if isinstance(setting, list) and not any(hasattr(item, "shape") for item in setting):
        return tuple(as_tuple(item) for item in setting)
    return setting


def settings(layer: Layer) -> dict[str, Any]:
    """The configuration of a layer, with those of the layers it wraps as Keras writes them."""
    return layer.config | {name: {"class_name": inner.class_name, "config": settings(inner)} for name, inner in layer.inner.items()}


def masks_wanted(order: list[tuple[Layer, int, Call]], outputs: Any) -> set[tuple[str, int]]:
    """The calls whose mask somebody looks at: a layer that takes masks, or one that hands them on to such a layer."""
    wanted = {(ref.layer, ref.call) for ref in refs(outputs)}
    for layer, number, call in reversed(order):
        function = None if layer.is_operation or layer.model is not None else function_of(layer.class_name)
        takes = function is not None and any(name.endswith("mask") for name in accepted(function)) and call.kwargs.get("mask") is None
        if takes or layer.model is not None or ((layer.name, number) in wanted and not layer.is_operation):
            wanted |= {(ref.layer, ref.call) for ref in refs((call.args, call.kwargs))}
    return wanted


class Run:
    """One forward pass: what it needs to know of itself while it walks (recorder, dtype, weights at hand)."""

    def __init__(self, recorder: Trace | None, dtype: Any) -> None:
        self.recorder, self.dtype = recorder, dtype
        self.weights_of: dict[int, dict[str, Any]] = {}
        self.sound: set[tuple[int, tuple[int, ...] | None]] = set()  # the layers found without fault, and on which shape
        self.made: Producers = {}  # the calls that a crossentropy may look through
        self.inputs: list[tuple[str, Any]] = []  # by name
        self.first = 0  # the number of the first sample, where they are taken some at a time
        self.batch: int | None = None  # samples that are computed together, where the model fixes it
        self.ran: set[int] = set()  # the layers with a state of their own that have been called

    def step(self, name: str, x: Any, role: Role = NO_ROLE) -> Any:
        return x if self.recorder is None else self.recorder.step(name, x, role)

    def read(self, weight: Weight) -> np.ndarray:
        array = weight.in_precision(self.dtype)
        weight.count_not_finite(array)
        return array

    def weights(self, layer: Layer, path: str) -> dict[str, Any]:
        """The layer's own weights, in the precision of this run; read once."""
        if id(layer) not in self.weights_of:
            arrays: dict[str, Any] = {name: self.read(w) for name, w in layer.own_weights.items()}
            if self.recorder is not None:
                arrays = {name: Recorded(array, kind="weight", name=name) for name, array in arrays.items()}
                for name, x in arrays.items():
                    x.layer, x.source = path, layer.own_weights[name]
            self.weights_of[id(layer)] = arrays
        return self.weights_of[id(layer)]

    def model(self, model: Model, inputs: list[Any], masks: Values, prefix: str) -> list[Any]:
        """Run a model on its inputs: a flat list of outputs. ``masks`` (by Ref) is read and added to."""
        values: Values = dict(zip(refs(model.inputs), inputs, strict=True))
        if not prefix:
            self.inputs = [(ref.layer, x) for ref, x in zip(refs(model.inputs), inputs, strict=True)]
            self.batch = batch_size(model)
        outer, self.made = self.made, producers(model)
        order = calls_in_order(model)
        wanted = masks_wanted(order, model.outputs if prefix else ())
        for layer, number, call in order:
            path = prefix + layer.name + (f" #{number + 1}" if number else "")
            out, mask = self.one_call(layer, call, values, masks, path, (layer.name, number) in wanted)
            outs = out if isinstance(out, (list, tuple)) else [out]
            mask_list = list(mask) if isinstance(mask, (list, tuple)) else [mask]
            for index, (y, m) in enumerate(itertools.zip_longest(outs, mask_list[: len(outs)])):
                values[Ref(layer.name, number, index)], masks[Ref(layer.name, number, index)] = y, m
        self.made = outer
        try:
            return [values[ref] for ref in refs(model.outputs)]
        except KeyError as missing:
            raise WeightlensError(f"model {model.name!r} names an output that its layers do not make: {missing}") from None

    def one_call(self, layer: Layer, call: Call, values: Values, masks: Values, path: str, mask_wanted: bool) -> tuple[Any, Any]:
        """One layer of the graph: look up its arguments, run it, and find the mask it hands on, if anybody wants it."""

        def lookup(thing: Any) -> Any:
            if isinstance(thing, Ref) and thing not in values:
                raise WeightlensError(f"layer {layer.name!r} uses output {thing.index} of layer {thing.layer!r}, which it does not have")
            return values[thing] if isinstance(thing, Ref) else thing

        args, kwargs = each(lookup, call.args), each(lookup, call.kwargs)
        if layer.is_operation:
            if layer.class_name in LOSSES and self.made and len(args) > 1:
                run = functools.partial(self.without_activation, lookup, path[: path.rindex(layer.name)])
                logits = before_activation(call.args[1], self.made, run, lookup)
                args, kwargs = (args, kwargs) if logits is None else ([args[0], logits, *args[2:]], kwargs | {"from_logits": True})
            return self.operation(layer, args, kwargs, path, (call.args, call.kwargs)), None
        names = spec_of(layer).arguments
        arguments = dict(zip(names, args, strict=False)) | kwargs
        first = names[0]
        if first not in arguments and "inputs" in arguments:
            arguments[first] = arguments.pop("inputs")
        if first not in arguments:
            raise UnsupportedLayer(layer.name, layer.class_name, "is called without an input")
        mask_of = {
            name: each(lambda t: masks.get(t) if isinstance(t, Ref) else None, given)
            for name, given in (dict(zip(names, call.args, strict=False)) | call.kwargs).items()
        }
        x = arguments.pop(first)
        own = mask_of.get(first, mask_of.get("inputs"))
        given = {k: v for k, v in arguments.items() if v is not None}
        implied = {f"{name}_mask": m for name, m in mask_of.items() if m is not None}
        implied["mask"] = None if blind_to_masks(given, [layer.config, *(inner.config for inner in layer.inner.values())]) else own
        arguments, mask = implied | given, given.get("mask", own)
        if layer.model is not None:
            return self.nested(layer.model, x, mask, path)
        out = self.layer(layer, x, arguments, path)
        rule = mask_rule(layer.class_name) if mask_wanted else None
        return out, None if rule is None else self.guarded(layer, path, lambda: rule(x, settings(layer), mask, layer.quirks), "mask")

    def operation(self, layer: Layer, args: Any, kwargs: Any, path: str, given: Any = ((), {})) -> Any:
        """An operator node of a functional graph: one function, its options from the config (Keras 3) and from the call.

        ``given`` are its arguments as they stand in the file, references for tensors.
        """
        from weightlens.operations.operators import operation

        def computed(compute: Callable[[], Any]) -> Any:
            kind = str(layer.quirks.input_dtype)
            y = compute()
            return kept_in_range(layer.class_name, kind, given, y) if kind == "bool" or is_whole(kind) else y

        function = operation(layer.class_name)
        if function is None:
            raise UnsupportedLayer(layer.name, layer.class_name, "is not an operation that weightlens can compute")
        if layer.class_name == "Add" and taken_for_a_bias(args, given):
            raise UnsupportedLayer(layer.name, "Add", "adds a constant that versions of Keras 3 take for a bias along another axis")
        unknown = "is called in a way that weightlens does not know"
        if isinstance(function, np.ufunc):
            args, options = [*map(self.operand, args), *kwargs.values()], {}
            if len(args) != function.nin:
                raise UnsupportedLayer(layer.name, layer.class_name, f"{unknown} ({len(args)} operands)")
        else:
            options = self.options(function, layer, kwargs)
            try:
                inspect.signature(function).bind(*args, **options)
            except TypeError as mismatch:
                raise UnsupportedLayer(layer.name, layer.class_name, f"{unknown} ({mismatch})") from None
        return self.guarded(layer, path, lambda: computed(lambda: function(*args, **options)))

    def options(self, function: Callable[..., Any], layer: Layer, kwargs: dict[str, Any]) -> dict[str, Any]:
        """The options of an operation, from its configuration (Keras 3) and from the call."""
        known = inspect.signature(function).parameters
        given = {k: v for k, v in layer.config.items() if not layer.class_name.startswith("tf.") and (v is not None or k in known)} | kwargs
        options = {k: as_tuple(v) for k, v in given.items() if k in known or not (k in BOOKKEEPING or v is None or v is False)}
        if "step" in known:
            options["step"] = self.step
        if "input_dtype" in known:
            options["input_dtype"] = layer.quirks.input_dtype
        return options

    def without_activation(self, lookup: Callable[[Any], Any], prefix: str, layer: Layer, call: Call) -> Any:
        """What a layer with weights computes before its activation."""
        function: Any = function_of(layer.class_name)
        path = prefix + layer.name
        w, linear = self.weights(layer, path), settings(layer) | {"activation": "linear"}
        quirks = {"quirks": layer.quirks} if "quirks" in accepted(function) else {}
        return self.guarded(
            layer, path, lambda: function(lookup(call.args[0]), w, linear, lambda _, y, role=NO_ROLE: y, **quirks), "logits"
        )

    def operand(self, thing: Any) -> Any:
        """An argument of arithmetic: constant arrays become steps, so that they have cells."""
        if isinstance(thing, np.ndarray) and thing.ndim and thing.dtype.kind == "f":
            return self.step("constant", thing.astype(self.dtype))
        return thing

    def refuse_faults(self, layer: Layer, x: Any) -> None:
        """Refuse a layer whose configuration is wrong, or contradicts its weights or what comes in."""
        key = id(layer), shape_of(x)
        if key not in self.sound:
            for fault in faults_of(layer, x):
                raise UnsupportedLayer(layer.name, layer.class_name, fault)
            self.sound.add(key)

    def layer(self, layer: Layer, x: Any, arguments: dict[str, Any], path: str) -> Any:
        """Run one layer: its output, or list of outputs."""
        if layer.model is not None:
            return self.nested(layer.model, x, arguments.get("mask"), path)[0]
        function = function_of(layer.class_name)
        if function is None:
            raise UnsupportedLayer(layer.name, layer.class_name, *([layer.note] if layer.note else []))
        self.refuse_faults(layer, x)
        takes = accepted(function)
        for name, value in arguments.items():
            plain = value is None or value is False or name in ("training", "mask") or name.endswith("_mask")
            if name not in takes and not plain:
                raise UnsupportedLayer(layer.name, layer.class_name, f"is called with {name}, which weightlens does not know")
        given = {name: value for name, value in arguments.items() if name in takes}
        if "quirks" in takes:
            given["quirks"] = layer.quirks
        if "call" in takes:
            given["call"] = functools.partial(self.inner, layer, path)
        if layer.config.get("stateful") and "batch" in takes:
            given["batch"] = self.batch
            if id(layer) in self.ran:
                raise UnsupportedLayer(layer.name, layer.class_name, "carries its state, and is called more than once")
            self.ran.add(id(layer))
        w, kind, config = self.weights(layer, path), str(layer.quirks.input_dtype), settings(layer)

        def compute() -> Any:
            if spec(layer.class_name).tokens and "embeddings" in w and not arguments.get("reverse"):
                self.refuse_outside(layer, x, len(w["embeddings"]))
            elif layer.class_name == "CategoryEncoding" and layer.config.get("output_mode") != "one_hot":
                self.refuse_outside(layer, x)  # a category that is too large has no mark in Keras 3
            y = function(x, w, config, self.step, **given)
            return layer_in_range(layer.class_name, kind, y) if kind == "bool" or is_whole(kind) else y

        since = len(self.recorder.steps) if self.recorder is not None else 0
        out = self.guarded(layer, path, compute)
        if self.recorder is not None:
            made = self.recorder.steps[since:]
            self.recorder.runs.append(LayerRun(path, layer.class_name, function, x, w, config, given, made, out))
        return out

    def refuse_outside(self, layer: Layer, x: Any, rows: float = np.inf) -> None:
        """Refuse what is no row of a table, as Keras does: NumPy would count negative ones from the end."""
        ids = np.asarray(value_of(x)).astype(np.float64)
        wrong = np.argwhere(~((ids > -1) & (ids < rows)))
        if len(wrong):
            sample, *place = wrong[0].tolist()
            source = next((f"input {name!r}" for name, given in self.inputs if given is x), f"what reaches layer {layer.name!r}")
            at = f", column {place[0] + 1}" if len(place) == 1 else f", position {place}" if place else ""
            value = f"{ids[tuple(wrong[0])]:.9g}"
            told = f"layer {layer.name!r} ({layer.class_name}) takes whole numbers from 0 {'on' if rows == np.inf else f'to {rows - 1}'}"
            raise BadInput(f"{source}, row {self.first + sample + 1}{at}: {value} is out of range; {told}")

    def inner(self, owner: Layer, path: str, name: str, x: Any, **arguments: Any) -> Any:
        """``call("cell", x, ...)``: a wrapper runs one of the layers it wraps."""
        return self.layer(owner.inner[name], x, arguments, f"{path}/{name}")

    def nested(self, model: Model, x: Any, mask: Any, path: str) -> tuple[Any, Any]:
        """A whole model as a layer: its outputs, and their masks."""
        inputs = [x[key] for key in sorted(x)] if isinstance(x, dict) else list(x) if isinstance(x, (list, tuple)) else [x]
        wanted = list(refs(model.inputs))
        if len(inputs) != len(wanted):
            raise WeightlensError(f"nested model {path!r} takes {len(wanted)} inputs, but is given {len(inputs)}")
        mask = [mask[key] for key in sorted(mask)] if isinstance(mask, dict) else mask
        mask_list = mask if isinstance(mask, (list, tuple)) else [mask] * len(inputs)
        masks: Values = dict(zip(wanted, mask_list, strict=False))
        outputs = self.model(model, inputs, masks, path + "/")
        out_masks = [masks.get(ref) for ref in refs(model.outputs)]
        return (outputs, out_masks) if len(outputs) != 1 else (outputs[0], out_masks[0])

    def guarded(self, layer: Layer, path: str, compute: Callable[[], Any], name: str = "output") -> Any:
        """Compute under the layer's name; what the layer cannot do becomes ``UnsupportedLayer``; name its outputs."""
        outer, since = (self.recorder.layer, len(self.recorder.steps)) if self.recorder is not None else ("", 0)
        if self.recorder is not None:
            self.recorder.layer = path
            self.recorder.layers.setdefault(path, layer)
        try:
            out = compute()
        except NotImplementedError as refusal:
            raise UnsupportedLayer(layer.name, layer.class_name, str(refusal)) from None
        except KeyError as missing:
            raise UnsupportedLayer(layer.name, layer.class_name, f"the file lacks {missing} for it") from None
        except (ValueError, IndexError) as misfit:  # NumPy's word for shapes that do not fit each other
            raise BadInput(f"the numbers given do not fit layer {layer.name!r} ({layer.class_name}): {misfit}") from misfit
        except (TypeError, AttributeError, ArithmeticError, MemoryError) as misfit:  # settings or inputs of a kind that it does not take
            reason = f"cannot be computed as the file has it ({type(misfit).__name__}: {first_line(misfit)})"
            raise UnsupportedLayer(layer.name, layer.class_name, reason) from misfit
        if self.recorder is not None:
            several = isinstance(out, (list, tuple)) and len(out) > 1
            if isinstance(out, (list, tuple)):
                out = [self.named(f"{name} {i}" if several else name, y) for i, y in enumerate(out)]
            elif out is not None:
                out = self.named(name, out)
            if name == "output" and path not in self.recorder.layer_outputs:
                self.recorder.layer_outputs[path] = list(out) if isinstance(out, list) else [out]
            if not outer:  # a wrapper may still need what it handed in
                self.recorder.drop_unnamed(since)
            self.recorder.layer = outer
        return out

    def named(self, name: str, y: Any) -> Any:
        return y if y is None else self.step(name, y)
