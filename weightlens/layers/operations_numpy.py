"""Operations that NumPy has too (``keras.ops.numpy``): arithmetic, comparison, reductions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from weightlens.layers.comparisons import equal, greater, greater_equal, less, less_equal, not_equal
from weightlens.layers.operations_whole import NARROW, fits
from weightlens.whole import is_whole

Axis = int | tuple[int, ...] | None


def whole(x: Any) -> Any:
    """Numbers used as places: integers."""
    return x.astype(int) if hasattr(x, "dtype") and x.dtype.kind not in "iu" else x


def is_truth(x: Any) -> bool:
    """Whether these are true and false, not numbers."""
    return isinstance(x, bool) or getattr(getattr(x, "dtype", None), "kind", "") == "b"


def numbers(x: Any) -> Any:
    """True and false as 1 and 0; numbers as they are."""
    return np.where(x, 1.0, 0.0) if is_truth(x) else x


# Arithmetic, element by element.


def divide_no_nan(x1: Any, x2: Any) -> Any:
    """``x1 / x2``, 0 where ``x2`` is 0."""
    return np.where(np.equal(x2, 0), 0.0, x1 / np.where(np.equal(x2, 0), 1.0, x2))


def floor_divide(x1: Any, x2: Any) -> Any:
    """The whole part of ``x1 / x2``, rounded down."""
    return np.floor(np.divide(x1, x2))


def fmod(x1: Any, x2: Any) -> Any:
    """The rest of ``x1 / x2`` with the sign of ``x1``."""
    return x1 - x2 * np.trunc(np.divide(x1, x2))


def cbrt(x: Any) -> Any:
    """The cube root, negative for negative numbers."""
    return np.sign(x) * np.power(np.abs(x), 1.0 / 3.0)


def clip(x: Any, x_min: Any, x_max: Any, input_dtype: str | None = None) -> Any:
    """``x`` cut to ``x_min``..``x_max``."""
    if input_dtype in NARROW and not all(fits(limit, str(input_dtype)) for limit in (x_min, x_max) if limit is not None):
        raise NotImplementedError(f"takes a number that {input_dtype} cannot hold")
    x = x if x_min is None else np.maximum(x, x_min)
    return x if x_max is None else np.minimum(x, x_max)


def around(x: Any, decimals: int = 0) -> Any:
    """To the nearest whole number (or that many ``decimals``), halves to the even neighbour."""
    return np.rint(x * 10.0**decimals) / 10.0**decimals if decimals else np.rint(x)


def logaddexp(x1: Any, x2: Any) -> Any:
    """``ln(e^x1 + e^x2)``."""
    return np.maximum(x1, x2) + np.log(1.0 + np.exp(-np.abs(np.subtract(x1, x2))))


def logaddexp2(x1: Any, x2: Any) -> Any:
    """``log2(2^x1 + 2^x2)``."""
    return np.maximum(x1, x2) + np.log(1.0 + np.power(2.0, -np.abs(np.subtract(x1, x2)))) / math.log(2.0)


def sinc(x: Any) -> Any:
    """``sin(pi x) / (pi x)``, 1 at 0."""
    turned = np.where(np.equal(x, 0), 1.0, x) * math.pi
    return np.where(np.equal(x, 0), 1.0, np.sin(turned) / turned)


def arctan2(x1: Any, x2: Any) -> Any:
    """The angle of the point ``(x2, x1)``, between -pi and pi."""
    ahead = np.arctan(x1 / np.where(np.equal(x2, 0), 1.0, x2))
    side = np.where(np.greater_equal(x1, 0), math.pi, -math.pi)
    beside = np.where(np.equal(x1, 0), 0.0, side / 2)
    return np.where(np.greater(x2, 0), ahead, np.where(np.less(x2, 0), ahead + side, beside))


def heaviside(x1: Any, x2: Any) -> Any:
    """0 below 0, 1 above, ``x2`` at 0."""
    return np.where(np.less(x1, 0), 0.0, np.where(np.greater(x1, 0), 1.0, x2))


def nan_to_num(x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Any:
    """``x`` with other numbers in the place of NaN and infinity."""
    x = np.where(np.isnan(x), nan, x)
    x = np.where(x == np.inf, np.finfo(np.float32).max if posinf is None else posinf, x)
    return np.where(x == -np.inf, np.finfo(np.float32).min if neginf is None else neginf, x)


def isclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether two numbers differ by at most ``atol + rtol * |x2|``."""
    if equal_nan:
        raise NotImplementedError("isclose with equal_nan is not one that weightlens computes")
    return np.less_equal(np.abs(np.subtract(x1, x2)), atol + rtol * np.abs(x2))


def allclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether all numbers are close."""
    return np.all(isclose(x1, x2, rtol, atol, equal_nan))


def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Any:
    """Whether each number of ``x1`` is among ``x2``."""
    found = np.any(np.equal(np.expand_dims(x1, -1), np.reshape(x2, (-1,))), axis=-1)
    return np.logical_not(found) if invert else found


def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """``x1`` where the condition holds, else ``x2``."""
    if x1 is None or x2 is None:
        raise NotImplementedError("gives the places where a condition holds, whose number depends on the data")
    return np.where(truth(condition), x1, x2)


def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """The choice of the first condition that holds."""
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        default = where(condition, choice, default)
    return default


def truth(x: Any) -> Any:
    """Numbers as true or false: 0 is false."""
    return x if is_truth(x) else np.not_equal(x, 0)


def logical(operation: Callable[..., Any]) -> Callable[..., Any]:
    """The operation on true and false, which numbers become where they are not 0."""

    def function(*x: Any) -> Any:
        return operation(*(truth(part) for part in x))

    return function


def of_integers(operation: Callable[..., Any]) -> Callable[..., Any]:
    """The operation on whole numbers, which arrive here as floating point."""

    def function(x: Any, y: Any = None) -> Any:
        return operation(whole(x)) if y is None else operation(whole(x), whole(y))

    return function


def shift(operation: Callable[..., Any]) -> Callable[..., Any]:
    """The bits of whole numbers moved; farther than there are bits, processors disagree."""

    def function(x: Any, y: Any, input_dtype: str | None = None) -> Any:
        distance = np.asarray(getattr(y, "value", y))
        if is_whole(input_dtype) and np.any((distance < 0) | (distance >= np.iinfo(str(input_dtype)).bits)):
            raise NotImplementedError(f"moves bits farther than {input_dtype} has")
        return operation(whole(x), whole(y))

    return function


# Reductions.


def total(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The sum over ``axis``."""
    return np.sum(numbers(x), axis=axis, keepdims=keepdims)


def product(x: Any, axis: Axis = None, keepdims: bool = False, dtype: Any = None) -> Any:
    """The product over ``axis``."""
    return np.prod(numbers(x), axis=axis, keepdims=keepdims)


def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The mean over ``axis``."""
    return np.mean(numbers(x), axis=axis, keepdims=keepdims)


def var(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The population variance over ``axis``: the mean squared distance from the mean."""
    away = x - np.mean(x, axis=axis, keepdims=True)
    return np.mean(away * away, axis=axis, keepdims=keepdims)


def std(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The square root of the population variance."""
    return np.sqrt(var(x, axis, keepdims))


def largest(x: Any, axis: Axis = None, keepdims: bool = False, initial: float | None = None) -> Any:
    """The largest number over ``axis``, at least ``initial``."""
    y = np.max(x, axis=axis, keepdims=keepdims)
    return y if initial is None else np.maximum(y, initial)


def smallest(x: Any, axis: Axis = None, keepdims: bool = False, initial: float | None = None) -> Any:
    """The smallest number over ``axis``, at most ``initial``."""
    y = np.min(x, axis=axis, keepdims=keepdims)
    return y if initial is None else np.minimum(y, initial)


def ptp(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The largest less the smallest."""
    return np.max(x, axis=axis, keepdims=keepdims) - np.min(x, axis=axis, keepdims=keepdims)


def average(x: Any, weights: Any = None, axis: Axis = None) -> Any:
    """The mean over ``axis``, each number counted ``weights`` times."""
    if weights is None:
        return np.mean(x, axis=axis)
    if np.ndim(weights) == 1 and np.ndim(x) > 1 and isinstance(axis, int):
        weights = np.reshape(weights, [-1 if d == axis % np.ndim(x) else 1 for d in range(np.ndim(x))])
    return np.sum(x * weights, axis=axis) / np.sum(np.broadcast_to(weights, x.shape), axis=axis)


def any_of(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether any number over ``axis`` is not 0."""
    return np.any(truth(x), axis=axis, keepdims=keepdims)


def all_of(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether no number over ``axis`` is 0."""
    return np.all(truth(x), axis=axis, keepdims=keepdims)


def count_nonzero(x: Any, axis: Axis = None) -> Any:
    """How many numbers over ``axis`` are not 0."""
    return np.sum(np.where(truth(x), 1.0, 0.0), axis=axis)


def without_nan(reduction: Callable[..., Any], stand_in: float) -> Callable[..., Any]:
    """The reduction of the numbers that are not NaN."""

    def function(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
        return reduction(np.where(np.isnan(x), stand_in, x), axis=axis, keepdims=keepdims)

    return function


def nanmean(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The mean of the numbers that are not NaN."""
    there = np.where(np.isnan(x), 0.0, 1.0)
    return np.sum(np.where(np.isnan(x), 0.0, x), axis=axis, keepdims=keepdims) / np.sum(there, axis=axis, keepdims=keepdims)


def nanvar(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The population variance of the numbers that are not NaN."""
    away = x - nanmean(x, axis, True)
    return nanmean(away * away, axis, keepdims)


def in_rising_order(x: Any, axis: Axis) -> tuple[Any, list[int]]:
    """The numbers over ``axis`` in rising order along a last axis of their own, and the shape with ``axis`` kept as 1."""
    axes = tuple(range(x.ndim)) if axis is None else tuple(a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,)))
    rest = [d for d in range(x.ndim) if d not in axes]
    rising = np.sort(np.reshape(np.transpose(x, [*rest, *axes]), [*(x.shape[d] for d in rest), -1]), axis=-1)
    return rising, [1 if d in axes else n for d, n in enumerate(x.shape)]


def quantile(x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Any:
    """What a share ``q`` of the numbers over ``axis`` lie below; between two of them by ``method``."""
    if np.ndim(q):
        return np.stack([quantile(x, float(part), axis, method, keepdims) for part in q], axis=0)
    rising, kept = in_rising_order(x, axis)
    position = float(q) * (rising.shape[-1] - 1)
    below, above = math.floor(position), math.ceil(position)
    share = {
        "linear": position - below,
        "lower": 0.0,
        "higher": 1.0,
        "midpoint": 0.5 if above > below else 0.0,
        "nearest": float(round(position) - below),
    }
    if method not in share:
        raise NotImplementedError(f"quantile method {method!r} is not one that weightlens computes")
    y = rising[..., below] * (1.0 - share[method]) + rising[..., above] * share[method]
    return np.reshape(y, kept) if keepdims else y


def between(x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Any:
    """``quantile`` as a node of a graph: Keras keeps its ``method``, but then does not look at it."""
    return quantile(x, q, axis, "linear", keepdims)


def percentile(x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Any:
    """``quantile`` with ``q`` in hundredths."""
    return quantile(x, np.asarray(q) / 100.0, axis, method, keepdims)


def median(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The middle number over ``axis``, or the mean of the middle two."""
    return quantile(x, 0.5, axis, "linear", keepdims)


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The place of the largest number along ``axis``."""
    return np.argmax(x, axis=axis, keepdims=keepdims)


def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The place of the smallest number along ``axis``."""
    return np.argmin(x, axis=axis, keepdims=keepdims)


def along(running: Callable[..., Any]) -> Callable[..., Any]:
    """A running sum or product along ``axis``, over all numbers in a row without one."""

    def function(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
        return running(np.reshape(x, (-1,)), axis=0) if axis is None else running(x, axis=axis)

    return function


def diff(a: Any, n: int = 1, axis: int = -1, input_dtype: str | None = None) -> Any:
    """Each number less the one before it, ``n`` times over; of true and false whether they differ."""
    for _ in range(n):
        a = np.moveaxis(a, axis, 0)
        a = np.moveaxis(np.not_equal(a[1:], a[:-1]) if input_dtype == "bool" else a[1:] - a[:-1], 0, axis)
    return a


def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Any:
    """The area under ``y`` by trapezoids."""
    width = dx if x is None else diff(np.asarray(x) if not hasattr(x, "dtype") else x, 1, -1)
    y = np.moveaxis(y, axis, -1)
    return np.sum((y[..., 1:] + y[..., :-1]) * (0.5 * width), axis=-1)


def same(x: Any, *_: Any) -> Any:
    """``x``."""
    return x


OPERATIONS: dict[str, Callable[..., Any]] = {
    # arithmetic
    "Add": np.add, "Subtract": np.subtract, "Multiply": np.multiply, "Divide": np.divide, "TrueDivide": np.divide,
    "DivideNoNan": divide_no_nan, "FloorDivide": floor_divide, "Mod": np.mod, "Fmod": fmod, "Power": np.power, "Negative": np.negative,
    "Absolute": np.abs, "Abs": np.abs, "Fabs": np.abs, "Reciprocal": lambda x: 1.0 / x, "Sign": np.sign, "Square": np.square,
    "Sqrt": np.sqrt, "Rsqrt": lambda x: 1.0 / np.sqrt(x), "Cbrt": cbrt, "Clip": clip, "Floor": np.floor, "Ceil": np.ceil,
    "Trunc": np.trunc, "Round": around, "Maximum": np.maximum, "Minimum": np.minimum, "Fmax": np.fmax, "Fmin": np.fmin,
    "Hypot": lambda x1, x2: np.sqrt(x1 * x1 + x2 * x2), "Heaviside": heaviside, "NanToNum": nan_to_num, "Real": same, "Conjugate": same,
    "Conj": same, "Copy": same, "Array": same, "StopGradient": same,
    # exponents and angles
    "Exp": np.exp, "Exp2": lambda x: np.power(2.0, x), "Expm1": np.expm1, "Log": np.log, "Log1p": np.log1p, "Log2": np.log2,
    "Log10": np.log10, "Logaddexp": logaddexp, "Logaddexp2": logaddexp2, "Ldexp": lambda x1, x2: x1 * np.power(2.0, x2), "Sin": np.sin,
    "Cos": np.cos, "Tan": np.tan, "Sinh": np.sinh, "Cosh": np.cosh, "Tanh": np.tanh, "Arcsin": np.arcsin, "Arccos": np.arccos,
    "Arctan": np.arctan, "Arctan2": arctan2, "Arcsinh": np.arcsinh, "Arccosh": np.arccosh, "Arctanh": np.arctanh, "Sinc": sinc,
    "Deg2rad": np.deg2rad, "Rad2deg": np.rad2deg,
    # comparison and choice
    "Greater": greater, "GreaterEqual": greater_equal, "Less": less, "LessEqual": less_equal, "Equal": equal, "NotEqual": not_equal,
    "Isclose": isclose, "AllClose": allclose, "IsIn": isin, "Isnan": np.isnan, "Isinf": np.isinf, "Isfinite": np.isfinite,
    "Isposinf": lambda x: x == np.inf, "Isneginf": lambda x: x == -np.inf, "Signbit": np.signbit, "LogicalAnd": logical(np.logical_and),
    "LogicalOr": logical(np.logical_or), "LogicalXor": logical(np.not_equal), "LogicalNot": logical(np.logical_not), "Where": where,
    "Select": select,
    # whole numbers
    "BitwiseAnd": of_integers(np.bitwise_and), "BitwiseOr": of_integers(np.bitwise_or), "BitwiseXor": of_integers(np.bitwise_xor),
    "BitwiseInvert": of_integers(np.invert), "BitwiseNot": of_integers(np.invert), "BitwiseLeftShift": shift(np.left_shift),
    "LeftShift": shift(np.left_shift), "BitwiseRightShift": shift(np.right_shift), "RightShift": shift(np.right_shift),
    "Gcd": of_integers(np.gcd), "Lcm": of_integers(np.lcm),
    # reductions
    "Sum": total, "Mean": mean, "Prod": product, "Max": largest, "Min": smallest, "Amax": largest, "Amin": smallest, "Var": var,
    "Std": std, "Ptp": ptp, "Any": any_of, "All": all_of, "Average": average, "CountNonzero": count_nonzero, "Argmax": argmax,
    "Argmin": argmin, "Median": median, "Quantile": between, "Percentile": percentile, "Nansum": without_nan(np.sum, 0.0),
    "Nanprod": without_nan(np.prod, 1.0), "Nanmax": without_nan(np.max, -np.inf), "Nanmin": without_nan(np.min, np.inf),
    "Nanmean": nanmean, "Nanvar": nanvar, "Nanstd": lambda x, axis=None, keepdims=False: np.sqrt(nanvar(x, axis, keepdims)),
    "Nanargmax": without_nan(np.argmax, -np.inf), "Nanargmin": without_nan(np.argmin, np.inf), "Cumsum": along(np.cumsum),
    "Cumprod": along(np.cumprod), "Diff": diff, "Nancumsum": along(np.nancumsum), "Nancumprod": along(np.nancumprod),
    "Trapezoid": trapezoid,
}  # fmt: skip
