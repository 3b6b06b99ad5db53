"""Weights go by order, as Keras loads ``.h5`` files: against Keras itself, with the names of another session."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.formats.build import dense, dense_arrays, given, legacy, sequential
from weightlens.errors import WeightlensError

Make = Callable[[Any, int], Any]


def chain(k: Any, first: int) -> Any:
    """Three dense layers in a row, numbered from ``first``."""
    names = iter(range(first, first + 3))
    return k.Sequential([k.Input((4,)), *(k.layers.Dense(4, activation="tanh", name=f"dense_{n}") for n in names)])


def shared(k: Any, first: int) -> Any:
    """A graph with a layer called twice, and a branch."""
    x = k.Input((4,), name=f"in_{first}")
    dense = [k.layers.Dense(4, activation="tanh", name=f"dense_{first + n}") for n in range(4)]
    return k.Model(x, dense[3](k.layers.Add(name=f"add_{first}")([dense[1](dense[1](dense[0](x))), dense[2](x)])))


def nested(k: Any, first: int, frozen: bool = False) -> Any:
    """A model in a model, with layers that are not trained, called twice."""
    i = k.Input((4,), name=f"i_{first}")
    h = k.layers.BatchNormalization(name=f"bn_{first}")(k.layers.Dense(4, name=f"dense_{first}", trainable=not frozen)(i))
    inner = k.Model(i, k.layers.Dense(4, name=f"dense_{first + 1}")(h), name=f"inner_{first}")
    x = k.Input((4,), name=f"x_{first}")
    y = k.layers.Dense(4, activation="tanh", name=f"dense_{first + 2}")(inner(x))
    return k.Model(x, k.layers.Dense(4, name=f"dense_{first + 3}")(inner(y)))


def frozen(k: Any, first: int) -> Any:
    return nested(k, first, frozen=True)


def swapped(k: Any, first: int) -> Any:
    """The same two names, the other way round."""
    x = k.Input((4,), name="x")
    a, b = (k.layers.Dense(4, activation="tanh", name=name) for name in ("ab" if first else "ba"))
    return k.Model(x, b(a(x)))


def wrapped(k: Any, first: int) -> Any:
    """Two wrappers of recurrent layers side by side."""
    x = k.Input((3, 4), name=f"x_{first}")
    both = [k.layers.Bidirectional(k.layers.LSTM(2, name=f"lstm_{first + n}"), name=f"both_{first + n}")(x) for n in range(2)]
    return k.Model(x, k.layers.Concatenate(name="c")(both))


@pytest.mark.parametrize("shuffled", [False, True], ids=["", "listed in another order"])
@pytest.mark.parametrize("make", [chain, shared, nested, frozen, swapped, wrapped])
def test_weights_of_another_session(make: Make, shuffled: bool, keras: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    saved = make(keras, 1)
    for variable in saved.weights:
        positive = "variance" in variable.path
        variable.assign(rng.uniform(0.5, 1.5, variable.shape) if positive else rng.normal(0, 0.7, variable.shape))
    saved.save(tmp_path / "w.h5")
    architecture = json.loads(make(keras, 0).to_json())
    if shuffled and make is not chain:
        random.Random(1).shuffle(architecture["config"]["layers"])
    (tmp_path / "other.json").write_text(json.dumps(architecture))
    theirs = keras.models.model_from_json(json.dumps(architecture))
    theirs.load_weights(tmp_path / "w.h5")
    x = rng.normal(size=(2, *theirs.input_shape[1:])).astype("float32")
    ours = weightlens.load(tmp_path / "w.h5", tmp_path / "other.json").predict(x)[0]
    np.testing.assert_allclose(ours, theirs.predict(x, verbose=0), atol=1e-5)


def weights_only(folder: Path, names: list[str], sizes: list[tuple[int, int]]) -> Path:
    """A file of weights, and an architecture beside it for which they may not be."""
    groups = {name: dense_arrays(f"{name}/", *size, seed) for seed, (name, size) in enumerate(zip(names, sizes, strict=True))}
    return legacy(folder / "w.h5", None, groups)


@pytest.mark.parametrize(
    ("names", "sizes", "words"),
    [
        (["dense", "dense_1", "dense_2"], [(3, 3)] * 3, "weights for dense, dense_1, dense_2, which are not the layers with weights"),
        (["dense_1"], [(3, 3)], "weights for dense_1, which are not the layers"),
        (["dense_2", "dense_1"], [(3, 3), (3, 2)], "units 3, but the kernel has 2 columns"),
    ],
)
def test_what_does_not_fit_by_order_is_refused(names: list[str], sizes: list[tuple[int, int]], words: str, tmp_path: Path) -> None:
    path = weights_only(tmp_path, names, sizes)
    (tmp_path / "other.json").write_text(json.dumps(sequential(given("i", 3), dense("dense_1", 3), dense("dense_2", 3))))
    model = weightlens.load(path, tmp_path / "other.json")
    assert model.size == sum(a * b + b for a, b in sizes)
    with pytest.raises(WeightlensError, match=words):
        model.predict([[1.0, 2.0, 3.0]])


def test_part_of_a_model_whose_weights_have_no_place_is_refused_too(tmp_path: Path) -> None:
    from weightlens.part import part

    path = weights_only(tmp_path, ["dense", "dense_1", "dense_2"], [(3, 3)] * 3)
    (tmp_path / "other.json").write_text(json.dumps(sequential(given("i", 3), dense("dense_1", 3), dense("dense_2", 3))))
    with pytest.raises(WeightlensError, match="which are not the layers with weights"):
        part(weightlens.load(path, tmp_path / "other.json"), "dense_2").predict([[1.0, 2.0, 3.0]])


def test_a_stored_layer_that_the_architecture_leaves_out(keras: Any, tmp_path: Path) -> None:
    import zipfile

    chain(keras, 0).save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as old, zipfile.ZipFile(tmp_path / "n.keras", "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "config.json":
                entry = json.loads(data)
                del entry["config"]["layers"][-1]
                data = json.dumps(entry).encode()
            new.writestr(name, data)
    model = weightlens.load(tmp_path / "n.keras")
    assert model.unplaced
    with pytest.raises(WeightlensError, match="the architecture has no layer for"):
        model.predict(np.ones((1, 4)))
