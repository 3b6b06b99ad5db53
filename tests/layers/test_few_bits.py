"""Numbers between two that 8 bits can hold go where Keras rounds them, also in layers that compute in 16 bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens

SMALL, WIDE = np.linspace(0.0, 0.05, 500), np.linspace(0.1, 2.0, 2000)


@pytest.mark.parametrize(
    ("mode", "policy", "numbers", "step"),
    [("int8", "mixed_bfloat16", SMALL, 1 / 127), ("int8", "bfloat16", SMALL, 1 / 127), ("float8", "mixed_float16", WIDE, 0.0064)],
)
def test_between_two_numbers(keras: Any, tmp_path: Path, mode: str, policy: str, numbers: np.ndarray, step: float) -> None:
    """``step`` is the distance of two numbers that 8 bits can hold, where it is smallest."""
    dense = keras.layers.Dense(1, use_bias=False, dtype=policy)
    network = keras.Sequential([keras.Input((2,)), dense])
    dense.kernel.assign([[0.0], [1.0]])
    network.quantize(mode)
    if mode == "float8":
        dense.inputs_scale.assign(0.005)
    network.save(tmp_path / "m.keras")
    x = np.stack([np.ones_like(numbers), numbers], axis=-1).astype(np.float32)
    (mine,) = weightlens.load(tmp_path / "m.keras").predict(x)
    np.testing.assert_allclose(mine, np.asarray(keras.ops.cast(network(x), "float32")), rtol=2e-3, atol=step / 3)
