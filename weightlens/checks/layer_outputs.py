"""The outputs of every layer of a Keras network, by the path that the layer has in our trace; for Keras 2 and 3."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np

from weightlens.call_order import path_of_call
from weightlens.checks.oracle import Network, floatx
from weightlens.model import INPUT

EPSILON = {"float16": 2.0**-10, "bfloat16": 2.0**-7}  # machine epsilon; that of other dtypes is negligible here


@dataclass(frozen=True)
class LayerOutput:
    """The outputs of one call of a layer (``dense``, ``dense #2``, ``inner/dense``), and the lowest precision that led to them."""

    path: str
    class_name: str
    precision: str
    arrays: list[np.ndarray]


@dataclass(frozen=True)
class LayerCall:
    """One call in a Keras graph, as symbolic tensors: ``given`` to the call, all ``inputs`` (masks too), and the ``outputs``."""

    path: str
    layer: Network
    given: list[Any]
    inputs: list[Any]
    outputs: list[Any]


def layer_outputs(keras: ModuleType, network: Network, arrays: list[np.ndarray], batch: int | None = None) -> list[LayerOutput]:
    """The outputs of each layer, also inside nested models; computed ``batch`` samples at a time, if given."""
    given = as_given(graph_of(network), arrays)
    in_float64 = any(dtype_name(t.dtype) == "float64" for call in calls_of(graph_of(network)) for t in call.outputs)
    with floatx(keras, "float64" if in_float64 else "float32"):
        parts = batch_slices(len(given[0]) if given[0].ndim else 1, batch)
        runs = [list(computed_calls(keras, network, [x[part] for x in given])) for part in parts]
    return [joined(outputs) for outputs in zip(*runs, strict=True)]


def joined(outputs: Sequence[LayerOutput]) -> LayerOutput:
    """The outputs of one call for all samples, from those for some samples at a time."""
    batches = zip(*(output.arrays for output in outputs), strict=True)
    arrays = [np.concatenate([np.asarray(y) for y in ys]) if len(outputs) > 1 else np.asarray(ys[0]) for ys in batches]
    return replace(outputs[0], arrays=arrays)


def as_given(network: Network, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """The inputs in the dtypes that a Keras network takes; texts as they are."""
    dtypes = [dtype_name(t.dtype) for t in flatten(network.inputs)]
    return [x.astype(dtype) if dtype != "string" else x for x, dtype in zip(arrays, dtypes, strict=True)]


def batch_slices(samples: int, size: int | None) -> list[slice]:
    """Slices of at most ``size`` samples; one slice of all samples without a size."""
    return [slice(start, start + size) for start in range(0, samples, size)] if size else [slice(None)]


def computed_calls(
    keras: ModuleType, network: Network, given: list[Any], prefix: str = "", before: str = "float32"
) -> Iterator[LayerOutput]:
    """Every call of a network with its outputs computed; tensors keep the masks that Keras attached."""
    graph = graph_of(network)
    calls = list(calls_of(graph))
    wanted = list({id(t): t for call in calls for t in call.outputs}.values())
    at_first = states_of(network)
    computed = flatten(keras.Model(graph.inputs, wanted)(given, training=False)) if wanted else []
    at_the_end = states_of(network)
    values = {id(t): x for t, x in zip([*flatten(graph.inputs), *wanted], [*given, *computed], strict=True)}
    precision = {id(t): before for t in flatten(graph.inputs)}
    for call in calls:
        before_it = lowest_precision([before, *(precision.get(id(t), before) for t in call.inputs)])
        layers = call.layer._flatten_layers() if hasattr(call.layer, "_flatten_layers") else ()  # those inside, too
        inside = [*(t.dtype for t in call.outputs), *(layer.compute_dtype for layer in layers)]
        leaving = lowest_precision([before_it, *map(dtype_name, inside)])
        precision |= {id(t): leaving for t in call.outputs}
        if graph_of(call.layer) is not None and all(id(t) in values for t in call.given):
            set_states(at_first)  # the layers inside compute once more: from where they started
            yield from computed_calls(keras, call.layer, [values[id(t)] for t in call.given], f"{prefix}{call.path}/", before_it)
        else:
            yield LayerOutput(prefix + call.path, type(call.layer).__name__, leaving, [values[id(t)] for t in call.outputs])
    set_states(at_the_end)


def states_of(network: Network) -> list[tuple[Any, np.ndarray]]:
    """The variables in which the layers of a network keep their states from one batch to the next, and what they hold now."""
    layers = [layer for layer in network._flatten_layers() if getattr(layer, "stateful", False)]
    variables = [state for layer in layers for state in flatten(getattr(layer, "states", None)) if hasattr(state, "assign")]
    return [(state, np.array(state)) for state in variables]


def set_states(states: list[tuple[Any, np.ndarray]]) -> None:
    """Let layers go on from the states given."""
    for variable, state in states:
        variable.assign(state)


def lowest_precision(names: list[str]) -> str:
    """The dtype with the fewest digits; ``float32`` unless one has fewer."""
    return max(names, key=lambda name: EPSILON.get(name, 0.0))


def graph_of(network: Network) -> Network:
    """The functional graph of a network; ``None`` for a layer without one."""
    graph = getattr(network, "_functional", None) or network
    return graph if hasattr(graph, "layers") and (hasattr(graph, "operations") or hasattr(graph, "_network_nodes")) else None


def calls_of(graph: Network) -> Iterator[LayerCall]:
    """Every call of every layer inside a functional graph (Keras 2 and 3)."""
    # "140231_ib-0" in Keras 3, "dense_ib-0" in Keras 2
    inside: set[str] = graph._nodes if hasattr(graph, "operations") else graph._network_nodes
    for layer in getattr(graph, "operations", graph.layers):
        nodes = [n for i, n in enumerate(layer._inbound_nodes) if f"{id(layer)}_ib-{i}" in inside or f"{layer.name}_ib-{i}" in inside]
        for number, node in enumerate(nodes):
            if type(layer).__name__ != INPUT:
                args = node.arguments.args if hasattr(node, "arguments") else node.call_args
                given = flatten(args[0] if args else node.input_tensors)  # without masks and other arguments
                yield LayerCall(path_of_call(layer.name, number), layer, given, flatten(node.input_tensors), flatten(node.outputs))


def dtype_name(dtype: object) -> str:
    """A dtype's name, such as ``float32``, whether Keras gives it as text or as a TensorFlow dtype."""
    return str(getattr(dtype, "name", dtype))


def flatten(thing: object) -> list[Any]:
    """Nested lists and dictionaries of tensors as one list."""
    if isinstance(thing, dict):
        return [leaf for key in sorted(thing) for leaf in flatten(thing[key])]
    if isinstance(thing, (list, tuple)):
        return [leaf for item in thing for leaf in flatten(item)]
    return [] if thing is None else [thing]
