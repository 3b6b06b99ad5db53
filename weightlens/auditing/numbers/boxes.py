"""Interval bounds: between which numbers every unit of a network must stay, whatever comes in from a box (Gowal et al. 2018)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from weightlens.layers.activations import activate
from weightlens.model import Layer
from weightlens.specs.activation import ACTIVATIONS, DIP, ActivationSpec, named_function

ANYTHING = 1e30  # stands for infinity, which times 0 would be no number
PIXEL, USUAL = 255.0, 10.0  # the largest value taken of a picture's channel, and of a standardised feature
FEW = {1: 1000.0, 2: 30.0, 3: 30.0}  # of each of so few features, which people often leave as they are
UNTOLD = ActivationSpec("", "")


@dataclass(frozen=True, eq=False)
class Box:
    """The least and most of each channel of a tensor; a flattened tensor repeats its channels (``low`` is one period).

    ``origin``: the layer whose units the channels are, if they are; ``alive``: which of them have not been multiplied by 0 since.
    ``first``: the channels are the first axis of a sample. ``reshaped``: they may be more than the last axis.
    ``parts``: the tensors that were joined, one behind the other.
    """

    low: np.ndarray
    high: np.ndarray
    origin: str = ""
    alive: np.ndarray | None = None
    first: bool = False
    reshaped: bool = False
    parts: tuple[Box, ...] = ()

    @property
    def narrowed(self) -> Box:
        """One interval for all channels."""
        return Box(self.low.min(keepdims=True), self.high.max(keepdims=True))

    @property
    def is_constant(self) -> bool:
        """Whether the numbers are the same whatever comes in."""
        return bool((self.low == self.high).all())


def box(low: float, high: float) -> Box:
    """One interval for all channels."""
    return Box(np.array([low]), np.array([high]))


UNKNOWN = box(-ANYTHING, ANYTHING)


def input_box(layer: Layer) -> Box:
    """What is taken to come in: pixels up to 255, other features up to 10 in size, up to 1000 where there is one alone."""
    shape = layer.config.get("batch_shape")
    picture = isinstance(shape, list | tuple) and len(shape) == 4 and (shape[-1] in (1, 3, 4) or shape[1] in (1, 3, 4))
    features = shape[-1] if isinstance(shape, list | tuple) and shape else None
    most = PIXEL if picture else FEW.get(features, USUAL) if isinstance(features, int) else USUAL
    return box(-most, most)


def activated(given: Box, named: Any) -> Box:
    """The box after an activation function."""
    name, _ = named_function(named)
    if name == "linear":
        return given
    known = ACTIVATIONS.get(name, UNTOLD)
    if known.shares and not given.is_constant:
        least = 1.0 if len(given.low) == 1 and given.origin else 0.0
        return replace(given, low=np.full_like(given.low, least), high=np.ones_like(given.high))
    if known.way not in ("rises", "dips", "cuts") and not (given.is_constant and known.function != "glu"):
        return widened(given)
    try:
        with np.errstate(all="ignore"):
            low, high = (
                np.nan_to_num(np.asarray(activate(side, named, lambda _, y, role=None: y), np.float64), posinf=ANYTHING, neginf=-ANYTHING)
                for side in (given.low, given.high)
            )
    except (NotImplementedError, TypeError, ValueError, ArithmeticError):
        return widened(given)
    if known.way == "dips" and not given.is_constant:
        low, high = np.minimum(np.minimum(low, high), DIP), np.maximum(np.maximum(low, high), 0.0)
    return replace(given, low=np.minimum(low, high), high=np.maximum(low, high))


def widened(given: Box) -> Box:
    """The same channels, of which nothing is known any more."""
    return replace(given, low=np.full_like(given.low, -ANYTHING), high=np.full_like(given.high, ANYTHING))


def cuts(named: Any) -> bool:
    """Whether a function turns every number from 0 down into 0."""
    _, settings = named_function(named)
    slope, threshold = settings.get("negative_slope") or settings.get("alpha") or 0.0, settings.get("threshold") or 0.0
    return way_of(named) == "cuts" and slope == 0 and threshold == 0


def way_of(named: Any) -> str:
    """How the result of a function follows what comes in."""
    return ACTIVATIONS.get(named_function(named)[0], UNTOLD).way


def scaled(given: Box, scale: np.ndarray, shift: np.ndarray) -> Box:
    """The box of ``x * scale + shift``, channel by channel; its channels lose their effect where the scale is 0."""
    if len(given.low) not in (1, len(scale)):
        given = given.narrowed
    ends = given.low * scale, given.high * scale
    alive = None if not given.origin else (scale != 0) & (True if given.alive is None else given.alive)
    return replace(given, low=np.minimum(*ends) + shift, high=np.maximum(*ends) + shift, alive=alive)


def joined(boxes: list[Box]) -> Box:
    """The box of tensors that are joined, which knows the channels of each where they are the last axis."""
    known = not any(one.first or one.reshaped for one in boxes)
    parts = tuple(part for one in boxes for part in one.parts or (one,)) if known else ()
    return replace(merged("merging.concatenate", boxes), parts=parts)


def merged(function: str, boxes: list[Box]) -> Box:
    """The box of a layer that merges several tensors, by the function that computes it."""
    if len({len(one.low) for one in boxes} - {1}) > 1 or function == "merging.concatenate":
        boxes = [one.narrowed for one in boxes]
    lows, highs = [one.low for one in boxes], [one.high for one in boxes]
    rules: dict[str, Callable[[], tuple[Any, Any]]] = {
        "merging.add": lambda: (sum(lows), sum(highs)),
        "merging.average": lambda: (sum(lows) / len(lows), sum(highs) / len(highs)),
        "merging.subtract": lambda: (lows[0] - highs[-1], highs[0] - lows[-1]),
        "merging.maximum": lambda: (np.maximum.reduce(lows), np.maximum.reduce(highs)),
        "merging.minimum": lambda: (np.minimum.reduce(lows), np.minimum.reduce(highs)),
        "merging.concatenate": lambda: (np.minimum.reduce(lows), np.maximum.reduce(highs)),
        "merging.multiply": lambda: products(boxes),
    }
    if function not in rules:
        return UNKNOWN
    low, high = rules[function]()
    first = any(one.first for one in boxes)
    return Box(np.clip(low, -ANYTHING, ANYTHING), np.clip(high, -ANYTHING, ANYTHING), first=first)


def products(boxes: list[Box]) -> tuple[np.ndarray, np.ndarray]:
    """The least and most of the product of several intervals."""
    low, high = boxes[0].low, boxes[0].high
    for one in boxes[1:]:
        ends = [a * b for a in (low, high) for b in (one.low, one.high)]
        low, high = np.minimum.reduce(ends), np.maximum.reduce(ends)
    return low, high


def contradicts(given: Box, layer: Layer) -> bool:
    """Whether what a BatchNormalization has seen in training cannot come from this box.

    The variance of numbers from ``low`` to ``high`` is at most ``(mean - low) (high - mean)`` (Bhatia, Davis 2000).
    """
    mean, variance = (np.asarray(layer.own_weights[name].value, np.float64).ravel() for name in ("moving_mean", "moving_variance"))
    if len(given.low) not in (1, len(mean)):
        given = given.narrowed
    below, above = mean - given.low, given.high - mean
    slack = 1e-3 * np.maximum(np.abs(mean), 1.0)
    return bool(((below < -slack) | (above < -slack) | (variance > 1.1 * (below + slack) * (above + slack))).any())


def normalisation(layer: Layer) -> tuple[np.ndarray, np.ndarray] | None:
    """Scale and shift of a BatchNormalization, channel by channel; ``None`` where the file lacks them, or has no numbers for them."""
    values = {name: np.asarray(weight.value, np.float64).ravel() for name, weight in layer.own_weights.items()}
    if not {"moving_mean", "moving_variance"} <= set(values) or not all(np.isfinite(value).all() for value in values.values()):
        return None
    with np.errstate(all="ignore"):
        scale = values.get("gamma", 1.0) / np.sqrt(values["moving_variance"] + float(layer.config.get("epsilon") or 1e-3))
        shift = values.get("beta", 0.0) - values["moving_mean"] * scale
    return (scale, shift) if np.isfinite(scale).all() and np.isfinite(shift).all() else None


def number(value: Any) -> float | None:
    """A setting that is one finite number."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
