"""Sensible numbers for what a model asks for, where none are given: the truth table, numbers of words, grey images.

Random ones are seeded: the same model always gets the same numbers.
"""

from __future__ import annotations

import itertools
import math
import zlib
from typing import Any

import numpy as np

from weightlens.call_order import every_layer
from weightlens.engine.output_shapes import computes_one_sample, needed_length
from weightlens.engine.wanted import Wanted, first_users, is_stateful, wanted_inputs, with_length
from weightlens.model import Layer, Model
from weightlens.specs.registry import spec_of

STEPS = 5  # length of a sequence that may have any
PIXELS = 24  # width of a picture that may have any
FEW = 500  # numbers in one sample, above which one sample is enough


def default_inputs(model: Model) -> list[np.ndarray]:
    """One default array per input of the model, with a few samples each."""
    wanted = wanted_inputs(model)
    table = small_table(model, wanted)
    if table is not None:
        return [table]
    shapes = example_shapes(model, wanted)
    fixed = next((w.batch for w in wanted if w.batch), None)
    samples = 3 if sum(map(math.prod, shapes)) <= FEW else 1
    if fixed:  # needed for kept states, or because operators do not compute with one sample
        has_operators = any(layer.is_operation for layer in every_layer(model, wrapped=False))
        samples = fixed if is_stateful(model) or (has_operators and not computes_one_sample(model, shapes)) else 1
    return [example_array(w, (samples, *shape), first_users(model, w.name)) for w, shape in zip(wanted, shapes, strict=True)]


def default_words(model: Model) -> str:
    """What the default inputs are, for those who gave none."""
    table = small_table(model, wanted_inputs(model))
    what = "examples, most of them random" if table is None else "all combinations of 0 and 1" if table.shape[1] > 1 else "examples"
    return f"no input was given (-i): these are {what}"


def small_table(model: Model, wanted: list[Wanted]) -> np.ndarray | None:
    """The truth table for one input of two to four plain numbers, a short ramp for one number; ``None`` for others."""
    if len(wanted) != 1:
        return None
    w = wanted[0]
    if w.text or w.batch or w.shape is None or len(w.shape) != 1 or w.size not in (1, 2, 3, 4):
        return None
    if not all(spec_of(user).truth_table for user in first_users(model, w.name)):
        return None
    if w.size == 1:
        return np.array([[-1.0], [0.0], [1.0], [2.0]])
    return np.array(list(itertools.product((0.0, 1.0), repeat=w.size)))


def example_shapes(model: Model, wanted: list[Wanted]) -> list[tuple[int, ...]]:
    """The shape of a sample of each input: small where dimensions are open, but so long that every layer leaves something."""
    shapes = []
    for w in wanted:
        shape = w.shape if w.shape is not None else (4,)
        shapes.append(tuple(n if n is not None else (PIXELS if len(shape) > 2 else STEPS) for n in shape))
    length = needed_length(model, [w.shape for w in wanted], shapes)
    if length is None:
        return shapes
    return [with_length(w.shape, shape, length) for w, shape in zip(wanted, shapes, strict=True)]


def example_array(w: Wanted, shape: tuple[int, ...], users: list[Layer]) -> np.ndarray:
    """Numbers that suit the first layer."""
    rng = np.random.default_rng(zlib.crc32(w.name.encode()))
    if w.text:
        known = next((user.config.get("vocabulary") for user in users if user.class_name == "StringLookup"), None)
        words = [word for word in known if isinstance(word, str) and word] if isinstance(known, list) else []
        return rng.choice(words, shape) if words else np.full(shape, "the quick brown fox")
    for user in users:
        config = user.config
        if (limit := token_limit(user)) is not None:
            return rng.integers(0, max(limit, 1), shape).astype(np.float64)
        if user.class_name == "Rescaling":
            return np.round(rng.uniform(0, 1, shape) * rescaling_bound(config.get("scale")))
        if user.class_name == "Normalization" and "mean" in user.own_weights:
            return normal_numbers(rng, shape, user)
    if len(shape) == 4 and shape[-1] in (1, 3):
        return np.round(rng.uniform(0, 1, shape), 2)
    return np.round(rng.uniform(-1, 1, shape), 2)


def token_limit(user: Layer) -> int | None:
    """How many different integers a layer accepts; ``None`` if it does not take integers."""
    config = user.config
    if user.class_name == "TokenAndPositionEmbedding":  # KerasHub's
        return int(config.get("vocabulary_size", 1))
    if (tokens := spec_of(user).tokens) is None:
        return None
    setting, usual = tokens
    return int(config.get(setting) or usual) or None


def rescaling_bound(scale: Any) -> float:
    """The largest number that rescaling maps to 1: 255 for a scale of 1/255."""
    try:
        return float(np.clip(1.0 / float(np.max(np.abs(scale))), 1.0, 65535.0))
    except (TypeError, ValueError, ZeroDivisionError):
        return 1.0


def normal_numbers(rng: np.random.Generator, shape: tuple[int, ...], user: Layer) -> np.ndarray:
    """Random numbers with the mean and variance of a Normalization layer's data."""
    mean, variance = (np.asarray(user.own_weights[name].value, np.float64).ravel() for name in ("mean", "variance"))
    if mean.size not in (1, shape[-1]):
        return np.round(rng.uniform(-1, 1, shape), 2)
    return np.round(mean + np.sqrt(np.maximum(variance, 0.0)) * rng.normal(size=shape), 2)
