"""Random trees and random damage: whatever the bytes, a model or one clear line. Others every day, for ten days.

``WEIGHTLENS_DAMAGE=100000 WEIGHTLENS_EVERYTHING=1`` makes the longer run.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

import weightlens
from tests.cases import EVERYTHING, TURN
from tests.formats import build

pytestmark = pytest.mark.slow

DAYS = 10
EXAMPLES = int(os.environ.get("WEIGHTLENS_DAMAGE", "2000")) // (1 if EVERYTHING else DAYS)
SECONDS = 2
SETTINGS = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damage")


@pytest.fixture(scope="module")
def good(folder: Path) -> list[bytes]:
    """One small file of each layout."""
    lstm = build.layer("LSTM", "l", units=2, activation="tanh", recurrent_activation="sigmoid")
    cell = (build.numbers(3, 8), build.numbers(2, 8), build.numbers(8))
    arrays = {"l": dict(zip(("l/lstm_cell/kernel:0", "l/lstm_cell/recurrent_kernel:0", "l/lstm_cell/bias:0"), cell, strict=True))}
    stack = build.sequential(build.given("i", 5, 3), lstm, build.dense("d", 2))
    arrays["d"] = build.dense_arrays("d/", 2, 2)
    objects = build.numbered("layers/lstm/cell", *cell) | build.numbered("layers/dense", build.numbers(2, 2), build.numbers(2))
    old = {"class_name": "Sequential", "config": [{"class_name": "Dense", "config": {"name": "d", "output_dim": 2, "activation": "relu"}}]}
    files = [
        build.legacy(folder / "a.h5", stack, arrays),
        build.legacy(folder / "b.h5", None, arrays),
        build.legacy(folder / "c.h5", old, {"d": {"d_W": build.numbers(3, 2), "d_b": build.numbers(2)}}, "1.2.2", ""),
        build.archive(folder / "d.keras", stack, objects),
        build.archive(folder / "e.keras", stack, objects, compress=True, names={"layers/dense": "d"}),
    ]
    build.objects(folder / "f.weights.h5", objects)
    policy = {"class_name": "Int4DTypePolicy", "config": {"mode": "int4/2", "source_name": "float32"}}
    packed = [np.ones((4, 1), np.int8), build.numbers(2), build.numbers(2, 2), np.ones((2, 2), np.int8), np.float32([0, 0, 1, 1])]
    quantised = build.sequential(build.given("i", 4), build.dense("d", 2, dtype=policy, lora_rank=1))
    files.append(build.archive(folder / "g.keras", quantised, build.numbered("layers/dense", *packed)))
    parts = dict(zip(("kernel", "bias", "kernel_scale", "kernel_zero", "g_idx"), packed, strict=True))
    parts |= {"lora_kernel_a": build.numbers(4, 1), "lora_kernel_b": build.numbers(1, 2)}
    files.append(build.legacy(folder / "h.h5", quantised, {"d": {f"d/{name}": array for name, array in parts.items()}}, "3.15.1"))
    return [path.read_bytes() for path in (*files, folder / "f.weights.h5")]


def read_everything(path: Path) -> None:
    """Load and read every array; anything but a ``WeightlensError`` is a failure, and so is taking long."""
    started = time.process_time()
    try:
        model = weightlens.load(path)
        for weight in [*model.weights.values(), *model.unplaced, *model.optimizer]:
            assert weight.value.shape == weight.shape
    except weightlens.WeightlensError as error:
        assert "\n" not in str(error)
    assert time.process_time() - started < SECONDS


Damage = tuple[str, float, Any]
PLACES = st.floats(0, 1, exclude_max=True)
DAMAGES = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), PLACES, st.integers(0, 7)),
        st.tuples(st.just("set"), PLACES, st.binary(min_size=1, max_size=16)),
        st.tuples(st.just("cut"), PLACES, st.none()),
        st.tuples(st.just("blank"), PLACES, st.sampled_from([4, 8, 64, 512])),
        st.tuples(st.just("ones"), PLACES, st.sampled_from([1, 4, 8])),
        st.tuples(st.just("insert"), PLACES, st.binary(min_size=1, max_size=8)),
        st.tuples(st.just("swap"), PLACES, st.tuples(PLACES, st.sampled_from([1, 4, 8, 32]))),
    ),
    min_size=1,
    max_size=6,
)


def damaged(data: bytes, kind: str, where: float, how: Any) -> bytes:
    """The data with one thing wrong."""
    place = int(where * len(data))
    if kind == "flip":
        return data[:place] + bytes([data[place] ^ (1 << how)]) + data[place + 1 :] if data else data
    if kind == "cut":
        return data[:place]
    if kind == "insert":
        return data[:place] + how + data[place:]
    if kind == "swap":
        other, size = int(how[0] * len(data)), how[1]
        first, second = sorted((place, other))
        if second - first < size:
            return data
        return (
            data[:first] + data[second : second + size] + data[first + size : second] + data[first : first + size] + data[second + size :]
        )
    new = how if kind == "set" else (b"\0" if kind == "blank" else b"\xff") * how
    return data[:place] + new + data[place + len(new) :]


@seed(TURN % DAYS)
@settings(max_examples=EXAMPLES, **SETTINGS)
@given(which=st.integers(0, 7), damages=DAMAGES)
def test_damage(good: list[bytes], folder: Path, which: int, damages: list[Damage]) -> None:
    data = good[which]
    for kind, where, how in damages:
        data = damaged(data, kind, where, how)
    path = folder / "damaged"
    path.write_bytes(data)
    read_everything(path)


NAMES = st.sampled_from(
    [
        "model_weights",
        "layers",
        "vars",
        "0",
        "1",
        "d",
        "dense",
        "graph",
        "layer_0",
        "param_0",
        "optimizer",
        "_layer_checkpoint_dependencies",
        "cell",
        "name",
    ]
)
VALUES = st.one_of(
    st.integers(-(2**31), 2**31), st.floats(), st.text(max_size=20), st.binary(max_size=20), st.lists(st.integers(0, 9), max_size=4),
    st.sampled_from(['{"class_name": "Sequential", "config": {"layers": []}}']),
    st.sampled_from(['{"class_name": "Dense"}', "{}", "null", "2.3.1", "3.15.1", "theano"]),
    st.lists(NAMES, max_size=3).map(lambda names: np.array([name.encode() for name in names])),
)  # fmt: skip
ARRAYS = st.tuples(
    st.lists(st.integers(0, 3), max_size=4), st.sampled_from(["f4", "f8", "f2", "i1", "i8", "u1", "?", "V2", "V3", "S4", "c8"])
)
KEYS = st.sampled_from(
    [
        "model_config",
        "layer_names",
        "weight_names",
        "keras_version",
        "backend",
        "nb_layers",
        "nb_params",
        "name",
        "layer_names0",
        "weight_names1",
    ]
)


def leaf(group: h5py.Group, name: str, content: Any) -> None:
    shape, dtype = content
    group.create_dataset(name, data=np.zeros(shape, dtype))


TREES: st.SearchStrategy[Any] = st.recursive(
    ARRAYS, lambda inner: st.tuples(st.dictionaries(NAMES, inner, max_size=4), st.dictionaries(KEYS, VALUES, max_size=3)), max_leaves=12
)


def grow(group: h5py.Group, tree: Any) -> None:
    """Write a random tree of groups, attributes and arrays."""
    if not isinstance(tree[0], dict):
        leaf(group, "x", tree)
        return
    children, attributes = tree
    for key, value in attributes.items():
        try:
            group.attrs[key] = value
        except (ValueError, TypeError):  # text with a NUL in it
            group.attrs[key] = "?"
    for name, child in children.items():
        if isinstance(child[0], dict):
            grow(group.create_group(name), child)
        else:
            leaf(group, name, child)


@seed(TURN % DAYS)
@settings(max_examples=EXAMPLES // 4, **SETTINGS)
@given(tree=TREES)
def test_random_trees(folder: Path, tree: Any) -> None:
    path = folder / f"tree{time.monotonic_ns()}.h5"  # h5py does not reuse the name of a file that a failure keeps open
    with h5py.File(path, "w") as file:
        grow(file, tree)
    read_everything(path)
    path.unlink()
