"""Where several numbers of a window are the largest, the sheet of a training gives the gradient to the one that Keras gives it to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import weightlens
from weightlens.cli.main import main
from weightlens.spreadsheet.recalculate import recalculate


def test_equal_numbers_in_a_window(keras: Any, tmp_path: Path) -> None:
    path, book = tmp_path / "m.keras", tmp_path / "m.xlsx"
    of = keras.layers
    layers = [of.Dense(4, name="dense"), of.Reshape((2, 2, 1)), of.MaxPooling2D(2), of.Flatten()]
    network = keras.Sequential([keras.Input((2,)), *layers])
    network.set_weights([np.array([[1.0, 2.0, 2.0, -1.0], [0.5, 1.0, 1.0, 0.25]]), np.zeros(4)])
    network.save(path)
    (tmp_path / "d.csv").write_text("a,b,y\n1,1,0\n0,0,1\n")
    asked = ["-i", str(tmp_path / "d.csv"), "--target", "y", "--loss", "mse", "--lr", "0.1", "--epochs", "1", "--optimizer", "sgd"]
    assert main(["train-sheet", str(path), *asked, "-o", str(book)]) == 0
    network.compile(keras.optimizers.SGD(0.1), "mse")
    network.fit(np.array([[1.0, 1.0], [0.0, 0.0]]), np.array([[0.0], [1.0]]), batch_size=2, epochs=1, verbose=0)
    cells = [cell for sheet in recalculate(book, "ironcalc").sheets.values() for cell in sheet.values() if isinstance(cell, float)]
    assert weightlens.load(path)["dense"].kernel[0, 1] == 2.0
    for number in network.get_weights()[0].ravel():
        assert np.isclose(cells, number, rtol=0, atol=1e-6).any(), number
