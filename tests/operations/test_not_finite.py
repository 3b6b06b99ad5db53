"""Operations on NaN and infinite numbers: as Keras computes them, or refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from weightlens.errors import UnsupportedLayer

INF, NAN, LOWEST = np.inf, np.nan, float(np.finfo(np.float32).min)
FINITE = [3.0, 2.0, 1.0, -4.0]

Operation = Callable[[Any, Any], Any]


@pytest.fixture
def saved(keras: Any, tmp_path: Path) -> Callable[[Operation], tuple[Any, weightlens.Model]]:
    """A model of one operation on four numbers: Keras's, and ours from its file."""

    def save(operation: Operation) -> tuple[Any, weightlens.Model]:
        x = keras.Input((4,))
        theirs = keras.Model(x, operation(keras, x))
        theirs.save(tmp_path / "m.keras")
        return theirs, weightlens.load(tmp_path / "m.keras")

    return save


@pytest.mark.parametrize(("operation", "bad", "says"), [
    (lambda k, x: k.ops.argsort(x), NAN, "one of them is NaN"), (lambda k, x: k.ops.top_k(x, 2)[1], NAN, "one of them is NaN"),
    (lambda k, x: k.ops.top_k(x, 2)[0], NAN, "one of them is NaN"), (lambda k, x: k.ops.sort(x), NAN, "one of them is NaN"),
    (lambda k, x: k.ops.median(x, axis=-1), NAN, "one of them is NaN"), (lambda k, x: k.ops.argmax(x, axis=-1), NAN, "one of them is NaN"),
    (lambda k, x: k.ops.argmin(x, axis=-1), NAN, "one of them is NaN"), (lambda k, x: k.ops.sparsemax(x), NAN, "one of them is NaN"),
    (lambda k, x: k.layers.Activation("sparsemax")(x), NAN, "one of them is NaN"),
    (lambda k, x: k.ops.cast(x, "int32"), NAN, "cannot hold"), (lambda k, x: k.ops.cast(x, "int64"), INF, "cannot hold"),
    (lambda k, x: k.ops.cast(x, "uint8"), -INF, "cannot hold"), (lambda k, x: k.ops.cast(x, "int64"), NAN, "cannot hold"),
    (lambda k, x: k.ops.power(x, 0.5), -INF, "the power 0.5 of -inf"),
    (lambda k, x: k.layers.Activation("silu")(x), -INF, "silu of a number"), (lambda k, x: k.ops.silu(x), -INF, "silu of a number"),
    (lambda k, x: k.layers.MaxPooling1D(2)(k.layers.Reshape((4, 1))(x)), NAN, "in a window, and one of them is NaN"),
    (lambda k, x: k.ops.max_pool(k.ops.reshape(x, (-1, 2, 2, 1)), 2, padding="same"), NAN, "in a window, and one of them is NaN"),
    (lambda k, x: k.ops.arctan2(x, x * 0.5), NAN, "angle of a point from two numbers"),
    (lambda k, x: k.ops.arctan2(x * 0.5, x), INF, "angle of a point from two numbers"),
    (lambda k, x: k.ops.arctan2(x, -1.0 - x), -0.0, "beside -0"),
    (lambda k, x: k.ops.argmin(x * 0.0, axis=-1), -0.0, "smaller than 0 in Keras"),
    (lambda k, x: k.layers.Softmax(axis=(1, 2))(k.ops.reshape(x, (-1, 2, 2))), INF, "over several axes"),
    (lambda k, x: k.ops.nn.categorical_crossentropy(k.ops.sign(x), x, from_logits=True), -INF, "crossentropy of logits"),
    (lambda k, x: k.ops.image.resize(k.ops.reshape(x, (-1, 2, 2, 1)), (3, 3)), NAN, "mixes the pixels"),
    (lambda k, x: k.ops.image.extract_patches(k.ops.reshape(x, (-1, 2, 2, 1)), 2), INF, "cuts patches"),
    (lambda k, x: k.layers.AutoContrast()(k.ops.reshape(x, (-1, 2, 2, 1))), NAN, "stretches the range"),
    (lambda k, x: k.layers.AdaptiveMaxPooling1D(2)(k.ops.reshape(x, (-1, 4, 1))), NAN, "in a window, and one of them is NaN"),
    (lambda k, x: k.layers.AveragePooling3D(1)(k.ops.reshape(x, (-1, 1, 2, 2, 1))), LOWEST, "the lowest of single precision"),
])  # fmt: skip
def test_refused_by_name(operation: Operation, bad: float, says: str, saved: Callable[[Operation], Any]) -> None:
    """And with finite numbers the same model answers as Keras does."""
    theirs, ours = saved(operation)
    finite = np.abs([FINITE])
    np.testing.assert_allclose(ours.predict(finite)[0], np.asarray(theirs(finite)), rtol=1e-6)
    for run in (ours.predict, ours.trace):
        with pytest.raises(UnsupportedLayer, match=says):
            run([[1.0, bad, 3.0, 2.0]])


@pytest.mark.parametrize("row", [FINITE, [INF, 1, -INF, 2], [INF, INF, 0, 0], [-INF] * 4, [-INF, -INF, 1, 2], [NAN, 1, 2, 3], [1e30] * 4])
def test_logsumexp(row: list[float], saved: Callable[[Operation], Any]) -> None:
    theirs, ours = saved(lambda k, x: k.ops.logsumexp(x, axis=-1))
    expected = np.asarray(theirs(np.array([row], "float32")))
    for answer in (ours.predict([row])[0], ours.trace([row]).outputs[0]):
        np.testing.assert_allclose(answer, expected, rtol=1e-6, atol=1e-7)
    assert weightlens.check(ours, [row]).ok


SPECIAL = [NAN, INF, -INF, -0.0, 0.0, 1.5, -2.5, 1e30, -1e30, 1e-30, -LOWEST, LOWEST]


@pytest.mark.parametrize("operation", [
    lambda k, x: k.ops.hypot(x[:, :1], x[:, 1:2]), lambda k, x: k.ops.logaddexp(x[:, :1], x[:, 1:2]),
    lambda k, x: k.ops.fmod(x[:, :1], x[:, 1:2]), lambda k, x: k.ops.nan_to_num(x), lambda k, x: k.ops.softmax(x),
    lambda k, x: k.ops.log_softmax(x), lambda k, x: k.ops.sigmoid(x), lambda k, x: k.ops.gelu(x),
])  # fmt: skip
def test_numbers_at_the_ends(operation: Operation, saved: Callable[[Operation], Any]) -> None:
    """Every pair of them, in both precisions."""
    theirs, ours = saved(operation)
    rows = np.array([[a, b, 1.0, 2.0] for a in SPECIAL for b in SPECIAL], "float32")
    expected = np.asarray(theirs(rows))
    with np.errstate(over="ignore"):
        answers = ours.predict(rows, np.float32)[0], ours.predict(rows)[0].astype(np.float32)
    for answer in answers:
        np.testing.assert_allclose(answer, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("row", [FINITE, [NAN, 0.5, -0.5, INF], [-INF, NAN, 0.1, -0.1]])
@pytest.mark.parametrize("name", ["soft_shrink", "hard_shrink", "tanh_shrink"])
def test_shrinking(name: str, row: list[float], saved: Callable[[Operation], Any]) -> None:
    theirs, ours = saved(lambda k, x: k.layers.Activation(name)(x))
    expected = np.asarray(theirs(np.array([row], "float32")))
    for answer in (ours.predict([row])[0], ours.trace([row]).outputs[0]):
        np.testing.assert_allclose(answer, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("row", [FINITE, [NAN, 1, 2, 3], [1, 2, NAN, 3], [INF, 1, -2, -INF], [INF, -INF, 0, INF]])
def test_glu(row: list[float], saved: Callable[[Operation], Any]) -> None:
    theirs, ours = saved(lambda k, x: k.layers.Activation("glu")(x))
    expected = np.asarray(theirs(np.array([row], "float32")))
    np.testing.assert_allclose(ours.predict([row])[0], expected, rtol=1e-6, atol=1e-30)
    with pytest.raises(UnsupportedLayer, match="so small that it is 0 in Keras"):
        ours.predict([[INF, 1, -INF, 2]])
