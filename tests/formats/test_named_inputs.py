"""Inputs and nested models given by name: Keras says which number goes where, whatever the order of the alphabet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from weightlens.inputs.given import read_samples

X = {"1": np.ones((2, 2), np.float32), "0": np.zeros((2, 2), np.float32)}


@pytest.fixture(scope="module")
def keras() -> Any:
    return pytest.importorskip("keras")


def joined(keras: Any, first: Any, second: Any) -> Any:
    """Two inputs that are not told apart by their shape, each with a layer of its own."""
    layer = keras.layers.Dense
    return keras.layers.Concatenate()([layer(1)(first), layer(2)(second)])


@pytest.mark.parametrize("kind", ["keras", "h5"])
@pytest.mark.parametrize("keys", [("b", "a"), ("x", "y"), ("y", "x")])
def test_the_keys_of_a_models_own_dict_count_before_the_names_of_its_inputs(
    kind: str, keys: tuple[str, str], keras: Any, tmp_path: Path
) -> None:
    first, second = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    model = keras.Model({keys[0]: first, keys[1]: second}, joined(keras, first, second))
    model.save(tmp_path / f"m.{kind}")
    ours, given = weightlens.load(tmp_path / f"m.{kind}"), {keys[0]: X["1"], keys[1]: X["0"]}
    assert np.allclose(ours.predict(given)[0], model(given), atol=1e-6)
    np.savez(tmp_path / "x.npz", **given)
    (tmp_path / "x.csv").write_text("{0}1,{0}2,{1}1,{1}2\n1,1,0,0\n1,1,0,0\n".format(*keys))
    for name in ("x.npz", "x.csv"):
        assert np.allclose(ours.predict(read_samples(str(tmp_path / name), ours).arrays)[0], model(given), atol=1e-6)


@pytest.mark.parametrize("kind", ["keras", "h5"])
@pytest.mark.parametrize("as_dict", [False, True])
def test_a_nested_model_called_on_a_dict(kind: str, as_dict: bool, keras: Any, tmp_path: Path) -> None:
    z, a = keras.Input((2,), name="z"), keras.Input((2,), name="a")
    inner = keras.Model({"z": z, "a": a} if as_dict else [z, a], joined(keras, z, a))
    first, second = keras.Input((2,)), keras.Input((2,))
    model = keras.Model([first, second], inner({"a": second, "z": first} | ({} if as_dict else {"more": second})))
    model.save(tmp_path / f"m.{kind}")
    given = [X["1"], X["0"]]
    assert np.allclose(weightlens.load(tmp_path / f"m.{kind}").predict(given)[0], model(given), atol=1e-6)


def test_masks_that_keras_gives_to_other_inputs_are_refused(keras: Any, tmp_path: Path) -> None:
    z, a = keras.Input((3, 2), name="z"), keras.Input((3, 2), name="a")
    inner = keras.Model([z, a], keras.layers.Add()([keras.layers.LSTM(2)(z), keras.layers.LSTM(2)(a)]))
    first, second = keras.Input((3, 2)), keras.Input((3, 2))
    keras.Model([first, second], inner({"z": keras.layers.Masking()(first), "a": second})).save(tmp_path / "m.keras")
    with pytest.raises(weightlens.UnsupportedLayer, match="called on a dict in which some tensors have masks"):
        weightlens.load(tmp_path / "m.keras").predict([np.ones((1, 3, 2))] * 2)
