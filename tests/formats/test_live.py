"""Models in memory give what their saved files give, for every layer case; so do bytes and open files."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
import weightlens.formats
from tests.cases import CASES
from tests.formats.live_backends import compared
from weightlens.checks import check
from weightlens.checks.oracle import quiet_tensorflow

ROOT = Path(__file__).parents[2]
DISTANCE = int(os.environ.get("WEIGHTLENS_EVERY_BACKEND", "12"))  # 1: all cases


def two_inputs(k: Any) -> Any:
    a, b = k.Input((4,), name="a"), k.Input((3, 2), name="b")
    inner = k.Sequential([k.Input((4,)), k.layers.Dense(3, "relu"), k.layers.BatchNormalization()], name="inner")
    sequence = k.layers.Bidirectional(k.layers.LSTM(2), name="both_ways")(b)
    return k.Model([a, b], k.layers.Dense(2, "softmax")(k.layers.Concatenate()([inner(a), sequence])))


@pytest.mark.keras
@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_the_same_on_another_backend(backend: str) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    ran = subprocess.run(
        [sys.executable, "-m", "tests.formats.live_backends", "keras", "0", str(DISTANCE)],
        cwd=ROOT, env={**os.environ, "KERAS_BACKEND": backend}, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2000:]
    judge(json.loads(ran.stdout.splitlines()[-1]), backend, 0.9)


def test_the_same_in_keras_2(tf_keras: Any) -> None:
    judge(compared("tf_keras", CASES[::DISTANCE]), "tensorflow", 0.4)


def judge(found: dict[str, Any], backend: str, least: float) -> None:
    """``least``: the share of the cases that this Keras can build and save; tf_keras has no ``ops``."""
    assert found["backend"] == backend and found["apart"] == {}
    assert len(found["same"]) >= least * (len(found["same"]) + len(found["not built"]))


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_every_door_takes_a_live_model(library: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    keras, inputs = request.getfixturevalue(library), {"a": np.ones((2, 4)), "b": np.ones((2, 3, 2))}
    with quiet_tensorflow():
        network = two_inputs(keras)
        network.save(tmp_path / "m.keras")
        live = weightlens.load(network)
        saved = weightlens.load(tmp_path / "m.keras")
        assert set(live.weights) == set(saved.weights) and not live.unplaced and not live.notes
        np.testing.assert_array_equal(live.predict(inputs)[0], saved.predict(inputs)[0])
        weightlens.export(network, tmp_path / "live.xlsx", inputs=inputs)
        assert check(live, inputs).ok
        assert weightlens.check(network, workbook=tmp_path / "live.xlsx", engine="ironcalc").ok


def test_a_file_that_is_called_like_a_live_model_is_not_its_file(keras: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(ROOT / "sample_models" / "or.h5", "or")
    (tmp_path / "config.json").write_text("{}")
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="dense")], name="or")
    assert weightlens.formats.files_of(weightlens.load(network)) == []
    with pytest.raises(weightlens.BadInput, match="no model from a file"):
        weightlens.fit(network, [[0, 1]], [[0, 1]], "new.h5", epochs=1)
    assert not Path("new.h5").exists()


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_weights_are_those_of_the_moment_they_are_touched(library: str, request: pytest.FixtureRequest) -> None:
    keras = request.getfixturevalue(library)
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="d")])
    early = weightlens.load(network)
    network.layers[0].set_weights([np.full((2, 1), 3.0), np.full(1, 4.0)])
    assert early["d"].kernel.tolist() == [[3.0], [3.0]]


def test_bytes_and_open_files(tmp_path: Path) -> None:
    for name in ("or.h5", "digits_mlp.keras"):
        path = ROOT / "sample_models" / name
        data = path.read_bytes()
        for given in (data, BytesIO(data), path.open("rb")):
            model = weightlens.load(given)
            np.testing.assert_array_equal(model.layers[1].kernel, weightlens.load(path).layers[1].kernel)
    with pytest.raises(weightlens.BadInput, match="not int"):
        weightlens.load(3)


def test_a_loss_that_cannot_be_saved_is_no_obstacle(keras: Any) -> None:
    class Twice:
        """A loss that is an object of no class of Keras's: it has no configuration."""

        def __call__(self, y: Any, p: Any) -> Any:
            return 2 * keras.losses.mean_squared_error(y, p)

    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="tanh")])
    x, y = keras.Input((3,)), keras.Input((2,))
    model = keras.Model([x, y], keras.layers.Dense(1)(keras.layers.Add()([inner(x), y])))
    inputs = [np.ones((2, 3)), np.arange(4.0).reshape(2, 2)]
    expected = weightlens.load(model).predict(inputs)[0]
    model.compile(loss=Twice())
    with pytest.raises(TypeError):
        model.to_json()
    np.testing.assert_array_equal(weightlens.load(model).predict(inputs)[0], expected)
