"""Layers that remember: the state goes from batch to batch as in Keras's ``predict(batch_size=...)``, in every way of computing it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.cases import turn
from weightlens.checks import check, check_workbook
from weightlens.checks.oracle import quiet_tensorflow
from weightlens.cli.main import main
from weightlens.errors import BadInput, UnsupportedLayer
from weightlens.spreadsheet import recalculate

Build = Callable[[Any, Any], Any]


def sequence(keras: Any, x: Any, **options: Any) -> Any:
    return keras.layers.GRU(2, stateful=True, return_sequences=True, **options)(x)


def nested(keras: Any, layer: Any, x: Any) -> Any:
    """A model of one layer, to be used as a layer."""
    given = keras.Input(batch_shape=x.shape)
    return keras.Model(given, layer(given))


NETWORKS: dict[str, tuple[int, Build]] = {
    "gru, batches of one": (1, lambda k, x: k.layers.GRU(2, stateful=True)(x)),
    "lstm, masked, sequences": (2, lambda k, x: k.layers.LSTM(2, stateful=True, return_sequences=True)(k.layers.Masking()(x))),
    "rnn backwards": (2, lambda k, x: k.layers.SimpleRNN(2, stateful=True, go_backwards=True, return_sequences=True)(x)),
    "cell, masked": (2, lambda k, x: k.layers.RNN(k.layers.GRUCell(2), stateful=True)(k.layers.Masking()(x))),
    "zero output": (2, lambda k, x: sequence(k, k.layers.Masking()(x), zero_output_for_mask=True)),
    "two layers": (1, lambda k, x: k.layers.LSTM(2, stateful=True)(k.layers.GRU(3, stateful=True, return_sequences=True)(x))),
    "bidirectional": (2, lambda k, x: k.layers.Bidirectional(k.layers.LSTM(2, stateful=True))(x)),
    "in a nested model": (2, lambda k, x: nested(k, nested(k, k.layers.LSTM(2, stateful=True), x), x)(x)),
    "beside a nested model": (2, lambda k, x: k.layers.LSTM(2, stateful=True)(nested(k, k.layers.Dense(2), x)(x))),
}  # fmt: skip


def sequences() -> np.ndarray:
    """Six samples with masked time steps at the beginning, at the end, and everywhere."""
    x = np.round(np.random.default_rng(0).normal(size=(6, 3, 2)), 2)
    x[2], x[3, :2], x[1, 2] = 0, 0, 0
    return x


@pytest.mark.parametrize("name", turn(list(NETWORKS), 3))
def test_states_go_from_batch_to_batch(keras: Any, tmp_path: Path, name: str) -> None:
    batch, build = NETWORKS[name]
    with quiet_tensorflow():
        given = keras.Input(batch_shape=(batch, 3, 2))
        network = keras.Model(given, build(keras, given))
        network.save(tmp_path / "m.keras")
        network.compile(run_eagerly=True)  # compiling three batches takes longer than they do
        expected = network.predict(sequences().astype("float32"), batch_size=batch, verbose=0)
    model = weightlens.load(tmp_path / "m.keras")
    np.testing.assert_allclose(model.predict(sequences())[0], expected, atol=2e-6)
    np.testing.assert_allclose(model.trace(sequences()).outputs[0], expected, atol=2e-6)
    report = check(model, sequences())
    assert report.ok, report.summary
    weightlens.export(model, tmp_path / "m.xlsx", sequences())
    if "ironcalc" in recalculate.installed_engines():
        assert check_workbook(tmp_path / "m.xlsx", model, "ironcalc").ok


def stateful(keras: Any, path: Path, twice: bool = False) -> weightlens.Model:
    with quiet_tensorflow():
        given, layer = keras.Input(batch_shape=(2, 3, 2)), keras.layers.GRU(2, stateful=True, return_sequences=True)
        keras.Model(given, layer(layer(given)) if twice else layer(given)).save(path)
    return weightlens.load(path)


def test_predictions_in_pieces_go_on_where_the_last_piece_ended(keras: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, x = stateful(keras, tmp_path / "m.keras"), np.random.default_rng(1).normal(size=(300, 3, 2))
    np.save(tmp_path / "x.npy", x)
    assert main(["predict", str(tmp_path / "m.keras"), "-i", str(tmp_path / "x.npy"), "--rows", "7"]) == 0
    out, err = capsys.readouterr()
    printed = np.loadtxt(out.splitlines()[1:], delimiter=",")
    np.testing.assert_array_equal(printed, model.trace(x).outputs[0].reshape(300, -1))
    assert "each batch of 2 goes on from the state" in err


def test_what_is_no_whole_batch_is_refused(keras: Any, tmp_path: Path) -> None:
    model = stateful(keras, tmp_path / "m.keras")
    with pytest.raises(BadInput, match=r"'gru.*one batch of 2 samples to the next, and 5 samples are no whole batches"):
        model.predict(sequences()[:5])
    assert model.predict(sequences()[:1])[0].shape == (1, 3, 2)  # nothing is carried there


def test_one_state_for_two_calls_is_refused(keras: Any, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedLayer, match="carries its state, and is called more than once"):
        stateful(keras, tmp_path / "m.keras", twice=True).predict(sequences())
