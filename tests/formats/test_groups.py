"""HDF5 files with a group per layer: Keras 2, tf.keras, and Keras 3's ``.h5``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import weightlens
from tests.formats.build import dense, dense_arrays, functional, given, layer, legacy, names_attribute, node, numbers, sequential, tensor
from weightlens.errors import UnreadableModel, UnsupportedLayer
from weightlens.model import Ref


def test_sequential_config_as_a_list(tmp_path: Path) -> None:
    arrays = dense_arrays("d/", 3, 2)
    path = legacy(tmp_path / "m.h5", sequential(dense("d", 2, batch_input_shape=[None, 3]), aslist=True), {"d": arrays}, "2.0.5")
    model = weightlens.load(path)
    assert [kept.class_name for kept in model] == ["InputLayer", "Dense"]
    assert model.layers[0].config["batch_shape"] == [None, 3]
    assert np.array_equal(model["d"].kernel, arrays["d/kernel:0"])
    assert (model.provenance.format, model.provenance.keras_version, model.provenance.backend) == ("Keras 2 HDF5", "2.0.5", "tensorflow")
    assert model["d"].own_weights["bias"].path == "model_weights/d/d/bias:0"


def test_names_cut_into_pieces(tmp_path: Path) -> None:
    names = [f"d{number}" for number in range(25)]
    groups = {name: dense_arrays(f"{name}/", 2, 2, seed) for seed, name in enumerate(names)}
    path = legacy(tmp_path / "m.h5", sequential(given("i", 2), *(dense(name, 2) for name in names)), groups, pieces=4)
    with h5py.File(path, "a") as file:
        group = file["model_weights/d7"]
        del group.attrs["weight_names"]
        names_attribute(group, "weight_names", list(groups["d7"]), pieces=2)
    model = weightlens.load(path)
    assert not model.unplaced
    assert all(np.array_equal(model[name].kernel, groups[name][f"{name}/kernel:0"]) for name in names)


def test_slashes_in_layer_names(tmp_path: Path) -> None:
    groups = {"blk/one": dense_arrays("blk/one/", 2, 2, 1), "blk/one/two": dense_arrays("blk/one/two/", 2, 2, 2)}
    model = weightlens.load(legacy(tmp_path / "m.h5", sequential(given("i", 2), dense("blk/one", 2), dense("blk/one/two", 2)), groups))
    for name, arrays in groups.items():
        assert np.array_equal(model[name].kernel, arrays[f"{name}/kernel:0"])
    assert not model.unplaced


@pytest.mark.parametrize(
    "order",
    [("b/gamma", "b/beta", "c/kernel", "a/kernel", "b/mean", "b/var"), ("a/kernel", "b/gamma", "b/beta", "b/mean", "b/var", "c/kernel")],
)
def test_a_frozen_nested_model_is_placed_by_name(tmp_path: Path, order: tuple[str, ...]) -> None:
    full = {"b/mean": "b/moving_mean", "b/var": "b/moving_variance"}
    arrays = {f"{full.get(name, name)}:0": numbers(*((2, 2) if "kernel" in name else (2,)), seed=seed) for seed, name in enumerate(order)}
    inner = functional(
        [node(given("x", 2)), node(dense("a", 2, use_bias=False, trainable=False), [["x", 0, 0, {}]]),
         node(layer("BatchNormalization", "b", axis=[1], epsilon=1e-3), [["a", 0, 0, {}]]),
         node(dense("c", 2, use_bias=False), [["b", 0, 0, {}]])],
        [["x", 0, 0]], [["c", 0, 0]], "inner",
    )  # fmt: skip
    outer = functional([node(given("i", 2)), node(inner, [["i", 0, 0, {}]])], [["i", 0, 0]], [["inner", 1, 0]])
    model = weightlens.load(legacy(tmp_path / "m.h5", outer, {"i": {}, "inner": arrays}))
    for name, array in arrays.items():
        place, variable = name.removesuffix(":0").split("/")
        assert np.array_equal(model["inner"][place].own_weights[variable].value, array)
    assert model.outputs == [Ref("inner", 0, 0)]
    assert model["inner/b"].config["axis"] == 1


def test_nested_sequential_of_keras_3_carries_its_name(tmp_path: Path) -> None:
    inner = sequential(given("x", 2, key="batch_shape"), dense("d", 2), dense("d_1", 2), name="inner")
    arrays = {**dense_arrays("inner/d/", 2, 2, 1, ""), **dense_arrays("inner/d_1/", 2, 2, 2, "")}
    model = weightlens.load(legacy(tmp_path / "m.h5", sequential(given("i", 2, key="batch_shape"), inner), {"inner": arrays}, "3.5.0"))
    assert np.array_equal(model["inner/d"].kernel, arrays["inner/d/kernel"])
    assert np.array_equal(model["inner/d_1"].kernel, arrays["inner/d_1/kernel"])


def test_layers_without_weights_have_an_empty_list_of_floats(tmp_path: Path) -> None:
    path = legacy(
        tmp_path / "m.h5", sequential(given("i", 2), layer("Flatten", "f"), dense("d", 2)), {"f": {}, "d": dense_arrays("d/", 2, 2)}
    )
    with h5py.File(path) as file:
        assert file["model_weights/f"].attrs["weight_names"].dtype == np.float64
    assert weightlens.load(path)["f"].weights == {}


def test_theano_kernels_are_turned_round(tmp_path: Path) -> None:
    arrays = {"c/kernel": numbers(3, 2, 1, 4), "c/bias": numbers(4)}
    conv = layer("Conv2D", "c", filters=4, kernel_size=[3, 2], activation="linear", data_format="channels_first")
    for backend, expected in (("theano", arrays["c/kernel"][::-1, ::-1]), ("tensorflow", arrays["c/kernel"]), ("cntk", arrays["c/kernel"])):
        model = weightlens.load(legacy(tmp_path / f"{backend}.h5", sequential(given("i", 1, 5, 5), conv), {"c": arrays}, "2.0.4", backend))
        assert np.array_equal(model["c"].kernel, expected)
        assert ("Theano" in model["c"].own_weights["kernel"].note) == (backend == "theano")


@pytest.mark.parametrize(("class_name", "gates"), [("CuDNNLSTM", 4), ("CuDNNGRU", 3)])
def test_cudnn_layers_become_plain_ones(tmp_path: Path, class_name: str, gates: int) -> None:
    units, features = 3, 2
    kernels, recurrent, bias = numbers(gates, features, units), numbers(gates, units, units), numbers(2 * gates * units)
    arrays = {
        "r/kernel:0": np.hstack([k.T.ravel().reshape(features, units) for k in kernels]),
        "r/recurrent_kernel:0": np.hstack([k.T for k in recurrent]), "r/bias:0": bias,
    }  # fmt: skip
    config = sequential(given("i", 4, features), layer(class_name, "r", units=units, return_sequences=False))
    kept = weightlens.load(legacy(tmp_path / "m.h5", config, {"r": arrays}, "2.2.4"))["r"]
    assert kept.class_name == class_name.removeprefix("CuDNN")
    assert (kept.config["activation"], kept.config["recurrent_activation"]) == ("tanh", "sigmoid")
    assert np.array_equal(kept.kernel, np.hstack(list(kernels)))
    assert np.array_equal(kept.recurrent_kernel, np.hstack(list(recurrent)))
    expected = bias[: 4 * units] + bias[4 * units :] if gates == 4 else bias.reshape(2, -1)
    assert np.array_equal(kept.bias, expected)


@pytest.mark.parametrize(("shape", "after"), [((6,), False), ((2, 6), True)])
def test_gru_resets_before_or_after_as_its_bias_says(tmp_path: Path, shape: tuple[int, ...], after: bool) -> None:
    arrays = {"g/kernel:0": numbers(3, 6), "g/recurrent_kernel:0": numbers(2, 6), "g/bias:0": numbers(*shape)}
    config = sequential(given("i", 4, 3), layer("GRU", "g", units=2, activation="tanh", recurrent_activation="hard_sigmoid"))
    kept = weightlens.load(legacy(tmp_path / "m.h5", config, {"g": arrays}, "2.1.2"))["g"]
    assert kept.config["reset_after"] is after
    assert kept.config["recurrent_activation"] == "hard_sigmoid_keras2"


def test_hard_sigmoid_of_keras_3_is_its_own(tmp_path: Path) -> None:
    config = sequential(given("i", 2, key="batch_shape"), dense("d", 2, activation="hard_sigmoid"))
    assert (
        weightlens.load(legacy(tmp_path / "m.h5", config, {"d": dense_arrays("d/", 2, 2)}, "3.1.0"))["d"].config["activation"]
        == "hard_sigmoid"
    )


def test_bfloat16_without_an_attribute(tmp_path: Path) -> None:
    kernel = np.array([[1.0, -2.5], [0.15625, 3.0]], np.float32)
    stored = (kernel.view(np.uint32) >> 16).astype(np.uint16).view("V2")
    model = weightlens.load(
        legacy(tmp_path / "m.h5", sequential(given("i", 2), dense("d", 2, use_bias=False)), {"d": {"kernel": stored}}, "3.15.1")
    )
    assert model["d"].own_weights["kernel"].dtype == "bfloat16"
    assert np.array_equal(model["d"].kernel, kernel)


def test_a_half_written_file_shows_what_there_is(tmp_path: Path) -> None:
    path = legacy(
        tmp_path / "m.h5",
        sequential(given("i", 2), dense("a", 2), dense("b", 2)),
        {"a": dense_arrays("a/", 2, 2), "b": dense_arrays("b/", 2, 2)},
    )
    with h5py.File(path, "a") as file:
        del file["model_weights/b"]
    model = weightlens.load(path)
    assert list(model["a"].weights) == ["kernel", "bias"]
    assert model["b"].weights == {}


def test_wrappers_hold_layers(tmp_path: Path) -> None:
    lstm = layer("LSTM", "lstm", units=2, activation="tanh", recurrent_activation="sigmoid", use_bias=True, go_backwards=False)
    sizes = {"kernel": (3, 8), "recurrent_kernel": (2, 8), "bias": (8,)}
    both = {
        f"bi/{way}_lstm/lstm_cell/{name}:0": numbers(*size, seed=len(way))
        for way in ("forward", "backward")
        for name, size in sizes.items()
    }
    td = {"td/kernel:0": numbers(4, 2), "td/bias:0": numbers(2)}
    config = sequential(
        given("i", 5, 3),
        layer("Bidirectional", "bi", layer=lstm, merge_mode="concat"),
        layer("TimeDistributed", "td", layer=dense("inside", 2)),
    )
    model = weightlens.load(legacy(tmp_path / "m.h5", config, {"bi": both, "td": td}))
    backward = model["bi"].inner["backward_layer"]
    assert (backward.class_name, backward.config["go_backwards"], model["bi"].inner["forward_layer"].config["go_backwards"]) == (
        "LSTM",
        True,
        False,
    )
    assert np.array_equal(backward.kernel, both["bi/backward_lstm/lstm_cell/kernel:0"])
    assert np.array_equal(model["td"].inner["layer"].kernel, td["td/kernel:0"])
    assert set(model["td"].weights) == {"layer/kernel", "layer/bias"}


def test_graphs_of_keras_2_and_3_read_alike(tmp_path: Path) -> None:
    def layers(key: str, add: list[object], shared: list[list[object]]) -> list[dict[str, object]]:
        return [node(given("i", 4, key=key)), node(dense("d", 4), *shared), node(layer("Add", "a"), *add)]

    old = layers("batch_input_shape", [[["d", 0, 0, {}], ["d", 1, 0, {}]]], [[["i", 0, 0, {}]], [["d", 0, 0, {}]]])
    new = layers(
        "batch_shape", [{"args": [[tensor("d"), tensor("d", 1)]], "kwargs": {}}], [{"args": [tensor(n)], "kwargs": {}} for n in ("i", "d")]
    )
    arrays = {"i": {}, "d": dense_arrays("d/", 4, 4), "a": {}}
    two = weightlens.load(legacy(tmp_path / "2.h5", functional(old, [["i", 0, 0]], [["a", 0, 0]]), arrays))
    three = weightlens.load(legacy(tmp_path / "3.h5", functional(new, ["i", 0, 0], ["a", 0, 0]), arrays, "3.15.1"))
    for model in (two, three):
        assert [call.args for call in model["d"].calls] == [(Ref("i"),), (Ref("d"),)]
        assert [call.args for call in model["a"].calls] == [([Ref("d"), Ref("d", 1)],)]
        assert (model.inputs, model.outputs) == ([Ref("i")], [Ref("a")])


def test_keyword_tensors_states_and_functions(tmp_path: Path) -> None:
    given_to_attention = {"value": ["i", 0, 0], "key": ["i", 0, 0], "use_causal_mask": True}
    multiply = {"class_name": "TFOpLambda", "config": {"name": "tf.math.multiply", "function": "math.multiply"}}
    layers = [
        node(given("i", 5, 3)), node(given("h", 2)),
        node(layer("GRU", "g", units=2), [["i", 0, 0, {}], ["h", 0, 0, {}]]),
        node(layer("MultiHeadAttention", "m", num_heads=1, key_dim=2), [["i", 0, 0, given_to_attention]]),
        node(multiply, ["g", 0, 0, {"y": 2.0, "name": None}]),
    ]  # fmt: skip
    config = functional(layers, [["i", 0, 0], ["h", 0, 0]], [["m", 0, 0], ["tf.math.multiply", 0, 0]])
    model = weightlens.load(legacy(tmp_path / "m.h5", config, {}))
    assert (model["g"].calls[0].args, model["g"].calls[0].kwargs) == ((Ref("i"),), {"initial_state": [Ref("h")]})
    assert model["m"].calls[0].kwargs == {"value": Ref("i"), "key": Ref("i"), "use_causal_mask": True}
    function = model["tf.math.multiply"]
    assert (function.is_operation, function.class_name, function.calls[0].kwargs["y"]) == (True, "tf.math.multiply", 2.0)


def test_operators_of_keras_3_without_their_module(tmp_path: Path) -> None:
    layers = [
        node(given("i", 4, key="batch_shape")),
        node({"class_name": "Add", "config": {"name": "add"}}, {"args": [tensor("i"), 2.0], "kwargs": {}}),
        node(layer("Add", "add_1"), {"args": [[tensor("i"), tensor("add")]], "kwargs": {}}),
    ]
    model = weightlens.load(legacy(tmp_path / "m.h5", functional(layers, ["i", 0, 0], ["add_1", 0, 0]), {}, "3.15.1"))
    assert (model["add"].is_operation, model["add_1"].is_operation) == (True, False)
    assert model["add"].calls[0].args == (Ref("i"), 2.0)


def test_weights_of_a_model_built_anew_go_by_their_order(tmp_path: Path) -> None:
    groups = {"dense_8": dense_arrays("dense_8/", 3, 2), "flatten_4": {}, "dense_9": dense_arrays("dense_9/", 2, 4)}
    path = legacy(tmp_path / "m.h5", None, groups)
    (tmp_path / "m.json").write_text(
        json.dumps(sequential(given("i", 3), dense("dense", 2), layer("Flatten", "flatten"), dense("dense_1", 4)))
    )
    model = weightlens.load(path)
    assert not model.unplaced
    assert np.array_equal(model["dense_1"].kernel, groups["dense_9"]["dense_9/kernel:0"])
    assert "order" in model["dense_1"].note
    (tmp_path / "m.json").write_text(json.dumps(sequential(given("i", 3), dense("dense", 2), dense("dense_1", 4), dense("dense_2", 4))))
    assert len(weightlens.load(path).unplaced) == 4


def test_arguments_as_dictionaries_and_nested_lists(tmp_path: Path) -> None:
    inner = sequential(given("x", 2), name="inner")
    layers = [
        node(given("a", 5, 2)), node(given("b", 2)),
        node(layer("LSTM", "l", units=2), [["a", 0, 0, {}], [["b", 0, 0, {}], ["b", 0, 0, {}]]]), node(inner, {"x": ["b", 0, 0, {}]}),
    ]  # fmt: skip
    model = weightlens.load(legacy(tmp_path / "m.h5", functional(layers, {"a": ["a", 0, 0]}, {"l": ["l", 0, 0]}), {}))
    assert model["l"].calls[0].kwargs == {"initial_state": [Ref("b"), Ref("b")]}
    assert model["inner"].calls[0].args == ([Ref("b")],)
    assert (model.inputs, model.outputs) == ({"a": Ref("a")}, {"l": Ref("l")})
    assert model.notes == ["the file has no weights for: l"]


def test_optimizer_and_stray_arrays_are_listed_never_dropped(tmp_path: Path) -> None:
    path = legacy(tmp_path / "m.h5", sequential(given("i", 2), dense("d", 2)), {"d": dense_arrays("d/", 2, 2)})
    with h5py.File(path, "a") as file:
        file["optimizer_weights/Adam/m/kernel:0"] = numbers(2, 2)
        file["model_weights/stray"] = numbers(3)
    model = weightlens.load(path)
    assert [weight.path for weight in model.optimizer] == ["optimizer_weights/Adam/m/kernel:0"]
    assert [weight.path for weight in model.unplaced] == ["model_weights/stray"]
    assert model.size == 6 + 3


def test_lora_of_h5_is_merged(tmp_path: Path) -> None:
    bias, a, b, kernel = numbers(3), numbers(4, 2), numbers(2, 3), numbers(4, 3)
    arrays = {"d/bias": bias, "d/lora_kernel_a": a, "d/lora_kernel_b": b, "d/kernel": kernel}
    config = sequential(given("i", 4), dense("d", 3, lora_rank=2, lora_alpha=6))
    kept = weightlens.load(legacy(tmp_path / "m.h5", config, {"d": arrays}, "3.12.0"))["d"]
    assert list(kept.weights) == ["kernel", "bias"]
    assert np.allclose(kept.kernel, kernel + 3 * (a @ b), atol=1e-6)


def test_lora_inside_a_nested_model_is_merged(tmp_path: Path) -> None:
    """Keras lists what is trained first, so the kernels stand apart; an input and a dropout layer take none of them."""
    keras = pytest.importorskip("keras")
    layers = keras.layers
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.Dropout(0.5), layers.Dense(2)], name="inner")
    outer = keras.Sequential([keras.Input((4,)), inner])
    for place in (0, 2):
        inner.layers[place].enable_lora(2, b_initializer="ones")
    outer.save(tmp_path / "m.h5")
    x = numbers(5, 4)
    assert np.allclose(weightlens.load(tmp_path / "m.h5").predict(x)[0], outer(x), atol=1e-5)


def test_lora_of_attention_is_refused(keras: Any, tmp_path: Path) -> None:
    """The file does not say by how much it is multiplied: the settings of the projections are not in it."""
    x = keras.Input((4, 6))
    model = keras.Model(x, keras.layers.MultiHeadAttention(2, 3)(x, x))
    model.layers[1].query_dense.enable_lora(2, lora_alpha=6)
    model.save(tmp_path / "m.h5")
    with pytest.raises(UnsupportedLayer, match="the file has a query/lora_kernel_a"):
        weightlens.predict(tmp_path / "m.h5", numbers(1, 4, 6))
    model.save(tmp_path / "m.keras")
    weightlens.predict(tmp_path / "m.keras", numbers(1, 4, 6))  # there Keras has added it


@pytest.mark.parametrize("mode", ["", "int4"])
@pytest.mark.parametrize("use_bias", [False, True], ids=["no bias", "bias"])
def test_attention_inside_a_nested_model(keras: Any, tmp_path: Path, use_bias: bool, mode: str) -> None:
    """Its four kernels are its own; the layers beside it have kernels, or room for more arrays."""
    x = keras.Input((4, 6))
    y = keras.layers.LayerNormalization()(keras.layers.MultiHeadAttention(2, 3, use_bias=use_bias)(x, x))
    inner = keras.Model(x, keras.layers.MultiHeadAttention(1, 4, use_bias=use_bias)(keras.layers.Dense(6)(y), y))
    x = keras.Input((4, 6))
    model = keras.Model(x, inner(x))
    if mode:
        model.quantize(mode)
    model.save(tmp_path / "m.h5")
    inputs = np.random.default_rng(0).normal(size=(2, 4, 6))
    np.testing.assert_allclose(weightlens.load(tmp_path / "m.h5").predict(inputs)[0], np.asarray(model(inputs)), atol=1e-5)


def test_lambda_code_is_named_and_kept_out(tmp_path: Path) -> None:
    entry = layer("Lambda", "l", function=["YzE=", None, None], function_type="lambda")
    kept = weightlens.load(legacy(tmp_path / "m.h5", sequential(given("i", 4), entry), {"l": {}}))["l"]
    assert "never run" in kept.note
    assert "function" not in kept.config


def test_a_connection_that_tf_keras_lost(tmp_path: Path) -> None:
    """A layer shared with a nested model has the connection of the nested one in the outer graph as well; one tensor is left to read."""
    shared = node(dense("d", 2), [["x", 0, 0, {}]])
    inner = functional([node(given("x", 2)), shared], [["x", 0, 0]], [["d", 0, 0]], "inner")
    layers = [node(given("i", 2)), node(dense("e", 2), [["i", 0, 0, {}]]), shared, node(inner, [["d", 0, 0, {}]])]
    d, e = dense_arrays("d/", 2, 2), dense_arrays("e/", 2, 2)
    groups = {"i": {}, "e": e, "d": d, "inner": d}
    model = weightlens.load(legacy(tmp_path / "m.h5", functional(layers, [["i", 0, 0]], [["inner", 1, 0]]), groups))
    assert model["d"].calls[0].args == (Ref("e"),)
    x = np.array([[0.5, -1.0]])
    for arrays in (e, d, d):
        x = x @ arrays[next(n for n in arrays if "kernel" in n)] + arrays[next(n for n in arrays if "bias" in n)]
    np.testing.assert_allclose(model.predict([[0.5, -1.0]])[0], x, rtol=1e-6)
    read_twice = [*layers, node(layer("Add", "a"), [["inner", 1, 0, {}], ["e", 0, 0, {}]])]
    model = weightlens.load(legacy(tmp_path / "n.h5", functional(read_twice, [["i", 0, 0]], [["a", 0, 0]]), groups))
    with pytest.raises(UnreadableModel, match="layer 'x', which is not in the file"):
        model.predict(x)
