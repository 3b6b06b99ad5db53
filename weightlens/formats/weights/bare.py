"""Weights without an architecture: all arrays with their names and, on request, a plain stack of dense layers made of them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import replace

from weightlens.errors import BadInput
from weightlens.formats.hdf5.access import Hdf5File
from weightlens.formats.weights.groups import ALIASES, stored_groups
from weightlens.formats.weights.objects import CONTAINERS, ObjectTree, snake_case
from weightlens.model import INPUT, Call, Layer, Model, Ref, Weight
from weightlens.specs.registry import SPECS
from weightlens.specs.variables import variable_names

KERAS_1_NAMES = {"W": "kernel", "b": "bias", "U": "recurrent_kernel", "running_std": "moving_variance"}


@functools.cache
def by_snake_name() -> dict[str, str]:
    """The classes that have variables, by their names in snake case."""
    return {snake_case(name): name for name, known in SPECS.items() if known.variables is not None}


def natural_sort_key(text: str) -> list[tuple[int, str]]:
    """A sort key that puts ``dense_2`` before ``dense_10``."""
    return [(int(piece), "") if piece.isdecimal() else (0, piece) for piece in re.split(r"(\d+)", text)]


def layers_of_groups(file: Hdf5File, prefix: str, weights: dict[str, Weight]) -> list[Layer]:
    """The layers of a weights-only file of Keras 1 or 2, in file order."""
    layers = []
    for name, stored in stored_groups(file, prefix, weights):
        found: dict[str, Weight] = {}
        for listed, weight in stored:
            if weights.pop(weight.path, None) is not None:
                found[unused_name(variable_name(listed, name), found)] = weight
        layers.append(layer_of_arrays(name, found))
    return layers


def layers_of_objects(tree: ObjectTree) -> list[Layer]:
    """The layers of a weights-only file of Keras 3, one per object, sorted by name because the file has no order."""
    layers = []
    for owner in sorted(tree.variables, key=natural_sort_key):
        arrays = tree.take(owner)
        parts = [part for part in owner.split("/") if part not in CONTAINERS]
        names = _guessed([part for part in parts if part != "cell"], len(arrays)) or [weight.name for weight in arrays]
        found: dict[str, Weight] = {}
        for name, weight in zip(names, arrays, strict=True):
            found[unused_name(name, found)] = weight
        layers.append(layer_of_arrays("/".join(parts) or "model", found))
    return layers


def _guessed(parts: list[str], count: int) -> list[str] | None:
    """Variable names from a class in snake case, where their number leaves no doubt."""
    class_name = by_snake_name().get(re.sub(r"_\d+$", "", parts[-1])) if parts else None
    if class_name is None:
        return None
    for settings in ({"use_bias": True}, {"use_bias": False}):
        names = variable_names(class_name, settings)
        if names is not None and len(names) == count and not any("/" in name for name in names):
            return names
    return None


def layers_of_anything(weights: dict[str, Weight]) -> list[Layer]:
    """Any other HDF5 file: a layer per group that holds arrays."""
    groups: dict[str, dict[str, Weight]] = {}
    for path in sorted(weights, key=natural_sort_key):
        group, _, name = path.rpartition("/")
        groups.setdefault(group or "/", {})[name] = weights.pop(path)
    return [layer_of_arrays(group, found) for group, found in groups.items()]


def layer_of_arrays(name: str, weights: dict[str, Weight]) -> Layer:
    """A layer of unknown class with its arrays."""
    for key, weight in weights.items():
        weight.name = key
    return Layer(name, "", {"name": name}, own_weights=weights)


def variable_name(stored: str, layer: str) -> str:
    """A variable's name without its layer's: ``dense_1_W_1:0`` -> ``kernel``, ``lstm/lstm_cell/bias:0`` -> ``lstm_cell/bias``."""
    name = re.sub(r":\d+$", "", stored)
    tokens = [token for token in name.split("/") if token != layer]
    short = tokens[-1] if tokens else name
    if short.startswith(layer + "_"):
        short = re.sub(r"_\d+$", "", short[len(layer) + 1 :])
        tokens = [short]
    short = KERAS_1_NAMES.get(short, ALIASES.get(short, short))
    return "/".join([*tokens[:-1], short])


def unused_name(name: str, names: Iterable[str]) -> str:
    """The name, numbered if it is taken."""
    taken, number, found = set(names), 1, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found


def assume_dense_stack(model: Model, stack: str) -> Model:
    """A Sequential of Dense layers for a weights-only file: ``dense:relu,softmax`` lists their activations.

    The matrices are taken in file order; each must have as many rows as the one before has columns.
    """
    kind, _, given = stack.partition(":")
    activations = [name.strip() for name in given.split(",") if name.strip()]
    if kind.strip() != "dense" or not activations:
        raise BadInput(f"--assume takes dense:ACTIVATION,ACTIVATION,..., for example dense:relu,softmax, not {stack!r}")
    kernels = [weight for layer in model.layers for weight in layer.own_weights.values() if len(weight.shape) == 2]
    other = [weight for layer in model.layers for weight in layer.own_weights.values() if len(weight.shape) > 2]
    if len(kernels) != len(activations) or other:
        shapes = ", ".join(str(weight.shape) for weight in [*kernels, *other]) or "none"
        raise BadInput(f"{len(activations)} dense layers need as many matrices and nothing larger; the file has {shapes}")
    biases = _biases(model, kernels)
    layers = [Layer("input", INPUT, {"name": "input", "batch_shape": [None, kernels[0].shape[0]], "dtype": "float32"})]
    for number, (kernel, activation) in enumerate(zip(kernels, activations, strict=True)):
        if number and kernels[number - 1].shape[1] != kernel.shape[0]:
            raise BadInput(f"matrix {kernel.path} is {kernel.shape}, which does not follow one of {kernels[number - 1].shape}")
        layers.append(_dense(f"dense_{number + 1}", kernel, biases[number], activation, layers[-1].name))
    ends = [Ref(layers[0].name)], [Ref(layers[-1].name)]
    return Model(
        model.name,
        "Sequential",
        layers,
        *ends,
        provenance=replace(model.provenance, assumed=stack),
        notes=[*model.notes, f"architecture assumed: {stack}"],
    )


def _biases(model: Model, kernels: list[Weight]) -> list[Weight | None]:
    """The bias for each matrix: the vector in its group, or the next one in the file."""
    every = [weight for layer in model.layers for weight in layer.own_weights.values()]
    biases: list[Weight | None] = []
    for kernel in kernels:
        after = every[every.index(kernel) + 1 :]
        following = next(iter(after), None)
        biases.append(following if following is not None and following.shape == kernel.shape[1:] else None)
    vectors = sum(len(weight.shape) == 1 for weight in every)
    if vectors != sum(bias is not None for bias in biases):
        raise BadInput(f"the file has {vectors} vectors, which are not the biases of its {len(kernels)} matrices")
    return biases


def _dense(name: str, kernel: Weight, bias: Weight | None, activation: str, before: str) -> Layer:
    config = {"name": name, "units": kernel.shape[1], "activation": activation, "use_bias": bias is not None, "dtype": "float32"}
    weights = {"kernel": kernel} | ({} if bias is None else {"bias": bias})
    return Layer(name, by_snake_name()["dense"], config, own_weights=weights, calls=[Call((Ref(before),))])
