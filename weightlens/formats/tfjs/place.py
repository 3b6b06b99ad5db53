"""Which layer of a TensorFlow.js model each array belongs to: its name begins with that of the layer."""

from __future__ import annotations

from weightlens.formats.architecture.dialect import Dialect
from weightlens.formats.weights.groups import distribute
from weightlens.formats.weights.layouts import settle
from weightlens.formats.weights.order import flattened, has_variables
from weightlens.model import Layer, Model, Weight


def place_weights(model: Model, weights: list[Weight], dialect: Dialect) -> None:
    """Give each layer, those of nested models included, the arrays with its name; what fits none is listed as unplaced."""
    layers: dict[str, Layer] = {}
    for layer in flattened(model):
        if has_variables(layer) is not False:
            layers.setdefault(layer.name, layer)
    given: dict[str, list[tuple[str, Weight]]] = {}
    for weight in weights:
        name = layer_in(weight.path, layers)
        if name is None:
            model.unplaced.append(weight)
        else:
            given.setdefault(name, []).append((weight.path, weight))
    for name, stored in given.items():
        distribute(layers[name], stored, dialect)
    settle(model, dialect)


def layer_in(path: str, layers: dict[str, Layer]) -> str | None:
    """The layer named first in a path: ``lstm/lstm_cell/kernel``, or ``model/dense/kernel``. A layer's name may hold slashes."""
    parts = path.split("/")
    for start in range(len(parts) - 1):
        for stop in range(len(parts) - 1, start, -1):
            if (name := "/".join(parts[start:stop])) in layers:
                return name
    return None
