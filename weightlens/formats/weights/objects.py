"""The weights layout of Keras 3's saving library: a group per object, its variables numbered in ``vars``.

``layers/dense_1/vars/0``: members of a list are named by their class in snake case and numbered per class, so the
path of each layer follows from the architecture. An object reachable by two paths is stored once.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Iterator

from weightlens.call_order import every_layer
from weightlens.formats.hdf5.access import unused_name
from weightlens.model import Layer, Model, Weight
from weightlens.specs.variables import variable_names, with_scales

CONTAINERS = ("layers", "_layer_checkpoint_dependencies")
TRAINING_STATE = frozenset({"optimizer", "metrics", "loss", "_compile_metrics", "_loss_tracker", "compiled_metrics", "compiled_loss"})
FILE_CLASSES = {"GroupQueryAttention": "GroupedQueryAttention"}


def snake_case(class_name: str) -> str:
    """``Conv2DTranspose`` -> ``conv2d_transpose``, as Keras names the members of a list."""
    name = re.sub(r"\W+", "", class_name.rsplit(">", 1)[-1])
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


class ObjectTree:
    """The arrays of a file by the path of their object; each object is taken once."""

    def __init__(self, weights: dict[str, Weight]) -> None:
        self.variables: dict[str, dict[str, Weight]] = defaultdict(dict)
        self.groups: set[str] = set()
        for path, weight in weights.items():
            parts = path.replace("\\", "/").split("/")
            owner = parts[:-2] if len(parts) > 1 and parts[-2] == "vars" else parts[:-1]
            owned = self.variables["/".join(owner)]
            owned[unused_name(parts[-1], owned)] = weight
            self.groups.update("/".join(owner[: i + 1]) for i in range(len(owner)))

    def take(self, path: str) -> list[Weight]:
        """Take the variables of the object at ``path``, in their order."""
        variables = self.variables.pop(path, {})
        return [variables[key] for key in sorted(variables, key=lambda key: (not key.isdecimal(), int(key) if key.isdecimal() else 0))]

    def below(self, path: str) -> list[tuple[str, Weight]]:
        """Everything not yet taken at or below ``path``, by relative path."""
        owners = [owner for owner in self.variables if owner == path or owner.startswith(path + "/")]
        return [((owner[len(path) + 1 :] + "/" + weight.name).lstrip("/"), weight) for owner in owners for weight in self.take(owner)]

    def rest(self) -> list[Weight]:
        """Every array not taken."""
        return [weight for owner in list(self.variables) for weight in self.take(owner)]


def join(*parts: str) -> str:
    """A path joined from its non-empty parts."""
    return "/".join(part for part in parts if part)


def numbered_members(layers: list[Layer], prefix: str, twice: Container[str] = ()) -> Iterator[tuple[Layer, str]]:
    """Each layer of a list with its path: the n-th of its class is ``class_n``. Those at the paths ``twice`` count as two."""
    numbers: dict[str, int] = defaultdict(int)
    for layer in layers:
        name = snake_case(FILE_CLASSES.get(layer.class_name, layer.class_name))
        number = numbers[name]
        path = join(prefix, f"{name}_{number}" if number else name)
        yield layer, path
        numbers[name] += 2 if path in twice else 1


def numbered_layers(model: Model) -> list[Layer]:
    """The layers of a model that Keras numbers: all but operators and the input of a Sequential."""
    drops_input = model.class_name == "Sequential"
    return [layer for layer in model.layers if not layer.is_operation and not (drops_input and layer.is_input)]


def place_model(model: Model, tree: ObjectTree, path: str = "") -> None:
    """Give the layers of a model their weights, nested models and wrapped layers included."""
    container = next((join(path, name) for name in CONTAINERS if join(path, name) in tree.groups), None)
    if container is None:
        return
    layers = numbered_layers(model)
    gaps = container.endswith(CONTAINERS[1]) and _has_gaps(layers, container, tree.groups)
    for layer, place in numbered_members(layers, container, tree.groups if gaps else ()):
        place_layer(layer, tree, place)


def _has_gaps(layers: list[Layer], container: str, groups: set[str]) -> bool:
    """Whether counting layers with weights twice, as Keras 2.12 and 2.13 do, matches more of the file's groups."""
    there = {group for group in groups if group.rpartition("/")[0] == container}
    once, twice = ({path for _, path in numbered_members(layers, container, counted)} for counted in ((), groups))
    return len(there - twice) < len(there - once)


def place_layer(layer: Layer, tree: ObjectTree, path: str) -> None:
    """Give one layer its own variables and those of its wrapped layers."""
    if layer.model is not None:
        place_model(layer.model, tree, path)
        return
    for inner, place in inner_places(layer, path):
        place_layer(inner, tree, place)
    _own_variables(layer, tree, path)


def inner_places(layer: Layer, path: str) -> Iterator[tuple[Layer, str]]:
    """The layers inside a wrapper with their paths; those of a list are numbered."""
    lists: dict[str, list[Layer]] = defaultdict(list)
    for key, inner in layer.inner.items():
        name, _, number = key.partition("/")
        if number:
            lists[name].append(inner)
        else:
            yield inner, join(path, name)
    for name, inside in lists.items():
        yield from numbered_members(inside, join(path, name))


def _own_variables(layer: Layer, tree: ObjectTree, path: str) -> None:
    known = variable_names(layer.class_name, layer.config)
    if known is None:
        layer.own_weights.update((name, with_name(weight, name)) for name, weight in tree.below(path))
        return
    parts = dict.fromkeys(name.rpartition("/")[0] for name in known)
    for part in parts:
        place = next((place for place in _part_places(path, part) if place in tree.variables), None)
        if place is None:
            continue
        arrays = tree.take(place)
        names = (
            [name for name in known if name.rpartition("/")[0] == part]
            if part
            else variable_names(layer.class_name, layer.config, len(arrays)) or []
        )
        names = with_scales(names, len(arrays)) if part else names
        for number, weight in enumerate(arrays):
            name = names[number] if number < len(names) else join(part, f"variable_{number}")
            layer.own_weights[name] = with_name(weight, name)


def _part_places(path: str, part: str) -> list[str]:
    """Where the variables of a part of a layer may be stored: in the layer, its cell, or a projection of attention."""
    if not part:
        return [path, join(path, "cell")]
    name = "output" if part == "attention_output" else part
    return [join(path, f"{name}_dense"), join(path, f"_{name}_dense"), join(path, part)]


def with_name(weight: Weight, name: str) -> Weight:
    """The array under its Keras name."""
    weight.name = name
    return weight


def is_training_state(path: str) -> bool:
    """Whether a path belongs to the optimizer or to metrics."""
    return path.replace("\\", "/").split("/", 1)[0] in TRAINING_STATE


def find_shared(model: Model, tree: ObjectTree, names: dict[str, str]) -> None:
    """Fill layers left empty because they are stored under another path, by the stored name or by their twin.

    ``names``: object path by the layer name stored with it (Keras 3.6 and later).
    """
    twins: dict[tuple[str, str], Layer] = {}
    empty: list[Layer] = []
    for layer in every_layer(model, wrapped=False):
        if layer.weights:
            twins.setdefault((layer.name, layer.class_name), layer)
        elif variable_names(layer.class_name, layer.config) or layer.inner or layer.model is not None:
            empty.append(layer)
    for layer in empty:
        path = names.get(layer.name)
        if path in tree.groups and path is not None:
            place_layer(layer, tree, path)
        twin = twins.get((layer.name, layer.class_name))
        if not layer.weights and twin is not None:
            layer.own_weights, layer.inner = twin.own_weights, twin.inner
            layer.model = twin.model or layer.model
            layer.note = layer.note or "shares its weights with the layer of the same name in a nested model"
