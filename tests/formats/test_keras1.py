"""Files of Keras 0 and 1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import weightlens
from tests.formats.build import Arrays, legacy, numbers
from weightlens.model import Ref


def old(class_name: str, name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": {"name": name, "trainable": True, **config}}


def stack(*layers: dict[str, Any]) -> dict[str, Any]:
    return {"class_name": "Sequential", "config": list(layers)}


def gates(prefix: str, letters: str, features: int, units: int) -> Arrays:
    sizes = {"W": (features, units), "U": (units, units), "b": (units,)}
    return {f"{prefix}_{kind}_{gate}": numbers(*size, seed=ord(gate)) for gate in letters for kind, size in sizes.items()}


@pytest.mark.parametrize(("class_name", "stored", "wanted"), [("LSTM", "icfo", "ifco"), ("GRU", "zrh", "zrh")])
def test_an_array_per_gate(tmp_path: Path, class_name: str, stored: str, wanted: str) -> None:
    arrays = gates("r", stored, 3, 2)
    entry = old(
        class_name,
        "r",
        output_dim=2,
        activation="tanh",
        inner_activation="hard_sigmoid",
        batch_input_shape=[None, 4, 3],
        consume_less="cpu",
    )
    kept = weightlens.load(legacy(tmp_path / "m.h5", stack(entry), {"r": arrays}, "1.2.2", ""))["r"]
    assert (kept.config["units"], kept.config["recurrent_activation"]) == (2, "hard_sigmoid_keras2")
    for letter, name in (("W", "kernel"), ("U", "recurrent_kernel"), ("b", "bias")):
        assert np.array_equal(kept.own_weights[name].value, np.concatenate([arrays[f"r_{letter}_{gate}"] for gate in wanted], axis=-1))
    assert f"r_W_{wanted[-1]}" in kept.own_weights["kernel"].path


@pytest.mark.parametrize("stored", ["old", "new"])
def test_convolution_1d_was_a_narrow_picture(tmp_path: Path, stored: str) -> None:
    kernel = numbers(3, 2, 4)  # length, in, out
    array = kernel.transpose(2, 1, 0)[..., None] if stored == "old" else kernel[:, None]
    entry = old(
        "Convolution1D",
        "c",
        nb_filter=4,
        filter_length=3,
        subsample_length=2,
        border_mode="same",
        activation="relu",
        batch_input_shape=[None, 9, 2],
    )
    kept = weightlens.load(legacy(tmp_path / "m.h5", stack(entry), {"c": {"c_W": array, "c_b": numbers(4)}}, "1.1.0", ""))["c"]
    assert kept.class_name == "Conv1D"
    assert (kept.config["filters"], kept.config["kernel_size"], kept.config["strides"], kept.config["padding"]) == (4, [3], [2], "same")
    assert np.array_equal(kept.kernel, kernel)


@pytest.mark.parametrize(("suffix", "flip"), [("", True), (":0", False)])
def test_theano_order_and_theano_itself(tmp_path: Path, suffix: str, flip: bool) -> None:
    array = numbers(4, 2, 3, 5)  # out, in, rows, columns
    entry = old(
        "Convolution2D",
        "c",
        nb_filter=4,
        nb_row=3,
        nb_col=5,
        subsample=[1, 1],
        border_mode="valid",
        dim_ordering="th",
        batch_input_shape=[None, 2, 9, 9],
    )
    kept = weightlens.load(
        legacy(tmp_path / "m.h5", stack(entry), {"c": {f"c_W{suffix}": array, f"c_b{suffix}": numbers(4)}}, "1.2.0", "")
    )["c"]
    expected = array.transpose(2, 3, 1, 0)
    assert kept.config["data_format"] == "channels_first"
    assert np.array_equal(kept.kernel, expected[::-1, ::-1] if flip else expected)


@pytest.mark.parametrize("version", ["1.0.5", "1.2.0"])
def test_running_std_was_a_deviation(tmp_path: Path, version: str) -> None:
    arrays = {
        f"b_{name}": np.abs(numbers(3, seed=seed)) + 0.1 for seed, name in enumerate(("gamma", "beta", "running_mean", "running_std"))
    }
    entry = old("BatchNormalization", "b", mode=0, axis=-1, epsilon=1e-3, batch_input_shape=[None, 3])
    kept = weightlens.load(legacy(tmp_path / "m.h5", stack(entry), {"b": arrays}, version, ""))["b"]
    stored, variance = arrays["b_running_std"], kept.moving_variance
    assert np.allclose(np.sqrt(variance + 1e-3), stored + 1e-3 if version == "1.0.5" else np.sqrt(stored + 1e-3), atol=1e-6)


def test_modes_without_a_successor_keep_a_name_of_their_own(tmp_path: Path) -> None:
    entry = old("BatchNormalization", "b", mode=2, epsilon=1e-3, batch_input_shape=[None, 3])
    arrays = {f"b_{name}": numbers(3) for name in ("gamma", "beta", "running_mean", "running_std")}
    kept = weightlens.load(legacy(tmp_path / "m.h5", stack(entry), {"b": arrays}, "1.2.0", ""))["b"]
    assert kept.class_name == "BatchNormalization (mode 2)"
    assert len(kept.weights) == 4


def test_layers_that_were_renamed(tmp_path: Path) -> None:
    entries = [
        old("TimeDistributedDense", "t", output_dim=2, bias=True, activation="linear", batch_input_shape=[None, 4, 3]),
        old("Dropout", "d", p=0.25), old("UpSampling1D", "u", length=3),
        old("MaxPooling1D", "p", pool_length=2, stride=None, border_mode="valid"),
        old("AtrousConvolution1D", "a", nb_filter=1, filter_length=2, atrous_rate=2, border_mode="valid"),
        old("Highway", "h", activation="relu", bias=True),
    ]  # fmt: skip
    arrays = {
        "t": {"t_W": numbers(3, 2), "t_b": numbers(2)},
        "h": {"h_W": numbers(2, 2), "h_W_carry": numbers(2, 2, seed=1), "h_b": numbers(2), "h_b_carry": numbers(2)},
    }
    model = weightlens.load(legacy(tmp_path / "m.h5", stack(*entries), arrays, "1.2.2", ""))
    assert [kept.class_name for kept in model][1:] == ["Dense", "Dropout", "UpSampling1D", "MaxPooling1D", "Conv1D", "Highway"]
    assert (model["d"].config["rate"], model["u"].config["size"], model["p"].config["pool_size"]) == (0.25, 3, 2)
    assert model["a"].config["dilation_rate"] == [2]
    assert np.array_equal(model["h"].gate_kernel, arrays["h"]["h_W_carry"])


def test_merge_of_branches_becomes_a_graph(tmp_path: Path) -> None:
    def branch(name: str) -> dict[str, Any]:
        return stack(old("Dense", name, output_dim=2, bias=True, activation="linear", batch_input_shape=[None, 3]))

    config = stack(
        old("Merge", "m", mode="concat", concat_axis=-1, layers=[branch("a"), branch("b")]),
        old("Dense", "d", output_dim=1, bias=True, activation="linear"),
    )
    arrays = {
        name: {f"{name}_W": numbers(rows, units, seed=rows), f"{name}_b": numbers(units)}
        for name, rows, units in (("a", 3, 2), ("b", 3, 2), ("d", 4, 1))
    }
    model = weightlens.load(legacy(tmp_path / "m.h5", config, arrays, "1.2.2", ""))
    assert len(model.inputs) == 2
    assert not model.unplaced
    x = numbers(5, 3).astype(float)
    both = np.hstack([x @ arrays[name][f"{name}_W"].astype(float) + arrays[name][f"{name}_b"] for name in "ab"])
    assert np.allclose(model.predict([x, x])[0], both @ arrays["d"]["d_W"].astype(float) + arrays["d"]["d_b"])


def test_a_branch_that_merges_branches_itself(tmp_path: Path) -> None:
    def branch(name: str) -> dict[str, Any]:
        return stack(old("Dense", name, output_dim=2, bias=True, activation="linear", batch_input_shape=[None, 3]))

    inner = stack(old("Merge", "m", mode="sum", layers=[branch("a"), branch("b")]), old("Activation", "t", activation="tanh"))
    config = stack(old("Merge", "n", mode="concat", concat_axis=-1, layers=[inner, branch("c")]), old("Activation", "u", activation="relu"))
    arrays = {name: {f"{name}_W": numbers(3, 2, seed=seed), f"{name}_b": numbers(2, seed=seed)} for seed, name in enumerate("abc")}
    model = weightlens.load(legacy(tmp_path / "m.h5", config, arrays, "1.2.2", ""))
    x = [numbers(4, 3, seed=seed).astype(float) for seed in range(3)]
    a, b, c = (given @ arrays[name][f"{name}_W"].astype(float) + arrays[name][f"{name}_b"] for given, name in zip(x, "abc", strict=True))
    assert np.allclose(model.predict(x)[0], np.maximum(np.hstack([np.tanh(a + b), c]), 0))


def write_numbered(path: Path, layers: list[list[np.ndarray]]) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["nb_layers"] = len(layers)
        for number, arrays in enumerate(layers):
            group = file.create_group(f"layer_{number}")
            group.attrs["nb_params"] = len(arrays)
            for position, array in enumerate(arrays):
                group[f"param_{position}"] = array


@pytest.mark.parametrize("suffix", [".json", ".yaml", ".arch.json"])
def test_keras_0_layers_are_numbered_and_its_architecture_lies_beside(tmp_path: Path, suffix: str) -> None:
    many = [[numbers(3, 3, seed=seed), numbers(3)] for seed in range(11)]
    write_numbered(tmp_path / "m.h5", [[], *many])
    layers: list[dict[str, Any]] = [{"name": "Activation", "custom_name": "activation", "activation": "relu", "input_shape": [3]}]
    layers += [{"name": "Dense", "custom_name": "dense", "output_dim": 3, "activation": "tanh"} for _ in many]
    text = json.dumps({"name": "Sequential", "layers": layers, "loss": "mse"})
    if suffix == ".yaml":
        text = "name: Sequential\nlayers:\n" + "".join(
            f"- {json.dumps(entry)}\n".replace('"input_shape": [3]', '"input_shape": !!python/tuple [3]') for entry in layers
        )
    (tmp_path / f"m{suffix}").write_text(text)
    model = weightlens.load(tmp_path / "m.h5")
    assert [kept.name for kept in model][:4] == ["activation_input", "activation", "dense", "dense_2"]
    assert np.array_equal(model["dense_11"].kernel, many[10][0])
    assert model.layers[0].config["batch_shape"] == [None, 3]


def test_keras_0_graph_is_one_list(tmp_path: Path) -> None:
    arrays = [numbers(3, 2), numbers(2), numbers(3, 2, seed=1), numbers(2, seed=1), numbers(4, 1), numbers(1)]
    with h5py.File(tmp_path / "m.h5", "w") as file:
        group = file.create_group("graph")
        group.attrs["nb_params"] = len(arrays)
        for number, array in enumerate(arrays):
            group[f"param_{number}"] = array
    dense = {"name": "Dense", "output_dim": 2, "activation": "linear"}
    config = {
        "name": "Graph", "input_config": [{"name": "x", "input_shape": [3]}],
        "node_config": [{"name": "a", "input": "x", "inputs": []}, {"name": "b", "input": "x", "inputs": []},
                        {"name": "c", "input": None, "inputs": ["a", "b"], "merge_mode": "concat", "concat_axis": -1}],
        "nodes": {"a": dense, "b": dense, "c": {**dense, "output_dim": 1}}, "output_config": [{"name": "y", "input": "c", "inputs": []}],
    }  # fmt: skip
    (tmp_path / "m.json").write_text(json.dumps(config))
    model = weightlens.load(tmp_path / "m.h5")
    assert model.outputs == [Ref("c")]
    x = numbers(5, 3).astype(float)
    both = np.hstack([x @ arrays[0] + arrays[1], x @ arrays[2] + arrays[3]])
    assert np.allclose(model.predict(x)[0], both @ arrays[4] + arrays[5])
