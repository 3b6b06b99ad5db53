"""The whole-number twin: its numbers are whole and small, Keras opens it, and it gives the samples the classes that they had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.conftest import SAMPLES, sample_input
from tests.formats.build import dense, given, layer, legacy, sequential
from weightlens.cli.main import main
from weightlens.errors import BadInput

TRUTH_TABLES = {"or.h5": [0, 1, 1, 1], "and.h5": [0, 0, 0, 1], "xor_relu.h5": [0, 1, 1, 0], "xor_sigmoid.h5": [0, 1, 1, 0]}


def classes(y: np.ndarray) -> np.ndarray:
    """The class of each sample: the largest of several outputs, or whether the only one is above a half."""
    return np.asarray(y.argmax(axis=-1) if y.shape[-1] > 1 else (y > 0.5)[..., 0])


def numbers(path: Path) -> np.ndarray:
    """All numbers of a model file."""
    return np.concatenate([weight.value.ravel() for weight in weightlens.load(path).weights.values()])


@pytest.mark.parametrize("name", TRUTH_TABLES)
@pytest.mark.parametrize(("halves", "kind"), [(False, ".h5"), (True, ".keras")])
def test_keras_opens_the_twin_of_a_gate(name: str, halves: bool, kind: str, tmp_path: Path, keras: Any) -> None:
    x, out = sample_input(SAMPLES / name), tmp_path / f"twin{kind}"
    twin = weightlens.simplify(SAMPLES / name, x, out, limit=9, halves=halves)
    assert twin.ok and twin.path == out and not twin.changed
    made = numbers(out)
    assert np.array_equal(made * (2 if halves else 1), np.rint(made * (2 if halves else 1))) and np.abs(made).max() == twin.largest <= 9
    assert classes(keras.models.load_model(out).predict(x, verbose=0)).tolist() == TRUTH_TABLES[name]
    assert np.allclose(twin.model.predict(x)[0], weightlens.load(out).predict(x)[0], rtol=0, atol=0)


def test_keras_opens_the_twin_of_a_classifier(tmp_path: Path, keras: Any) -> None:
    digits = pytest.importorskip("sklearn.datasets").load_digits().data / 16
    twin = weightlens.simplify(SAMPLES / "digits_mlp.keras", digits, tmp_path / "twin.h5", limit=15)
    before, after = (keras.models.load_model(path).predict(digits, verbose=0) for path in (SAMPLES / "digits_mlp.keras", twin.path))
    same = classes(before) == classes(after)
    assert same.sum() == twin.kept and twin.kept >= 0.98 * len(digits)
    assert np.abs(numbers(tmp_path / "twin.h5")).max() <= 15


@pytest.mark.filterwarnings("error")
def test_a_sample_that_becomes_nan_has_lost_its_class_and_no_other_has(tmp_path: Path) -> None:
    layers = sequential(given("x", 2), dense("a", 2, activation="exponential"), dense("b", 2, activation="softmax"))
    kernels = {"a": [[0.1, 0.05], [0.05, 0.1]], "b": [[1.0, 0.5], [0.5, 1.0]]}
    groups = {name: {"kernel:0": np.array(kernel, "f4"), "bias:0": np.zeros(2, "f4")} for name, kernel in kernels.items()}
    path, x = legacy(tmp_path / "steep.h5", layers, groups), np.array([[5000.0, 1000.0], [1000.0, 5000.0], [1.0, 0.0], [0.0, 1.0]])
    twin = weightlens.simplify(path, x)
    before, after = weightlens.load(path).predict(x)[0], twin.model.predict(x)[0]
    assert np.isfinite(before).all() and np.isnan(after).any(axis=1).tolist() == [True, True, False, False]
    assert classes(before)[2:].tolist() == classes(after)[2:].tolist() and (twin.kept, twin.changed) == (2, (0, 1))


def test_a_larger_limit_keeps_no_fewer_classes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    numbers_of = {"a": (rng.normal(size=(2, 4)), rng.normal(size=4)), "b": (rng.normal(size=(4, 3)), rng.normal(size=3))}
    groups = {name: {"kernel:0": kernel.astype("f4"), "bias:0": bias.astype("f4")} for name, (kernel, bias) in numbers_of.items()}
    layers = sequential(given("x", 2), dense("a", 4, activation="tanh"), dense("b", 3, activation="softmax"))
    path = legacy(tmp_path / "m.h5", layers, groups)
    x = rng.normal(size=(150, 2))
    kept = []
    for limit in range(1, 7):
        twin = weightlens.simplify(path, x, limit=limit)
        assert twin.kept == (classes(twin.model.predict(x)[0]) == classes(weightlens.load(path).predict(x)[0])).sum()
        kept.append(twin.kept)
    assert kept == sorted(kept) and kept[-1] < 150


def test_the_search_ends_the_same_way_every_time() -> None:
    first, again = (weightlens.simplify(SAMPLES / "xor_relu.h5", sample_input(SAMPLES / "xor_relu.h5")).model for _ in range(2))
    assert weightlens.diff(first, again).same


@pytest.mark.parametrize("ending", ["dropout behind", "a softmax layer", "a nested model", "yes or no for each", "logits"])
def test_classes_are_found_behind_any_ending(ending: str, tmp_path: Path, keras: Any) -> None:
    keras.utils.set_random_seed(8)
    layers = keras.layers
    endings = {
        "dropout behind": lambda: [layers.Dense(3, "softmax"), layers.Dropout(0.5)],
        "a softmax layer": lambda: [layers.Dense(3), layers.Softmax()],
        "a nested model": lambda: [keras.Sequential([keras.Input((4,)), layers.Dense(3, "softmax")])],
        "yes or no for each": lambda: [layers.Dense(3, "sigmoid")],
        "logits": lambda: [layers.Dense(3)],
    }
    model = keras.Sequential([keras.Input((2,)), layers.Dense(4, "tanh"), *endings[ending]()])
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True) if ending == "logits" else "mse")
    model.save(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(30, 2))
    twin = weightlens.simplify(tmp_path / "model.keras", x, tmp_path / "twin.keras", limit=20)
    before, after = model.predict(x, verbose=0), keras.models.load_model(tmp_path / "twin.keras").predict(x, verbose=0)
    same = ((before > 0.5) == (after > 0.5)).all(axis=1) if ending == "yes or no for each" else classes(before) == classes(after)
    assert twin.kept == same.sum() >= 27
    assert list(twin.changed) == np.flatnonzero(~same).tolist()
    assert np.array_equal(numbers(tmp_path / "twin.keras"), np.rint(numbers(tmp_path / "twin.keras")))


def test_a_live_model(keras: Any, tmp_path: Path) -> None:
    model = keras.models.load_model(SAMPLES / "or.h5")
    twin = weightlens.simplify(model, sample_input(SAMPLES / "or.h5"), tmp_path / "twin.h5")
    assert twin.ok and not np.array_equal(numbers(tmp_path / "twin.h5"), numbers(SAMPLES / "or.h5"))
    assert np.abs(model.get_weights()[0]).max() > 1.5, "the model itself is not changed"


def test_the_command_says_how_many_samples_keep_their_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    gate = [str(SAMPLES / "and.h5"), "-i", str(SAMPLES / "and.csv"), "-o", "twin.h5"]
    assert main(["simplify", *gate]) == 0
    assert "6 whole numbers from -2 to 2; 4 of 4 samples keep their class" in capsys.readouterr().out
    written = Path("twin.h5").read_bytes()
    assert main(["simplify", *gate]) == 2 and "--force" in capsys.readouterr().err
    assert Path("twin.h5").read_bytes() == written
    assert main(["simplify", *gate, "--force", "--max", "1"]) == 1, "1, 0 and -1 do not make an AND that is clear"
    shown = capsys.readouterr()
    assert "3 of 4 samples keep" in shown.out and "another class: sample 3" in shown.err and Path("twin.h5").read_bytes() != written


def test_classes_along_another_axis_are_refused(tmp_path: Path) -> None:
    x, groups = np.ones((2, 4, 2)), {"a": {"kernel:0": np.eye(2, 3, dtype="f4"), "bias:0": np.zeros(3, "f4")}}
    for axis in (1, [1], -2):
        path = legacy(tmp_path / f"{axis}.h5", sequential(given("x", 4, 2), dense("a", 3), layer("Softmax", "s", axis=axis)), groups)
        with pytest.raises(BadInput, match="'s' at the end is a softmax along another axis"):
            weightlens.simplify(path, x)
    for axis in (2, [-1], -1):
        path = legacy(tmp_path / f"{axis} last.h5", sequential(given("x", 4, 2), dense("a", 3), layer("Softmax", "s", axis=axis)), groups)
        assert weightlens.simplify(path, x).samples == 2


def test_what_has_no_classes_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "twin.h5"
    with pytest.raises(BadInput, match="neither softmax nor sigmoid"):
        weightlens.simplify(SAMPLES / "relu_neuron.h5", [[1.0]], out)
    for limit in (100, 0, -1, 1.5, np.nan, np.inf, "3", None):
        with pytest.raises(BadInput, match="from 1 to 99"):
            weightlens.simplify(SAMPLES / "or.h5", [[1.0, 0.0]], out, limit=limit)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="NaN or infinity"):
        weightlens.simplify(SAMPLES / "or.h5", [[np.nan, 0.0]], out)
    with pytest.raises(BadInput, match="never overwritten"):
        weightlens.simplify(SAMPLES / "or.h5", [[1.0, 0.0]], SAMPLES / "or.h5", force=True)
    assert not out.exists()
