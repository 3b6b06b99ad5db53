"""Every kind of workbook that weightlens writes, as commands on the sample models and as layer cases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

import weightlens
from tests.cases import CASES, Case
from tests.conftest import SAMPLES, Built
from weightlens.cli.main import main
from weightlens.training.moments import Forward, Moment, empty_history, lengths, numbers_of, silent_units, steps_between, weights_by_layer
from weightlens.workbook.training.history_book import write_book

COMMANDS = {
    "truth table": ["export", "or.h5"],
    "with answers, a switch and blanks": ["export", "xor_relu.h5", "-i", "xor_relu_data.csv", "--target", "y", "--switch", "--exercise"],
    "one block a layer": ["export", "xor_sigmoid.h5", "--detail", "layers"],
    "matrices only": ["export", "or.h5", "--detail", "weights"],
    "a curve": ["export", "relu_neuron.h5", "-i", "relu_neuron_data.csv", "--target", "y"],
    "many samples": ["export", "digits_mlp.keras", "-i", "digits_mlp.csv"],
    "pictures": ["export", "digits_cnn.keras", "-i", "digits_cnn.npy"],
    "time steps": ["export", "sine_lstm.keras", "-i", "sine_lstm.npy"],
    "training": ["train-sheet", "xor_sigmoid.h5", "-i", "xor_sigmoid_data.csv", "--target", "y", "--epochs", "5"],
}
LAYERS = {case.name: case for case in CASES if case.name in ("heads", "text", "looked-up words")}
SOME_CASES = [case for case in CASES if case.workbook][::22]


def write_command(name: str, path: Path) -> Path:
    """The workbook of one of the commands."""
    assert main([*(str(SAMPLES / word) if (SAMPLES / word).is_file() else word for word in COMMANDS[name]), "-o", str(path)]) == 0
    return path


def write_case(case: Case, built: Callable[[Case], Built], path: Path) -> Path:
    """The workbook of a layer case."""
    weightlens.export(built(case).path, path, inputs=built(case).inputs)
    return path


def write_history(path: Path) -> Path:
    """The workbook of a training that Keras ran, with rows within its epochs, made without Keras."""
    model = weightlens.load(SAMPLES / "xor_relu.h5")
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    history, before = empty_history(model, "Keras, some epochs", ["*/bias"]), dict[tuple[str, str], np.ndarray]()
    history.relus = {layer: len(units) for layer, units in silent_units(model, [x]).items()}
    for number in range(7):
        arrays = {key: weight.value * (1 + number / 10) for key, weight in weights_by_layer(model).items()}
        epoch, batch = divmod(number, 2)
        logs = {} if not number else {"loss": 1 / number, **({} if batch else {"val_loss": 2 / number})}
        changes, dead = steps_between(history, before, arrays) if before else None, None if batch else (number,)
        history.moments.append(Moment(epoch, batch, logs, numbers_of(history, arrays), lengths(history, arrays), changes, dead))
        before = arrays
    write_book(history, path, Forward(model, [x], 3), True)
    return path
