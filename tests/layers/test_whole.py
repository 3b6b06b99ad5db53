"""Whole numbers of few bits in operator nodes: they start again at the other end as in NumPy and Keras, or are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from weightlens.errors import UnsupportedLayer
from weightlens.layers.core import taken_for_a_bias
from weightlens.operations.small_integers import kept_in_range, wrapped

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


@pytest.mark.parametrize("name", ["Add", "Average"])
@pytest.mark.parametrize("batch", [1, 2, None])
def test_merged_inputs_are_refused_where_keras_takes_one_for_a_bias(name: str, batch: int | None, keras: Any, tmp_path: Path) -> None:
    """With one sample at a time ``(1, 3, 1)`` is a bias; with more, or any number, it has an axis more."""
    shapes = (batch, 3, 3), (batch, 3, 1)
    inputs = [keras.Input(batch_shape=shape) for shape in shapes]
    keras.Model(inputs, getattr(keras.layers, name)()(inputs)).save(tmp_path / "m.keras")
    x = [np.random.default_rng(0).normal(size=(batch or 2, *shape[1:])).astype(np.float32) for shape in shapes]
    model = weightlens.load(tmp_path / "m.keras")
    theirs = np.asarray(keras.models.load_model(tmp_path / "m.keras")(x))
    if batch == 1:
        assert not np.allclose(theirs, np.add(*x) / (1 if name == "Add" else 2))
        with pytest.raises(UnsupportedLayer, match="take for a bias"):
            model.predict(x)
    else:
        np.testing.assert_allclose(model.predict(x)[0], theirs, rtol=1e-6)
