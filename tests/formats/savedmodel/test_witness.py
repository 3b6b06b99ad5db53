"""SavedModels that Keras 2 saves, and TensorFlow's own reader of those that are written here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.cases import turn
from tests.formats.savedmodel.build import GRAPH_KEY, VALUE, saved, tarred, written
from tests.formats.savedmodel.examples import X, stack
from tests.formats.savedmodel.test_write_back import changed
from weightlens.checks.oracle import quiet_tensorflow
from weightlens.difference import compare
from weightlens.errors import BadInput
from weightlens.formats.write_back import write_back

RESTS: dict[str, Callable[[Any, Any], Any]] = {
    "both ways": lambda k, x: k.layers.TimeDistributed(k.layers.Dense(3))(
        k.layers.Bidirectional(k.layers.LSTM(2, return_sequences=True))(x)
    ),
    "attention and cells": lambda k, x: k.layers.RNN([k.layers.GRUCell(2), k.layers.LSTMCell(3)])(
        k.layers.MultiHeadAttention(2, 2)(x, x) * 2.0
    ),
}


def network(k: Any, rest: str) -> Any:
    """Nested, frozen, with variables of its own in a Normalization, and then layers that have layers or cells inside."""
    inner = k.Sequential([k.Input((4, 3)), k.layers.Dense(3, trainable=False), k.layers.Dense(3), k.layers.BatchNormalization()])
    given = k.Input((4, 3))
    norm = k.layers.Normalization()
    norm.adapt(np.random.default_rng(0).normal(2, 3, (7, 3)))
    model = k.Model(given, RESTS[rest](k, inner(norm(given))))
    model.compile("adam", "mse", run_eagerly=True)
    model.fit(np.ones((2, 4, 3)), np.ones((2, *model.output_shape[1:])), verbose=0)
    return model


@pytest.fixture(scope="module", params=turn(list(RESTS), 2))
def kept(request: pytest.FixtureRequest, tf_keras: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A folder with the network as a SavedModel and as ``.h5``, and the network."""
    folder = tmp_path_factory.mktemp("kept")
    with quiet_tensorflow():
        model = network(tf_keras, request.param)
        model.save(folder / "m", save_format="tf")
        model.save(folder / "m.h5")
    return folder, model


def test_the_numbers_of_keras_2(kept: tuple[Path, Any], tf_keras: Any) -> None:
    folder, theirs = kept
    x = np.random.default_rng(1).normal(size=(2, 4, 3))
    model = weightlens.load(folder / "m")
    np.testing.assert_allclose(model.trace(x).outputs[0], np.asarray(theirs(x)), rtol=1e-5, atol=1e-6)
    assert not model.unplaced and model.optimizer and model.training_config["loss"] == "mse"
    assert compare(model, weightlens.load(folder / "m.h5")).same
    assert weightlens.check(model, x).ok


def test_a_saved_model_in_a_tar_is_checked_too(tf_keras: Any, tmp_path: Path) -> None:
    (tmp_path / "m.tar.gz").write_bytes(tarred(saved(stack())))
    report = weightlens.check(weightlens.load(tmp_path / "m.tar.gz"), X)
    assert report.ok and len(report.rows) == 4


@pytest.mark.parametrize("kind", [{}, {"shards": 3}])
def test_tensorflow_reads_what_the_tests_write(kind: dict[str, Any], tf_keras: Any, tmp_path: Path) -> None:
    import tensorflow as tf

    path = written(tmp_path / "m", saved(stack(), **kind))
    reader, model = tf.train.load_checkpoint(str(path / "variables" / "variables")), weightlens.load(path)
    for weight in model.weights.values():
        np.testing.assert_array_equal(reader.get_tensor(weight.path + VALUE), weight.value)
    assert reader.get_tensor(GRAPH_KEY)


def test_tensorflow_reads_changed_numbers(kept: tuple[Path, Any], tf_keras: Any, tmp_path: Path) -> None:
    name = next(name for name in weightlens.load(kept[0] / "m").weights if name.startswith("sequential") and name.endswith("/kernel"))
    change, value = changed(kept[0] / "m", name)
    write_back(kept[0] / "m", tmp_path / "n", change)
    with quiet_tensorflow():
        again = tf_keras.models.load_model(tmp_path / "n", compile=False)
    np.testing.assert_array_equal(again.get_layer(name.split("/")[0]).get_layer(name.split("/")[1]).get_weights()[0], value)


def test_the_variables_of_an_exported_network_of_keras_3(keras: Any, tf_keras: Any, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    with quiet_tensorflow():
        model.export(tmp_path / "m", verbose=False)
    found = weightlens.load(tmp_path / "m")
    assert found.arrays_only and "export()" in found.notes[0]
    kernel = np.asarray(model.layers[0].kernel)
    assert any(np.array_equal(weight.value, kernel) for name, weight in found.weights.items() if name.endswith("kernel"))


def learned(k: Any, name: str) -> Any:
    """A layer that learned words or numbers."""
    words, whole = np.array(["b", "b", "c", "b", "c", "a"]), np.array([7, 7, 5, 7, 5, -3])
    layer = {
        "words": lambda: k.layers.StringLookup(),
        "masked": lambda: k.layers.StringLookup(mask_token="m", num_oov_indices=2),
        "back": lambda: k.layers.StringLookup(invert=True),
        "numbers": lambda: k.layers.IntegerLookup(),
        "hot": lambda: k.layers.TextVectorization(output_mode="multi_hot", pad_to_max_tokens=True, max_tokens=7),
        "sentence": lambda: k.layers.TextVectorization(output_sequence_length=3),
        "rare": lambda: k.layers.TextVectorization(output_mode="tf_idf"),
    }[name]()
    layer.adapt(whole if name == "numbers" else words)
    return layer


LOOKED_UP = {
    "words": [["a"], ["b"], ["?"]], "masked": [["m"], ["c"], ["?"]], "back": [[0], [1], [3]], "numbers": [[7], [-3], [4]],
    "hot": [["a b"], ["c ?"], [""]], "sentence": [["a b"], ["c ?"], [""]], "rare": [["a b"], ["c"], ["b"]],
}  # fmt: skip


@pytest.mark.parametrize("name", turn(list(LOOKED_UP), 3))
def test_words_that_were_learned(name: str, tf_keras: Any, tmp_path: Path) -> None:
    x = np.array(LOOKED_UP[name])
    given = tf_keras.Input((1,), dtype="string" if x.dtype.kind == "U" else "int64")
    with quiet_tensorflow():
        network = tf_keras.Model(given, learned(tf_keras, name)(given))
        network.save(tmp_path / name, save_format="tf")
        theirs = np.asarray(network(x)).astype(str if name == "back" else float)
    model = weightlens.load(tmp_path / name)
    if name == "rare":  # its weights are in no table
        with pytest.raises(weightlens.UnsupportedLayer, match="has no vocabulary"):
            model.trace(x)
    else:
        np.testing.assert_array_equal(model.trace(x).outputs[0].astype(theirs.dtype), theirs)
        assert weightlens.check(model, x).ok


@pytest.mark.parametrize("kind", turn(["GRU", "LSTM"], 2))
def test_where_stateful_layers_had_come_to(kind: str, tf_keras: Any, tmp_path: Path) -> None:
    """Keras goes on from there, so zeros would be wrong; the refusal says what the arrays are and what to do."""
    k = tf_keras
    layers = [k.Input(batch_shape=(2, 3, 4)), getattr(k.layers, kind)(3, stateful=True)]
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    with quiet_tensorflow():
        theirs = k.Sequential(layers)
        theirs(x)
        theirs.save(tmp_path / "m", save_format="tf")
        theirs.save(tmp_path / "m.h5")
        on = np.asarray(k.models.load_model(tmp_path / "m")(x))
        anew = np.asarray(k.models.load_model(tmp_path / "m.h5")(x))
    assert not np.allclose(on, anew, atol=1e-3)
    with pytest.raises(BadInput, match=r"where its stateful layers had come to .*states/0.*save it as \.keras or \.h5"):
        weightlens.load(tmp_path / "m").predict(x)
    assert "weight-without-layer" not in {finding.rule for finding in weightlens.audit(tmp_path / "m").in_order()}
    np.testing.assert_allclose(weightlens.load(tmp_path / "m.h5").predict(x)[0], anew, rtol=1e-5, atol=1e-6)
