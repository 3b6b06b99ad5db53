"""What changed between two models, and what does not count as a change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import weightlens
from tests.tiny import BIAS, KERNEL, write_tiny
from weightlens.difference import compare
from weightlens.model import Call, Layer, Model, Ref, Weight
from weightlens.statistics import chunks


def weight(values: Any, dtype: str = "float32") -> Weight:
    array = np.asarray(values, dtype)
    return Weight("kernel", array.shape, dtype, "", lambda: array, lambda key: array[key])


def network(*layers: Layer) -> Model:
    """A chain: an input, then the layers."""
    chain = [Layer("input", "InputLayer", {"batch_shape": [None, 2]}), *layers]
    for before, layer in zip(chain, layers, strict=False):
        layer.calls = [Call((Ref(before.name),))]
    return Model("m", "Sequential", chain, [Ref("input")], [Ref(chain[-1].name)])


def dense(name: str = "dense", values: Any = KERNEL, dtype: str = "float32", **config: Any) -> Layer:
    return Layer(name, "Dense", {"units": 2, "activation": "relu", **config}, {"kernel": weight(values, dtype)})


def test_a_model_is_the_same_as_itself(tmp_path: Path) -> None:
    a, b = (weightlens.load(write_tiny(tmp_path / name)) for name in ("a.h5", "b.h5"))
    found = compare(a, b)
    assert found.same and [change.status for change in found.weights] == ["same", "same"]
    assert [change.cosine for change in found.weights] == pytest.approx([1, 1])


def test_a_changed_number_is_found_with_its_place(tmp_path: Path) -> None:
    changed = [KERNEL[0], [KERNEL[1][0], KERNEL[1][1] - 0.25]]
    a = weightlens.load(write_tiny(tmp_path / "a.h5"))
    b = weightlens.load(write_tiny(tmp_path / "b.h5", kernel=changed))
    found = compare(a, b)
    kernel, bias = found.weights
    assert not found.same and not found.architecture and bias.same
    assert (kernel.name, kernel.status, kernel.largest, kernel.element) == ("dense/kernel", "differs", 0.25, "[1, 1]")
    assert kernel.norms == pytest.approx((np.linalg.norm(KERNEL), np.linalg.norm(changed)))
    assert kernel.cosine == pytest.approx(np.vdot(KERNEL, changed) / np.linalg.norm(KERNEL) / np.linalg.norm(changed))
    assert compare(a, b, tolerance=0.25).same and not compare(a, b, tolerance=0.24).same


def test_shapes_and_missing_matrices(tmp_path: Path) -> None:
    a = weightlens.load(write_tiny(tmp_path / "a.h5"))
    b = weightlens.load(write_tiny(tmp_path / "b.h5", kernel=[*KERNEL, [0, 0]]))
    assert [change.status for change in compare(a, b).weights] == ["shape", "same"]
    lacking = dense()
    lacking.own_weights["bias"] = weight(BIAS)
    assert [change.status for change in compare(network(lacking), network(dense())).weights] == ["same", "only in A"]
    assert [change.status for change in compare(network(dense()), network(lacking)).weights] == ["same", "only in B"]


def test_settings_that_matter_and_settings_that_do_not() -> None:
    base = network(dense(kernel_initializer="zeros", name="dense"))
    assert compare(base, network(dense(kernel_initializer="ones", dtype_policy=None, new_key=3))).same
    assert compare(network(dense(old_key=3)), base).same
    assert compare(base, network(dense(activation="tanh"))).architecture == ["dense: activation relu in A, tanh in B"]
    assert compare(network(dense(activation=None)), network(dense(activation="linear"))).same
    assert compare(network(dense(axis=[3])), network(dense(axis=3))).same
    assert compare(network(dense(alpha=0.2)), network(dense(alpha=0.20000000298))).same


def test_a_renamed_layer_is_recognised() -> None:
    found = compare(network(dense("dense_1"), dense("out", [[1, 2], [3, 4]])), network(dense("dense_7"), dense("out", [[1, 2], [3, 4]])))
    assert found.architecture == ["dense_1: called dense_7 in B"] and all(change.same for change in found.weights)


def test_a_layer_more_a_layer_of_another_class_another_connection() -> None:
    longer = compare(network(dense("a")), network(dense("a"), dense("b")))
    assert longer.architecture == ["b: Dense, only in B"] and longer.weights[-1].status == "only in B"
    other = compare(network(Layer("act", "ReLU", {})), network(Layer("act", "Softmax", {})))
    assert other.architecture == ["act: ReLU in A, Softmax in B"]
    a, b = network(dense("a"), dense("b")), network(dense("a"), dense("b"))
    b["b"].calls = [Call((Ref("input"),))]
    assert compare(a, b).architecture == ["b: connected differently"]


def test_another_type_with_the_same_numbers_is_no_difference() -> None:
    found = compare(network(dense(dtype="float32")), network(dense(values=KERNEL)))
    assert found.same
    half = network(Layer("dense", "Dense", {}, {"kernel": weight(KERNEL, "float16")}))
    whole = network(Layer("dense", "Dense", {}, {"kernel": weight(KERNEL)}))
    found = compare(half, whole)
    assert found.same and found.weights[0].dtypes == ["float16", "float32"]


def test_complex_numbers_are_compared_whole() -> None:
    a, b = (network(dense(values=[[1 + 1j, 2.0]], dtype="complex64")), network(dense(values=[[1 + 2j, 2.0]], dtype="complex64")))
    assert compare(a, a).same
    assert compare(a, b).weights[0].largest == 1


def test_nan_equals_nan_and_nothing_else() -> None:
    a, b = network(dense(values=[[np.nan, 1.0]])), network(dense(values=[[np.nan, 1.0]]))
    assert compare(a, b).same
    assert not compare(a, network(dense(values=[[0.0, 1.0]]))).same
    assert compare(a, network(dense(values=[[0.0, 1.0]]))).weights[0].largest == np.inf


def test_large_matrices_are_compared_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weightlens.statistics.CHUNK", 90)
    values = np.random.default_rng(0).normal(size=(13, 5, 11)).astype(np.float32)
    other = values.copy()
    other[12, 3, 7] += 1
    pieces = list(chunks(weight(values)))
    assert np.array_equal(np.concatenate(pieces), values.ravel()) and {len(piece) for piece in pieces} == {55}
    in_memory = network(dense(values=other))
    assert in_memory.weights["dense/kernel"].value.shape == (13, 5, 11)  # read, so that it is cut here and not in the file
    change = compare(network(dense(values=values)), in_memory).weights[0]
    assert change.element == "[12, 3, 7]" and change.largest == pytest.approx(1, rel=1e-6)
    assert change.norms[0] == pytest.approx(np.linalg.norm(values.astype(float)))


def test_nested_models_and_wrapped_layers() -> None:
    def outer(value: float) -> Model:
        inner = network(dense("deep", [[value]]))
        wrapped = Layer("td", "TimeDistributed", {}, inner={"layer": dense("x", [[value]])})
        return network(Layer("inner", "Functional", {}, model=inner), wrapped)

    names = [change.name for change in compare(outer(1), outer(2)).weights if not change.same]
    assert names == ["inner/deep/kernel", "td/layer/kernel"]


def test_a_keras_1_file_equals_its_keras_3_conversion(tmp_path: Path) -> None:
    config = {"name": "dense", "output_dim": 2, "batch_input_shape": [None, 2], "activation": "softmax", "bias": True}
    layers = [{"class_name": "Dense", "config": config}]
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["keras_version"] = "1.2.2"
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": layers})
        file.create_group("model_weights").attrs["layer_names"] = np.array([b"dense"])
        group = file["model_weights"].create_group("dense")
        group.attrs["weight_names"] = np.array([b"dense_W", b"dense_b"])
        group["dense_W"], group["dense_b"] = np.array(KERNEL, "float32"), np.array(BIAS, "float32")
    found = compare(weightlens.load(tmp_path / "old.h5"), weightlens.load(write_tiny(tmp_path / "new.h5")))
    assert found.same, found.architecture


def test_weights_alone_are_compared_by_the_architecture_of_the_other(tmp_path: Path, keras: Any) -> None:
    """Nothing is a difference that a file of weights cannot say: pooling, names, metrics, Windows's separators."""
    inner = keras.Sequential([keras.Input((27,)), keras.layers.Dense(6), keras.layers.Dense(5, name="called")], name="inner")
    layers = [
        keras.layers.Conv2D(3, 3, name="first"),
        keras.layers.MaxPooling2D(),
        keras.layers.BatchNormalization(),
        keras.layers.Flatten(),
        inner,
    ]
    network = keras.Sequential(
        [keras.Input((8, 8, 1)), *layers, keras.layers.Reshape((5, 1)), keras.layers.Bidirectional(keras.layers.LSTM(2))]
    )
    (tmp_path / "arch.json").write_text(network.to_json())
    network.save_weights(tmp_path / "w.weights.h5")
    stored: dict[str, Any] = {"metrics/mean/vars/0": np.float32(3)}
    with h5py.File(tmp_path / "w.weights.h5") as old, h5py.File(tmp_path / "windows.weights.h5", "w") as new:
        old.visititems(lambda name, item: stored.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
        for name, values in stored.items():
            new[name.replace("/", "\\")] = values
    whole = weightlens.load(tmp_path / "w.weights.h5", tmp_path / "arch.json")
    for twin in ("w.weights.h5", "windows.weights.h5"):
        found = compare(whole, weightlens.load(tmp_path / twin))
        assert found.same and len(found.weights) == len(network.weights), found
        assert compare(weightlens.load(tmp_path / twin), whole).same
    network.layers[0].kernel.assign(network.layers[0].kernel + 1)
    network.save_weights(tmp_path / "changed.weights.h5")
    found = compare(weightlens.load(tmp_path / "changed.weights.h5"), whole)
    assert [change.name for change in found.weights if not change.same] == ["first/kernel"]


def test_weights_of_another_network_are_compared_as_they_are(tmp_path: Path) -> None:
    whole = network(dense("a"), Layer("pool", "MaxPooling1D", {}))
    bare = Model("m", "", [Layer("other", "", {}, {"kernel": weight(np.ones((3, 3)))})])
    found = compare(whole, bare)
    assert [change.status for change in found.weights] == ["only in A", "only in B"]
    assert not any("pool" in text for text in found.architecture)


def test_what_differs_is_read_when_it_is_printed(tmp_path: Path) -> None:
    before, after = write_tiny(tmp_path / "a.h5"), write_tiny(tmp_path / "b.h5")
    with h5py.File(after, "r+") as file:
        found: list[Any] = []
        file.visititems(lambda _, item: found.append(item) if getattr(item, "shape", None) == np.shape(BIAS) else None)
        found[0][0] += 0.5
    lines = str(weightlens.diff(before, after)).splitlines()
    assert lines[:2] == [f"A  {before}", f"B  {after}"] and lines[-1] == "differs"
    assert [line.partition(":")[2] for line in lines[2:-1]] == [" 1 number differs, most of all [0] by 0.5"]
    assert str(weightlens.diff(before, before)).splitlines()[-1] == "same"
