"""Networks of Keras written as another kind of file: Keras opens them and computes the same, or the file is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from weightlens.errors import BadInput

X = np.random.default_rng(3).normal(size=(2, 4, 3)).astype("float32")


def wrapped(k: Any, x: Any, inside: Callable[[Any], Any]) -> Any:
    """A model around each time step."""
    step = k.Input((3,))
    return k.layers.TimeDistributed(k.Model(step, inside(step)))(x)


def learned(k: Any) -> Any:
    """A Normalization that has learned from data."""
    layer = k.layers.Normalization(axis=-1)
    layer.adapt(X.reshape(-1, 3) * 2.0 + 1.0)
    return layer


NETWORKS: dict[str, Callable[[Any, Any], Any]] = {
    "operators inside a wrapper": lambda k, x: wrapped(k, x, lambda s: k.ops.square(k.layers.Dense(2)(s)) * 0.5),
    "several weights inside a wrapper": lambda k, x: wrapped(k, x, lambda s: k.layers.Dense(3)(k.layers.PReLU()(k.layers.Dense(2)(s)))),
    "a cast": lambda k, x: k.ops.cast(k.ops.cast(k.layers.Dense(2)(x) * 4.0, "int32"), "float32") * 0.5,
    "whole sums": lambda k, x: k.ops.cumsum(k.layers.Dense(2)(x) * 4.0, axis=1, dtype="int32"),
    "places": lambda k, x: k.layers.Dense(2)(k.ops.one_hot(k.ops.argmax(x, axis=-1), 3)),
    "sorted": lambda k, x: k.ops.where(k.ops.not_equal(x, 0.5), k.ops.sort(x, axis=1), k.ops.swapaxes(k.ops.swapaxes(x, 1, 2), 1, 2)),
}


def computed(keras: Any, network: Any, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """What a network answers, and what Keras does that opens the file."""
    return np.asarray(network(X)), np.asarray(keras.saving.load_model(path, compile=False)(X))


@pytest.mark.parametrize("before", [".keras", ".h5"])
@pytest.mark.parametrize("after", [".keras", ".h5"])
@pytest.mark.parametrize("name", NETWORKS)
def test_operators_and_wrapped_models(keras: Any, tmp_path: Path, name: str, before: str, after: str) -> None:
    x = keras.Input((4, 3))
    network = keras.Model(x, NETWORKS[name](keras, x))
    network.save(source := tmp_path / f"m{before}")
    new = weightlens.convert(source, tmp_path / f"new{after}")
    np.testing.assert_allclose(*computed(keras, network, new), rtol=1e-5, atol=1e-6)


REFUSED: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "dots": (lambda k, x: x[..., 1:], r"takes '\.\.\.', which Keras reads from a .keras file only"),
    "normalization inside": (
        lambda k, x: wrapped(k, x, lambda s: learned(k)(s)),
        "is inside another layer, where Keras takes its mean and variance from a .keras file only",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_keras_reads_from_its_own_archive_only(keras: Any, tmp_path: Path, name: str) -> None:
    make, words = REFUSED[name]
    x = keras.Input((4, 3))
    network = keras.Model(x, make(keras, x))
    network.save(source := tmp_path / "m.keras")
    with pytest.raises(BadInput, match=words):
        weightlens.convert(source, tmp_path / "new.h5")
    np.testing.assert_allclose(*computed(keras, network, weightlens.convert(source, tmp_path / "new.keras")), rtol=1e-5, atol=1e-6)


def test_functions_of_tensorflow_inside_a_wrapper(keras: Any, tf_keras: Any, tmp_path: Path) -> None:
    x = tf_keras.Input((4, 3))
    network = tf_keras.Model(x, wrapped(tf_keras, x, lambda s: tf_keras.layers.Dense(2)(s) * 2.0 + 1.0))
    network.save(source := tmp_path / "m.keras")
    np.testing.assert_allclose(*computed(keras, network, weightlens.convert(source, tmp_path / "new.keras")), rtol=1e-5, atol=1e-6)


def test_a_mask_beside_an_initial_state_is_seen_by_keras_2_only(tf_keras: Any, tmp_path: Path) -> None:
    words, state = tf_keras.Input((4,)), tf_keras.Input((2,))
    embedded = tf_keras.layers.Embedding(5, 3, mask_zero=True)(words)
    tf_keras.Model([words, state], tf_keras.layers.GRU(2)(embedded, initial_state=state)).save(source := tmp_path / "m.keras")
    with pytest.raises(BadInput, match="it computes something else in today's Keras"):
        weightlens.convert(source, tmp_path / "new.keras")
