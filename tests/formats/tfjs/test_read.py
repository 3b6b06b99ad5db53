"""TensorFlow.js models in every form that they come in, and every way in which they can lie."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

import weightlens
from tests.formats.build import dense, dense_arrays, given, layer, legacy, node, numbers, sequential
from tests.formats.test_foreign import said
from tests.formats.tfjs.build import ARRAYS, STACK, X, group, listed, model_json, whole, written, zipped
from weightlens.cli.main import main
from weightlens.engine.faults import every_fault
from weightlens.errors import UnreadableModel, UnsupportedLayer

TOTAL = sum(array.nbytes for array in ARRAYS.values())


def expected() -> np.ndarray:
    """What the stack gives, worked out here."""
    hidden = np.maximum(X @ ARRAYS["a/kernel"] + ARRAYS["a/bias"], 0)
    z = np.exp(hidden @ ARRAYS["b/kernel"] + ARRAYS["b/bias"])
    return z / z.sum(1, keepdims=True)


def answer(path: Path) -> np.ndarray:
    return weightlens.load(path).predict(X)[0]


def camel(value: Any) -> Any:
    """A configuration with the keys of JavaScript."""

    def renamed(key: str) -> str:
        first, *rest = key.split("_")
        return first + "".join(word.title() for word in rest)

    if isinstance(value, dict):
        return {renamed(key): camel(item) for key, item in value.items()}
    return [camel(item) for item in value] if isinstance(value, list) else value


SPELLINGS: dict[str, Callable[[], Any]] = {
    "TensorFlow.js": lambda: {**STACK, "keras_version": "tfjs-layers 4.22.0", "backend": "tensor_flow.js"},
    "converter": lambda: {"keras_version": "2.4.0", "backend": "tensorflow", "model_config": STACK, "training_config": {"loss": "mse"}},
    "JavaScript": lambda: camel(STACK),
    "JavaScript within": lambda: {"modelConfig": camel(STACK)},
    "text": lambda: json.dumps(STACK),
    "text within": lambda: {"keras_version": "2.4.0", "model_config": json.dumps(STACK)},
    "list": lambda: sequential(*STACK["config"]["layers"], aslist=True),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_the_architecture(tmp_path: Path, spelling: str) -> None:
    folder = written(tmp_path / "m", whole(SPELLINGS[spelling]()))
    np.testing.assert_allclose(answer(folder), expected(), rtol=1e-6)
    np.testing.assert_array_equal(answer(folder / "model.json"), answer(folder))


@pytest.mark.parametrize("cuts", [(), (4,), (1, 7, 50), tuple(range(1, TOTAL))])
def test_shards_may_be_cut_anywhere(tmp_path: Path, cuts: tuple[int, ...]) -> None:
    np.testing.assert_allclose(answer(written(tmp_path / "m", whole(None, None, *cuts))), expected(), rtol=1e-6)


def test_several_groups_in_any_order_and_other_names_of_the_file(tmp_path: Path) -> None:
    parts = [group({name: array}, stem=f"w{i}") for i, (name, array) in enumerate(reversed(ARRAYS.items()))]
    manifest = [{**entry, "paths": [f"./{name}" for name in entry["paths"]]} for entry, _ in parts]
    files = {name: data for _, found in parts for name, data in found.items()}
    folder = written(tmp_path / "m", {"my model.json": model_json(STACK, manifest), **files})
    np.testing.assert_allclose(answer(folder / "my model.json"), expected(), rtol=1e-6)


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("inside", ["", "tm-my-image-model/"])
def test_a_zip(tmp_path: Path, how: int, inside: str) -> None:
    np.testing.assert_allclose(answer(zipped(tmp_path / "m.zip", whole(None, None, 33), how, inside)), expected(), rtol=1e-6)


@pytest.mark.parametrize(("stored", "tolerance"), [("uint8", 0.02), ("uint16", 1e-4), ("float16", 2e-3)])
def test_quantised_weights(tmp_path: Path, stored: str, tolerance: float) -> None:
    """As TensorFlow.js reads them: number * scale + min; float16 as it is."""
    entries, data, wanted = [], b"", {}
    for name, array in ARRAYS.items():
        said_of: dict[str, Any] = {"dtype": stored, "original_dtype": "float32"}
        raw = array.astype("<f2")
        if stored != "float16":
            said_of |= {"scale": float(np.ptp(array)) / (2 ** int(stored[4:]) - 1), "min": float(array.min())}
            raw = np.round((array - said_of["min"]) / said_of["scale"]).astype(stored)
        wanted[name] = raw.astype(float) * said_of.get("scale", 1) + said_of.get("min", 0)
        entries.append(listed(name, array, quantization=said_of))
        data += raw.tobytes()
    files = {"model.json": model_json(STACK, [{"paths": ["w.bin"], "weights": entries}]), "w.bin": data}
    model = weightlens.load(written(tmp_path / "m", files))
    for name, weight in model.weights.items():
        np.testing.assert_allclose(weight.value, wanted[name], rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(weight.value, ARRAYS[name], atol=tolerance)


def test_whole_numbers_are_rounded_as_javascript_does(tmp_path: Path) -> None:
    table = listed("a/kernel", np.zeros((1, 4)), dtype="int32", quantization={"dtype": "uint8", "scale": 0.5, "min": -1})
    files = {"model.json": model_json(sequential(given("i", 1), dense("a", 4, use_bias=False)), [{"paths": ["w.bin"], "weights": [table]}]),
             "w.bin": bytes([0, 1, 3, 6])}  # fmt: skip
    assert weightlens.load(written(tmp_path / "m", files))["a"].kernel.tolist() == [[-1, 0, 1, 2]]


def test_class_names_of_teachable_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {**whole(), "metadata.json": json.dumps({"tmVersion": "2.4.7", "labels": ["cat", "=dog"]}).encode()}
    for path in (written(tmp_path / "m", files), zipped(tmp_path / "m.zip", files)):
        model = weightlens.load(path)
        assert model.class_labels == ["cat", "=dog"]
        assert main(["predict", str(path), "-i", "1,2,3"]) == 0
        assert capsys.readouterr().out.splitlines()[0] == "cat,'=dog"
        weightlens.export(model, tmp_path / "m.xlsx", X)
        cells = [cell.value for sheet in openpyxl.load_workbook(tmp_path / "m.xlsx") for row in sheet.iter_rows() for cell in row]
        assert "cat" in cells and "=dog" in cells
        (tmp_path / "m.xlsx").unlink()
    for wrong in (b"{", b"[]", b'{"labels": 3}', b'{"labels": [3, 4]}'):
        (tmp_path / "m" / "metadata.json").write_bytes(wrong)
        assert weightlens.load(tmp_path / "m").class_labels == []


def test_a_graph_model_is_named_and_its_weights_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entry, files = group({"dense/MatMul/ReadVariableOp": numbers(2, 3)})
    for more, topology in (({"format": "graph-model"}, {}), ({"format": None}, {"node": [], "library": {}})):
        folder = written(tmp_path / "g", {"model.json": model_json(topology, [entry], **more), **files})
        assert main(["show", str(folder)]) == 0
        shown = capsys.readouterr().out
        assert "a TensorFlow.js graph model" in shown and f"{numbers(2, 3)[0, 0]:.4f}" in shown
        assert "graph model" in said(capsys, "trace", str(folder), "-i", "1,2")


def test_names_of_weights_inside_wrappers_and_nested_models(tmp_path: Path) -> None:
    """As the converter writes them: with the cell's name, and in a nested model with or without the model's."""
    lstm = layer("LSTM", "lstm", units=2, recurrent_activation="sigmoid")
    both = layer("Bidirectional", "both", layer=lstm, merge_mode="concat")
    inner = sequential(given("k", 4), dense("d/e", 2), name="inner")
    stack = sequential(layer("InputLayer", "i", batch_input_shape=[None, 5, 3]), both, inner)
    shapes = {"kernel": (3, 8), "recurrent_kernel": (2, 8), "bias": (8,)}
    arrays = {f"both/{way}_lstm/lstm_cell_{n}/{name}": numbers(*shape, seed=n) for n, way in enumerate(("forward", "backward"))
              for name, shape in shapes.items()}  # fmt: skip
    for prefix in ("", "inner/"):
        model = weightlens.load(written(tmp_path / "m", whole(stack, arrays | dense_arrays(f"{prefix}d/e/", 4, 2, suffix=""))))
        assert not model.faults and not model.unplaced
        np.testing.assert_array_equal(model["both"]["backward_layer/bias"], numbers(8, seed=1))
        assert model.predict(np.ones((1, 5, 3)))[0].shape == (1, 2)


def test_the_optimizer_is_kept_apart(tmp_path: Path) -> None:
    entry, files = group(ARRAYS)
    more, state = group({"a/kernel/m": numbers(3, 4)}, stem="optimizer")
    more["weights"][0]["group"] = "optimizer"
    model = weightlens.load(written(tmp_path / "m", {"model.json": model_json(STACK, [entry, more]), **files, **state}))
    assert [weight.path for weight in model.optimizer] == ["a/kernel/m"] and not model.unplaced


def test_what_tensorflow_js_computes_otherwise_is_refused(tmp_path: Path) -> None:
    resized = layer("Resizing", "u", height=2, width=2)
    for odd, shape in (
        (layer("UpSampling2D", "u", size=[2, 2], interpolation="bilinear"), (4, 4, 1)),
        (resized, (4, 4, 1)),
        (layer("TimeDistributed", "t", layer=resized), (3, 4, 4, 1)),
        (layer("TimeDistributed", "s", layer=layer("TimeDistributed", "t", layer=resized)), (2, 3, 4, 4, 1)),
        (layer("TimeDistributed", "t", layer=sequential(given("j", 4, 4, 1), resized)), (3, 4, 4, 1)),
    ):
        folder = written(tmp_path / "m", whole(sequential(given("i", *shape), odd), {}))
        with pytest.raises(UnsupportedLayer, match=r"TensorFlow.js .* otherwise than Keras"):
            weightlens.load(folder).predict(np.ones((1, *shape)))
    folder = written(tmp_path / "m", whole({"keras_version": "3.5.0", "model_config": sequential(
        given("i", 3, key="batch_shape"), dense("a", 4, activation="hard_sigmoid"))}, dense_arrays("a/", 3, 4, suffix="")))  # fmt: skip
    with pytest.raises(UnsupportedLayer, match="another slope"):
        answer(folder)


@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("wrappers", [0, 1, 2])
def test_normalization_along_another_axis_is_refused_inside_wrappers_too(wrappers: int, axis: int, tmp_path: Path) -> None:
    made = layer("BatchNormalization", "n", axis=axis)
    for number in range(wrappers):
        made = layer("TimeDistributed", f"t{number}", layer=made)
    shape = (*(2,) * wrappers, 3, 3, 3)
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    arrays = {f"{made['config']['name']}/{name}": np.ones(3, "float32") for name in names}
    model = weightlens.load(written(tmp_path / "m", whole(sequential(given("i", *shape), made), arrays)))
    faults = [fault for fault in every_fault(model) if "normalizes along an axis other than the last" in fault]
    assert len(faults) == (axis != 3)


def test_as_architecture_of_other_weights(tmp_path: Path) -> None:
    folder = written(tmp_path / "m", whole())
    weights = legacy(tmp_path / "w.h5", None, {name: dense_arrays("", *shape) for name, shape in {"a": (3, 4), "b": (4, 2)}.items()})
    for config in (folder, folder / "model.json"):
        assert weightlens.load(weights, config=config).class_name == "Sequential"


def one(**changes: Any) -> dict[str, bytes]:
    """A model whose first weight is listed otherwise."""
    entry, files = group(ARRAYS)
    entry["weights"][0] |= changes
    return {"model.json": model_json(STACK, [entry]), **files}


def paths(*names: Any) -> dict[str, bytes]:
    """A model whose shards are listed otherwise."""
    entry, files = group(ARRAYS)
    return {"model.json": model_json(STACK, [{**entry, "paths": list(names)}]), **files}


LIES: dict[str, tuple[Callable[[], dict[str, bytes]], str]] = {
    "string": (lambda: one(dtype="string"), "weight a/kernel has the dtype string"),
    "bool": (lambda: one(dtype="bool"), "weight a/kernel has the dtype bool"),
    "complex": (lambda: one(dtype="complex64"), "has the dtype complex64"),
    "quantised to what": (lambda: one(quantization={"dtype": "int4"}), "quantised to int4"),
    "no scale": (lambda: one(quantization={"dtype": "uint8", "min": 0}), "scale or min"),
    "odd scale": (lambda: one(quantization={"dtype": "uint8", "min": 0, "scale": "1"}), "scale or min"),
    "longer": (lambda: one(shape=[3, 5]), "bytes, but the weights"),
    "shorter": (lambda: one(shape=[3, 3]), "bytes, but the weights"),
    "negative": (lambda: one(shape=[-3, -4]), "not a shape"),
    "fraction": (lambda: one(shape=[3.5, 4]), "not a shape"),
    "endless": (lambda: one(shape=[0, 2**62, 2**62]), "not a shape"),
    "no shape": (lambda: one(shape=None), "not a shape"),
    "no name": (lambda: one(name=None), "without a name"),
    "twice": (lambda: one(name="b/kernel"), "two weights called"),
    "missing shard": (lambda: paths("group2.bin"), "group2.bin is not beside model.json"),
    "outside": (lambda: paths("../m.bin"), "not a file beside"),
    "absolute": (lambda: paths("/etc/passwd"), "not a file beside"),
    "below": (lambda: paths("sub/w.bin"), "not a file beside"),
    "windows": (lambda: paths("..\\w.bin"), "not a file beside"),
    "address": (lambda: paths("https://example.org/w.bin"), "not a file beside"),
    "folder": (lambda: paths("."), "not a file beside"),
    "no text": (lambda: paths(3), "not a file beside"),
    "no paths": (lambda: {"model.json": model_json(STACK, [{"weights": []}])}, "without a list of paths"),
    "no weights": (lambda: {"model.json": model_json(STACK, [{"paths": []}])}, "without a list of weights"),
    "no manifest": (lambda: {"model.json": model_json(STACK, None)}, "no list of its weights"),
    "no topology": (lambda: {"model.json": model_json(None, [])}, "modelTopology"),
    "deep": (lambda: {"model.json": b'{"modelTopology":' + b'{"a":' * 100_000}, "not valid JSON"),
    "bomb": (lambda: {"model.json": b'{"modelTopology":[' + b"0," * 4_000_000}, "more values than any"),
}


@pytest.mark.parametrize("lie", LIES)
def test_lies_are_one_line(tmp_path: Path, lie: str, capsys: pytest.CaptureFixture[str]) -> None:
    make, words = LIES[lie]
    for path in (written(tmp_path / "m", make()), zipped(tmp_path / "m.zip", make())):
        with pytest.raises(UnreadableModel, match=words):
            weightlens.load(path)
        said(capsys, "show", str(path))
        said(capsys, "trace", str(path), "-i", "1,2,3")


@pytest.mark.parametrize("said", [5, "mse", ["mse"]])
def test_training_settings_of_the_wrong_type_are_left_out(tmp_path: Path, said: Any) -> None:
    for name, files in (("m", whole({**STACK, "training_config": said})), ("n", whole(trainingConfig=said))):
        path = written(tmp_path / name, files)
        assert weightlens.load(path).training_config == {} and main(["show", str(path)]) == 0


def test_links_and_pipes_are_not_followed(tmp_path: Path) -> None:
    import os

    folder = written(tmp_path / "m", whole())
    shard = folder / "group1-shard1of1.bin"
    shard.rename(tmp_path / "elsewhere.bin")
    shard.symlink_to(tmp_path / "elsewhere.bin")
    with pytest.raises(UnreadableModel, match="or is a link"):
        weightlens.load(folder)
    shard.unlink()
    os.mkfifo(shard)
    with pytest.raises(UnreadableModel, match="or is a link"):
        weightlens.load(folder)


def test_a_shard_that_shrinks_after_the_model_was_opened(tmp_path: Path) -> None:
    model = weightlens.load(written(tmp_path / "m", whole()))
    (tmp_path / "m" / "group1-shard1of1.bin").write_bytes(b"")
    with pytest.raises(UnreadableModel, match="shorter than"):
        model.predict(X)


def test_weights_that_no_layer_has_and_layers_without_weights(tmp_path: Path) -> None:
    model = weightlens.load(written(tmp_path / "m", whole(None, ARRAYS | {"c/kernel": numbers(2, 2)})))
    assert [weight.path for weight in model.unplaced] == ["c/kernel"] and model.faults
    short = weightlens.load(written(tmp_path / "n", whole(None, {"a/kernel": ARRAYS["a/kernel"], "a/bias": ARRAYS["a/bias"]})))
    assert any("no weights for: b" in text for text in short.notes)


def test_the_shards_alone_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = written(tmp_path / "m", whole())
    assert "give the model.json beside it" in said(capsys, "show", str(folder / "group1-shard1of1.bin"))
    (folder / "weights_manifest.json").write_text(json.dumps({"weightsManifest": []}))
    assert "without its architecture" in said(capsys, "show", str(folder / "weights_manifest.json"))


def test_graphs_are_connected(tmp_path: Path) -> None:
    layers = [node(given("i", 3)), node(dense("a", 4), [["i", 0, 0, {}]]), node(dense("b", 2), [["a", 0, 0, {}]])]
    config = {"name": "m", "layers": layers, "input_layers": [["i", 0, 0]], "output_layers": [["b", 0, 0]]}
    model = weightlens.load(written(tmp_path / "m", whole(camel({"class_name": "Model", "config": config}))))
    assert model.class_name == "Functional" and model.predict(X)[0].shape == (2, 2)
