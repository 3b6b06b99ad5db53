"""Gradients by recording: the backward pass is derived from the recorded forward pass, call by call.

``RULES`` says for each NumPy call how the gradient of its result becomes the gradients of its operands
(reverse-mode differentiation; Linnainmaa 1970, Rumelhart et al. 1986). The gradients are computed with NumPy on
recorded arrays, so they are steps like those of the forward pass: they have words, and formulas.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from weightlens.errors import WeightlensError
from weightlens.layers.activations import ERF
from weightlens.recording import Recorded, Role, Trace, cast, operands
from weightlens.recording.calls import MOVES, PRODUCTS, einsum_subscripts, factors, operation, reduced_axes
from weightlens.recording.graph import ordered, origins, sources
from weightlens.specs.activation import ACTIVATIONS
from weightlens.training.ties import Parts, Rule, chosen_of_two, extreme, restored


class NoGradient(WeightlensError):
    """A call in the forward pass has no gradient rule, so the network cannot be trained here."""


def backward(start: list[tuple[Recorded, Recorded]], wanted: dict[int, tuple[str, str]], trace: Trace) -> dict[int, Recorded]:
    """The gradient of the loss for every ``wanted`` array (``id`` -> its layer and name), by ``id``.

    ``start`` is the gradient at the beginning of the backward pass (the outputs, or the logits before them). Each
    named value of the forward pass gets a named gradient: ``delta`` for a pre-activation, else ``gradient of ...``.
    """
    reached = _reached([x for x, _ in start], set(wanted))
    gradients = {id(x): g for x, g in start}
    for x in reached:
        if id(x) not in gradients:
            continue
        g = gradients[id(x)]
        if x.kind:
            trace.layer, name = wanted.get(id(x), (x.layer, x.name))
            summed = name in ("pre-activation", "dot product")
            role = Role("delta") if summed else Role("gradient", "weight" if id(x) in wanted else "value")
            g = gradients[id(x)] = trace.step("delta" if summed else f"gradient of {name}", g, role)
        if x.op is None:
            continue
        for operand, part in _rule(x)(x, g):
            if isinstance(operand, Recorded) and part is not None:
                part = unbroadcast(part, operand.shape)
                _refuse_no_slope(x, g, part)
                gradients[id(operand)] = part if id(operand) not in gradients else gradients[id(operand)] + part
    trace.layer = ""
    return gradients


def _refuse_no_slope(x: Recorded, g: Recorded, part: Recorded) -> None:
    """Refuse a corner at which there is no slope, or an infinite one: the root of 0. Every weight before it would be no number."""
    if not np.isfinite(part.value).all() and np.isfinite(g.value).all() and np.isfinite(x.value).all():
        raise NoGradient(
            f"{f'layer {x.layer!r}: ' if x.layer else ''}the gradient of {getattr(operation(x), '__name__', operation(x))} is not a finite "
            "number for this data (the root of 0 has none), so the network cannot be trained on it; leave out the samples for which it is "
            "so, or compute their outputs without training (weightlens export)"
        )


def _reached(start: list[Recorded], wanted: set[int]) -> list[Recorded]:
    """The values between ``start`` and the wanted ones, in reverse topological order."""
    leads: set[int] = set()
    order = []
    for x in ordered(start, last_first=True):
        if id(x) in wanted or any(id(y) in leads for y in operands(x)):
            leads.add(id(x))
            order.append(x)
    return order[::-1]


def unbroadcast(g: Recorded, shape: tuple[int, ...]) -> Any:
    """Sum a gradient over the axes along which its operand was repeated."""
    extra = len(g.shape) - len(shape)
    if extra:
        g = np.sum(g, axis=tuple(range(extra)))
    axes = tuple(i for i, (have, want) in enumerate(zip(g.shape, shape, strict=True)) if want == 1 and have != 1)
    return np.sum(g, axis=axes, keepdims=True) if axes else g


def _rule(x: Recorded) -> Rule:
    op, known = operation(x), ACTIVATIONS.get(x.function[0])
    if known is not None and known.slope is not None:
        return partial(activated, known.slope)
    if op in RULES:
        return RULES[op]
    if op in MOVES and not any(isinstance(arg, Recorded) for arg in x.args[1:]):
        return moved
    if op in PRODUCTS:
        return product
    raise NoGradient(
        f"{f'layer {x.layer!r}: ' if x.layer else ''}there is no gradient rule for {getattr(op, '__name__', op)}, so the network cannot be "
        "trained; the forward pass still works (weightlens export)"
    )


# -- rules: one per entry of the formula table ---------------------------------------------------------------------------


def add(x: Recorded, g: Recorded) -> Parts:
    return [(x.args[0], g), (x.args[1], g)]


def subtract(x: Recorded, g: Recorded) -> Parts:
    a, b = x.args
    if isinstance(b, Recorded) and b.role.kind == "helper":
        return [(a, g)]  # softmax's shift by the maximum: it cancels, so it has no gradient
    return [(a, g), (b, -g)]


def multiply(x: Recorded, g: Recorded) -> Parts:
    a, b = x.args
    return [(a, g * b if isinstance(a, Recorded) else None), (b, g * a if isinstance(b, Recorded) else None)]


def activated(slope: Callable[[Recorded], Recorded], x: Recorded, g: Recorded) -> Parts:
    """An activation function whose slope is told by its result: ``a * (1 - a)``."""
    return [(x.function[1], g * slope(x))]


def divide(x: Recorded, g: Recorded) -> Parts:
    a, b = x.args
    return [(a, g / b if isinstance(a, Recorded) else None), (b, -(g * x / b) if isinstance(b, Recorded) else None)]


def power(x: Recorded, g: Recorded) -> Parts:
    a, b = x.args
    if isinstance(b, Recorded):
        return [(a, g * b * a ** (b - 1.0) if isinstance(a, Recorded) else None), (b, g * x * np.log(np.where(a > 0, a, 1.0)))]
    return [(a, g * 2.0 * a if b == 2 else g * b * a ** (b - 1.0))]


def chosen(x: Recorded, g: Recorded) -> Parts:
    condition, a, b = x.args
    return [
        (a, np.where(condition, g, 0.0) if isinstance(a, Recorded) else None),
        (b, np.where(condition, 0.0, g) if isinstance(b, Recorded) else None),
    ]


def total(x: Recorded, g: Recorded) -> Parts:
    return [(x.args[0], np.broadcast_to(restored(x, g), x.args[0].shape))]


def average(x: Recorded, g: Recorded) -> Parts:
    count = x.args[0].size / max(x.size, 1)
    return [(x.args[0], np.broadcast_to(restored(x, g / count), x.args[0].shape))]


def variance(x: Recorded, g: Recorded) -> Parts:
    a = x.args[0]
    away = a - np.mean(a, axis=tuple(reduced_axes(x)[0]), keepdims=True)
    return [(a, away * restored(x, g * 2.0 / (a.size / max(x.size, 1))))]


def moved(x: Recorded, g: Recorded) -> Parts:
    """Calls that only move numbers: each number gets the sum of the gradients of all its copies."""
    parts, went = sources(x), origins(x).reshape(-1)
    starts = np.cumsum([0, *(int(np.prod(np.shape(part), dtype=np.int64)) for part in parts)])
    return [
        (part, _gathered(went, a, b, g, np.shape(part)))
        for part, a, b in zip(parts, starts.tolist(), starts[1:].tolist(), strict=False)
        if isinstance(part, Recorded)
    ]


def _gathered(went: np.ndarray, start: int, end: int, g: Recorded, shape: tuple[int, ...]) -> Any:
    """For the numbers ``start..end``, the sum of ``g`` over all their copies."""
    order = np.argsort(went, kind="stable")
    counts = np.bincount(went[went >= 0], minlength=end)[start:end]
    most = max(int(counts.max(initial=0)), 1)
    first = np.searchsorted(went[order], np.arange(start, end))
    places = first[:, None] + np.arange(most)
    none = len(went)  # one more place, which holds a zero
    table = np.where(np.arange(most) < counts[:, None], order[np.minimum(places, none - 1)], none)
    flat = np.reshape(g, (-1,))
    if (table == none).any():
        flat = np.pad(flat, ((0, 1),))
    if most == 1:
        return np.reshape(np.take(flat, table[:, 0]), shape)
    return np.reshape(np.sum(np.take(flat, table), axis=1), shape)


def product(x: Recorded, g: Recorded) -> Parts:
    """``@`` and its kin: each operand's gradient is the product of the result's gradient and the other operand."""
    labels, output = einsum_subscripts(x).split("->")
    a, b = labels.split(",")
    left, right = factors(x)
    if (a, b, output) == ("yz", "zx", "yx"):  # the usual case, as every book writes it
        return [(left, g @ right.T if isinstance(left, Recorded) else None), (right, left.T @ g if isinstance(right, Recorded) else None)]
    first = np.einsum(f"{output},{b}->{_kept(a, output + b)}", g, right) if isinstance(left, Recorded) else None
    second = np.einsum(f"{a},{output}->{_kept(b, output + a)}", left, g) if isinstance(right, Recorded) else None
    return [(left, first), (right, second)]


def _kept(labels: str, known: str) -> str:
    if any(c not in known for c in labels):
        raise NoGradient("a product that sums an axis of only one operand has no gradient rule")
    return labels


def lookup(x: Recorded, g: Recorded) -> Parts:
    """``np.take`` of rows by computed indices (an embedding): a row gets the sum of the gradients of its look-ups."""
    table, index = x.args[0], x.args[1] if len(x.args) > 1 else x.kwargs["indices"]
    if not isinstance(index, Recorded):
        return moved(x, g)
    rows = np.arange(table.shape[0]).reshape(-1, *[1] * len(index.shape))
    hits = (np.expand_dims(index, 0) == rows).astype(float).reshape(table.shape[0], -1)
    return [(table, hits @ np.reshape(g, (-1, *table.shape[1:])))]


def running_total(x: Recorded, g: Recorded) -> Parts:
    """``np.cumsum`` along an axis: a number is in the sum at its own place and in all after it."""
    axis = x.kwargs["axis"]
    return [(x.args[0], np.flip(np.cumsum(np.flip(g, axis), axis=axis), axis))]


def remainder(x: Recorded, g: Recorded) -> Parts:
    """``np.mod``: the divisor counts as often as it was taken off."""
    a, b = x.args
    return [(a, g), (b, -(g * np.floor(a / b)) if isinstance(b, Recorded) else None)]


def of_one_operand(rule: Callable[[Recorded, Recorded, Recorded], object]) -> Rule:
    """A rule for a call with one operand: ``rule(result, operand, gradient)``."""
    return lambda x, g: [(x.args[0], rule(x, x.args[0], g))]


RULES: dict[Any, Rule] = {
    np.add: add, np.subtract: subtract, np.multiply: multiply, np.divide: divide, np.power: power, np.mod: remainder,
    np.maximum: chosen_of_two(operator.ge, operator.gt), np.minimum: chosen_of_two(operator.le, operator.lt),
    np.where: chosen, np.sum: total, np.mean: average, np.max: extreme, np.min: extreme, np.take: lookup,
    np.cumsum: running_total, np.var: variance,
    np.negative: of_one_operand(lambda y, x, g: -g),
    np.square: of_one_operand(lambda y, x, g: g * 2.0 * x),
    np.sqrt: of_one_operand(lambda y, x, g: g * 0.5 / y),
    np.exp: of_one_operand(lambda y, x, g: g * y),
    np.expm1: of_one_operand(lambda y, x, g: g * np.exp(x)),
    np.log: of_one_operand(lambda y, x, g: g / x),
    np.log1p: of_one_operand(lambda y, x, g: g / (1.0 + x)),
    np.log10: of_one_operand(lambda y, x, g: g / (x * math.log(10.0))),
    np.tanh: of_one_operand(lambda y, x, g: g * (1.0 - y * y)),
    np.sin: of_one_operand(lambda y, x, g: g * np.cos(x)),
    np.cos: of_one_operand(lambda y, x, g: -(g * np.sin(x))),
    np.tan: of_one_operand(lambda y, x, g: g * (1.0 + y * y)),
    np.sinh: of_one_operand(lambda y, x, g: g * np.cosh(x)),
    np.cosh: of_one_operand(lambda y, x, g: g * np.sinh(x)),
    np.arcsin: of_one_operand(lambda y, x, g: g / np.sqrt(1.0 - x * x)),
    np.arccos: of_one_operand(lambda y, x, g: -(g / np.sqrt(1.0 - x * x))),
    np.arctan: of_one_operand(lambda y, x, g: g / (1.0 + x * x)),
    np.arcsinh: of_one_operand(lambda y, x, g: g / np.sqrt(x * x + 1.0)),
    np.arctanh: of_one_operand(lambda y, x, g: g / (1.0 - x * x)),
    np.deg2rad: of_one_operand(lambda y, x, g: g * (math.pi / 180.0)),
    np.rad2deg: of_one_operand(lambda y, x, g: g * (180.0 / math.pi)),
    np.abs: of_one_operand(lambda y, x, g: g * np.sign(x)),
    np.reciprocal: of_one_operand(lambda y, x, g: -(g * y * y)),
    cast: of_one_operand(lambda y, x, g: g if x.dtype.kind == "f" and y.dtype.kind == "f" else None),
    ERF: of_one_operand(lambda y, x, g: g * np.exp(-(x * x)) * (2.0 / math.sqrt(math.pi))),
} | dict.fromkeys((np.sign, np.floor, np.ceil, np.trunc), of_one_operand(lambda y, x, g: g * 0.0))  # fmt: skip

__all__ = ["NoGradient", "backward", "unbroadcast"]
