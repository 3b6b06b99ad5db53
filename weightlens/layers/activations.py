"""Activation functions: what happens to a pre-activation, element by element (``keras.activations``).

Each is written so that nothing overflows for inputs in +-1e6, neither in NumPy nor in a spreadsheet,
where ``EXP(710)`` is an error; and so that its slope is Keras's at its corners, too: what is ``cut_off`` passes nothing on there,
unlike ``ops.maximum`` and ``ops.clip``.
``activate`` finds the function that a configuration names.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from weightlens.layers.comparisons import greater, less, without_nan
from weightlens.layers.faster import at_least, at_most, cut_off, exp_at_most
from weightlens.layers.signature import Array, Axis, Function, Step
from weightlens.recording import Recorded, Role, noted, value_of
from weightlens.specs.activation import ACTIVATIONS, LARGEST_EXPONENT, named_function

HELPER = Role("helper")
ENORMOUS = 1e280  # times e^-700 it is still a number that is seen, where Keras has 0
SIGMOID_0 = -80.0  # from where down the sigmoid may be 0 in single precision

ERF = np.frompyfunc(math.erf, 1, 1)
SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def erf(x: Array) -> Any:
    """The error function ``2/sqrt(pi) * integral of e^(-t^2) from 0 to x``."""
    return ERF(x).astype(x.dtype)


def has_steps(function: Function) -> bool:
    """Whether an activation function takes a ``step``, to name values on its way."""
    return "step" in function.__code__.co_varnames[: function.__code__.co_argcount]


def activation(function: Function) -> Callable[..., Any]:
    """An activation function whose results remember that they are its own; with options it is another function."""
    steps = has_steps(function)

    @functools.wraps(function)
    def noting(x: Array, *args: Any, **options: Any) -> Any:
        plain = steps or not any(np.ndim(option) or option for option in (*args, *options.values()))
        return noted(function(x, *args, **options), function.__name__ if plain else f"{function.__name__} with options", x)

    return noting


def linear(x: Array) -> Any:
    """``x``."""
    return x


@activation
def relu(x: Array, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """``max(x, 0)``; with options: ``negative_slope * (x - threshold)`` below the threshold, at most ``max_value``."""
    limited = max_value is not None
    if threshold:
        above = at_least(x, 0.0) if limited and threshold < 0 else x
        y = np.where(greater(x, threshold), above, negative_slope * cut_off(x - threshold, high=0.0) if negative_slope else 0.0)
    elif negative_slope:
        y = np.where(x > 0, x, negative_slope * (cut_off(x, high=0.0) if limited else x))
    else:
        y = cut_off(x, 0.0)
    if max_value is None:
        return y
    return cut_off(y, high=max_value) if max_value == 6 and not threshold else at_most(y, max_value)  # relu6, or a clip


@activation
def relu6(x: Array) -> Any:
    """``min(max(x, 0), 6)``."""
    return cut_off(x, 0.0, 6.0)


@activation
def leaky_relu(x: Array, negative_slope: float = 0.2) -> Any:
    """``x`` above 0, ``negative_slope * x`` below."""
    return np.where(x > 0, x, negative_slope * x)


@activation
def elu(x: Array, alpha: float = 1.0) -> Any:
    """``x`` above 0, ``alpha * (e^x - 1)`` below (Clevert et al. 2015)."""
    return np.where(x > 0, x, alpha * (np.exp(np.where(x > 0, 0.0, x)) - 1.0))


@activation
def selu(x: Array) -> Any:
    """``1.0507 * elu(x, 1.6733)`` (Klambauer et al. 2017)."""
    return SELU_SCALE * np.where(x >= 0, x, SELU_ALPHA * (np.exp(np.where(x > 0, 0.0, x)) - 1.0))


@activation
def celu(x: Array, alpha: float = 1.0) -> Any:
    """``max(x, 0) + alpha * (e^(min(x, 0) / alpha) - 1)`` (Barron 2017)."""
    return np.where(x >= 0, x, 0.0) + alpha * (np.exp(np.where(x > 0, 0.0, x) / alpha) - 1.0)


@activation
def exponential(x: Array) -> Any:
    """``e^x``."""
    return np.exp(x)


@activation
def sigmoid(x: Array) -> Any:
    """``1 / (1 + e^-x)``."""
    return 1.0 / (1.0 + exp_at_most(-x, LARGEST_EXPONENT))


@activation
def hard_sigmoid(x: Array) -> Any:
    """``relu6(x + 3) / 6``, Keras 3's."""
    return cut_off(x + 3.0, 0.0, 6.0) / 6.0


@activation
def hard_sigmoid_keras2(x: Array) -> Any:
    """``0.2 x + 0.5`` cut to 0..1: what ``hard_sigmoid`` meant up to Keras 2."""
    return np.minimum(np.maximum(0.2 * x + 0.5, 0.0), 1.0)


@activation
def tanh(x: Array) -> Any:
    """``(e^x - e^-x) / (e^x + e^-x)``."""
    return np.tanh(x)


@activation
def hard_tanh(x: Array) -> Any:
    """``x`` cut to -1..1."""
    return np.minimum(np.maximum(x, -1.0), 1.0)


@activation
def tanh_shrink(x: Array) -> Any:
    """``x - tanh(x)``."""
    return x - np.tanh(x)


@activation
def hard_shrink(x: Array, threshold: float = 0.5) -> Any:
    """``x`` outside -threshold..threshold, else 0."""
    return np.where(greater(np.abs(x), threshold), x, 0.0)


@activation
def soft_shrink(x: Array, threshold: float = 0.5) -> Any:
    """``x`` moved towards 0 by ``threshold``, 0 in between."""
    return np.where(greater(x, threshold), x - threshold, np.where(less(x, -threshold), x + threshold, 0.0))


@activation
def threshold(x: Array, threshold: float = 0.0, value: float = 0.0, default_value: float = 0.0) -> Any:
    """``x`` above ``threshold``, else ``default_value``."""
    return np.where(greater(x, threshold), x, default_value or value)


@activation
def thresholded_relu(x: Array, theta: float = 1.0) -> Any:
    """``x`` above ``theta``, else 0."""
    return np.where(greater(x, theta), x, 0.0)


@activation
def softplus(x: Array) -> Any:
    """``ln(1 + e^x)``, written as ``max(x, 0) + ln(1 + e^-|x|)``."""
    return cut_off(x, 0.0) + np.log(1.0 + np.exp(np.minimum(x, -x)))


@activation
def log_sigmoid(x: Array) -> Any:
    """``-softplus(-x)``."""
    return cut_off(x, high=0.0) - np.log(1.0 + np.exp(np.minimum(-x, x)))


@activation
def softsign(x: Array) -> Any:
    """``x / (1 + |x|)``."""
    return x / (1.0 + np.abs(x))


@activation
def silu(x: Array) -> Any:
    """``x * sigmoid(x)``, also called swish (Ramachandran et al. 2017)."""
    if np.any(value_of(x) < -ENORMOUS):  # times 0, but no e^-x is infinite here
        raise NotImplementedError(f"computes silu of a number below -{ENORMOUS:.0e}, for which Keras has 0, and NaN for -inf")
    return x / (1.0 + exp_at_most(-x, LARGEST_EXPONENT))


@activation
def hard_silu(x: Array) -> Any:
    """``x * hard_sigmoid(x)``, also called hard_swish."""
    return x * hard_sigmoid(x)


@activation
def gelu(x: Array, approximate: bool = False) -> Any:
    """``x * (1 + erf(x / sqrt 2)) / 2``, or its tanh approximation (Hendrycks, Gimpel 2016)."""
    if approximate:
        return 0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x)))
    return 0.5 * x * (1.0 + erf(x / math.sqrt(2.0)))


@activation
def mish(x: Array) -> Any:
    """``x * tanh(softplus(x))`` (Misra 2019)."""
    return x * np.tanh(softplus(x))


@activation
def squareplus(x: Array, b: float = 4.0) -> Any:
    """``(x + sqrt(x^2 + b)) / 2``."""
    return 0.5 * (x + np.sqrt(x * x + b))


@activation
def sparse_plus(x: Array) -> Any:
    """0 up to -1, ``(x + 1)^2 / 4`` in between, ``x`` from 1."""
    return np.where(x <= -1.0, 0.0, np.where(x < 1.0, (x + 1.0) * (x + 1.0) / 4.0, x))


@activation
def sparse_sigmoid(x: Array) -> Any:
    """0 up to -1, ``(x + 1) / 2`` in between, 1 from 1."""
    return cut_off((x + 1.0) / 2.0, 0.0, 1.0)


@activation
def glu(x: Array, axis: int = -1) -> Any:
    """First half of the axis times the sigmoid of the second half (Dauphin et al. 2016)."""
    a, b = np.split(x, 2, axis=axis)
    if np.any((value_of(b) < SIGMOID_0) & (np.abs(value_of(a)) > ENORMOUS)):  # times 0, but no e^-x is infinite here
        raise NotImplementedError(f"multiplies a number beyond {ENORMOUS:.0e} by a sigmoid so small that it is 0 in Keras")
    return a * sigmoid(b)


@activation
def softmax(x: Array, step: Step, axis: Axis = -1) -> Any:
    """``e^(x - max) / sum of e^(x - max)`` along the axis: positive, adding up to 1. Four visible steps."""
    axis = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    largest = step("max", np.max(x, axis=axis, keepdims=True), HELPER)
    if isinstance(axis, tuple) and len(axis) > 1 and np.isinf(value_of(largest)).any():
        raise NotImplementedError("takes the softmax over several axes, in which the largest number is infinite")
    exponentials = step("exponentials", np.exp(x - largest))
    return exponentials / step("sum", np.sum(exponentials, axis=axis, keepdims=True), HELPER)


@activation
def log_softmax(x: Array, step: Step, axis: Axis = -1) -> Any:
    """``x - max - ln(sum of e^(x - max))``."""
    axis = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    shifted = step("x - max", x - step("max", np.max(x, axis=axis, keepdims=True), HELPER), HELPER)
    total = step("sum", np.sum(step("exponentials", np.exp(shifted)), axis=axis, keepdims=True), HELPER)
    return shifted - np.log(total)


@activation
def sparsemax(x: Array, step: Step, axis: int = -1) -> Any:
    """``max(x - threshold, 0)``: many exact zeros (Martins, Astudillo 2016), with the threshold as Keras computes it.

    Of the numbers in falling order, the first k are above ``(running sum - 1) / k``. Keras adds up the running sums
    of those k, where the paper takes the last one: the same for k = 1 only.
    """
    falling = step("falling order", np.flip(np.sort(without_nan(x), axis=axis), axis=axis))
    sums = step("running sums", np.cumsum(falling, axis=axis))
    counts = np.arange(1, x.shape[axis] + 1, dtype=x.dtype).reshape([-1 if d == axis % x.ndim else 1 for d in range(x.ndim)])
    candidates = step("thresholds", (sums - 1.0) / counts)
    total = step("sum over support", np.sum(np.where(falling > candidates, sums, 0.0), axis=axis, keepdims=True))
    size = step("support size", np.max(np.where(falling > candidates, counts, 0.0), axis=axis, keepdims=True))
    return np.maximum(x - step("threshold", (total - 1.0) / size), 0.0)


def activate(x: Array | Recorded, named: Any, step: Step) -> Any:
    """Apply the activation that a configuration names: ``None``, ``"relu"``, or ``{"class_name": "relu", "config": {...}}``.

    Raises ``NotImplementedError`` for one that Keras does not have.
    """
    name, given = named_function(named)
    options = {k: v for k, v in given.items() if k not in ("name", "dtype", "trainable")}
    function, steps = called(name)
    return function(x, step, **options) if steps else function(x, **options)


@functools.cache
def called(name: str) -> tuple[Function, bool]:
    """The activation function of this name, and whether it takes a ``step``. Kept: a recurrent layer asks at every time step."""
    known = ACTIVATIONS.get(name)
    if known is None:
        raise NotImplementedError(f"activation {name!r} is not one that weightlens knows")
    function = globals()[known.function]
    return function, has_steps(inspect.unwrap(function))
