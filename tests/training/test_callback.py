"""The callback of ``model.fit``: what it remembers is what Keras had, and what it writes can be computed again."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from weightlens.api.recorder import refuse_unknown_places
from weightlens.checks.oracle import quiet_tensorflow
from weightlens.page.history_page import page
from weightlens.spreadsheet.cell_values import Book, read_book
from weightlens.spreadsheet.recalculate import recalculate, recalculate_all

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
Y = np.array([[0], [1], [1], [0]], np.float32)


def xor(k: Any, built: bool = True, eager: bool = True) -> Any:
    """The network of most tests; ``eager``: Keras does not compile its few steps, which takes longer than they do."""
    layers = [k.layers.Dense(4, "relu", name="hidden"), k.layers.Dense(1, "sigmoid", name="out")]
    network = k.Sequential([*([k.Input((2,))] if built else []), *layers], name="xor")
    network.compile(k.optimizers.Adam(0.1), "binary_crossentropy", metrics=["accuracy"], run_eagerly=eager)
    return network


def fit(network: Any, *callbacks: Any, epochs: int = 5, **options: Any) -> Any:
    with quiet_tensorflow():
        return network.fit(X, Y, epochs=epochs, verbose=0, callbacks=[*callbacks], **options)


def column(book: Book, sheet: str, letter: str, rows: int, first: int = 6) -> list[Any]:
    return [book.cell(sheet, f"{letter}{row}") for row in range(first, first + rows)]


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_the_history_of_a_real_training(library: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    keras, path = request.getfixturevalue(library), tmp_path / "history.xlsx"
    network, kept = xor(keras, eager=False), list[list[np.ndarray]]()
    spy = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(network.get_weights()))
    begun = network.get_weights()
    recorder = weightlens.callback(path, X)
    reported = fit(network, spy, recorder, validation_data=(X, Y)).history
    history = recorder.history
    assert history is not None and [moment.epoch for moment in history.moments] == [0, 1, 2, 3, 4, 5] and history.whole
    for moment, arrays in zip(history.moments, [begun, *kept], strict=True):
        np.testing.assert_array_equal(moment.numbers, np.concatenate([array.ravel() for array in arrays]).astype(np.float64))
        assert moment.norms[0] == pytest.approx(np.sqrt((arrays[0].astype(float) ** 2).sum() + (arrays[1].astype(float) ** 2).sum()))
    for name, values in reported.items():
        assert [moment.logs[name] for moment in history.moments[1:]] == pytest.approx(values)
    book = read_book(path)
    assert column(book, "Training", "A", 6) == [0, 1, 2, 3, 4, 5]
    assert column(book, "Training", "B", 6)[1:] == pytest.approx(reported["loss"])
    # the forward pass is that of the last epoch
    answers = np.array([book.cell("Check", f"B{row}") for row in range(12, 16)], float)
    np.testing.assert_allclose(answers, network(X).numpy().ravel(), rtol=1e-5)


def forced(numbers: Mapping[str, Any]) -> dict[str, float]:
    return {place: value for place, value in numbers.items() if isinstance(value, (int, float))}


@pytest.mark.parametrize("engine", ["ironcalc", "libreoffice", "gnumeric"])
def test_lengths_and_steps_are_live(engine: str, keras: Any, tmp_path: Path) -> None:
    path = tmp_path / "history.xlsx"
    fit(xor(keras), weightlens.callback(path, X))
    stored, (computed, moved) = read_book(path), recalculate_all([path, path], engine, [{}, {("Weights", "B11"): 100.0}])
    assert isinstance(computed, Book) and isinstance(moved, Book)
    for sheet in ("Training", "Layers", "Weights"):
        before, after = forced(stored.sheets[sheet]), forced(computed.sheets[sheet])
        assert len(before) >= 16 and before == pytest.approx({place: after[place] for place in before}, rel=1e-12, abs=1e-15)
    assert {"SQRT", "SUMSQ", "SUMXMY2", "IF"} <= set(re.findall(r"[A-Z0-9]{2,}(?=\()", "".join(stored.formulas["Layers"].values())))
    assert moved.cell("Layers", "B11") == pytest.approx(100, rel=0.01) and moved.cell("Layers", "B10") == computed.cell("Layers", "B10")


def test_a_large_network_keeps_lengths_and_some_numbers(keras: Any, tmp_path: Path) -> None:
    with quiet_tensorflow():
        network = keras.Sequential([keras.Input((50,)), keras.layers.Dense(40, "relu", name="a"), keras.layers.Dense(1, name="b")])
        network.compile("sgd", "mse", run_eagerly=True)
        recorder = weightlens.callback(tmp_path / "all.xlsx", weights=["a/kernel[3,4]", "b/bias"])
        start = network.get_weights()
        network.fit(np.ones((8, 50)), np.ones(8), epochs=1, verbose=0, callbacks=[recorder, weightlens.callback(tmp_path / "some.xlsx")])
    history = recorder.history
    assert history is not None and not history.whole and [number.label for number in history.followed] == ["kernel[3,4]", "bias[0]"]
    assert history.moments[0].numbers[0] == start[0][3, 4] and history.moments[-1].numbers[1] == network.get_weights()[3][0]
    total = np.sqrt(sum(((new - old).astype(float) ** 2).sum() for new, old in zip(network.get_weights()[:2], start[:2], strict=True)))
    assert history.moments[1].changes is not None and history.moments[1].changes[0] == pytest.approx(total)
    for name in ("all", "some"):
        book = read_book(tmp_path / f"{name}.xlsx")
        assert "Summary" not in book.sheets and column(book, "Training", "A", 3) == [0, 1, None]


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_every_so_many_batches(library: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    keras = request.getfixturevalue(library)
    recorder = weightlens.callback(tmp_path / "history.xlsx", X, batches=2)
    fit(xor(keras), recorder, epochs=2, batch_size=1)
    history = recorder.history
    assert history is not None and history.positions == [0, 0.5, 1, 1.5, 2]
    assert [moment.dead is None for moment in history.moments] == [False, True, False, True, False]
    assert all(moment.changes is not None and (moment.changes > 0).any() for moment in history.moments[1:])
    assert "within an epoch" in str(read_book(tmp_path / "history.xlsx").cell("Training", "B2")).lower()


def test_dead_units_are_counted(keras: Any, tmp_path: Path) -> None:
    network = xor(keras)
    kernel, bias = network.layers[0].get_weights()
    network.layers[0].set_weights([kernel, np.array([-50, -50, 50, 50], np.float32)])
    recorder = weightlens.callback(tmp_path / "history.xlsx", X)
    fit(network, recorder, epochs=2)
    assert recorder.history is not None and [moment.dead for moment in recorder.history.moments] == [(2,)] * 3
    assert recorder.history.relus == {"hidden": 4} and bias.shape == (4,)


def test_the_forward_pass_of_a_chosen_epoch(keras: Any, tmp_path: Path) -> None:
    network, then = xor(keras), list[np.ndarray]()
    spy = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: then.append(network(X).numpy().ravel()))
    fit(network, spy, weightlens.callback(tmp_path / "history.xlsx", X, epoch=2, labels=["no", "yes"]))
    book = read_book(tmp_path / "history.xlsx")
    assert "after epoch 2" in str([*book.sheets["Training"].values()])
    np.testing.assert_allclose([book.cell("Check", f"B{row}") for row in range(12, 16)], then[1], rtol=1e-5)  # type: ignore[arg-type]


class Interrupt:
    """Ends a training, as Ctrl-C does, after the second epoch."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: None

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        if epoch == 1:
            raise KeyboardInterrupt


def test_an_interrupted_training_leaves_what_is_known(keras: Any, tmp_path: Path) -> None:
    along, end = weightlens.callback(tmp_path / "along.xlsx", along=True, force=False), weightlens.callback(tmp_path / "end.xlsx")
    with pytest.raises(KeyboardInterrupt):
        fit(xor(keras), along, end, Interrupt())
    assert column(read_book(tmp_path / "along.xlsx"), "Training", "A", 3) == [0, 1, 2]
    assert not (tmp_path / "end.xlsx").exists() and end.write() == tmp_path / "end.xlsx"
    assert column(read_book(tmp_path / "end.xlsx"), "Training", "A", 3) == [0, 1, 2]
    assert {path.name for path in tmp_path.iterdir()} == {"along.xlsx", "end.xlsx"}


def test_early_stopping_and_a_file_for_each_epoch(keras: Any, tmp_path: Path) -> None:
    stop = keras.callbacks.EarlyStopping("loss", patience=0, min_delta=1e9)
    fit(xor(keras), stop, weightlens.callback(tmp_path / "after_{epoch:02d}_{loss:.1f}.xlsx"))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert [name[:8] for name in names] == ["after_01", "after_02"] and re.fullmatch(r"after_01_\d\.\d\.xlsx", names[0])


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_a_network_that_is_built_by_its_first_batch(library: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    recorder = weightlens.callback(tmp_path / "history.xlsx", X)
    fit(xor(request.getfixturevalue(library), built=False), recorder, epochs=2)
    assert recorder.history is not None and recorder.history.moments[-1].epoch == 2 and (tmp_path / "history.xlsx").exists()


def test_a_network_without_formulas_is_recorded_without_them(keras: Any, tmp_path: Path) -> None:
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3, activation="relu"), keras.layers.Flatten()])
    network.add(keras.layers.Dense(1))
    network.compile("sgd", "mse", run_eagerly=True)
    recorder = weightlens.callback(tmp_path / "history.xlsx", np.ones((3, 8, 8, 1)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("weightlens.workbook.layout.plan.MAX_CELLS", 10)
        patch.setattr("weightlens.training.moments.MOST_NUMBERS", 1)
        with pytest.warns(UserWarning, match="without the forward pass"):
            network.fit(np.ones((4, 8, 8, 1)), np.ones(4), epochs=1, verbose=0, callbacks=[recorder])
    assert len(recorder.watched[0]) == 1 and "Summary" not in read_book(tmp_path / "history.xlsx").sheets


def test_a_network_of_a_class_of_somebody_s_own(keras: Any, tmp_path: Path) -> None:
    class Own(keras.Model):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inside = keras.layers.Dense(1)

        def call(self, x: Any) -> Any:
            return self.inside(x)

    network = Own()
    network.compile("sgd", "mse", run_eagerly=True)
    recorder = weightlens.callback(tmp_path / "history.xlsx", X)
    with pytest.warns(UserWarning, match="class of somebody's own"):
        network.fit(X, Y, epochs=2, verbose=0, callbacks=[recorder])
    assert recorder.history is not None and [moment.epoch for moment in recorder.history.moments] == [1, 2]
    assert len(recorder.history.followed) == 3 and (tmp_path / "history.xlsx").exists()


def test_a_training_that_diverges(keras: Any, tmp_path: Path) -> None:
    path = tmp_path / "history.xlsx"
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="d")])
    network.compile(keras.optimizers.SGD(1e30), "mse", run_eagerly=True)
    fit(network, weightlens.callback(path))
    book = recalculate(path, "ironcalc")
    assert not book.errors() and "not a number" in column(book, "Training", "B", 6) and "not a number" in column(book, "Layers", "B", 6)


def test_what_cannot_be_is_refused_before_the_training(keras: Any, tmp_path: Path) -> None:
    (tmp_path / "old.xlsx").write_text("old")
    for path, words in (("no/folder/h.xlsx", "no folder"), ("h.txt", "h.xlsx"), ("{epoch:0.xlsx", "history_"), ("old.xlsx", "exists")):
        with pytest.raises(weightlens.BadInput, match=words):
            weightlens.callback(tmp_path / path, force=False)
    network, begun = xor(keras), xor(keras)
    for options, words in (
        ({"inputs": np.ones((2, 3))}, "2"),
        ({"weights": "hidde/kernel"}, "hidden/kernel"),
        ({"inputs": X, "labels": ["a", "b", "c"]}, "3 labels"),
        ({"weights": ["hidden/kernel[0,9]"]}, "shape"),
    ):
        with pytest.raises(weightlens.BadInput, match=words):
            fit(network, weightlens.callback(tmp_path / "h.xlsx", **options))  # type: ignore[arg-type]
    with pytest.raises(weightlens.BadInput, match="no 'auc' to fill in"):
        fit(network, weightlens.callback(tmp_path / "h_{auc:.2f}.xlsx"))
    assert network.optimizer.iterations.numpy() == 0 and begun.built
    with pytest.raises(weightlens.BadInput, match="batches"):
        weightlens.callback(tmp_path / "h.xlsx", batches=0)


@pytest.mark.parametrize("name", ["batches", "epoch"])
@pytest.mark.parametrize("value", [-1, 1.5, np.nan, np.inf, "3", []])
def test_what_is_no_whole_number_is_refused_at_once(name: str, value: Any, tmp_path: Path) -> None:
    with pytest.raises(weightlens.BadInput, match=f"{name}: a whole number"):
        weightlens.callback(tmp_path / "h.xlsx", **{name: value})


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_a_path_is_filled_with_whatever_the_network_reports(library: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    keras = request.getfixturevalue(library)
    network = xor(keras)
    network.compile("sgd", "mse", metrics=["mae", keras.metrics.MeanSquaredError(name="off")], run_eagerly=True)
    fit(network, weightlens.callback(tmp_path / "h_{mae:.1f}_{val_off:.1f}_{epoch}.xlsx"), epochs=1, validation_data=(X, Y))
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["my_metric", "lambda"])
def test_a_path_is_filled_with_what_a_function_measures(name: str, keras: Any, tmp_path: Path) -> None:
    def my_metric(y: Any, p: Any) -> Any:
        return y * 0 + 0.25

    network = xor(keras)
    network.compile("sgd", "mse", metrics=[my_metric if name == "my_metric" else lambda y, p: y * 0 + 0.25])
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing is saved here, about which Keras would warn
        refuse_unknown_places(tmp_path / f"h_{{{name}}}.xlsx", network)
    if name == "my_metric":
        with pytest.raises(weightlens.BadInput, match="no 'auc' to fill in"):
            refuse_unknown_places(tmp_path / "h_{auc:.2f}.xlsx", network)


def test_a_loss_that_keras_cannot_write_down_is_no_mistake_in_the_path(keras: Any, tmp_path: Path) -> None:
    network = xor(keras)
    network.compile("sgd", functools.partial(keras.losses.huber, delta=2.0), run_eagerly=True)
    for name in ("h.xlsx", "h_{epoch}.xlsx", "h_{val_loss:.2f}.xlsx"):
        refuse_unknown_places(tmp_path / name, network)
    fit(network, weightlens.callback(tmp_path / "h_{loss:.2f}.xlsx"), epochs=1)
    assert len(list(tmp_path.iterdir())) == 1, "the training is recorded all the same"


def test_what_goes_wrong_later_does_not_end_the_training(keras: Any, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    recorder = weightlens.callback(folder / "h.xlsx")
    gone = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: folder.rmdir() if folder.exists() else None)
    with pytest.warns(UserWarning, match=r"no folder.*tries again"):
        reported = xor(keras).fit(X, Y, epochs=3, verbose=0, callbacks=[recorder, gone])
    assert len(reported.history["loss"]) == 3
    assert recorder.write(tmp_path / "h.xlsx").exists()


def test_the_page_of_a_training(keras: Any, tmp_path: Path) -> None:
    recorder = weightlens.callback(tmp_path / "history.html", X, weights=["hidden/bias"])
    fit(xor(keras), recorder, epochs=4)
    text = (tmp_path / "history.html").read_text()
    assert text.count("<svg") == 6 and "hidden bias[3]" in text and "after epoch 4" in text
    assert text.count("<polyline") >= 9 and text.count("<iframe") == 1
    assert re.findall(r"<tr><td>(\d)</td><td>[\d.]+</td>", text) == ["1", "2", "3", "4"]
    assert recorder.history is not None
    hostile = replace(recorder.history, title="<script>", layers=("<script>", "out"), relus={"<script>": 4})
    assert "<script" not in page(hostile, None) and page(hostile, None).count("&lt;script&gt;") >= 4


def test_nothing_was_seen_yet(tmp_path: Path) -> None:
    with pytest.raises(weightlens.BadInput, match=r"model\.fit"):
        weightlens.callback(tmp_path / "h.xlsx").write()


def test_keras_is_not_imported(tmp_path: Path) -> None:
    script = "import sys, weightlens; weightlens.callback(sys.argv[1]); print({'keras', 'tf_keras', 'tensorflow'} & {*sys.modules})"
    ran = subprocess.run([sys.executable, "-c", script, str(tmp_path / "h.xlsx")], capture_output=True, text=True)
    assert ran.stdout.strip() == "set()", ran.stderr
