"""Files of Keras 3's saving library (``.keras``, ``.weights.h5``), tf.keras 2.12 and later included."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import weightlens
from tests.formats.build import archive, dense, functional, given, layer, legacy, node, numbered, numbers, objects, sequential, tensor
from weightlens.formats.weights.bare import assume_dense_stack
from weightlens.model import Ref


def one(name: str) -> list[dict[str, Any]]:
    return [{"args": [tensor(name)], "kwargs": {}}]


def three_dense(**where: str) -> dict[str, Any]:
    return sequential(
        given("i", 2, key="batch_shape"), dense("first", 2), layer("Dropout", "drop", rate=0.5), dense("second", 2), dense("third", 2)
    )


@pytest.mark.parametrize(
    ("version", "container", "numbers_of"),
    [("2.13.1", "_layer_checkpoint_dependencies", ("", "_2", "_4")), ("2.14.0", "_layer_checkpoint_dependencies", ("", "_1", "_2")),
     ("2.15.0", "layers", ("", "_1", "_2")), ("3.0.0", "layers", ("", "_1", "_2")), ("3.15.1", "layers", ("", "_1", "_2"))],
)  # fmt: skip
@pytest.mark.parametrize("separator", ["/", "\\"])
def test_members_are_counted_per_class(tmp_path: Path, version: str, container: str, numbers_of: tuple[str, ...], separator: str) -> None:
    kernels = [numbers(2, 2, seed=seed) for seed in range(3)]
    arrays = {path: array for number, kernel in zip(numbers_of, kernels, strict=True)
              for path, array in numbered(f"{container}{separator}dense{number}", kernel, numbers(2)).items()}  # fmt: skip
    model = weightlens.load(archive(tmp_path / "m.keras", three_dense(), arrays, version))
    assert not model.unplaced
    assert all(np.array_equal(model[name].kernel, kernel) for name, kernel in zip(("first", "second", "third"), kernels, strict=True))
    assert (model.provenance.keras_version, model.provenance.date) == (version, "2026-01-02 03:04:05")


@pytest.mark.parametrize("prefix", ["", "_"])
def test_attention_projections(tmp_path: Path, prefix: str) -> None:
    parts = {name: (numbers(4, 2, 3, seed=seed), numbers(2, 3)) for seed, name in enumerate(("query", "key", "value"))} | {
        "output": (numbers(2, 3, 4), numbers(4))
    }
    arrays = {
        path: array
        for name, pair in parts.items()
        for path, array in numbered(f"layers/multi_head_attention/{prefix}{name}_dense", *pair).items()
    }
    layers = [
        node(given("i", 5, 4, key="batch_shape")),
        node(layer("MultiHeadAttention", "m", num_heads=2, key_dim=3, use_bias=True), {"args": [tensor("i")] * 2, "kwargs": {}}),
    ]
    model = weightlens.load(archive(tmp_path / "m.keras", functional(layers, ["i", 0, 0], ["m", 0, 0]), arrays, "3.0.0"))
    assert np.array_equal(model["m"]["key/kernel"], parts["key"][0])
    assert np.array_equal(model["m"]["attention_output/bias"], parts["output"][1])
    assert model["m"].calls[0].args == (Ref("i"), Ref("i"))


def test_cells_wrappers_and_more_than_ten_variables(tmp_path: Path) -> None:
    cell = (numbers(3, 8), numbers(2, 8), numbers(8))
    lstm = layer("LSTM", "l", units=2, activation="tanh", recurrent_activation="sigmoid", return_sequences=True)
    both = layer("Bidirectional", "bi", layer=lstm, merge_mode="sum")
    cells = layer("StackedRNNCells", "st", cells=[layer("LSTMCell", "x", units=2), layer("LSTMCell", "x", units=2)])
    arrays = numbered("layers/lstm/cell", *cell)
    arrays |= {
        path: array + seed
        for seed, way in enumerate(("forward", "backward"))
        for path, array in numbered(f"layers/bidirectional/{way}_layer/cell", *cell).items()
    }
    arrays |= {
        path: array + seed
        for seed, name in enumerate(("lstm_cell", "lstm_cell_1"))
        for path, array in numbered(f"layers/rnn/cell/cells/{name}", *cell).items()
    }
    arrays |= numbered("optimizer", *(np.float32(number) for number in range(12)))
    config = sequential(given("i", 5, 3, key="batch_shape"), lstm, both, layer("RNN", "r", cell=cells))
    model = weightlens.load(archive(tmp_path / "m.keras", config, arrays))
    assert not model.unplaced
    assert [float(weight.value) for weight in model.optimizer] == [0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9]
    assert np.array_equal(model["l"].kernel, cell[0])
    assert np.array_equal(model["bi"]["backward_layer/kernel"], cell[0] + 1)
    assert np.array_equal(model["r"]["cell/cells/1/recurrent_kernel"], cell[1] + 1)


def test_absent_parts_close_the_gap(tmp_path: Path) -> None:
    arrays = numbered("layers/batch_normalization", *(numbers(4, seed=seed) for seed in range(3)))
    config = sequential(given("i", 4, key="batch_shape"), layer("BatchNormalization", "b", scale=False, center=True, epsilon=1e-3, axis=-1))
    assert list(weightlens.load(archive(tmp_path / "m.keras", config, arrays))["b"].weights) == ["beta", "moving_mean", "moving_variance"]


@pytest.mark.parametrize("named", [True, False])
def test_a_layer_shared_with_a_nested_model_is_stored_once(tmp_path: Path, named: bool) -> None:
    inner = functional([node(given("x", 2, key="batch_shape")), node(dense("fd", 2), *one("x"))], ["x", 0, 0], ["fd", 0, 0], "inner")
    layers = [
        node(given("i", 2, key="batch_shape")),
        node(inner, *one("i")),
        node(dense("fd", 2), *one("inner")),
        node(dense("own", 2), *one("fd")),
    ]
    arrays = numbered("layers/functional/layers/dense", numbers(2, 2), numbers(2)) | numbered(
        "layers/dense_1", numbers(2, 2, seed=1), numbers(2)
    )
    names = {"layers/functional/layers/dense": "fd", "layers/dense_1": "own"} if named else {}
    model = weightlens.load(archive(tmp_path / "m.keras", functional(layers, ["i", 0, 0], ["own", 0, 0]), arrays, names=names))
    assert np.array_equal(model["fd"].kernel, model["inner/fd"].kernel)
    assert np.array_equal(model["own"].kernel, numbers(2, 2, seed=1))


def test_a_subclassed_model_shows_its_arrays(tmp_path: Path) -> None:
    entry = {"module": None, "class_name": "Mine", "config": {"trainable": True}, "registered_name": "Custom>Mine"}
    arrays = (
        numbered("blk/d1", numbers(2, 3), numbers(3))
        | numbered("heads/container/dense", numbers(3, 1), numbers(1))
        | numbered("heads/container_1/dense", numbers(3, 1))
    )
    model = weightlens.load(archive(tmp_path / "m.keras", entry, arrays))
    assert model.class_name == "Custom>Mine"
    assert sum(len(kept.weights) for kept in model) == 5
    assert {kept.name for kept in model} == {"blk/d1", "heads/container/dense", "heads/container_1/dense"}


def test_somebody_elses_dense_is_not_keras_dense(tmp_path: Path) -> None:
    entry = {"module": "my.layers", "class_name": "Dense", "registered_name": "my>Dense", "config": {"name": "d", "units": 2}}
    model = weightlens.load(
        archive(tmp_path / "m.keras", sequential(given("i", 2, key="batch_shape"), entry), numbered("layers/dense", numbers(2, 2)))
    )
    assert model["d"].class_name == "my>Dense"
    assert len(model["d"].weights) == 1
    with pytest.raises(weightlens.UnsupportedLayer):
        model.predict(numbers(1, 2))


def test_unpacked_deflated_and_windowed_files_read_alike(tmp_path: Path) -> None:
    arrays = numbered("layers/dense", numbers(2, 2), numbers(2))
    config = sequential(given("i", 2, key="batch_shape"), dense("d", 2))
    stored, deflated = archive(tmp_path / "a.keras", config, arrays), archive(tmp_path / "b.keras", config, arrays, compress=True)
    with zipfile.ZipFile(stored) as file:
        file.extractall(tmp_path / "c")
    for path in (stored, deflated, tmp_path / "c"):
        model = weightlens.load(path)
        assert np.array_equal(model["d"].kernel, arrays["layers/dense/vars/0"])
        assert np.array_equal(model["d"].own_weights["kernel"].read_part((0, slice(1))), arrays["layers/dense/vars/0"][0, :1])


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as file:
        file.writestr("config.json", json.dumps(sequential(given("i", 2, key="batch_shape"))))
        file.writestr("model.weights.npz", b"PK")
    with pytest.raises(weightlens.UnreadableModel, match="pickled"):
        weightlens.load(tmp_path / "m.keras")


def test_sharded_weights(tmp_path: Path) -> None:
    arrays = numbered("layers/dense", numbers(2, 2), numbers(2)) | numbered("layers/dense_1", numbers(2, 2, seed=1), numbers(2))
    first, *rest = arrays
    objects(tmp_path / "m_00000.weights.h5", {first: arrays[first]})
    objects(tmp_path / "m_00001.weights.h5", {path: arrays[path] for path in rest})
    shards = {"/layers/dense/vars": ["m_00000.weights.h5", "m_00001.weights.h5"], "/layers/dense_1/vars": "m_00001.weights.h5"}
    (tmp_path / "m.weights.json").write_text(json.dumps({"metadata": {"total_size": 48}, "weight_map": shards}))
    bare = weightlens.load(tmp_path / "m.weights.json")
    assert {name: list(kept.weights) for name, kept in ((kept.name, kept) for kept in bare)} == {
        "dense": ["kernel", "bias"],
        "dense_1": ["kernel", "bias"],
    }
    (tmp_path / "m.json").write_text(json.dumps(sequential(given("i", 2, key="batch_shape"), dense("a", 2), dense("b", 2))))
    assert np.array_equal(weightlens.load(tmp_path / "m.weights.json")["b"].kernel, numbers(2, 2, seed=1))
    (tmp_path / "m.weights.json").write_text(json.dumps({"weight_map": {"/x": "../secret.h5"}}))
    with pytest.raises(weightlens.UnreadableModel, match="not in the folder of its manifest"):
        weightlens.load(tmp_path / "m.weights.json")


def test_weights_without_an_architecture(tmp_path: Path) -> None:
    arrays = (
        numbered("layers/dense", numbers(3, 2), numbers(2))
        | numbered("layers/dense_1", numbers(2, 4), numbers(4))
        | numbered("layers/lstm/cell", numbers(2, 8))
    )
    objects(tmp_path / "m.weights.h5", arrays)
    model = weightlens.load(tmp_path / "m.weights.h5")
    assert (model.class_name, [kept.name for kept in model]) == ("", ["dense", "dense_1", "lstm/cell"])
    assert list(model["dense"].weights) == ["kernel", "bias"]
    assert model.notes == ["weights without an architecture"]


def test_a_stack_of_dense_layers_can_be_assumed(tmp_path: Path) -> None:
    arrays = numbered("layers/dense", numbers(3, 2), numbers(2)) | numbered("layers/dense_1", numbers(2, 4))
    objects(tmp_path / "m.weights.h5", arrays)
    model = assume_dense_stack(weightlens.load(tmp_path / "m.weights.h5"), "dense:relu,linear")
    x = numbers(5, 3).astype(float)
    assert np.allclose(model.predict(x)[0], np.maximum(x @ numbers(3, 2) + numbers(2), 0) @ numbers(2, 4))
    for wrong in ("dense:relu", "dense:relu,relu,relu", "conv:relu,relu", "dense"):
        with pytest.raises(weightlens.BadInput):
            assume_dense_stack(weightlens.load(tmp_path / "m.weights.h5"), wrong)


def test_matrices_that_do_not_follow_each_other_are_refused(tmp_path: Path) -> None:
    objects(tmp_path / "m.weights.h5", numbered("layers/dense", numbers(3, 2)) | numbered("layers/dense_1", numbers(3, 4)))
    with pytest.raises(weightlens.BadInput, match="does not follow"):
        assume_dense_stack(weightlens.load(tmp_path / "m.weights.h5"), "dense:relu,linear")


def policy(mode: str) -> dict[str, Any]:
    return {"module": "keras.dtype_policies", "class_name": "QuantizedDTypePolicy", "config": {"mode": mode, "source_name": "float32"}}


def pack(q: np.ndarray, axis: int) -> np.ndarray:
    q = np.moveaxis(q, axis, 0)
    q = np.concatenate([q, np.zeros((len(q) % 2, *q.shape[1:]), q.dtype)])
    return np.moveaxis(((q[0::2] & 15) | (q[1::2] << 4)).astype(np.int8), 0, axis)


def test_int8_keeps_its_integers_and_scale(tmp_path: Path) -> None:
    q, scale = np.arange(-4, 4, dtype=np.int8).reshape(4, 2), np.array([10, 20], np.float32)
    config = sequential(given("i", 4, key="batch_shape"), dense("d", 2, use_bias=False, dtype=policy("int8")))
    kept = weightlens.load(archive(tmp_path / "m.keras", config, numbered("layers/dense", q, scale)))["d"]
    assert (kept.config["dtype"], kept.config["quantization_mode"], list(kept.weights)) == ("float32", "int8", ["kernel", "kernel_scale"])
    assert np.array_equal(kept.kernel, q)


def test_int8_whose_inputs_are_not_rounded_is_restored(tmp_path: Path) -> None:
    q, scale = np.arange(-4, 4, dtype=np.int8).reshape(4, 2), np.array([10, 20], np.float32)
    settings = {"class_name": "Int8QuantizationConfig", "config": {"activation_quantizer": None}}
    entry = dense("d", 2, use_bias=False, dtype=policy("int8"), quantization_config=settings)
    kept = weightlens.load(
        archive(tmp_path / "m.keras", sequential(given("i", 4, key="batch_shape"), entry), numbered("layers/dense", q, scale))
    )["d"]
    assert np.allclose(kept.kernel, q / scale)
    assert list(kept.weights) == ["kernel"]


@pytest.mark.parametrize("units", [3, 4])
def test_int4_per_group_is_restored(tmp_path: Path, units: int) -> None:
    q = np.random.default_rng(0).integers(-8, 8, (5, units)).astype(np.int8)
    scale, zero, groups = np.abs(numbers(2, units)), np.ones((2, units), np.int8), np.array([0, 0, 0, 1, 1], np.float32)
    config = sequential(given("i", 5, key="batch_shape"), dense("d", units, dtype=policy("int4/3")))
    kept = weightlens.load(
        archive(tmp_path / "m.keras", config, numbered("layers/dense", pack(q, -1), numbers(units), scale, zero, groups))
    )["d"]
    assert list(kept.weights) == ["kernel", "bias"]
    assert np.allclose(kept.kernel, (q - 1.0) * scale[groups.astype(int)])


def test_int4_before_3_14_is_packed_along_its_inputs(tmp_path: Path) -> None:
    q = np.random.default_rng(0).integers(-8, 8, (5, 3)).astype(np.int8)
    entry = {**dense("d", 3, dtype=policy("int4")), "build_config": {"input_shape": [None, 5]}}
    config = sequential(given("i", 5, key="batch_shape"), entry)
    kept = weightlens.load(
        archive(tmp_path / "m.keras", config, numbered("layers/dense", pack(q, 0), numbers(3), np.ones(3, np.float32)), "3.12.0")
    )["d"]
    assert np.array_equal(kept.kernel, q)
    assert list(kept.weights) == ["kernel", "bias", "kernel_scale"]


@pytest.mark.parametrize("group", [2, -1, np.nan, 1e30])
def test_a_group_that_there_is_not(tmp_path: Path, group: float) -> None:
    arrays = [np.ones((2, 1), np.int8), numbers(2), numbers(2, 2), np.ones((2, 2), np.int8), np.array([0, group], np.float32)]
    config = sequential(given("i", 2, key="batch_shape"), dense("d", 2, dtype=policy("int4/1")))
    model = weightlens.load(archive(tmp_path / "m.keras", config, numbered("layers/dense", *arrays)))
    with pytest.raises(weightlens.UnreadableModel, match="do not belong together"):
        model["d"].kernel  # noqa: B018 - reading is the point


@pytest.mark.parametrize(("mode", "extra"), [("int8", ()), ("int4", ()), ("int4/3", ("zero", "g_idx"))])
def test_lora_beside_whole_numbers(tmp_path: Path, mode: str, extra: tuple[str, ...]) -> None:
    """In ``.h5`` files of Keras 3 the two stay apart; with four-bit numbers there may be as many arrays as without LoRA."""
    q = np.random.default_rng(0).integers(-8, 8, (5, 3)).astype(np.int8)
    a, b, groups = numbers(5, 2), numbers(2, 3), np.array([0, 0, 0, 1, 1], np.float32)
    scale = np.abs(numbers(2, 3)) if extra else np.array([10, 20, 30], np.float32)
    arrays = {"d/bias": numbers(3), "d/lora_kernel_a": a, "d/lora_kernel_b": b, "d/kernel": q if mode == "int8" else pack(q, -1),
              "d/kernel_scale": scale} | ({"d/kernel_zero": np.ones((2, 3), np.int8), "d/g_idx": groups} if extra else {})  # fmt: skip
    entry = dense("d", 3, dtype=policy(mode), lora_rank=2, lora_alpha=6)
    model = weightlens.load(legacy(tmp_path / "m.h5", sequential(given("i", 5, key="batch_shape"), entry), {"d": arrays}, "3.15.1"))
    x = numbers(4, 5, seed=1).astype(float)
    if mode == "int8":
        assert list(model["d"].weights) == ["kernel", "bias", "kernel_scale", "lora_kernel"]
        size = 127 / (np.abs(x).max(axis=1, keepdims=True) + 1e-7)
        product = np.rint(x * size) @ q / (size * scale)
    else:
        assert list(model["d"].weights) == ["kernel", "bias"]
        product = x @ ((q - 1.0) * scale[groups.astype(int)] if extra else q / scale)
    assert np.allclose(model.predict(x)[0], product + 3 * (x @ a @ b) + numbers(3), atol=1e-5)


def test_lora_of_an_embedding_of_whole_numbers(tmp_path: Path) -> None:
    q, scale, a, b = np.arange(-6, 6, dtype=np.int8).reshape(4, 3), np.array([1, 2, 3, 4], np.float32), numbers(4, 2), numbers(2, 3)
    arrays = {"e/lora_embeddings_a": a, "e/lora_embeddings_b": b, "e/embeddings": q, "e/embeddings_scale": scale}
    entry = layer("Embedding", "e", input_dim=4, output_dim=3, lora_rank=2, lora_alpha=2)
    entry["config"]["dtype"] = policy("int8")
    model = weightlens.load(legacy(tmp_path / "m.h5", sequential(given("i", 2), entry), {"e": arrays}, "3.15.1"))
    assert np.allclose(model["e"].embeddings, q / scale[:, None] + a @ b, atol=1e-6)


def test_an_int4_einsum_whose_kernel_has_no_shape_in_the_file(tmp_path: Path) -> None:
    q = np.random.default_rng(0).integers(-8, 8, (6, 4)).astype(np.int8)
    scale = np.array([10, 20, 30, 40], np.float32)
    arrays = {"d/kernel": pack(q, -1), "d/kernel_scale": scale}
    entry = layer("EinsumDense", "d", equation="abde,dec->abc", output_shape=[None, 4], activation="linear")
    entry["config"]["dtype"] = policy("int4")
    model = weightlens.load(legacy(tmp_path / "m.h5", sequential(given("i", 5, 2, 3, key="batch_shape"), entry), {"d": arrays}, "3.15.1"))
    x = numbers(2, 5, 2, 3).astype(float)
    assert np.allclose(model.predict(x)[0], np.einsum("abde,dec->abc", x, (q / scale).reshape(2, 3, 4)), atol=1e-5)


def test_gptq_is_restored(tmp_path: Path) -> None:
    q = np.random.default_rng(0).integers(0, 16, (3, 4)).astype(np.uint8)  # units, inputs
    scale, zero, groups = np.abs(numbers(3, 2)), np.full((3, 2), 8, np.uint8), np.array([0, 0, 1, 1], np.float32)
    config = sequential(given("i", 4, key="batch_shape"), dense("d", 3, dtype=policy("gptq/4/2")))
    packed = pack(q, 0).view(np.uint8)
    kept = weightlens.load(archive(tmp_path / "m.keras", config, numbered("layers/dense", numbers(3), packed, scale, zero, groups)))["d"]
    index = groups.astype(int)
    assert np.allclose(kept.kernel, ((q - zero[:, index].astype(float)) * scale[:, index]).T)


def test_a_vocabulary_is_read_from_the_assets(tmp_path: Path) -> None:
    config = sequential(
        given("i", key="batch_shape"), layer("StringLookup", "s", vocabulary=None), layer("StringLookup", "t", vocabulary=None)
    )
    assets = {f"assets/layers/{name}/vocabulary.txt": f"\n[UNK]\n{name}" for name in ("string_lookup", "string_lookup_1")}
    model = weightlens.load(archive(tmp_path / "m.keras", config, {}, extra=assets))
    assert model["t"].config["vocabulary"] == ["", "[UNK]", "string_lookup_1"]


def test_nested_models_count_their_calls_as_keras_3_does(tmp_path: Path) -> None:
    inner = functional([node(given("x", 2, key="batch_shape")), node(dense("d", 2), *one("x"))], ["x", 0, 0], ["d", 0, 0], "inner")
    layers = [node(given("i", 2, key="batch_shape")), node(inner, *one("i"), {"args": [tensor("inner", 0)], "kwargs": {}})]
    for output, call in ((1, 0), (2, 1)):
        model = weightlens.load(
            archive(
                tmp_path / f"{output}.keras",
                functional(layers, ["i", 0, 0], ["inner", output, 0]),
                numbered("layers/functional/layers/dense", numbers(2, 2), numbers(2)),
            )
        )
        assert model.outputs == [Ref("inner", call)]
        assert [found.args for found in model["inner"].calls] == [(Ref("i"),), (Ref("inner"),)]


def test_only_what_is_asked_for_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = archive(
        tmp_path / "m.keras",
        sequential(given("i", 2, key="batch_shape"), dense("d", 2)),
        numbered("layers/dense", numbers(2, 2), numbers(2)),
    )
    read: list[str] = []
    monkeypatch.setattr(
        h5py.Dataset, "__getitem__", lambda self, key, real=h5py.Dataset.__getitem__: (read.append(self.name), real(self, key))[1]
    )
    model = weightlens.load(path)
    assert (model.size, read) == (6, [])
    assert model["d"].bias.shape == (2,)
    assert read == ["/layers/dense/vars/1"]
