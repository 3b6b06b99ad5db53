"""Ways through the layers of a model: in the order in which they are called, and into nested models and wrappers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from weightlens.errors import UnreadableModel
from weightlens.model import Call, Layer, Model, Ref, Weight


def refs(thing: Any) -> Iterator[Ref]:
    """Every tensor reference in nested arguments, in order; dictionaries by sorted key, as Keras flattens them."""
    if isinstance(thing, Ref):
        yield thing
    elif isinstance(thing, (list, tuple)):
        for item in thing:
            yield from refs(item)
    elif isinstance(thing, dict):
        for key in sorted(thing, key=str):
            yield from refs(thing[key])
    elif isinstance(thing, slice):
        yield from refs((thing.start, thing.stop, thing.step))


def tensors_into(*calls: Call) -> list[Ref]:
    """Every tensor that goes into these calls, in order."""
    return list(refs([(call.args, call.kwargs) for call in calls]))


def path_of_call(layer: str, call: int) -> str:
    """The path of the steps of one call of a layer: ``dense``, ``dense #2``."""
    return layer + (f" #{call + 1}" if call else "")


def names_of(outputs: Any) -> list[str]:
    """What the outputs of a model are called, in the order of ``refs``: their keys (``a``, ``a/0``), or ``output``, ``output_0``..."""
    if isinstance(outputs, dict):
        return [path for key in sorted(outputs, key=str) for path in paths(outputs[key], str(key))]
    count = len(list(refs(outputs)))
    return ["output"] if count == 1 else [f"output_{k}" for k in range(count)]


def keys_of(inputs: Any) -> list[str]:
    """The keys under which a model takes its inputs, in the order of ``refs``; none where it takes them as a list."""
    return names_of(inputs) if isinstance(inputs, dict) else []


def paths(thing: Any, name: str) -> Iterator[str]:
    """The place of every reference in nested lists and dictionaries under ``name``."""
    if isinstance(thing, (list, tuple)):
        for i, item in enumerate(thing):
            yield from paths(item, f"{name}/{i}")
    elif isinstance(thing, dict):
        for key in sorted(thing, key=str):
            yield from paths(thing[key], f"{name}/{key}")
    else:
        yield name


def calls_in_order(model: Model, wanted: Any = None) -> list[tuple[Layer, int, Call]]:
    """The calls that the ``wanted`` tensors (the model's outputs) need, each after those it depends on.

    Raises ``UnreadableModel`` where the graph has a cycle, points at what is not there, or has a layer named like a call of another.
    """
    layers = {layer.name: layer for layer in model.layers}
    position = {layer.name: i for i, layer in enumerate(model.layers)}
    inputs = {(ref.layer, ref.call) for ref in refs(model.inputs)}
    order: list[tuple[Layer, int, Call]] = []
    state: dict[tuple[str, int], int] = {}  # 1: being visited, 2: done
    asked = dict.fromkeys((ref.layer, ref.call) for ref in refs(model.outputs if wanted is None else wanted))
    goals = sorted(asked, key=lambda key: (position.get(key[0], 0), key[1]))
    stack = [(key, False) for key in reversed(goals)]
    while stack:
        key, leaving = stack.pop()
        if leaving:
            state[key] = 2
            order.append((layers[key[0]], key[1], layers[key[0]].calls[key[1]]))
            continue
        if state.get(key) == 2 or key in inputs:
            continue
        if state.get(key) == 1:
            raise UnreadableModel(f"the graph of model {model.name!r} runs in a circle through layer {key[0]!r}")
        layer = layers.get(key[0])
        if layer is None or not 0 <= key[1] < len(layer.calls):
            raise UnreadableModel(
                f"the graph of model {model.name!r} points at call {key[1]} of layer {key[0]!r}, which is not in the file"
            )
        if key[1] and path_of_call(*key) in layers:
            raise UnreadableModel(f"layer {path_of_call(*key)!r} is named like another call of layer {key[0]!r}: rename one of them")
        state[key] = 1
        stack.append((key, True))
        call = layer.calls[key[1]]
        needs = dict.fromkeys((ref.layer, ref.call) for ref in tensors_into(call))
        stack.extend((need, False) for need in reversed(needs) if state.get(need) != 2)
    return order


def layers_with_paths(model: Model, wrapped: bool = True) -> Iterator[tuple[str, Layer]]:
    """All layers with their paths: those of a nested model after it (``inner/dense``), and those inside a wrapper if ``wrapped``.

    In the order of the file; ``bidirectional/forward_layer`` is the path of a wrapped layer.
    """
    stack = [(layer.name, layer) for layer in reversed(model.layers)]
    while stack:
        path, layer = stack.pop()
        yield path, layer
        inside = [*layer.inner.items()] if wrapped else []
        inside += [(inner.name, inner) for inner in (layer.model.layers if layer.model is not None else ())]
        stack.extend((f"{path}/{name}", inner) for name, inner in reversed(inside))


def every_layer(model: Model, wrapped: bool = True) -> Iterator[Layer]:
    """Every layer, those in nested models and (``wrapped``) in wrappers included, without its path."""
    return (layer for _, layer in layers_with_paths(model, wrapped))


def weight_of_call(layers: Iterable[Layer], label: str, place: str = "") -> Weight | None:
    """The weight under the path of any call of its layer: ``dense/kernel``, ``dense #2/kernel``, ``inner #2/dense/kernel``."""
    for layer in layers:
        for number in range(max(1, len(layer.calls))):
            path = f"{place}{path_of_call(layer.name, number)}/"
            if label.startswith(path) and (weight := weight_inside(layer, label, path)) is not None:
                return weight
    return None


def weight_inside(layer: Layer, label: str, path: str) -> Weight | None:
    """The weight of a layer whose call has this path, or of a layer inside of it."""
    for name, weight in layer.own_weights.items():
        if label == path + name:
            return weight
    wrapped = (weight_inside(inner, label, f"{path}{name}/") for name, inner in layer.inner.items() if label.startswith(f"{path}{name}/"))
    found = next((weight for weight in wrapped if weight is not None), None)
    return found if found is not None or layer.model is None else weight_of_call(layer.model.layers, label, path)
