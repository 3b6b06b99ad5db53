"""Weights by order, as Keras loads ``.h5`` files: the n-th group that holds arrays belongs to the n-th layer that has variables.

Names that Keras numbers by itself overlap from one session to the next (``dense_1`` of the file is ``dense`` of the architecture), so
names count only where all of them agree.
"""

from __future__ import annotations

from collections.abc import Iterator

from weightlens.graph import refs
from weightlens.model import Layer, Model
from weightlens.specs.options import options_of
from weightlens.specs.table import spec
from weightlens.specs.variables import variable_names

NOT_TRAINED = ("moving_", "renorm_", "mean", "variance", "count", "vector_u")  # variables that no optimizer changes


def takers(model: Model, names: list[str], flat: bool, together: bool) -> list[Layer] | None:
    """The layers that the groups called ``names`` belong to, in that order; ``None`` where nobody can tell.

    ``flat``: Keras 1, which may list the layers of nested models instead of the models. ``together``: the file holds the
    architecture as well, so the names are of one session: they hold in the order in which it lists its layers too, and groups
    that are missing leave the others where they belong.
    """
    orders = [in_keras_order(model), *([list(flattened(model))] if flat else [])]
    owners = [[(layer, known) for layer in layers if (known := has_variables(layer)) is not False] for layers in orders]
    wanted = set(names)
    for found in owners:
        named = {layer.name: layer for layer, _ in found if layer.name in wanted}
        whole = together or all(layer.name in wanted for layer, known in found if known)
        if whole and names in (list(named), [layer.name for layer in model.layers if together and layer.name in named]):
            return [named[name] for name in names]
    for found in owners:
        for some in ([layer for layer, _ in found], [layer for layer, known in found if known]):
            if len(some) == len(names):
                return some
    return None


def flattened(model: Model) -> Iterator[Layer]:
    """The layers of a model, those of nested models in their place."""
    for layer in in_keras_order(model):
        if layer.model is None:
            yield layer
        else:
            yield from flattened(layer.model)


def has_variables(layer: Layer) -> bool | None:
    """Whether a layer, or one inside it, has variables for certain; ``None`` where that is not known, as a class is not."""
    if layer.is_operation:
        return False
    found = {has_variables(inner) for inner in inside(layer)}
    known = layer.model is not None or options_of(layer.class_name) is not None or spec(layer.class_name).variables is not None
    if not known:
        found.add(None)
    if own_variables(layer):
        found.add(True)
    return True if True in found else None if None in found else False


def in_keras_order(model: Model) -> list[Layer]:
    """The layers as Keras lists them once it has built the graph, however the file lists them: by their distance from the outputs.

    Layers equally far away stand in the order in which a walk from the outputs back to the inputs meets them.
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
            stack.extend((before, False) for before in reversed(entering(layers[node[0]], node[1])))
    depth: dict[str, int] = {}
    of_node: dict[tuple[str, int], int] = {}
    for name, call in reversed(finished):
        depth[name] = of_node[name, call] = max(of_node.get((name, call), 0), depth.get(name, 0))
        for before in entering(layers[name], call):
            of_node[before] = max(of_node.get(before, 0), depth[name] + 1)
    last = len(met)
    return sorted(model.layers, key=lambda layer: (-depth.get(layer.name, 0), met.get(layer.name, last)))


def entering(layer: Layer, call: int) -> list[tuple[str, int]]:
    """The calls whose outputs go into a call of a layer."""
    if not 0 <= call < len(layer.calls):
        return []
    return [(ref.layer, ref.call) for ref in refs((layer.calls[call].args, layer.calls[call].kwargs))]


def variables_in_order(layer: Layer) -> list[tuple[Layer, str]]:
    """Every variable at or below a layer, as Keras lists them: those that are trained, then the others."""
    return [*trained(layer), *untrained(layer)]


def trained(layer: Layer) -> Iterator[tuple[Layer, str]]:
    """The variables that an optimizer changes: none of a layer that is frozen."""
    if layer.trainable:
        for inner in inside(layer):
            yield from trained(inner)
        yield from ((layer, name) for name in own_variables(layer) if not name.startswith(NOT_TRAINED))


def untrained(layer: Layer) -> Iterator[tuple[Layer, str]]:
    """The variables that no optimizer changes: all of a layer that is frozen."""
    for inner in inside(layer):
        yield from () if layer.trainable else trained(inner)
        yield from untrained(inner)
    yield from ((layer, name) for name in own_variables(layer) if not layer.trainable or name.startswith(NOT_TRAINED))


def inside(layer: Layer) -> list[Layer]:
    """The layers of a nested model, or those that a wrapper wraps."""
    return in_keras_order(layer.model) if layer.model is not None else list(layer.inner.values())


def own_variables(layer: Layer) -> list[str]:
    """The layer's own variables, none where its class is not known."""
    return variable_names(layer.class_name, layer.config) or []


def names_agree(model: Model, stored: list[str]) -> bool:
    """Whether the names of the arrays of a nested model name its layers: each array one of them, each layer with variables by some."""
    owners = {layer.name for layer in flattened(model) if has_variables(layer)}
    named = [owners.intersection(name.removesuffix(":0").split("/")) for name in stored]
    return all(named) and set().union(*named) == owners
