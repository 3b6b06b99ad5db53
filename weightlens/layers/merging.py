"""Layers that make one array of several (``keras.layers``, "Merging layers").

Inputs of different rank are aligned after the batch axis. Where every input has a mask, Keras 3 joins them with
"or" and lets the masks take part in Multiply, Maximum and Minimum; Keras 1 and 2 join them with "and" and do not
(``Quirks.before_keras_3``), and Keras 3 before 3.4 loses them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from weightlens.layers.core import taken_for_a_bias
from weightlens.layers.normalization import length_of
from weightlens.layers.signature import Array, Config, Function, Masks, Step, Weights
from weightlens.specs.quirks import ADDS_AS_NUMPY, LOSES_MASKS_OF_LISTS, NONE, Quirks

NORM_EPSILON = 1e-7


def aligned(xs: Sequence[Array]) -> list[Any]:
    """The inputs with the same rank: axes of length 1 are put in after the batch."""
    rank = max(x.ndim for x in xs)
    return [x if x.ndim == rank else np.reshape(x, (*x.shape[:1], *(1,) * (rank - x.ndim), *x.shape[1:])) for x in xs]


def total(xs: list[Array], batch: int | None, quirks: Quirks) -> Any:
    """The sum of inputs; refused where Keras takes one of them for a bias, which it does not where the number of samples is open."""

    def added(x: Array, y: Array) -> Any:
        if batch and ADDS_AS_NUMPY not in quirks.old and taken_for_a_bias((batch, *x.shape[1:]), (batch, *y.shape[1:])):
            raise NotImplementedError("adds an array that versions of Keras 3 take for a bias along another axis")
        return x + y

    return reduce(added, xs)


def add(x: Sequence[Array], w: Weights, config: Config, step: Step, *, batch: int | None = None, quirks: Quirks = NONE) -> Any:
    """Sum of the inputs, element by element. ``keras.layers.Add``."""
    return step("sum", total(aligned(x), batch, quirks))


def subtract(x: Sequence[Array], w: Weights, config: Config, step: Step) -> Any:
    """First input less the second. ``keras.layers.Subtract``."""
    first, second = aligned(x)
    return step("difference", first - second)


def average(x: Sequence[Array], w: Weights, config: Config, step: Step, *, batch: int | None = None, quirks: Quirks = NONE) -> Any:
    """Mean of the inputs, element by element. ``keras.layers.Average``."""
    return step("average", total(aligned(x), batch, quirks) / float(len(x)))


def multiply(x: Sequence[Array], w: Weights, config: Config, step: Step, *, mask: Array | None = None, quirks: Quirks = NONE) -> Any:
    """Product of the inputs, element by element; what is masked counts as 1. ``keras.layers.Multiply``."""
    xs, masks = aligned(x), masks_of(x, mask, quirks)
    y = reduce(np.multiply, [v if m is None else np.where(m, v, 1.0) for v, m in zip(xs, masks, strict=True)])
    if all(m is not None for m in masks):
        y = np.where(reduce(np.logical_or, masks), y, 0.0)
    return step("product", y)


def maximum(x: Sequence[Array], w: Weights, config: Config, step: Step, *, mask: Array | None = None, quirks: Quirks = NONE) -> Any:
    """Largest of the inputs, element by element. ``keras.layers.Maximum``."""
    return step("maximum", pick(np.maximum, aligned(x), masks_of(x, mask, quirks)))


def minimum(x: Sequence[Array], w: Weights, config: Config, step: Step, *, mask: Array | None = None, quirks: Quirks = NONE) -> Any:
    """Smallest of the inputs, element by element. ``keras.layers.Minimum``."""
    return step("minimum", pick(np.minimum, aligned(x), masks_of(x, mask, quirks)))


def pick(better: Function, xs: list[Array], masks: list[Array | None]) -> Any:
    """Function by ``better``; a masked element gives way to the other side, as in Keras 3."""
    best, best_mask = xs[0], masks[0]
    for x, mask in zip(xs[1:], masks[1:], strict=True):
        if mask is not None:
            x = np.where(mask, x, best)
        if best_mask is not None:
            best = np.where(best_mask, best, x)
        best = better(best, x)
        best_mask = None if mask is None or best_mask is None else np.logical_or(best_mask, mask)
    return best


def masks_of(xs: Sequence[Array], masks: Masks, quirks: Quirks) -> list[Any]:
    """The masks that take part in the arithmetic, each with the rank of its input; ``None`` for an input without."""
    unmasked = quirks.before_keras_3 or LOSES_MASKS_OF_LISTS in quirks.old
    if unmasked or not isinstance(masks, (list, tuple)) or len({x.ndim for x in xs}) > 1:
        return [None] * len(xs)
    return [None if m is None else m[..., None] for m in masks]


def concatenate(x: Sequence[Array], w: Weights, config: Config, step: Step) -> Any:
    """The inputs one after another along an axis. ``keras.layers.Concatenate``."""
    return np.concatenate(list(x), axis=config.get("axis", -1))


def dot(x: Sequence[Array], w: Weights, config: Config, step: Step) -> Any:
    """Dot products of two inputs along one axis of each, sample by sample. ``keras.layers.Dot``.

    ``(batch, *a, n)`` and ``(batch, *b, n)`` give ``(batch, *a, *b)``; with ``normalize`` the cosine of the angle.
    """
    axes = config["axes"] if isinstance(config["axes"], (list, tuple)) else [config["axes"]] * 2
    axes = [axis % v.ndim for axis, v in zip(axes, x, strict=True)]
    if config.get("normalize"):
        x = [normalized(v, axis, step, f"input {i}") for i, (v, axis) in enumerate(zip(x, axes, strict=True))]
    a, b = np.moveaxis(x[0], axes[0], -1), np.moveaxis(x[1], axes[1], 1)
    batch, n, shape = a.shape[0], a.shape[-1], (*a.shape[1:-1], *b.shape[2:])
    y = np.reshape(a, (batch, -1, n)) @ np.reshape(b, (batch, n, -1))
    return step("dot product", np.reshape(y, (batch, *(shape or (1,)))))


def normalized(x: Array, axis: int, step: Step, name: str) -> Any:
    """``x`` divided by its length along the axis, which counts as at least ``NORM_EPSILON``."""
    return step(f"{name} / length", x / step(f"length of {name}", length_of(x, axis, NORM_EPSILON)))


def scaled_sum(x: Sequence[Array], w: Weights, config: Config, step: Step) -> Any:
    """``x0 + x1 * scale``, element by element. ``CustomScaleLayer`` of ``keras.applications.inception_resnet_v2``."""
    return x[0] + x[1] * config["scale"]
