"""SavedModels read from folders and archives, without TensorFlow."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

import weightlens
from tests.conftest import SAMPLES
from tests.formats import build as b
from tests.formats.savedmodel.build import (
    GRAPH_KEY,
    VALUE,
    Files,
    Thing,
    bundle,
    graph_and_arrays,
    keras_thing,
    layer_thing,
    model_thing,
    saved,
    tarred,
    variable,
    written,
    zipped,
)
from tests.formats.savedmodel.examples import ARRAYS, STACK, X, nested, stack
from tests.formats.test_foreign import said
from weightlens.cli.main import main
from weightlens.difference import compare


def legacy_stack(path: Path) -> weightlens.Model:
    """The same stack from an ``.h5``."""
    groups = {name: {f"{key}:0": array for key, array in ARRAYS.items() if key.startswith(name)} for name in "ad"}
    return weightlens.load(b.legacy(path, STACK, groups))


@pytest.mark.parametrize("kind", ["folder", "zip", "stored", "root", "tar", "tgz", "dots", "shards", "old"])
def test_the_same_as_from_an_h5_file(tmp_path: Path, kind: str) -> None:
    files = saved(stack(), shards=3 if kind == "shards" else 1, old=kind == "old")
    path = tmp_path / "m"
    archives = {"zip": lambda: zipped(files), "stored": lambda: zipped(files, how=zipfile.ZIP_STORED), "root": lambda: zipped(files, ""),
                "tar": lambda: tarred(files, mode="w"), "tgz": lambda: tarred(files), "dots": lambda: tarred(files, "./")}  # fmt: skip
    if kind in archives:
        path.write_bytes(archives[kind]())
    else:
        written(path, files)
    model, other = weightlens.load(path), legacy_stack(tmp_path / "m.h5")
    assert model.provenance.format == "Keras 2 SavedModel" and model.provenance.keras_version == "2.11.0"
    assert compare(model, other).same and not model.faults and not model.unplaced
    np.testing.assert_array_equal(model.trace(X).outputs[0], other.trace(X).outputs[0])
    assert model["a"].own_weights["kernel"].path == "layer-0/kernel"


def test_nested_layers_by_the_graph_of_objects_not_by_their_names(tmp_path: Path) -> None:
    model = weightlens.load(written(tmp_path / "m", saved(nested())))
    inner = model["inner"]
    np.testing.assert_array_equal(inner["second"].kernel, b.numbers(3, 3, seed=1))
    np.testing.assert_array_equal(inner["third"].bias, b.numbers(3, seed=4))
    assert list(inner["first"].own_weights) == ["gamma", "beta", "moving_mean", "moving_variance"]
    np.testing.assert_array_equal(inner["first"].moving_variance, 1 + b.numbers(3, seed=3) ** 2)
    both = model["both"].weights
    np.testing.assert_array_equal(both["forward_layer/kernel"].value, b.numbers(3, 8, seed=1))
    np.testing.assert_array_equal(both["backward_layer/recurrent_kernel"].value, b.numbers(2, 8, seed=0))
    assert not model.unplaced and not model.faults and model.trace(np.ones((1, 4, 3))).outputs[0].shape == (1, 4)


def test_a_layer_that_two_models_share(tmp_path: Path) -> None:
    shared = layer_thing(b.dense("shared", 3), {"kernel": b.numbers(3, 3), "bias": b.numbers(3)})
    entry = b.sequential(b.given("j", 3), b.dense("shared", 3), name="inner")
    layers = [b.given("i", 3), entry, b.dense("shared", 3)]
    inner = keras_thing({**entry, "name": "inner"}, {"layer-0": shared})
    model = weightlens.load(written(tmp_path / "m", saved(model_thing(b.sequential(*layers), [inner, shared]))))
    kernel = b.numbers(3, 3).astype(float)
    once = X @ kernel + b.numbers(3)
    np.testing.assert_allclose(model.trace(X).outputs[0], once @ kernel + b.numbers(3), rtol=1e-12)


def test_the_optimizer_and_the_metrics_are_kept_apart(tmp_path: Path) -> None:
    root = stack()
    root.members["optimizer"] = Thing({"_variables": Thing({"1": variable("adam/m", b.numbers(3, 4))})})
    root.members["keras_api"].members["metrics"] = Thing({"0": Thing({"total": variable("total", b.numbers())})})
    graph, arrays = graph_and_arrays(root)
    slot = "layer-0/kernel/.OPTIMIZER_SLOT/optimizer/m" + VALUE
    files = saved(root) | bundle(arrays | {slot: b.numbers(3, 4)}, {GRAPH_KEY: graph})
    model = weightlens.load(written(tmp_path / "m", files))
    assert [weight.shape for weight in model.optimizer] == [(), (3, 4), (3, 4)] and not model.unplaced


def test_a_variable_that_no_layer_takes_stops_the_calculation(tmp_path: Path) -> None:
    root = stack()
    root.members["extra"] = variable("extra", b.numbers(2))
    model = weightlens.load(written(tmp_path / "m", saved(root)))
    assert [weight.path for weight in model.unplaced] == ["extra"]
    with pytest.raises(weightlens.BadInput, match="has no layer for extra"):
        model.trace(X)


def test_the_vocabulary_is_in_the_first_of_two_configurations(tmp_path: Path) -> None:
    entry = {"class_name": "StringLookup", "config": {"name": "words", "trainable": True, "dtype": "int64", "vocabulary": ["x", "y"]}}
    root = model_thing(b.sequential(b.given("i", 1), entry), [])
    assert root.about is not None
    without = {**entry, "config": {**entry["config"], "vocabulary": None}}
    root.about["model_config"] = b.sequential(b.given("i", 1), without)
    model = weightlens.load(written(tmp_path / "m", saved(root)))
    assert model["words"].config["vocabulary"] == ["x", "y"]


def test_a_class_of_somebodys_own_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = layer_thing(b.dense("d", 2), {"kernel": b.numbers(3, 2), "bias": b.numbers(2)})
    root = keras_thing({"class_name": "Mine", "name": "mine", "config": {}, "keras_version": "2.9.0"}, {"blocks": Thing({"0": kept})})
    path = written(tmp_path / "m", saved(root))
    assert main(["show", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "Mine mine" in shown and "kernel (3, 2) float32 · variables/0" in shown
    assert "is a class of somebody's own" in said(capsys, "trace", str(path), "-i", "1,2,3")


def test_without_keras_the_variables_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = Thing({"variables": Thing({"0": variable("net/dense/kernel", b.numbers(3, 2)), "1": variable("net/dense/bias", b.numbers(2))})})
    files = saved(root)
    del files["keras_metadata.pb"]
    path = written(tmp_path / "m", files)
    assert main(["show", str(path)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "TensorFlow SavedModel" in shown and "give the .keras or .h5 file that it was made from" in shown
    assert "net/dense" in shown and "kernel (3, 2) float32 · variables/0" in shown
    assert "give the .keras or .h5 file" in said(capsys, "trace", str(path), "-i", "1,2,3")


def test_a_saved_model_of_tensorflow_1_has_names_and_no_graph(tmp_path: Path) -> None:
    files = {"saved_model.pb": b"\x08\x01", **bundle({"dense/kernel": b.numbers(3, 2)}, {})}
    model = weightlens.load(written(tmp_path / "m", files))
    assert list(model.weights) == ["dense/kernel"] and model.arrays_only


def test_as_the_architecture_of_weights(tmp_path: Path) -> None:
    path = written(tmp_path / "m", saved(stack()))
    groups = {name: {f"{key}:0": array for key, array in ARRAYS.items() if key.startswith(name)} for name in "ad"}
    weights = b.legacy(tmp_path / "w.h5", None, groups)
    np.testing.assert_array_equal(weightlens.load(weights, path).trace(X).outputs[0], weightlens.load(path).trace(X).outputs[0])


def test_the_tree_lists_files_and_arrays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "m.zip").write_bytes(zipped(saved(stack())))
    assert main(["show", str(tmp_path / "m.zip"), "--tree"]) == 0
    assert f"layer-0/kernel{VALUE}  (3, 4) float32" in capsys.readouterr().out


def test_what_is_beside_a_saved_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "export" / "1", saved(stack()))
    assert "holds the SavedModel 1: give that folder" in said(capsys, "show", str(path.parent))
    assert "give the folder that it is in" in said(capsys, "show", str(path / "saved_model.pb"))
    two: Files = {f"{name}/{file}": data for name in "12" for file, data in saved(stack()).items()}
    (tmp_path / "two.zip").write_bytes(zipped(two, ""))
    for command in (("show", str(tmp_path / "two.zip")), ("show", str(SAMPLES / "or.h5"), "--config", str(tmp_path / "two.zip"))):
        assert "two.zip: several SavedModels are in it (1/, 2/)" in said(capsys, *command)


def test_it_is_read_before_a_config_json_beside_it(tmp_path: Path) -> None:
    files = saved(stack()) | {"config.json": json.dumps({"model_type": "something else"}).encode()}
    assert weightlens.load(written(tmp_path / "m", files))["a"].size == 16
