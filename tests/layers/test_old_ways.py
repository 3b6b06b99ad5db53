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


BY_AXIS, BY_LAST_AXIS = [3, 3, 7, 7, 3, 3, 7, 7], [3, 7, 3, 7, 3, 7, 3, 7]
BIASES = [
    ("3.3.3", "", BY_AXIS), ("3.6.0", "float8", BY_AXIS), ("3.7.0", "", BY_AXIS), ("3.7.0", "float8", BY_LAST_AXIS), ("3.9.2", "", BY_AXIS),
    ("3.9.2", "float8", BY_LAST_AXIS), ("3.10.0", "", BY_LAST_AXIS), ("3.15.1", "", BY_LAST_AXIS),
]  # fmt: skip


@pytest.mark.parametrize(("version", "mode", "expected"), BIASES)
def test_a_bias_of_several_axes(version: str, mode: str, expected: list[float], tmp_path: Path) -> None:
    policy = {"class_name": "QuantizedFloat8DTypePolicy", "config": {"mode": mode, "source_name": "float32"}}
    settings = {"dtype": policy} if mode else {}
    entry = layer("EinsumDense", "e", **settings, equation="abc,cde->abde", output_shape=[None, 2, 2], bias_axes="d", activation="linear")
    network = functional([node(given("i", 2, 2, key="batch_shape")), called(entry, tensor("i"))], ["i", 0, 0], ["e", 0, 0])
    arrays = {"layers/einsum_dense/vars/0": np.ones((2, 2, 2)), "layers/einsum_dense/vars/1": np.array([[1.0], [5.0]])}
    if mode:
        arrays |= {f"layers/einsum_dense/vars/{n}": np.zeros(1024) if n % 2 else np.float32(1.0) for n in range(2, 8)}
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


HEADS = {"num_heads": 1, "key_dim": 1, "value_dim": 1, "use_bias": False, "output_shape": None, "attention_axes": [1], "seed": None}
ATTENDED = {  # dropout (with it Keras does not call its fused operation), the mask that it is called with
    ("3.6.0", 0.5, "attention_mask"): [3.0, 2.0],
    ("3.9.2", 0.5, "attention_mask"): [3.0, 2.0],
    ("3.12.4", 0.5, "attention_mask"): [3.0, 0.0],
    ("3.12.4", 0.0, "attention_mask"): [3.0, 2.0],
    ("3.6.0", 0.0, "query_mask"): [2.7616, 2.0],
    ("3.9.2", 0.0, "query_mask"): [2.7616, 2.9951],
    ("3.12.4", 0.0, "query_mask"): [2.7616, 2.9951],
}


@pytest.mark.parametrize(("version", "dropout", "name"), ATTENDED)
def test_masks_of_attention(version: str, dropout: float, name: str, tmp_path: Path) -> None:
    (y,) = weightlens.load(masked_heads(tmp_path / "m.keras", version, dropout, name)).predict([[[[1.0], [3.0]]], KEPT_PLACES[name]])
    np.testing.assert_allclose(np.ravel(y), ATTENDED[version, dropout, name], atol=1e-4)


KEPT_PLACES = {"attention_mask": [[[False, True], [False, False]]], "query_mask": [[True, False]]}


def masked_heads(path: Path, version: str, dropout: float, name: str) -> Path:
    """One head, its kernels 1, called on one sequence and a mask."""
    shape = [2] if name == "query_mask" else [2, 2]
    inputs = [node(given("a", 2, 1, key="batch_shape")), node(given("m", *shape, key="batch_shape", dtype="bool"))]
    heads = {**layer("MultiHeadAttention", "heads", dropout=dropout, **HEADS),
             "build_config": {"shapes_dict": {"query_shape": [None, 2, 1], "value_shape": [None, 2, 1]}}}  # fmt: skip
    call = {"args": [tensor("a"), tensor("a")], "kwargs": {name: tensor("m")}}
    parts = ("query_dense", "key_dense", "value_dense", "output_dense")
    arrays = {f"layers/multi_head_attention/_{part}/vars/0": np.ones((1, 1, 1)) for part in parts}
    return archive(path, functional([*inputs, node(heads, call)], [["a", 0, 0], ["m", 0, 0]], ["heads", 0, 0]), arrays, version)


@pytest.mark.parametrize(("version", "shape"), [("3.3.3", (2, 1, 3)), ("3.6.0", (2, 3))])
@pytest.mark.parametrize(
    "entry",
    [layer("CategoryEncoding", "y", num_tokens=3, output_mode="one_hot"),
     layer("Discretization", "y", bin_boundaries=[1.0, 2.0], num_bins=None, output_mode="one_hot", sparse=False, epsilon=0.01)],
    ids=["categories", "bins"],
)  # fmt: skip
def test_one_hot_of_one_number(entry: dict[str, Any], version: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    network = functional(
        [node(given("i", 1, key="batch_shape", dtype="int32")), called(entry, tensor("i", dtype="int32"))], ["i", 0, 0], ["y", 0, 0]
    )
    (y,) = weightlens.load(archive(tmp_path / "m.keras", network, {}, version)).predict([[0], [2]])
    np.testing.assert_array_equal(y, np.reshape([1.0, 0.0, 0.0, 0.0, 0.0, 1.0], shape))


@pytest.mark.parametrize(("version", "expected"), [("3.10.0", [-1.0690, -0.2673, 1.3363]), ("3.11.3", [-1.0, 0.0, 1.0])])
def test_whole_numbers_normalized(version: str, expected: list[float], tmp_path: Path) -> None:
    entry = layer("LayerNormalization", "y", axis=[1], epsilon=1e-3, center=False, scale=False)
    network = functional(
        [node(given("i", 3, key="batch_shape", dtype="int32")), called(entry, tensor("i", dtype="int32"))], ["i", 0, 0], ["y", 0, 0]
    )
    (y,) = weightlens.load(archive(tmp_path / "m.keras", network, {}, version)).predict([[1, 4, 10]])
    np.testing.assert_allclose(y, [expected], atol=1e-4)


@pytest.mark.parametrize(("version", "expected"), [("3.9.2", 1.5), ("3.12.4", 3.0)])
def test_a_mask_given_in_the_call(version: str, expected: float, tmp_path: Path) -> None:
    inputs = [node(given("a", 2, 1, key="batch_shape")), node(given("m", 2, key="batch_shape", dtype="bool"))]
    rnn = called(
        layer("SimpleRNN", "r", units=1, activation="linear", use_bias=False, return_sequences=True), tensor("a"), mask=tensor("m")
    )
    mean = called(layer("GlobalAveragePooling1D", "mean", data_format="channels_last", keepdims=False), tensor("r"))
    network = functional([*inputs, rnn, mean], [["a", 0, 0], ["m", 0, 0]], ["mean", 0, 0])
    arrays = {f"layers/simple_rnn/cell/vars/{n}": np.full((1, 1), 1.0 - n) for n in range(2)}
    (y,) = weightlens.load(archive(tmp_path / "m.keras", network, arrays, version)).predict([[[[1.0], [3.0]]], [[False, True]]])
    np.testing.assert_allclose(y, [[expected]])


def test_a_table_of_int4_backwards(tmp_path: Path) -> None:
    """Keras 3.12 rounds what goes in to -127 to 127: off by 0.0025 for a table of 8 rows with numbers about 0.5."""
    policy = {"class_name": "QuantizedDTypePolicy", "config": {"mode": "int4", "source_name": "float32"}}
    entry = layer("ReversibleEmbedding", "y", dtype=policy, input_dim=3, output_dim=2, tie_weights=True)
    back = {"args": [tensor("i")], "kwargs": {"reverse": True}}
    network = functional([node(given("i", 2, 2, key="batch_shape")), node(entry, back)], ["i", 0, 0], ["y", 0, 0])
    arrays = {f"layers/reversible_embedding/vars/{n}": a for n, a in enumerate((np.ones((3, 1), np.int8), np.ones(3, np.float32)))}
    model = weightlens.load(archive(tmp_path / "m.keras", network, arrays, "3.12.4"))
    with pytest.raises(weightlens.errors.UnsupportedLayer, match="a quantizer of its inputs for a table of int4"):
        model.predict([[[1.0, 2.0], [0.5, 0.1]]])


def test_log_softmax_of_keras_2(tmp_path: Path) -> None:
    """Keras 2 calls it by the name of TensorFlow's function."""
    network = functional([node(given("i", 3)), node(layer("Activation", "y", activation="log_softmax_v2"), [["i", 0, 0, {}]])],
                         [["i", 0, 0]], [["y", 0, 0]])  # fmt: skip
    (y,) = weightlens.load(archive(tmp_path / "m.keras", network, {}, "2.12.0")).predict([[0.0, 0.0, 0.0]])
    np.testing.assert_allclose(y, [[-np.log(3.0)] * 3], rtol=1e-6)
