"""The gradient rules, call by call, against small differences of NumPy's own numbers; where a slope jumps, against what TensorFlow says."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from weightlens.layers import merging, normalization
from weightlens.layers.activations import activate, erf, gelu, hard_sigmoid_keras2, relu, threshold
from weightlens.operations.catalogue import OPERATIONS
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


def unnamed(_: str, value: Any, role: Any = None) -> Any:
    return value


def held_against_tensorflow(ours: Callable[..., Any], theirs: Callable[..., Any], *arrays: np.ndarray) -> None:
    """The gradients of the weighted sum of a function's result, by its one or two operands."""
    import tensorflow as tf

    operands = [tf.constant(array) for array in arrays]
    with tf.GradientTape() as tape:
        tape.watch(operands)
        y = theirs(*operands)
    wanted = tape.gradient(y, operands, tf.cast(tf.reshape(WEIGHTS[: tf.size(y)], y.shape), y.dtype))
    found = gradients(lambda a, b: ours(*(a, b)[: len(arrays)]), arrays[0], arrays[-1])
    for mine, keras_s in zip(found, wanted, strict=False):
        np.testing.assert_allclose(mine, keras_s, rtol=1e-6, atol=1e-7)


CORNERS = np.array([[-6.0, -3.0, -2.5, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 2.5, 3.0, 6.0, 7.0]])
EQUAL, OTHERS = np.array([[1.0, 2.0, 2.0, 0.0]]), np.array([[1.0, 2.0, 3.0, 0.0]])
NOT_ASKED = {"glu", "sparsemax", "threshold", "thresholded_relu", "hard_sigmoid_keras2"}  # no rule, more arguments, or not in Keras 3


@pytest.mark.parametrize("name", sorted({spec.function for spec in ACTIVATIONS.values()} - NOT_ASKED))
def test_activations_have_keras_s_slopes_at_their_corners_too(name: str, keras64: Any) -> None:
    """Where inputs are 0 and biases begin at 0, as they do; and where a function is cut."""
    held_against_tensorflow(lambda x: activate(x, name, unnamed), keras64.activations.get(name), CORNERS)


@pytest.mark.parametrize("threshold", [0.0, 0.5, -1.0])
@pytest.mark.parametrize("negative_slope", [0.0, 0.1])
@pytest.mark.parametrize("max_value", [None, 2.0, 6.0])
def test_a_relu_with_options_is_keras_s_at_its_corners(
    threshold: float, negative_slope: float, max_value: float | None, keras64: Any
) -> None:
    options = {"threshold": threshold, "negative_slope": negative_slope, "max_value": max_value}
    held_against_tensorflow(lambda x: relu(x, **options), lambda x: keras64.activations.relu(x, **options), CORNERS)
    np.testing.assert_allclose(relu(CORNERS, **options), keras64.activations.relu(CORNERS, **options), rtol=1e-6)


def operator_called(name: str, **options: Any) -> Callable[..., Any]:
    function = OPERATIONS[name]
    options |= {"step": unnamed} if "step" in inspect.signature(function).parameters else {}
    return lambda *arrays: function(*arrays, **options)


ONE, TWO, MAP, NONE = (CORNERS,), (EQUAL, OTHERS), np.ones((1, 4, 4, 1)), np.zeros((1, 4))
TIES: dict[str, tuple[Callable[..., Any], Callable[[Any], Callable[..., Any]], tuple[np.ndarray, ...]]] = {
    "at least a number": (lambda x: np.maximum(x, 0.5), lambda k: lambda x: k.ops.maximum(x, 0.5), ONE),
    "at most a number": (lambda x: np.minimum(x, 0.5), lambda k: lambda x: k.ops.minimum(x, 0.5), ONE),
    "a number at least": (lambda x: np.maximum(0.5, x), lambda k: lambda x: k.ops.maximum(0.5, x), ONE),
    "a number at most": (lambda x: np.minimum(0.5, x), lambda k: lambda x: k.ops.minimum(0.5, x), ONE),
    "the larger": (operator_called("Maximum"), lambda k: k.ops.maximum, TWO),
    "the smaller": (operator_called("Minimum"), lambda k: k.ops.minimum, TWO),
    "cut": (operator_called("Clip", x_min=-1.0, x_max=1.0), lambda k: lambda x: k.ops.clip(x, -1.0, 1.0), ONE),
    "cut by Keras 2's hard sigmoid": (hard_sigmoid_keras2, lambda k: lambda x: k.ops.clip(0.2 * x + 0.5, 0.0, 1.0), ONE),
    "a size": (np.abs, lambda k: k.ops.abs, ONE),
    "a threshold": (lambda x: threshold(x, 0.5, default_value=1.0), lambda k: lambda x: k.ops.threshold(x, 0.5, 1.0), ONE),
    "largest": (operator_called("Max", axis=-1), lambda k: lambda x: k.ops.max(x, -1), (EQUAL,)),
    "largest and another": (operator_called("Max", axis=-1, initial=2.0), lambda k: lambda x: k.ops.max(x, -1, initial=2.0), (EQUAL,)),
    "smallest of zeros": (operator_called("Min", axis=-1), lambda k: lambda x: k.ops.min(x, -1), (NONE,)),
    "distance": (operator_called("Hypot"), lambda k: k.ops.hypot, TWO),
    "logarithms": (operator_called("Logaddexp"), lambda k: k.ops.logaddexp, TWO),
    "sum of sizes": (operator_called("Norm", ord=1, axis=-1), lambda k: lambda x: k.ops.norm(x, 1, axis=-1), (EQUAL,)),
    "largest size": (operator_called("Norm", ord=np.inf, axis=-1), lambda k: lambda x: k.ops.norm(x, np.inf, axis=-1), (-EQUAL,)),
    "direction of 0": (operator_called("Normalize"), lambda k: k.ops.normalize, (NONE,)),
    "0 to a power": (operator_called("Power"), lambda k: k.ops.power, (EQUAL, np.full((1, 4), 2.0))),
    "pooling": (operator_called("MaxPool", pool_size=2), lambda k: lambda x: k.ops.max_pool(x, 2), (MAP,)),
    "pooling that overlaps": (
        operator_called("MaxPool", pool_size=3, strides=1, padding="same"),
        lambda k: lambda x: k.ops.max_pool(x, 3, strides=1, padding="same"), (MAP,),
    ),
    "pooling over time": (operator_called("MaxPool", pool_size=2), lambda k: lambda x: k.ops.max_pool(x, 2), (MAP[0],)),
    "pooling over space": (
        operator_called("MaxPool", pool_size=2),
        lambda k: lambda x: k.ops.max_pool(k.ops.cast(x, "float32"), 2), (MAP[None].repeat(2, 1),),  # TensorFlow has it in float32 only
    ),
    "pooling that adapts": (
        operator_called("AdaptiveMaxPool", output_size=3), lambda k: lambda x: k.ops.adaptive_max_pool(x, 3), (MAP,)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TIES)
def test_whose_a_gradient_is_where_numbers_are_equal(name: str, keras64: Any) -> None:
    ours, theirs, arrays = TIES[name]
    held_against_tensorflow(ours, theirs(keras64), *arrays)


@pytest.mark.parametrize("layer", [lambda k: k.UnitNormalization(), lambda k: k.Dot(1, normalize=True)])
def test_the_direction_of_nothing_has_keras_s_slope(layer: Callable[[Any], Any], keras64: Any) -> None:
    made, several = layer(keras64.layers), isinstance(layer(keras64.layers), keras64.layers.Dot)
    function = merging.dot if several else normalization.unit_normalization

    def ours(*arrays: Any) -> Any:
        return function(arrays if several else arrays[0], {}, made.get_config(), unnamed)

    held_against_tensorflow(
        ours, lambda *tensors: made(list(tensors) if several else tensors[0]), *((NONE, OTHERS) if several else (NONE,))
    )


@pytest.mark.parametrize("name", ["Sqrt", "Std", "Norm"])
def test_where_there_is_no_slope_training_is_refused(name: str) -> None:
    """TensorFlow says infinite for the first, NaN for the others."""
    with pytest.raises(NoGradient, match="sqrt is not a finite number for this data"):
        gradients(lambda a, b: operator_called(name)(a), NONE, NONE)


def test_an_axis_of_one_operand_that_is_summed_has_no_rule() -> None:
    with pytest.raises(NoGradient, match="only one operand"):
        gradients(lambda a, b: np.einsum("ab,cb->c", a, b), A, B)
