"""Weights by order, as Keras loads ``.h5``: the n-th group with arrays belongs to the n-th layer with variables.

Automatic names differ between sessions (``dense_1`` in the file may be ``dense`` in the architecture), so names count only
if all of them agree.
"""

from __future__ import annotations

from collections.abc import Iterator

from weightlens.call_order import refs, tensors_into
from weightlens.formats.architecture.dialect import is_before_keras_3
from weightlens.model import Layer, Model, Weight
from weightlens.specs.options import options_of
from weightlens.specs.registry import spec
from weightlens.specs.variables import variable_names

NOT_TRAINED = ("moving_", "renorm_", "mean", "variance", "count", "vector_u")  # variables that no optimizer changes


def layers_for_groups(model: Model, names: list[str], flat: bool, together: bool) -> list[Layer] | None:
    """The layers that the groups called ``names`` belong to, in that order; ``None`` if this is undecidable.

    ``flat``: Keras 1, which may list the layers of nested models instead of the models. ``together``: the file contains the
    architecture, so the names are from one session: then the architecture's own order is accepted too, and missing groups
    do not matter.
    """
    orders = [in_keras_order(model), *([list(flattened(model))] if flat else [])]
    owners = [[(layer, known) for layer in layers if (known := has_variables(layer)) is not False] for layers in orders]
    wanted = set(names)
    for candidates in owners:
        named = {layer.name: layer for layer, _ in candidates if layer.name in wanted}
        whole = together or all(layer.name in wanted for layer, known in candidates if known)
        if whole and names in (list(named), [layer.name for layer in model.layers if together and layer.name in named]):
            return [named[name] for name in names]
    for candidates in owners:
        for some in ([layer for layer, _ in candidates], [layer for layer, known in candidates if known]):
            if len(some) == len(names):
                return some
    return None


def flattened(model: Model) -> Iterator[Layer]:
    """The layers of a model, each nested model replaced by its layers."""
    for layer in in_keras_order(model):
        if layer.model is None:
            yield layer
        else:
            yield from flattened(layer.model)


def has_variables(layer: Layer) -> bool | None:
    """Whether a layer or one of its inner layers has variables; ``None`` if unknown, as for an unknown class."""
    if layer.is_operation:
        return False
    answers = {has_variables(inner) for inner in inner_layers(layer)}
    known = layer.model is not None or options_of(layer.class_name) is not None or spec(layer.class_name).variables is not None
    if not known:
        answers.add(None)
    if own_variables(layer):
        answers.add(True)
    return True if True in answers else None if None in answers else False


def in_keras_order(model: Model) -> list[Layer]:
    """The layers in Keras's order: sorted by depth, the distance from the outputs, whatever the order in the file.

    Layers of equal depth are in the order of a traversal from the outputs back to the inputs.
    """
    if model.class_name == "Sequential":
        return model.layers
    layers = {layer.name: layer for layer in model.layers}
    met: dict[str, int] = {}
    finished: list[tuple[str, int]] = []
    stack = [((ref.layer, ref.call), False) for ref in reversed(list(refs(model.outputs)))]
    seen: set[tuple[str, int]] = set()
    while stack:
        node, leaving = stack.pop()
        if leaving:
            finished.append(node)
        elif node not in seen and node[0] in layers:
            seen.add(node)
            met.setdefault(node[0], len(met))
            stack.append((node, True))
            stack.extend((before, False) for before in reversed(calls_before(layers[node[0]], node[1])))
    depth: dict[str, int] = {}
    of_node: dict[tuple[str, int], int] = {}
    for name, call in reversed(finished):
        depth[name] = of_node[name, call] = max(of_node.get((name, call), 0), depth.get(name, 0))
        for before in calls_before(layers[name], call):
            of_node[before] = max(of_node.get(before, 0), depth[name] + 1)
    last = len(met)
    return sorted(model.layers, key=lambda layer: (-depth.get(layer.name, 0), met.get(layer.name, last)))


def calls_before(layer: Layer, call: int) -> list[tuple[str, int]]:
    """The calls whose outputs a call of a layer takes."""
    if not 0 <= call < len(layer.calls):
        return []
    return [(ref.layer, ref.call) for ref in tensors_into(layer.calls[call])]


def variables_in_order(layer: Layer) -> list[tuple[Layer, str]]:
    """Every variable at or below a layer in Keras's order: trainable ones first."""
    return [*trained_variables(layer), *untrained_variables(layer)]


def trained_variables(layer: Layer) -> Iterator[tuple[Layer, str]]:
    """The trainable variables: none of a frozen layer."""
    if layer.trainable:
        for inner in inner_layers(layer):
            yield from trained_variables(inner)
        yield from ((layer, name) for name in own_variables(layer) if not name.startswith(NOT_TRAINED))


def untrained_variables(layer: Layer, alone: bool = False) -> Iterator[tuple[Layer, str]]:
    """The variables that are not trainable: all of a frozen layer, and of what is in it unless each layer is ``alone``."""
    for inner in inner_layers(layer):
        yield from () if layer.trainable or alone else trained_variables(inner)
        yield from untrained_variables(inner, alone)
    yield from ((layer, name) for name in own_variables(layer) if not layer.trainable or name.startswith(NOT_TRAINED))


def untrained_weights(model: Model) -> list[Weight]:
    """The weights that training leaves as they are, as ``summary()`` of the Keras that saved the model counts them.

    Up to Keras 2 everything in a frozen layer is frozen. In Keras 3 each layer is by itself: freezing one freezes what is in it
    then, and a layer inside can be set trainable again.
    """
    alone = not is_before_keras_3(model.provenance.keras_version)
    still = (place for layer in model.layers for place in untrained_variables(layer, alone))
    return [owner.own_weights[name] for owner, name in still if name in owner.own_weights]


def inner_layers(layer: Layer) -> list[Layer]:
    """The layers of a nested model, or those wrapped by a wrapper."""
    return in_keras_order(layer.model) if layer.model is not None else list(layer.inner.values())


def own_variables(layer: Layer) -> list[str]:
    """The layer's own variables; none if its class is unknown."""
    return variable_names(layer.class_name, layer.config) or []


def names_agree(model: Model, stored: list[str]) -> bool:
    """Whether a nested model's array names match its layers: each array names one, and each layer with variables is named."""
    owners = {layer.name for layer in flattened(model) if has_variables(layer)}
    named = [owners.intersection(name.removesuffix(":0").split("/")) for name in stored]
    return all(named) and set().union(*named) == owners
