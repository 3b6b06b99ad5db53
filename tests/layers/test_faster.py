"""What bare arrays are computed with gives the numbers of the plain spelling, which a trace records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from weightlens.layers.faster import FEWEST_ROWS, MANY, ON_ONE_CORE, at_least, at_most, plus_row, times
from weightlens.recording import Recorded

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("rows", [1, 7, 56, 57, 196, 997])
@pytest.mark.parametrize("columns", [1, 32, ON_ONE_CORE // 144 // FEWEST_ROWS, ON_ONE_CORE // 144])
def test_a_product_in_parts_is_the_product(rows: int, columns: int) -> None:
    x, kernel = RANDOM.integers(-9, 9, (rows, 144)).astype(float), RANDOM.integers(-9, 9, (144, columns)).astype(float)
    expected = x.astype(int) @ kernel.astype(int)  # whole numbers: exact in any order
    np.testing.assert_array_equal(times(x, kernel), expected)
    out = np.empty((rows, columns))
    assert times(x, kernel, out) is not None
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [MANY // 2, MANY * 2])
@pytest.mark.parametrize(("bound", "value"), [(at_least, 0.0), (at_most, 0.5)])
def test_a_bound(bound: Callable[[Any, float], Any], value: float, size: int, dtype: type) -> None:
    x = RANDOM.normal(size=size).astype(dtype)
    x[:4] = np.nan, np.inf, -np.inf, -0.0
    plain = bound(Recorded(x, kind="input", name="x"), value).value
    found = bound(x, value)
    np.testing.assert_array_equal(found, plain)
    assert found.dtype == plain.dtype == dtype


@pytest.mark.parametrize("shape", [(9, 4), (3, 28, 28, 16), (5000, 7), (700, 8), (40, 400), (2, 100, 30)])
def test_a_row_is_added_to_every_row(shape: tuple[int, ...]) -> None:
    x, row = RANDOM.normal(size=shape), RANDOM.normal(size=shape[-1])
    np.testing.assert_array_equal(plus_row(x, row), x + row)
    turned = np.swapaxes(x, 0, -2) if len(shape) > 2 else x[::2]
    np.testing.assert_array_equal(plus_row(turned, row), turned + row)
