"""How the layers of a functional model are connected: ``inbound_nodes`` of every version as calls on tensor references.

A connection may be lost, that of a layer which a nested model contains as well: tf.keras keeps one configuration per shared layer, so
the connection inside the nested model overwrites the outer one, and refers to a tensor that the outer model does not have.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from weightlens.call_order import refs, tensors_into
from weightlens.errors import UnreadableModel
from weightlens.formats.architecture.config_values import plain
from weightlens.formats.architecture.dialect import Dialect
from weightlens.formats.architecture.layer_config import plain_dict
from weightlens.model import Call, Layer, Model, Ref
from weightlens.specs.registry import spec_of

CONSTANT = "_CONSTANT_VALUE"


def calls_of(nodes: Any) -> list[Call]:
    """The calls of one layer; a TensorFlow function of one tensor is listed one level less deep."""
    if not isinstance(nodes, list):
        raise UnreadableModel("the connections of a layer (inbound_nodes) are not a list")
    calls = []
    for node in nodes:
        if isinstance(node, dict) and "args" in node:
            calls.append(Call(tuple(plain(node.get("args", []))), dict(plain(node.get("kwargs", {})))))
        elif isinstance(node, dict) and node:
            calls.append(Call(({key: _tensor(value) for key, value in node.items()},)))
        elif isinstance(node, list) and node:
            calls.append(_listed_call([node] if isinstance(node[0], str) else node))
    return calls


def input_dtypes(nodes: Any) -> Iterator[str]:
    """The dtypes of the tensors of a layer's calls, in order, which Keras 3 stores with the connections."""
    if isinstance(nodes, dict) and nodes.get("class_name") == "__keras_tensor__":
        yield str(plain_dict(nodes.get("config")).get("dtype"))
    elif isinstance(nodes, (dict, list)):
        for inside in nodes.values() if isinstance(nodes, dict) else nodes:
            yield from input_dtypes(inside)


def common_dtype(nodes: Any) -> str | None:
    """The dtype to which Keras 3 promotes an operation's tensors; ``None`` if they are not numbers."""
    kinds = {dtype.replace("bfloat16", "float32") for dtype in input_dtypes(nodes)}
    try:
        return str(np.result_type(*kinds)) if kinds else None
    except TypeError:
        return None


def _listed_call(entries: list[Any]) -> Call:
    """A call as Keras 1 and 2 list it: ``[[name, call, index, {kwargs}], ...]``; a single tensor is not in a list."""
    tensors: list[Any] = []
    kwargs: dict[str, Any] = {}
    for entry in entries:
        nested = isinstance(entry, list) and bool(entry) and isinstance(entry[0], list)
        tensors.append([_tensor(inner) for inner in entry] if nested else _tensor(entry))
        if not nested and len(entry) > 3 and isinstance(entry[3], dict):
            kwargs |= {key: _argument(value) for key, value in plain(entry[3]).items()}
    return Call((tensors[0] if len(tensors) == 1 else tensors,), kwargs)


def _tensor(entry: Any) -> Any:
    if not isinstance(entry, (list, tuple)) or len(entry) < 3:
        raise UnreadableModel(f"a connection of the graph is not understood: {str(entry)[:80]}")
    if entry[0] == CONSTANT:
        return plain(entry[2])
    if not all(isinstance(number, int) for number in entry[1:3]):
        raise UnreadableModel(f"a connection of the graph is not numbered: {str(entry)[:80]}")
    return Ref(str(entry[0]), int(entry[1]), int(entry[2]))


def _argument(value: Any) -> Any:
    """A keyword argument; in Keras 2 a list ``[name, 0, 0]`` in it is a tensor."""
    if isinstance(value, (list, tuple)):
        if len(value) in (3, 4) and isinstance(value[0], str) and isinstance(value[1], int):
            return _tensor(value)
        return type(value)(_argument(item) for item in value)
    if isinstance(value, dict):
        return {key: _argument(item) for key, item in value.items()}
    return value


def endpoints(value: Any) -> Any:
    """The tensor references in ``input_layers`` or ``output_layers``: a list or a dictionary."""

    def walk(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: walk(inside) for key, inside in item.items()}
        if isinstance(item, (list, tuple)):
            if len(item) == 3 and isinstance(item[0], str) and not isinstance(item[1], str):
                return _tensor(item)
            return [walk(inside) for inside in item]
        raise UnreadableModel("the inputs or outputs of the model are not understood")

    found = walk(plain(value))
    return [found] if isinstance(found, Ref) else found


def map_refs(value: Any, change: Any) -> Any:
    """Nested arguments with ``change`` applied to each tensor reference."""
    if isinstance(value, Ref):
        return change(value)
    if isinstance(value, dict):
        return {key: map_refs(item, change) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map_refs(item, change) for item in value)
    if isinstance(value, slice):
        return slice(*(map_refs(item, change) for item in (value.start, value.stop, value.step)))
    return value


def count_from_zero(layers: list[Layer], outputs: Any, dialect: Dialect) -> Any:
    """Renumber the calls of nested models from zero; returns the outputs.

    A nested model counts its construction as a call: always in Keras 1 and 2 (unless it was built without an input),
    in Keras 3 only in the list of outputs, and not for a Sequential.
    """
    models = {layer.name: layer.class_name for layer in layers if layer.model is not None}
    if not models:
        return outputs
    arguments: Any = [[call.args, call.kwargs] for layer in layers for call in layer.calls]
    if dialect.major < 3:
        arguments, outputs = _shifted((arguments, outputs), set(models))
    else:
        outputs = _shifted(outputs, {name for name, class_name in models.items() if class_name != "Sequential"})
    calls = [call for layer in layers for call in layer.calls]
    for call, changed in zip(calls, arguments, strict=True):
        call.args, call.kwargs = changed
    return outputs


def count_used_calls(layers: list[Layer], outputs: Any) -> None:
    """Renumber the calls that arguments name, where Keras 3 before 3.2 counted those of other models too, which are not in the file.

    Every call in the file is read: by an argument, or as an output, and outputs were always counted as today.
    Where that leaves more than one way, the numbers stay as they are.
    """
    arguments = [[call.args, call.kwargs] for layer in layers for call in layer.calls]
    read = {(ref.layer, ref.call) for ref in refs(arguments)}
    ends = {(ref.layer, ref.call) for ref in refs(outputs)}
    numbers: dict[tuple[str, int], int] = {}
    for layer in (layer for layer in layers if layer.model is None):
        named = sorted(number for name, number in read if name == layer.name)
        every = range(len(layer.calls))
        for meant in (list(every), [number for number in every if (layer.name, number) not in ends]):
            if named != meant and len(named) == len(meant):
                numbers |= {(layer.name, number): right for number, right in zip(named, meant, strict=True)}
                break
    if numbers:
        as_today = lambda ref: Ref(ref.layer, numbers.get((ref.layer, ref.call), ref.call), ref.index)
        for call in (call for layer in layers for call in layer.calls):
            call.args, call.kwargs = map_refs((call.args, call.kwargs), as_today)


def _shifted(value: Any, models: set[str]) -> Any:
    from_one = models - {ref.layer for ref in refs(value) if ref.call == 0}
    return map_refs(value, lambda ref: Ref(ref.layer, ref.call - 1, ref.index) if ref.layer in from_one else ref)


def takes_states(layer: Layer) -> bool:
    """Whether the tensors after the first that a layer is called on are the states that it starts from."""
    return "initial_state" in spec_of(layer).arguments


def split_states(layer: Layer) -> None:
    """``rnn([x, h, c])`` is stored as a list of inputs: make the states a keyword argument."""
    if not takes_states(layer):
        return
    for call in layer.calls:
        if call.args and isinstance(call.args[0], (list, tuple)) and len(call.args[0]) > 1:
            x, *states = [tensor for item in call.args[0] for tensor in (item if isinstance(item, list) else [item])]
            call.args = (x, *call.args[1:])
            call.kwargs = {**call.kwargs, "initial_state": states}


def put_in_order(layer: Layer) -> None:
    """The tensors of a dict that a nested model is called on, in the order of its inputs: by name, unless it takes a dict itself."""
    if layer.model is None or isinstance(layer.model.inputs, dict):
        return
    names = [ref.layer for ref in refs(layer.model.inputs)]
    for call in layer.calls:
        given = call.args[0] if call.args else call.kwargs.get("inputs")
        if not isinstance(given, dict) or not set(names) <= set(given):
            continue
        ordered, mask = [given[name] for name in names], call.kwargs.get("mask")
        if isinstance(mask, dict) and names != sorted(names) and len({value is None for value in mask.values()}) == 2:
            layer.faults.append("is called on a dict in which some tensors have masks: Keras gives these to other inputs than theirs")
        if call.args:
            call.args = (ordered, *call.args[1:])
        else:
            call.kwargs["inputs"] = ordered


def restore_lost_connection(model: Model) -> None:
    """Connect the only layer without a valid input to the only tensor that nothing reads; if there are several, do nothing."""
    names = {layer.name for layer in model.layers}
    calls = [(layer, call) for layer in model.layers for call in layer.calls]
    lost = [(layer, call) for layer, call in calls if any(ref.layer not in names for ref in tensors_into(call))]
    if len(lost) != 1 or len(tensors_into(lost[0][1])) != 1 or not is_also_in_nested_model(model, *lost[0]):
        return
    layer, call = lost[0]
    read = {(ref.layer, ref.call) for _, other in calls for ref in tensors_into(other)} | {(r.layer, r.call) for r in refs(model.outputs)}
    unread = [
        (source, Ref(source.name, i))
        for source in model.layers
        for i in range(max(len(source.calls), source.is_input))
        if (source.name, i) not in read and source is not layer
    ]
    if len(unread) == 1 and not takes_states(unread[0][0]) and unread[0][0].model is None:
        call.args, call.kwargs = map_refs((call.args, call.kwargs), lambda ref: unread[0][1])


def is_also_in_nested_model(model: Model, layer: Layer, call: Call) -> bool:
    """Whether a nested model contains the layer too, with the same connection."""
    nested = [inner for outer in model.layers if outer.model is not None for inner in outer.model.layers]
    return any(inner.name == layer.name and any(tensors_into(c) == tensors_into(call) for c in inner.calls) for inner in nested)
