"""The weights layout of Keras 1, 2 and Keras 3's ``.h5``: a group per layer, its arrays listed by name.

The attribute ``weight_names`` gives the order. A wrapper's or nested model's arrays are in one flat list, trainable
ones first, so within it each array is assigned by name, never by position.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from weightlens.call_order import every_layer
from weightlens.errors import first_few
from weightlens.formats.architecture.dialect import Dialect
from weightlens.formats.architecture.old_names import KERAS_1_ARRAYS
from weightlens.formats.hdf5.access import Hdf5File
from weightlens.formats.weights import order
from weightlens.formats.weights.objects import join, with_name
from weightlens.model import Layer, Model, Weight
from weightlens.specs.options import options_of
from weightlens.specs.variables import ATTENTION_PARTS, variable_names

ALIASES = {"depthwise_kernel": "kernel", "alphas": "alpha", "running_mean": "moving_mean", "running_variance": "moving_variance"}


class Leaf(NamedTuple):
    """A layer with variables of its own: the names on the path to it, and a list to which the arrays assigned to it are added."""

    layer: Layer
    trail: tuple[str, ...]
    names: list[str] | None
    given: list[tuple[str, Weight]]

    def score(self, tokens: list[str]) -> int:
        """How well a stored name's parts match the path to this layer; a full name counts more than a prefix."""
        return sum(
            max((2 * len(t) + 1 if t == token else len(t) if token.startswith(t + "_") else 0 for token in tokens), default=0)
            for t in self.trail
        )

    def fit(self, tokens: list[str]) -> tuple[bool, bool, int]:
        """How well an array fits here: whether there is room for it, whether its variable is known, and the score of its path."""
        variable, names = tokens[-1], self.names or []
        parts = {name.split("/")[0] for name in names if "/" in name}  # of attention: key, query...
        own = 2 if parts else 1  # pieces of a stored name that belong to the variable: key/kernel
        free = len(names) > 4 or tokens[-own:] not in [parts_of(given)[-own:] for given, _ in self.given]
        known = self.names is None or variable in {name.split("/")[-1] for name in names} or ALIASES.get(variable) in names
        known = known or not parts.isdisjoint(tokens[-2:-1])  # what a quantised part stores, its layer does not list
        known = known or (variable.startswith("lora_") and "lora_rank" in (options_of(self.layer.class_name) or {}))
        return free, known, self.score(tokens)


def parts_of(stored: str) -> list[str]:
    """The parts of a stored name: ``dense/kernel:0``."""
    return stored.removesuffix(":0").split("/")


def place_groups(model: Model, file: Hdf5File, prefix: str, weights: dict[str, Weight], dialect: Dialect, together: bool) -> None:
    """Give each layer the arrays of its group, in Keras's order; placed arrays are removed from ``weights``.

    If the order is undecidable, arrays are assigned by their group's name, and a fault of the model says so.
    """
    groups = [(name, stored) for name, stored in stored_groups(file, prefix, weights) if stored]
    names = [name for name, _ in groups]
    layers_found: Sequence[Layer | None] | None = order.layers_for_groups(model, names, dialect.major < 2, together)
    if layers_found is None:
        model.faults.append(f"the file has weights for {first_few(names, 6)}, which are not the layers with weights of the architecture")
        layers = {layer.name: layer for layer in every_layer(model, wrapped=False)} | {layer.name: layer for layer in model.layers}
        layers_found = [layers.get(name) for name in names]
    for layer, (name, stored) in zip(layers_found, groups, strict=True):
        if layer is None:
            continue
        if layer.name != name:
            layer.note = layer.note or f"its weights were found by their order: the file calls them {name}"
        for _, weight in stored:
            weights.pop(weight.path, None)
        distribute(layer, stored, dialect)


def stored_groups(file: Hdf5File, prefix: str, weights: dict[str, Weight]) -> Iterator[tuple[str, list[tuple[str, Weight]]]]:
    """The groups in their order: the layer's name, and each array with its listed name."""
    for name in file.names(prefix, "layer_names") or []:
        group = join(prefix, name)
        paths = [(listed, join(group, listed.strip("/"))) for listed in file.names(group, "weight_names") or []]
        yield name, [(listed, weights[path]) for listed, path in paths if path in weights]


def place_numbered(model: Model, weights: dict[str, Weight]) -> None:
    """Keras 0: ``layer_3/param_0`` by the layer's position, or ``graph/param_7`` in one list for all layers."""
    dialect = Dialect(0)
    layers = [layer for layer in model.layers if not layer.is_input]
    numbered: dict[str, list[Weight]] = {}
    for path in sorted(weights, key=lambda path: [int(number) for number in re.findall(r"\d+", path)]):
        numbered.setdefault(path.rpartition("/")[0], []).append(weights.pop(path))
    leaves = [leaf for layer in layers for leaf in leaves_of(layer, (layer.name,)) if leaf.names != []]
    if "graph" in numbered and leaves:
        counts = [KERAS_1_ARRAYS.get(leaf.layer.class_name, len(leaf.names or [])) for leaf in leaves]
        _by_position(leaves, [(weight.name, weight) for weight in numbered.pop("graph")], counts)
        for leaf in leaves:
            name_variables(leaf, dialect)
    for group, stored in numbered.items():
        number = re.fullmatch(r"layer_(\d{1,9})", group)
        if number is not None and int(number[1]) < len(layers):
            distribute(layers[int(number[1])], [(weight.name, weight) for weight in stored], dialect)
        else:
            weights.update((weight.path, weight) for weight in stored)


def distribute(layer: Layer, stored: list[tuple[str, Weight]], dialect: Dialect) -> None:
    """Assign the arrays of one group to the layer or to its inner layers."""
    leaves = [leaf for leaf in leaves_of(layer, (layer.name,)) if leaf.names != []]
    if len(leaves) == 1:
        leaves[0].given.extend(stored)
    elif layer.model is not None and distribute_in_order(layer, leaves, stored):
        layer.note = layer.note or "its weights were found by their order: the file has other names for its layers"
    elif leaves:
        _by_name(leaves, stored)
    else:
        leaves = [Leaf(layer, (layer.name,), None, stored)]
    for leaf in leaves:
        name_variables(leaf, dialect)


def distribute_in_order(layer: Layer, leaves: list[Leaf], stored: list[tuple[str, Weight]]) -> bool:
    """Assign a nested model's arrays in Keras's order, if their names match no layers and their number fits."""
    assert layer.model is not None
    if order.names_agree(layer.model, [name for name, _ in stored]) or order.has_variables(layer) is None:
        return False
    owners = order.variables_in_order(layer)
    if len(owners) != len(stored):
        return False
    leaf_of = {id(leaf.layer): leaf for leaf in leaves}
    for (owner, _), array in zip(owners, stored, strict=True):
        leaf_of[id(owner)].given.append(array)
    return True


def leaves_of(layer: Layer, trail: tuple[str, ...]) -> list[Leaf]:
    """The layers with variables of their own at or below ``layer``."""
    leaves: list[Leaf] = []
    if layer.is_input:
        return leaves
    if layer.model is not None:
        return [leaf for inner in layer.model.layers for leaf in leaves_of(inner, (*trail, inner.name))]
    for key, inner in layer.inner.items():
        leaves += leaves_of(inner, (*trail, key.split("_")[0], inner.name) if key.endswith("ward_layer") else (*trail, inner.name))
    names = variable_names(layer.class_name, layer.config)
    if names or (names is None and not leaves):
        leaves.append(Leaf(layer, trail, names, []))
    return leaves


def _by_name(leaves: list[Leaf], stored: list[tuple[str, Weight]]) -> None:
    """Assign each array to the layer whose path its name matches best; on a tie, to the earlier layer."""
    if not any(leaf.score(parts_of(name)) for leaf in leaves for name, _ in stored):
        _by_position(leaves, stored)
        return
    for name, weight in stored:
        best = max(leaves, key=partial(Leaf.fit, tokens=parts_of(name)))
        best.given.append((name, weight))


def _by_position(leaves: list[Leaf], stored: list[tuple[str, Weight]], counts: list[int] | None = None) -> None:
    """Assign arrays with meaningless names (``param_3``) in order, as many as each layer has; else in equal shares."""
    counts = counts or [len(leaf.names or []) for leaf in leaves]
    if sum(counts) != len(stored):
        counts = [len(stored) // len(leaves)] * len(leaves)
    start = 0
    for leaf, count in zip(leaves, counts, strict=True):
        leaf.given.extend(stored[start : start + count])
        start += count
    leaves[-1].given.extend(stored[start:])


def name_variables(leaf: Leaf, dialect: Dialect) -> None:
    """Name a layer's arrays as Keras 3 does: by their own names if known, else by position."""
    if dialect.major < 2:
        from weightlens.formats.weights import keras1_weights

        if keras1_weights.name_weights(leaf.layer, [weight for _, weight in leaf.given], dialect):
            return
    expected = variable_names(leaf.layer.class_name, leaf.layer.config, len(leaf.given)) or []
    names = [variable_name(name, leaf.trail, expected) for name, _ in leaf.given]
    if len(expected) == len(names) and set(names) != set(expected) and not any(name.startswith("lora_") for name in names):
        names = expected
    for name, (_, weight) in zip(names, leaf.given, strict=True):
        while name in leaf.layer.own_weights:
            name += "_"
        leaf.layer.own_weights[name] = with_name(weight, name)


def variable_name(stored: str, trail: tuple[str, ...], expected: list[str]) -> str:
    """A variable's Keras 3 name from its stored name: ``mha/query/kernel:0`` -> ``query/kernel``."""
    tokens = re.sub(r":\d+$", "", stored).split("/")
    name = tokens[-1]
    if name != "depthwise_kernel" or "kernel" in expected:
        name = ALIASES.get(name, name)
    if expected and name not in {word.split("/")[-1] for word in expected}:
        name = re.sub(r"_\d+$", "", name)
    if len(tokens) > 1 and tokens[-2] in ATTENTION_PARTS:
        return f"{tokens[-2]}/{name}"
    if not expected:
        rest = [token for token in tokens[:-1] if token not in trail]
        return "/".join([*rest, name])
    return name
