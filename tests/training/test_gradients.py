"""The gradient rules, call by call, against small differences of NumPy's own numbers; where a slope jumps, against what TensorFlow says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from weightlens.layers.activations import activate, erf, gelu
from weightlens.recording import Recorded, Trace
from weightlens.specs.activation import ACTIVATIONS
from weightlens.training.gradients import NoGradient, backward

RNG = np.random.default_rng(5)
A, B = RNG.uniform(0.5, 2.0, size=(2, 3)), RNG.uniform(0.5, 2.0, size=(2, 3))
WEIGHTS = RNG.normal(size=1000)  # of the elements of a result in its loss: each gets a gradient of its own
Function = Callable[[Any, Any], Any]

FUNCTIONS: dict[str, Function] = {
    "sums": lambda a, b: a + b - (a - b) * 3.0,
    "products and quotients": lambda a, b: a * b / (b * b) + 2.0 / a,
    "powers": lambda a, b: a**b + a**3 - b**2,
    "repeated along an axis": lambda a, b: a[:1] * b + a[:, :1] - b[0],
    "the larger and the smaller": lambda a, b: np.maximum(a, b) * 2.0 + np.minimum(a, b) + np.maximum(a, 1.0),
    "choices": lambda a, b: np.where(np.array([True, False, True]), a, b),
    "sums over axes": lambda a, b: np.sum(a, axis=1, keepdims=True) + np.mean(b, axis=0) + np.sum(a * b),
    "extremes": lambda a, b: np.max(a, axis=1) + np.min(b, axis=-1) + np.max(a * b),
    "functions": lambda a, b: np.exp(a) + np.expm1(b) + np.log(a) + np.log1p(b) + np.sqrt(a) + np.tanh(b) + np.square(a),
    "waves": lambda a, b: np.sin(a) + np.cos(b) + np.abs(a - b) + np.reciprocal(a) - np.negative(b),
    "angles": lambda a, b: np.tan(a / 3) + np.arcsin(b / 3) + np.arccos(a / 3) + np.arctan(b) + np.deg2rad(a) + np.rad2deg(b),
    "hyperbolas": lambda a, b: np.sinh(a) + np.cosh(b) + np.arcsinh(a) + np.arctanh(b / 3) + np.log10(a),
    "steps": lambda a, b: np.ceil(a) * b + np.trunc(b) * a + np.floor(a) + np.mod(a, b / 3),
    "the error function": lambda a, b: erf(a) - gelu(b),
    "running sums": lambda a, b: np.cumsum(a, axis=1) * np.cumsum(b, axis=0),
    "whole numbers": lambda a, b: (4.0 * a).astype(int) * b,
    "variance": lambda a, b: np.var(a, axis=1, keepdims=True) * b + np.var(b, axis=0),
    "moves": lambda a, b: np.concatenate([np.transpose(a), b.reshape(3, 2)], axis=1)[:, ::2] + np.pad(a[:, :1], [(0, 1), (1, 0)]),
    "stacked and split": lambda a, b: np.split(np.stack([a, b, a], axis=0), 3, axis=2)[1],
    "picked by numbers": lambda a, b: np.take(a, [2, 0, 2], axis=1) * b,
    "picked by what was computed": lambda a, b: np.take(a, np.floor(b).astype(int), axis=0),
    "matrices": lambda a, b: a @ np.transpose(b),
    "einsum": lambda a, b: np.einsum("ij,kj->kij", a, b),
}


def gradients(function: Function, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the weighted sum of a function's result, for both operands."""
    operands = [Recorded(array, kind="weight", name=name) for array, name in ((a, "a"), (b, "b"))]
    result = function(*operands)
    seed = Recorded(WEIGHTS[: result.size].reshape(result.shape))
    found = backward([(result, seed)], {id(x): ("layer", x.name) for x in operands}, Trace(keep=True))
    first, second = (found[id(x)].value if id(x) in found else np.zeros(x.shape) for x in operands)
    return first, second


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_gradient_is_what_a_small_change_does(name: str) -> None:
    function, small = FUNCTIONS[name], 1e-6

    def loss(a: np.ndarray, b: np.ndarray) -> float:
        result = np.asarray(function(a, b))
        return float(result.ravel() @ WEIGHTS[: result.size])

    for which, found in enumerate(gradients(function, A, B)):
        for place in np.ndindex(2, 3):
            change = np.zeros((2, 3))
            change[place] = small
            up, down = [((A + s * change, B) if which == 0 else (A, B + s * change)) for s in (1, -1)]
            np.testing.assert_allclose(found[place], (loss(*up) - loss(*down)) / (2 * small), rtol=1e-6, atol=1e-7)


def test_equal_extremes_share_the_gradient() -> None:
    first, _ = gradients(lambda a, b: np.max(a, axis=1), np.array([[1.0, 3.0, 3.0]]), B)
    np.testing.assert_allclose(first, np.array([[0.0, 0.5, 0.5]]) * WEIGHTS[0])


def test_where_a_slope_jumps() -> None:
    zero, w = np.zeros((1, 1)), WEIGHTS[0]
    for name, function, wanted in [
        ("the size of 0", lambda a, b: np.abs(a), (0.0, 0.0)),
        ("relu at 0", lambda a, b: np.maximum(a, 0.0), (0.0, 0.0)),
        ("a tie", lambda a, b: np.maximum(a, b), (w, 0.0)),
        ("a tie of the smaller", lambda a, b: np.minimum(a, b), (w, 0.0)),
    ]:
        found = tuple(float(g[0, 0]) for g in gradients(function, zero, zero))
        assert found == wanted, name


NOT_ASKED = {"glu", "sparsemax", "threshold", "thresholded_relu", "hard_sigmoid_keras2"}  # no rule, more arguments, or not in Keras 3


@pytest.mark.parametrize("name", sorted({spec.function for spec in ACTIVATIONS.values()} - NOT_ASKED))
def test_activations_have_keras_s_slopes_at_0_too(name: str, keras64: Any) -> None:
    """Where inputs are 0 and biases begin at 0, as they do."""
    import tensorflow as tf

    z = np.array([[-3.0, -0.5, 0.0, 0.5, 3.0]])
    with tf.GradientTape() as tape:
        tape.watch(x := tf.constant(z))
        y = keras64.activations.get(name)(x)
    found, _ = gradients(lambda a, b: activate(a, name, lambda _, value, role=None: value), z, z)
    np.testing.assert_allclose(found, tape.gradient(y, x, WEIGHTS[: z.size].reshape(z.shape)), rtol=1e-6, atol=1e-9)


def test_an_axis_of_one_operand_that_is_summed_has_no_rule() -> None:
    with pytest.raises(NoGradient, match="only one operand"):
        gradients(lambda a, b: np.einsum("ab,cb->c", a, b), A, B)
