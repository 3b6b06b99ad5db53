"""Whole numbers of few bits in operator nodes: they start again at the other end as in NumPy and Keras, or are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from weightlens.operations.mathematics import cast
from weightlens.operations.small_integers import kept_in_range, layer_in_range, taken_for_a_bias, wrapped

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


def test_a_constant_column_as_long_as_the_last_axis_is_taken_for_a_bias() -> None:
    x, column = np.zeros((2, 3, 3)), np.ones((3, 1))
    assert taken_for_a_bias((x, column), ((None, column), {}))
    assert not taken_for_a_bias((x, column.T), ((None, column.T), {}))
    assert not taken_for_a_bias((x[..., :2], column), ((None, column), {}))


def test_a_dot_product_of_truth_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="true and false"):
        layer_in_range("Dot", "bool", np.array([2.0]))


def test_casts_beyond_the_range_are_refused() -> None:
    with pytest.raises(NotImplementedError, match="uint8"):
        cast(np.array([-1.0]), "uint8", "float32")
    np.testing.assert_array_equal(cast(np.array([-1.0, 300.0]), "uint8", "int32"), [255.0, 44.0])
