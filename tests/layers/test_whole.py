"""Whole numbers of few bits in operator nodes: they start again at the other end as in NumPy and Keras, or are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from weightlens.operations.small_integers import kept_in_range, taken_for_a_bias, wrapped

RANGE = np.arange(-70000.0, 70000.0, 333.0)


@pytest.mark.parametrize("kind", ["uint8", "int8", "uint16", "int16", "uint32", "int32"])
def test_wrapped_as_numpy_does(kind: str) -> None:
    np.testing.assert_array_equal(wrapped(RANGE, kind), RANGE.astype("int64").astype(kind).astype(float))


@pytest.mark.parametrize(
    ("name", "kind", "given", "y"),
    [
        ("Matmul", "int8", ((), {}), RANGE),
        ("Matmul", "bool", ((), {}), RANGE),
        ("Add", "uint8", ((None, 300), {}), RANGE),
        ("tf.math.truediv", "int8", ((None,), {"y": 255}), RANGE),
        ("Minimum", "int8", ((None,), {"x2": 200}), RANGE),
        ("Power", "int16", ((None, 5), {}), np.array([1e20])),
        ("Prod", "int32", ((), {}), np.array([1e12])),
        ("Multiply", "int32", ((), {}), np.array([1e12])),
        ("Einsum", "int64", ((), {}), np.array([2.0**63])),
        ("Moments", "int32", ((), {}), RANGE),
        ("tf.math.reduce_mean", "int32", ((), {}), RANGE),
    ],
)
def test_refused_where_it_cannot_be_told(name: str, kind: str, given: Any, y: np.ndarray) -> None:
    with pytest.raises(NotImplementedError):
        kept_in_range(name, kind, given, y)


@pytest.mark.parametrize(
    ("name", "kind", "given"),
    [
        ("Multiply", "uint8", ((None, 0.5), {})),
        ("Exp", "uint8", ((), {})),
        ("Add", "float32", ((None, 300), {})),
        ("Sum", "uint8", ((), {})),
        ("tf.math.reduce_max", "uint8", ((None,), {"axis": -1})),
    ],
)
def test_left_alone_where_fractions_come_out_or_nothing_is_added(name: str, kind: str, given: Any) -> None:
    assert kept_in_range(name, kind, given, RANGE) is RANGE


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 3), (2, 3, 2), (2, 3, 3, 4), (2, 4, 3, 3)])
@pytest.mark.parametrize("added", [(3,), (3, 1), (1, 3), (1, 1, 3), (1, 3, 1), (3, 1, 1), (2, 1, 1), (1, 1, 1), (1, 3, 1, 1), (3, 3)])
def test_a_sum_is_refused_where_keras_takes_it_for_a_bias(shape: tuple[int, ...], added: tuple[int, ...], keras: Any) -> None:
    x, y = np.zeros(shape, "float32"), np.arange(1.0, np.prod(added) + 1, dtype="float32").reshape(added)
    try:
        expected = x + y
    except ValueError:
        return
    found = np.asarray(keras.ops.add(x, y))
    assert taken_for_a_bias(shape, added) != np.array_equal(found, expected)
