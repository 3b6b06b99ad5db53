"""SavedModels that several tests read: a stack, and a network in which everything is nested."""

from __future__ import annotations

import numpy as np

from tests.formats import build as b
from tests.formats.savedmodel.build import Thing, keras_thing, layer_thing, model_thing

STACK = b.sequential(b.given("i", 3), b.dense("a", 4, activation="relu"), b.dense("d", 2, activation="softmax"))
ARRAYS = b.dense_arrays("a/", 3, 4, suffix="") | b.dense_arrays("d/", 4, 2, seed=1, suffix="")
X = np.array([[0.5, -1.0, 2.0], [1.0, 0.25, -0.5]])


def of(name: str) -> dict[str, np.ndarray]:
    """The arrays of one layer."""
    return {path.rpartition("/")[2]: array for path, array in ARRAYS.items() if path.startswith(f"{name}/")}


def stack() -> Thing:
    """Two Dense layers."""
    return model_thing(STACK, [layer_thing(entry, of(entry["config"]["name"])) for entry in STACK["config"]["layers"][1:]])


def nested() -> Thing:
    """A nested model with a frozen layer and a batch normalization, then a Bidirectional; the names of the nested layers mislead."""
    frozen = b.dense("second", 3)
    frozen["config"]["trainable"] = False
    norm = b.layer("BatchNormalization", "first", axis=[-1], epsilon=0.001, center=True, scale=True)
    inner = b.sequential(b.given("j", 4, 3), frozen, b.dense("third", 3), norm, name="inner")
    lstm = b.layer("LSTM", "l", units=2, recurrent_activation="sigmoid", activation="tanh")
    both = b.layer("Bidirectional", "both", layer=lstm, merge_mode="concat")
    config = b.sequential(b.given("i", 4, 3), inner, both)
    ones = {name: 1 + b.numbers(3, seed=seed) ** 2 for seed, name in enumerate(("gamma", "beta", "moving_mean", "moving_variance"))}
    layers = [
        layer_thing(frozen, {"kernel": b.numbers(3, 3, seed=1), "bias": b.numbers(3, seed=2)}, frozen=("kernel", "bias")),
        layer_thing(b.dense("third", 3), {"kernel": b.numbers(3, 3, seed=3), "bias": b.numbers(3, seed=4)}),
        layer_thing(norm, ones, frozen=("moving_mean", "moving_variance")),
    ]
    members = {f"layer-{count}": layer for count, layer in enumerate(layers)}
    return model_thing(config, [keras_thing({**inner, "name": "inner"}, members, frozen=("layer-0",)), bidirectional(both, lstm)])


def bidirectional(both: dict, lstm: dict) -> Thing:
    """An LSTM in each direction, whose variables are in its cell."""
    parts = {}
    for seed, way in enumerate(("backward", "forward")):
        entry = {**lstm, "config": {**lstm["config"], "name": f"{way}_l"}}
        cell = layer_thing(b.layer("LSTMCell", "lstm_cell", units=2), {"kernel": b.numbers(3, 8, seed=seed),
                           "recurrent_kernel": b.numbers(2, 8, seed=seed), "bias": b.numbers(8, seed=seed)})  # fmt: skip
        parts[f"{way}_layer"] = layer_thing(entry, {}, cell=cell)
    return layer_thing(both, {}, **parts)
