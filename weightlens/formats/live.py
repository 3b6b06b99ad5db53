"""A model in memory, as ``keras`` or ``tf_keras`` holds it, read like the file that it would be saved to.

The architecture is its own ``to_json``; the weights are its own variables under the paths of the saving library, read when
they are touched. Keras is not imported: what a model is, is told by the methods it has.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from weightlens.errors import UnreadableModel, first_line
from weightlens.files import scratch_folder
from weightlens.formats.architecture.build import build_model
from weightlens.formats.architecture.config_values import parse_object
from weightlens.formats.architecture.dialect import Dialect, dialect_of
from weightlens.formats.weights.conversion import Conversion
from weightlens.formats.weights.layouts import place_arrays, set_vocabulary
from weightlens.formats.weights.objects import join, snake_case
from weightlens.model import Layer, Model, Provenance, Weight

NEVER_SAVED = ("_layers", "_self_", "_functional", "_nested_inputs", "_inbound", "_outbound")  # attributes that lead to layers twice


def is_live(model: object) -> bool:
    """Whether an object is a model in memory: it has layers, variables and a configuration."""
    return all(hasattr(model, name) for name in ("layers", "weights", "to_json", "get_config"))


def read_live(network: Any) -> Model:
    """The model of a live network. Weights are read when touched, so a later training shows in those not yet read."""
    dialect, entry = dialect_and_architecture(network)
    model = build_model(entry, dialect) if entry else Model(network.name, type(network).__name__, [])
    place_arrays(model, dict(stored_arrays(network)), dialect)
    model.optimizer += optimizer_weights(network)
    if model.layers:
        read_vocabularies(model.layers, network.layers)
    model.provenance = Provenance("", f"live model of Keras {dialect.major}", dialect.version, dialect.backend, live=network, kind="live")
    return model


def dialect_and_architecture(network: Any) -> tuple[Dialect, dict[str, Any]]:
    """The Keras that made a network, and its configuration; empty if its class has none."""
    keras = sys.modules[next(base.__module__ for base in type(network).__mro__ if base.__name__ == "Model").partition(".")[0]]
    version, backend = str(getattr(keras, "__version__", "")), str(keras.backend.backend())
    try:
        entry = architecture_of(network)
    except NotImplementedError:
        entry = {}
    except Exception as error:  # the configuration of a class of the user's can fail in any way
        raise UnreadableModel(f"{network.name}: Keras cannot say its configuration ({first_line(error)})") from None
    return dialect_of(version, backend, entry), entry


def architecture_of(network: Any) -> dict[str, Any]:
    """The configuration as Keras says it; without how it is trained where that cannot be said, such as a loss of the user's own."""
    try:
        return parse_object(network.to_json().encode(), "to_json()")
    except Exception:  # the settings of training can fail in any way; what is no fault of theirs fails again
        made = type(network)
        entry = {"module": made.__module__, "class_name": made.__name__, "config": network.get_config(), "registered_name": None}
        return parse_object(json.dumps(entry).encode(), "get_config()")


def stored_arrays(network: Any) -> Iterator[tuple[str, Weight]]:
    """Every variable under the path that the saving library would give it (``layers/dense/vars/0``), each object once."""
    visited: set[int] = set()
    waiting = [("", network)]
    while waiting:
        path, owner = waiting.pop()
        if id(owner) in visited:
            continue
        visited.add(id(owner))
        own: dict[str, Any] = {}
        if hasattr(owner, "save_own_variables"):
            owner.save_own_variables(own)
        for key, variable in own.items():
            place = f"{join(path, 'vars')}/{key}"
            again = partial(saved, owner, key) if isinstance(variable, np.ndarray) else None  # tf_keras hands out copies
            yield place, weight_of(variable, place, key, again)
        waiting += reversed([(join(path, name), inner) for name, inner in children(owner)])


def optimizer_weights(network: Any) -> list[Weight]:
    """What the optimizer of a network keeps: its counter, its rate, a slot or two for each weight."""
    held: Any = getattr(getattr(network, "optimizer", None), "variables", [])
    places = enumerate(held() if callable(held) else held)  # a method in old optimizers of tf_keras
    return [weight_of(variable, f"optimizer/vars/{number}", str(number)) for number, variable in places]


def children(owner: Any) -> Iterator[tuple[str, Any]]:
    """The layers that an object holds, with their place in it: its ``layers`` first, then its attributes by name."""
    if hasattr(owner, "to_json") and hasattr(owner, "layers"):
        yield from members(owner.layers, "layers")
    attributes = attributes_of(owner)
    for name in sorted(attributes):
        if not name.startswith(NEVER_SAVED):
            value = attributes[name]
            if is_layer(value):
                yield name, value
            elif isinstance(value, (list, tuple, set, dict)):
                yield from members(value.values() if isinstance(value, dict) else value, name)


def attributes_of(owner: Any) -> dict[str, Any]:
    """The attributes of an object by name; those that torch keeps apart, because they are modules, among them."""
    own: dict[str, Any] = {**vars(owner)}
    if any(base.__module__.startswith("torch.") for base in type(owner).__mro__):
        own |= own.pop("_modules")
    return own


def members(layers: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The layers of a list, numbered for each class: ``dense``, ``dense_1``."""
    numbers: dict[str, int] = defaultdict(int)
    for layer in layers:
        if is_layer(layer):
            name = snake_case(type(layer).__name__)
            yield f"{path}/{name}_{numbers[name]}" if numbers[name] else f"{path}/{name}", layer
            numbers[name] += 1


def is_layer(value: object) -> bool:
    """Whether an object is a layer, and not a class of one."""
    return not isinstance(value, type) and hasattr(value, "save_own_variables") and hasattr(value, "get_config") and callable(value)


def weight_of(variable: Any, path: str, name: str, read: Callable[[], np.ndarray] | None = None) -> Weight:
    """A variable as a weight: its shape and dtype now, its numbers when they are touched."""
    dtype = str(getattr(variable.dtype, "name", variable.dtype)).removeprefix("torch.")
    return Weight(name, tuple(int(n) for n in variable.shape), dtype, path, read or partial(numbers_of, variable))


def saved(owner: Any, key: str) -> np.ndarray:
    """One of an object's variables as it would be saved now."""
    variables: dict[str, Any] = {}
    owner.save_own_variables(variables)
    return numbers_of(variables[key])


def numbers_of(variable: Any) -> np.ndarray:
    """The numbers of a variable of any backend; 16-bit floats that NumPy does not know as float32."""
    array = np.asarray(variable.numpy() if hasattr(variable, "numpy") else variable)
    return array if array.dtype.kind in "biufc" else array.astype(np.float32)


def forget(weight: Weight) -> None:
    """Have a weight read again at the next touch: the network goes on learning."""
    weight._value = None
    if isinstance(weight.read, Conversion):
        for source in weight.read.sources:
            forget(source)


def read_vocabularies(layers: list[Layer], networks: list[Any]) -> None:
    """Give lookup layers the vocabulary that they would save beside their weights."""
    named: dict[str, Any] = {network.name: network for network in networks}
    for layer in layers:
        network = named.get(layer.name)
        if layer.model is not None and network is not None:
            read_vocabularies(layer.model.layers, network.layers)
        elif network is not None and hasattr(network, "save_assets") and layer.config.get("vocabulary", "") is None:
            with scratch_folder() as folder:
                network.save_assets(str(folder))
                set_vocabulary(layer, next(folder.rglob("vocabulary.txt")).read_bytes())
