"""What releases of Keras 3 computed otherwise than today's. The numbers are those that the named release predicted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.formats.build import archive, dense, functional, given, layer, node, tensor

X = np.arange(1.0, 13.0).reshape(1, 6, 2) / 4
Z = X[:, ::-1] * 2
X, Z = np.where(np.arange(6)[:, None] < 2, 0.0, X), np.where(np.isin(np.arange(6), (1, 2, 3))[:, None], 0.0, Z)
SCORES, KEPT = [[1.0, 2.0, 3.0]] * 3, [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [0.7, 0.2, 1.0]]
MERGED = {
    ("3.3.3", "Add"): [2.5833, 3.0],
    ("3.3.3", "Multiply"): [0.7917, 1.3333],
    ("3.3.3", "Maximum"): [2.25, 2.5],
    ("3.3.3", "Minimum"): [0.3333, 0.5],
    ("3.3.3", "Concatenate"): [1.3333, 1.5, 1.25, 1.5],
    ("3.9.2", "Add"): [3.1, 3.6],
    ("3.9.2", "Multiply"): [2.65, 3.5],
    ("3.9.2", "Maximum"): [2.7, 3.0],
    ("3.9.2", "Minimum"): [2.1, 2.5],
}


def called(entry: dict[str, Any], args: Any, **kwargs: Any) -> dict[str, Any]:
    return node(entry, {"args": [args], "kwargs": kwargs})


@pytest.mark.parametrize(("version", "name"), MERGED)
def test_masks_of_merged_inputs(version: str, name: str, tmp_path: Path) -> None:
    inputs = [node(given(key, 6, 2, key="batch_shape")) for key in "ab"]
    masks = [called(layer("Masking", "m" + key, mask_value=0.0), tensor(key)) for key in "ab"]
    settings = {"axis": -1} if name == "Concatenate" else {}
    merge = called(layer(name, "merge", **settings), [tensor("ma"), tensor("mb")])
    mean = called(layer("GlobalAveragePooling1D", "mean", data_format="channels_last", keepdims=False), tensor("merge"))
    network = functional([*inputs, *masks, merge, mean], [["a", 0, 0], ["b", 0, 0]], ["mean", 0, 0])
    (y,) = weightlens.load(archive(tmp_path / "m.keras", network, {}, version)).predict([X, Z])
    np.testing.assert_allclose(y, [MERGED[version, name]], atol=1e-4)


def test_masks_of_softmax(tmp_path: Path) -> None:
    inputs = [node(given(key, 3, key="batch_shape")) for key in "ab"]
    softmax = called(layer("Softmax", "y", axis=-1), tensor("a"), mask=tensor("b"))
    network = functional([*inputs, softmax], [["a", 0, 0], ["b", 0, 0]], ["y", 0, 0])
    (y,) = weightlens.load(archive(tmp_path / "m.keras", network, {}, "3.3.3")).predict([SCORES, KEPT])
    np.testing.assert_allclose(y, [[0.1192, 0, 0.8808], [1 / 3] * 3, [0, 0, 1]], atol=1e-4)


@pytest.mark.parametrize(("version", "expected"), [("3.3.3", [3, 3, 7, 7, 3, 3, 7, 7]), ("3.15.1", [3, 7, 3, 7, 3, 7, 3, 7])])
def test_a_bias_of_several_axes(version: str, expected: list[float], tmp_path: Path) -> None:
    entry = layer("EinsumDense", "e", equation="abc,cde->abde", output_shape=[None, 2, 2], bias_axes="d", activation="linear")
    network = functional([node(given("i", 2, 2, key="batch_shape")), called(entry, tensor("i"))], ["i", 0, 0], ["e", 0, 0])
    arrays = {"layers/einsum_dense/vars/0": np.ones((2, 2, 2)), "layers/einsum_dense/vars/1": np.array([[1.0], [5.0]])}
    (y,) = weightlens.load(archive(tmp_path / "m.keras", network, arrays, version)).predict(np.ones((1, 2, 2)))
    np.testing.assert_allclose(np.ravel(y), expected)


@pytest.mark.parametrize("second_is_read", [False, True])
def test_calls_counted_with_those_of_another_model(second_is_read: bool, tmp_path: Path) -> None:
    """Keras 3 before 3.2 wrote 1 for the first call in this model of a layer that another model had called before, and 2 for the next."""
    calls = [{"args": [tensor(name)], "kwargs": {}} for name in "ij"]
    inputs = [node(given(key, 4, key="batch_shape")) for key in "ij"]
    shared = node(dense("shared", 4), *calls)
    after = [called(layer("Rescaling", "a", scale=10.0, offset=0.0), tensor("shared", 1))]
    after += [called(layer("Rescaling", "b", scale=-1.0, offset=0.0), tensor("shared", 2))] * second_is_read
    outputs = [["a", 0, 0], ["b", 0, 0] if second_is_read else ["shared", 1, 0]]
    network = functional([*inputs, shared, *after], [["i", 0, 0], ["j", 0, 0]], outputs)
    arrays = {"layers/dense/vars/0": np.eye(4), "layers/dense/vars/1": np.zeros(4)}
    model = weightlens.load(archive(tmp_path / "m.keras", network, arrays, "3.0.5"))
    first, second = model.predict([np.ones((1, 4)), np.full((1, 4), 2.0)])
    np.testing.assert_array_equal(first, np.full((1, 4), 10.0))
    np.testing.assert_array_equal(second, np.full((1, 4), -2.0 if second_is_read else 2.0))


def test_log_softmax_of_keras_2(tmp_path: Path) -> None:
    """Keras 2 calls it by the name of TensorFlow's function."""
    network = functional([node(given("i", 3)), node(layer("Activation", "y", activation="log_softmax_v2"), [["i", 0, 0, {}]])],
                         [["i", 0, 0]], [["y", 0, 0]])  # fmt: skip
    (y,) = weightlens.load(archive(tmp_path / "m.keras", network, {}, "2.12.0")).predict([[0.0, 0.0, 0.0]])
    np.testing.assert_allclose(y, [[-np.log(3.0)] * 3], rtol=1e-6)
