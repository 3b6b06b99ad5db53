"""Random edits in random models: Keras predicts with the new file what the recalculated workbook shows."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

import weightlens
from tests.cases import turn
from tests.test_import import weight_cells
from weightlens.checks.oracle import load_twin, quiet_tensorflow
from weightlens.importing import import_workbook
from weightlens.spreadsheet.recalculate import installed_engines, recalculate

Choose = np.random.Generator
ACTIVATIONS = ["relu", "tanh", "sigmoid", "softplus", "elu", "linear"]
FILES = [(".h5", "keras"), (".h5", "tf_keras"), (".keras", "keras"), (".keras", "tf_keras")]
CASES = [(seed, *file) for seed in range(8) for file in turn(FILES, 4, seed)]  # each model as one of them, tomorrow as the next


def some(choose: Choose, *options: Any) -> Any:
    return options[int(choose.integers(len(options)))]


def picture(keras: Any, choose: Choose) -> list[Any]:
    layers, padding = keras.layers, some(choose, "same", "valid")
    first = layers.Conv2D(
        int(choose.integers(1, 4)), some(choose, 2, 3, (2, 3)), some(choose, 1, 2), padding, activation=some(choose, *ACTIVATIONS)
    )
    then = some(choose, lambda: layers.DepthwiseConv2D(2, depth_multiplier=2), lambda: layers.SeparableConv2D(2, 2), lambda: layers.PReLU())
    return [keras.Input((6, 5, int(choose.integers(1, 3)))), first, layers.BatchNormalization(), then(), layers.Flatten()]


def sequence(keras: Any, choose: Choose) -> list[Any]:
    layers = keras.layers
    kind = some(choose, layers.LSTM, layers.GRU, layers.SimpleRNN)
    rest = [kind(2)] if choose.integers(2) else [layers.Bidirectional(kind(2, return_sequences=True)), layers.GlobalAveragePooling1D()]
    return [keras.Input((4, 3)), layers.Conv1D(2, 2, padding="causal"), layers.LayerNormalization(), *rest]


def words(keras: Any, choose: Choose) -> list[Any]:
    layers = keras.layers
    return [keras.Input((4,), dtype="int32"), layers.Embedding(5, 3), some(choose, layers.Flatten(), layers.GRU(2))]


def vector(keras: Any, choose: Choose) -> list[Any]:
    layers = keras.layers
    return [keras.Input((3,)), layers.Dense(int(choose.integers(1, 5)), some(choose, *ACTIVATIONS)), layers.BatchNormalization()]


KINDS: list[Callable[[Any, Choose], list[Any]]] = [picture, sequence, words, vector]


def made(keras: Any, choose: Choose, kind: Callable[[Any, Choose], list[Any]]) -> Any:
    """A small model with random weights; variances stay positive."""
    last = keras.layers.Dense(int(choose.integers(2, 5)), some(choose, "softmax", "sigmoid", "linear"))
    model = keras.Sequential([*kind(keras, choose), last])
    positive = ["variance" in weight.name for weight in model.weights]
    model.set_weights([choose.uniform(0.5 if p else -1, 1, w.shape) for p, w in zip(positive, model.weights, strict=True)])
    return model


def edit_some(file: Path, choose: Choose) -> int:
    """Type other numbers into some cells of every weight; gives how many."""
    workbook, count = openpyxl.load_workbook(file), 0
    for name, cells in weight_cells(workbook).items():
        for number in choose.permutation(len(cells))[: int(choose.integers(1, 4))]:
            cells[number].value = float(np.float32(choose.uniform(0.5 if name.endswith("variance") else -1, 1)))  # as the file keeps it
            count += 1
    workbook.save(file)
    return count


@pytest.mark.parametrize(("seed", "suffix", "library"), CASES)
def test_keras_predicts_what_the_edited_sheet_shows(seed: int, suffix: str, library: str, tmp_path: Path) -> None:
    choose = np.random.default_rng([seed, len(suffix), len(library)])
    with quiet_tensorflow():
        keras = importlib.import_module(library)
        model = made(keras, choose, KINDS[seed % len(KINDS)])
        path, file, new = (tmp_path / name for name in (f"model{suffix}", "book.xlsx", f"new{suffix}"))
        model.save(path)
    shape = (2, *model.input_shape[1:])
    x = choose.integers(0, 5, shape) if "int" in str(model.inputs[0].dtype) else choose.normal(size=shape).astype("float32")
    weightlens.export(path, file, x)
    edited = edit_some(file, choose)
    imported = import_workbook(file, path, new)
    assert len(imported.changes) == edited
    with quiet_tensorflow():
        loaded = keras.models.load_model(new, compile=False)
        predicted = np.asarray(loaded(x))
        twin = load_twin(keras, weightlens.load(new))
        exact = np.asarray(twin(x if x.dtype.kind == "i" else x.astype("float64")))
    assert np.abs(predicted - np.asarray(model(x))).max() > 1e-6  # the edits matter
    engines = ["ironcalc", "libreoffice"] if seed == 0 else ["ironcalc"]
    for engine in [name for name in engines if name in installed_engines()]:
        shown = recalculate(file, engine).block("output_0")
        np.testing.assert_allclose(predicted.ravel(), shown, rtol=1e-6, atol=1e-6, err_msg=engine)
        np.testing.assert_allclose(exact.ravel(), shown, rtol=1e-12, atol=1e-12, err_msg=f"{engine}, Keras in double precision")
