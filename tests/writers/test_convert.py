"""A converted file opens in the Keras of today and computes the same; what cannot be converted is one line."""

from __future__ import annotations

import inspect
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import weightlens
from tests.conftest import INPUTS, SAMPLES, sample_input
from tests.formats.build import archive, dense, dense_arrays, functional, given, layer, legacy, node, numbered, numbers, sequential
from tests.formats.savedmodel.build import saved
from tests.formats.savedmodel.build import written as saved_model
from tests.formats.savedmodel.examples import stack
from tests.formats.test_foreign import said
from tests.formats.tfjs.build import whole, written
from tests.formats.tfjs.witness import predictions
from weightlens.cli.main import main
from weightlens.difference import compare
from weightlens.errors import BadInput

SUFFIXES = (".keras", ".h5", ".weights.h5")
Make = Callable[[Path], Path]


def keras_1(*layers: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"class_name": name["class_name"], "config": {"trainable": True, **name["config"]}} for name in layers]


def gates(name: str, letters: str, features: int, units: int) -> dict[str, np.ndarray]:
    shapes = {"W": (features, units), "U": (units, units), "b": (units,)}
    return {f"{name}_{kind}_{gate}": numbers(*shapes[kind], seed=ord(gate)) for gate in letters for kind in "WUb"}


def keras_1_lstm(folder: Path) -> Path:
    """Gates kept apart, and a hard_sigmoid that Keras 3 does not have."""
    lstm = {"class_name": "LSTM", "config": {"name": "r", "output_dim": 3, "inner_activation": "hard_sigmoid", "activation": "tanh",
            "init": "glorot_uniform", "inner_init": "orthogonal", "forget_bias_init": "one", "consume_less": "cpu",
            "batch_input_shape": [None, 5, 2], "input_dim": 2, "W_regularizer": None}}  # fmt: skip
    end = {"class_name": "Dense", "config": {"name": "d", "output_dim": 2, "activation": "hard_sigmoid", "bias": True, "init": "uniform"}}
    arrays = {"r": gates("r", "icfo", 2, 3), "d": {"d_W": numbers(3, 2), "d_b": numbers(2)}}
    return legacy(folder / "m.h5", {"class_name": "Sequential", "config": keras_1(lstm, end)}, arrays, version="1.2.2", backend="")


def keras_1_pictures(folder: Path) -> Path:
    """Kernels of Theano, and settings with other names."""
    layers = keras_1(
        {"class_name": "Convolution2D", "config": {"name": "c", "nb_filter": 4, "nb_row": 3, "nb_col": 2, "border_mode": "same",
         "subsample": [1, 1], "dim_ordering": "tf", "activation": "relu", "batch_input_shape": [None, 6, 5, 3], "bias": True}},
        {"class_name": "BatchNormalization", "config": {"name": "n", "mode": 0, "axis": -1, "epsilon": 1e-3, "momentum": 0.9}},
        {"class_name": "MaxPooling2D", "config": {"name": "p", "pool_size": [2, 2], "border_mode": "valid", "dim_ordering": "tf"}},
        {"class_name": "Flatten", "config": {"name": "f"}},
        {"class_name": "Dense", "config": {"name": "d", "output_dim": 2, "activation": "softmax"}},
    )  # fmt: skip
    norm = {f"n_{name}": abs(numbers(4, seed=i)) for i, name in enumerate(("gamma", "beta", "running_mean", "running_std"))}
    arrays = {"c": {"c_W": numbers(3, 2, 3, 4), "c_b": numbers(4)}, "n": norm, "d": {"d_W": numbers(24, 2), "d_b": numbers(2)}}
    return legacy(folder / "m.h5", {"class_name": "Sequential", "config": layers}, arrays, version="1.2.2", backend="")


def keras_2_functional(folder: Path) -> Path:
    """A functional ``.keras`` of Keras 2, which Keras 3 does not open, with a shared layer and options that it does not know."""
    extra = {"implementation": 1, "time_major": False}
    entries = [
        node(given("a", 4)), node(given("b/c", 4)),
        node(dense("s/t", 3, activation="hard_sigmoid", kernel_initializer={"class_name": "GlorotUniform", "config": {"seed": None}}),
             [["a", 0, 0, {}]], [["b/c", 0, 0, {}]]),
        node(layer("Concatenate", "k", axis=-1), [["s/t", 0, 0, {}], ["s/t", 1, 0, {}]]),
        node(layer("Reshape", "r", target_shape=[3, 2]), [["k", 0, 0, {}]]),
        node(layer("LSTM", "l", units=2, recurrent_activation="hard_sigmoid", return_sequences=True, **extra), [["r", 0, 0, {}]]),
        node(layer("ThresholdedReLU", "h", theta=0.1), [["l", 0, 0, {}]]),
    ]  # fmt: skip
    config = functional(entries, [["a", 0, 0], ["b/c", 0, 0]], [["h", 0, 0], ["k", 0, 0]])
    arrays = numbered("layers/dense", numbers(4, 3), numbers(3)) | numbered(
        "layers/lstm/cell", numbers(2, 8), numbers(2, 8, seed=1), numbers(8)
    )
    return archive(folder / "m.keras", config, arrays, version="2.15.0")


def tensorflow_js(folder: Path) -> Path:
    return written(folder / "m", whole())


OLD: dict[str, Make] = {"Keras 1, LSTM": keras_1_lstm, "Keras 1, pictures": keras_1_pictures, "Keras 2, functional": keras_2_functional,
                        "TensorFlow.js": tensorflow_js}  # fmt: skip


def samples(model: weightlens.Model) -> list[np.ndarray]:
    """Random inputs for a model."""
    shapes = [model[ref.layer].config["batch_shape"][1:] for ref in model.inputs]
    return [numbers(4, *shape, seed=i) * 3 for i, shape in enumerate(shapes)]


def opened(keras: Any, path: Path, architecture: Path) -> Any:
    """A converted file in Keras; weights alone by the architecture that was converted too."""
    if not path.name.endswith(".weights.h5"):
        return keras.models.load_model(path)
    network = keras.models.load_model(architecture)
    network.set_weights([0 * weight for weight in network.get_weights()])
    network.load_weights(path)
    return network


@pytest.mark.keras
@pytest.mark.parametrize("old", OLD)
def test_old_models_open_in_keras_3_and_compute_the_same(tmp_path: Path, keras: Any, old: str) -> None:
    model = weightlens.load(OLD[old](tmp_path))
    inputs = samples(model)
    wanted = model.predict(inputs)
    for suffix in SUFFIXES:
        path = weightlens.convert(model, tmp_path / f"new{suffix}")
        network = opened(keras, path, tmp_path / "new.keras")
        got = network(inputs if len(inputs) > 1 else inputs[0])
        assert isinstance(got, list) == (len(wanted) > 1)
        for ours, theirs in zip(wanted, got if isinstance(got, list) else [got], strict=True):
            np.testing.assert_allclose(theirs, ours, rtol=1e-5, atol=1e-6)
        if suffix != ".weights.h5":  # Keras writes what it read, and we read that
            network.save(tmp_path / f"again{suffix}")
            for ours, theirs in zip(wanted, weightlens.load(tmp_path / f"again{suffix}").predict(inputs), strict=True):
                np.testing.assert_allclose(theirs, ours, rtol=1e-6, atol=1e-7)


@pytest.mark.keras
@pytest.mark.parametrize("sample", [path for path in INPUTS if path.stat().st_size < 400_000], ids=lambda path: path.name)
def test_the_sample_models(tmp_path: Path, keras: Any, sample: Path) -> None:
    model, x = weightlens.load(sample), sample_input(sample)[:3]
    for suffix in SUFFIXES[:2]:
        got = keras.models.load_model(weightlens.convert(model, tmp_path / f"new{suffix}"))(x)
        np.testing.assert_allclose(got, model.predict(x)[0], rtol=1e-5, atol=1e-6)


@pytest.mark.office("node")
def test_tensorflow_js_computes_the_same(tmp_path: Path) -> None:
    jobs, wanted = [], []
    for number, path in enumerate([OLD["Keras 1, LSTM"](tmp_path), *sorted(SAMPLES.glob("*.h5"))]):
        if (model := weightlens.load(path)).layers[0].config["dtype"] == "float64":  # which TensorFlow.js has not
            continue
        x = samples(model)[0][:2]
        weightlens.convert(model, tmp_path / f"web{number}")
        assert compare(model, weightlens.load(tmp_path / f"web{number}")).weights
        jobs.append((tmp_path / f"web{number}" / "model.json", [x]))
        wanted.append(model.predict(x)[0])
    for ours, theirs in zip(wanted, predictions(jobs, tmp_path), strict=True):
        assert not isinstance(theirs, str), theirs
        np.testing.assert_allclose(theirs[0], ours, rtol=1e-5, atol=1e-6)


def test_settings_under_the_names_of_tensorflow_js(tmp_path: Path) -> None:
    entries = [layer("ReLU", "r", max_value=2.0, negative_slope=0.0, threshold=0.0), layer("LeakyReLU", "l", alpha=0.25),
               dense("d", 2, activation="swish")]  # fmt: skip
    old = legacy(tmp_path / "m.h5", sequential(given("i", 3), *entries), {"d": dense_arrays("", 3, 2)}, version="2.15.0")
    weightlens.convert(old, tmp_path / "web")
    said_there = json.loads((tmp_path / "web" / "model.json").read_text())["modelTopology"]["config"]["layers"]
    assert "alpha" not in said_there[1]["config"] and said_there[2]["config"]["alpha"] == 0.25
    x = numbers(4, 3) * 3
    np.testing.assert_array_equal(weightlens.load(tmp_path / "web").predict(x)[0], weightlens.load(old).predict(x)[0])
    assert said_there[3]["config"]["activation"] == "swish"


@pytest.mark.parametrize("old", OLD)
def test_read_again_it_is_the_same_model(tmp_path: Path, old: str) -> None:
    model = weightlens.load(OLD[old](tmp_path))
    inputs = samples(model)
    for suffix in (".keras", ".h5"):
        new = weightlens.load(weightlens.convert(model, tmp_path / f"new{suffix}"))
        for before, after in zip(model.predict(inputs), new.predict(inputs), strict=True):
            np.testing.assert_array_equal(before, after)
        assert new.provenance.keras_version.startswith("3.")


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = str(SAMPLES / "or.h5")
    for name in ("new.keras", "new.h5", "new.hdf5", "new.weights.h5", "web", "web2/model.json"):
        new = tmp_path / name
        assert main(["convert", old, "-o", str(new)]) == 0
        out, err = capsys.readouterr()
        assert f"{new} written: 6 parameters in 3 layers." in out and "left out" in err
        assert "exists already" in said(capsys, "convert", old, "-o", str(new))
        assert main(["convert", old, "-o", str(new), "--force"]) == 0
        if name != "new.weights.h5":
            assert main(["diff", old, str(new)]) == 0
    assert sorted(path.name for path in (tmp_path / "web").iterdir()) == ["model.json", "weights.bin"]
    assert "name it .keras" in said(capsys, "convert", old, "-o", str(tmp_path / "new.onnx"))
    assert "no folder" in said(capsys, "convert", old, "-o", str(tmp_path / "none" / "new.keras"))
    assert "no folder" in said(capsys, "convert", old, "-o", str(tmp_path / "none" / "web"))
    (tmp_path / "own.h5").write_bytes(Path(old).read_bytes())
    assert "in use here" in said(capsys, "convert", str(tmp_path / "own.h5"), "-o", str(tmp_path / "own.h5"), "--force")


@pytest.mark.parametrize("out", [".", "..", ""])
@pytest.mark.parametrize("command", [["convert"], ["simplify", "-i", str(SAMPLES / "or.csv")]])
def test_the_folder_that_we_are_in_and_the_one_above_are_said_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    assert main([*command, str(SAMPLES / "or.h5"), "-o", out]) == 0
    folder = tmp_path if out == ".." else tmp_path / "in"
    assert capsys.readouterr().out.startswith(f"{folder} written") and weightlens.load(folder).size == 6


def test_the_folder_of_the_model_itself_gets_no_second_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(SAMPLES / "digits_mlp.keras") as archive:
        archive.extractall(unpacked)
    for model in (unpacked, saved_model(tmp_path / "saved", saved(stack()))):
        before = sorted(model.rglob("*"))
        for out in (model, model / "model.json"):
            assert "is the folder of the model itself" in said(capsys, "convert", str(model), "-o", str(out), "--force")
        assert sorted(model.rglob("*")) == before


def test_weights_with_their_architecture(tmp_path: Path) -> None:
    weights = legacy(tmp_path / "w.h5", None, {"a": dense_arrays("", 3, 2)})
    (tmp_path / "a.json").write_text(json.dumps(sequential(given("i", 3), dense("a", 2))))
    assert main(["convert", str(weights), "--config", str(tmp_path / "a.json"), "-o", str(tmp_path / "new.keras")]) == 0
    assert main(["convert", str(weights), "--assume", "dense:relu", "-o", str(tmp_path / "new2.keras")]) == 0
    np.testing.assert_array_equal(weightlens.load(tmp_path / "new.keras")["a"].kernel, numbers(3, 2))


def test_long_lists_of_names_and_many_layers(tmp_path: Path) -> None:
    """An attribute of HDF5 holds 64 KB; Keras cuts longer lists in pieces."""
    names = [f"{'layer' * 60}_{i}" for i in range(240)]
    path = legacy(tmp_path / "m.h5", sequential(given("i", 2), *(dense(name, 2) for name in names)),
                  {name: dense_arrays("", 2, 2, seed=i) for i, name in enumerate(names)}, pieces=2)  # fmt: skip
    new = weightlens.convert(path, tmp_path / "new.h5")
    with h5py.File(new) as file:
        assert "layer_names1" in file["model_weights"].attrs
    assert compare(weightlens.load(path), weightlens.load(new)).same


def one(entry: dict[str, Any], *shape: int, arrays: dict[str, np.ndarray] | None = None) -> Make:
    """A model with one layer."""
    return lambda folder: legacy(folder / "m.h5", sequential(given("i", *shape), entry), {"x": arrays} if arrays else {}, version="2.4.0")


LOCAL = layer("LocallyConnected1D", "x", filters=2, kernel_size=[2], strides=[1], padding="valid", data_format="channels_last",
              activation="linear", use_bias=False, implementation=1)  # fmt: skip
LAMBDA = layer("Lambda", "x", function=["4wEAAAA=", None, None], function_type="lambda", output_shape=None, arguments={})
REFUSED: dict[str, tuple[Make, str, str]] = {
    "gone": (one(LOCAL, 4, 3, arrays={"kernel:0": numbers(3, 6, 2)}), ".keras", r"\(LocallyConnected1D\) is not a layer of Keras 3"),
    "code": (one(LAMBDA, 3), ".keras", r"layer 'x' \(Lambda\)"),
    "setting": (one(layer("BatchNormalization", "x", virtual_batch_size=2, axis=-1, epsilon=1e-3), 3, arrays={
        f"{name}:0": numbers(3, seed=1) for name in ("gamma", "beta", "moving_mean", "moving_variance")}), ".keras", "virtual_batch_size"),
    "not in TensorFlow.js": (one(layer("UnitNormalization", "x", axis=-1), 3), "web", "is not a layer of TensorFlow.js"),
    "activation": (one(layer("Activation", "x", activation="exponential"), 3), "web", "has the activation exponential"),
    "passed over": (one(layer("DepthwiseConv2D", "x", kernel_size=[2, 2], dilation_rate=[2, 2], use_bias=False, depth_multiplier=1,
                              strides=[1, 1], padding="valid"), 5, 5, 1, arrays={"depthwise_kernel:0": numbers(2, 2, 1, 1)}), "web",
                    "passes over its dilation_rate"),
    "no architecture": (lambda folder: legacy(folder / "m.h5", None, {"a": dense_arrays("", 3, 2)}), ".keras", "no architecture"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_said_is_refused_and_nothing_is_written(tmp_path: Path, case: str) -> None:
    make, kind, words = REFUSED[case]
    path = make(tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(BadInput, match=words):
        weightlens.convert(path, tmp_path / (f"new{kind}" if kind.startswith(".") else kind))
    assert sorted(tmp_path.iterdir()) == before


def test_masks_that_count_elsewhere_in_keras_3(tmp_path: Path) -> None:
    """Rescaling loses the mask in Keras 2 and hands it on in Keras 3; no setting tells them apart."""

    def masked(*between: dict[str, Any]) -> Path:
        stack = sequential(given("i", 6), layer("Embedding", "e", input_dim=9, output_dim=2, mask_zero=True), *between,
                           layer("SimpleRNN", "r", units=2, activation="tanh"))  # fmt: skip
        rnn = {"kernel:0": numbers(2, 2), "recurrent_kernel:0": numbers(2, 2, seed=1), "bias:0": numbers(2)}
        return legacy(tmp_path / "m.h5", stack, {"e": {"embeddings:0": numbers(9, 2)}, "r": rnn}, version="2.15.0")

    weightlens.convert(masked(), tmp_path / "new.keras")
    with pytest.raises(BadInput, match="masks and operators differ"):
        weightlens.convert(masked(layer("Rescaling", "s", scale=2.0, offset=0.0)), tmp_path / "other.keras")


def test_the_archive_is_what_keras_writes(tmp_path: Path) -> None:
    path = weightlens.convert(SAMPLES / "or.h5", tmp_path / "new.keras")
    with zipfile.ZipFile(path) as file:
        assert file.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        assert all(info.compress_type == zipfile.ZIP_STORED for info in file.infolist())


@pytest.mark.keras
def test_functions_of_tensorflow_become_operators(tmp_path: Path, keras: Any, tf_keras: Any) -> None:
    import tensorflow as tf

    given_ = tf_keras.Input((4,))
    x = 2 - tf.nn.gelu(tf_keras.layers.Dense(4)(given_) * [1.0, 2.0, 3.0, 4.0])
    x = tf.transpose(tf.reshape(x, (-1, 2, 2)), [0, 2, 1]) / 2
    old = tf_keras.Model(given_, [tf.concat([x, tf.nn.leaky_relu(x)], 1), tf.reduce_mean(x, axis=-1)])
    old.save(tmp_path / "old.keras")
    rows = numbers(3, 4)
    for suffix in SUFFIXES[:2]:
        new = keras.models.load_model(weightlens.convert(tmp_path / "old.keras", tmp_path / f"new{suffix}"))
        for ours, theirs in zip(new(rows), old(rows), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)
    sliced = tf_keras.Model(given_, given_[:, 1:3])
    sliced.save(tmp_path / "sliced.keras")
    with pytest.raises(BadInput, match="an operator that is not known to be the same"):
        weightlens.convert(tmp_path / "sliced.keras", tmp_path / "none.keras")


def test_a_kernel_that_keras_3_stores_twice_in_one_format_only(tmp_path: Path, keras: Any) -> None:
    around = keras.layers.SpectralNormalization
    model = keras.Sequential(
        [keras.Input((3,)), around(keras.layers.Embedding(5, 4)), around(keras.layers.Dense(2)), keras.layers.Flatten()]
    )
    files = [tmp_path / f"given{suffix}" for suffix in SUFFIXES[:2]]
    for file in files:
        model.save(file)
    assert compare(*map(weightlens.load, files)).same
    rows = np.array([[0, 1, 4]])
    for file in files:
        for suffix in SUFFIXES[:2]:
            new = keras.models.load_model(weightlens.convert(file, tmp_path / f"{file.suffix[1:]}_to{suffix}"))
            np.testing.assert_allclose(new(rows), model(rows), rtol=1e-6)


@pytest.mark.parametrize(("kind", "settings"), [
    ("IntegerLookup", {}), ("IntegerLookup", {"oov_method": "farmhash"}), ("IntegerLookup", {"oov_method": "farmhash", "salt": [3, 4]}),
    ("StringLookup", {}), ("StringLookup", {"salt": [3, 4]}),
])  # fmt: skip
def test_unknown_words_and_numbers_go_to_the_same_places(tmp_path: Path, keras: Any, kind: str, settings: dict[str, Any]) -> None:
    whole = kind == "IntegerLookup"
    if "oov_method" in settings and "oov_method" not in inspect.signature(keras.layers.IntegerLookup).parameters:
        pytest.skip("this Keras does not hash numbers")
    given = keras.Input((5,), dtype="int64" if whole else "string")
    lookup = getattr(keras.layers, kind)(vocabulary=[3, 5] if whole else ["a", "b"], num_oov_indices=4, **settings)
    model = keras.Model(given, lookup(given))
    model.save(tmp_path / "given.keras")
    rows = keras.ops.convert_to_tensor(np.array([[3, 7, -9, 12345, 98]] if whole else [["a", "cc", "word", "z", "\u00e9"]]))
    new = keras.models.load_model(weightlens.convert(tmp_path / "given.keras", tmp_path / "new.keras"))
    np.testing.assert_array_equal(new(rows), model(rows))
    with zipfile.ZipFile(tmp_path / "new.keras") as archive:
        assert ("oov_method" in archive.read("config.json").decode()) == ("oov_method" in settings)
