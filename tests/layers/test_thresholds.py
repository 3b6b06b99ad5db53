"""A number exactly on a threshold falls on the side where Keras puts it, whether it is given in single or in double precision."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens

NUMBERS = [[0.1, 0.3, 0.7, 1.1, -0.1, -0.3, 0.0, np.nan]]
LAYERS: dict[str, Callable[[Any], Any]] = {
    "bins": lambda k: k.layers.Discretization([-0.3, 0.1, 0.7, 1.1]),
    "ReLU": lambda k: k.layers.ReLU(threshold=0.3, negative_slope=0.5),
    "threshold": lambda k: lambda x: k.ops.threshold(x, 0.7, 5.0),
    "hard_shrink": lambda k: lambda x: k.ops.hard_shrink(x, 0.1),
    "Masking": lambda k: lambda x: k.layers.Masking(0.7)(k.layers.Reshape((8, 1))(x)),
    "greater": lambda k: lambda x: k.ops.where(x > 1.1, x, -x),
    "equal": lambda k: lambda x: k.ops.where(k.ops.equal(x, 0.1), 7.0, x),
}


@pytest.mark.parametrize("name", LAYERS)
def test_on_the_threshold(keras: Any, tmp_path: Path, name: str) -> None:
    inputs = keras.Input((8,))
    network = keras.Model(inputs, LAYERS[name](keras)(inputs))
    network.save(tmp_path / "m.keras")
    expected = np.asarray(network(np.array(NUMBERS, np.float32)))
    model = weightlens.load(tmp_path / "m.keras")
    for dtype in (np.float32, np.float64):
        np.testing.assert_allclose(model.predict(np.array(NUMBERS, dtype))[0], expected, rtol=1e-6, atol=1e-7, err_msg=str(dtype))
