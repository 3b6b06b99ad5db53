"""Every kind of workbook that weightlens writes, as commands on the sample models and as layer cases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import weightlens
from tests.cases import CASES, Case
from tests.conftest import SAMPLES, Built
from weightlens.cli.main import main

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
