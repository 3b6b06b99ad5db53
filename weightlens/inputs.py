"""The inputs that a model expects, and default ones: the truth table, token ids, grey images.

Random ones are seeded: the same model always gets the same numbers.
"""

from __future__ import annotations

import itertools
import math
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from weightlens.errors import BadInput
from weightlens.graph import refs
from weightlens.model import Layer, Model

STEPS = 5  # default length of a sequence
PIXELS = 24  # default width of a picture
PLAIN = {"Dense", "Activation", "Dropout", "Flatten"}  # layers that may be fed a truth table
FEW = 500  # numbers in one sample, above which one sample is enough


@dataclass(frozen=True)
class Wanted:
    """One input of the model: name, shape of a sample (``None``: open dimension), text or numbers, fixed number of samples."""

    name: str
    shape: tuple[int | None, ...] | None
    text: bool = False
    batch: int | None = None

    @property
    def size(self) -> int | None:
        """How many numbers a sample has; ``None`` for an open dimension."""
        if self.shape is None or None in self.shape:
            return None
        return math.prod(n or 0 for n in self.shape)


@dataclass
class Samples:
    """An array per input of the model, and the titles of its columns, if there are any."""

    arrays: list[np.ndarray]
    labels: list[list[str]] = field(default_factory=list)


def wanted_inputs(model: Model) -> list[Wanted]:
    """The inputs that the model expects, in order."""
    wanted = []
    for ref in refs(model.inputs):
        layer = model[ref.layer]
        shape = layer.config.get("batch_shape") or None
        if shape and not all(n is None or (isinstance(n, int) and n >= 0) for n in shape):
            raise BadInput(f"input {ref.layer!r} has the shape {shape}, which no array has")
        text = layer.config.get("dtype") == "string"
        wanted.append(Wanted(ref.layer, tuple(shape[1:]), text, shape[0]) if shape else Wanted(ref.layer, None, text))
    if not wanted:
        raise BadInput(model.why_nothing_runs)
    return wanted


def shape_words(shape: tuple[int | None, ...] | None) -> str:
    """``28 x 28 x 1``; ``any x 16``."""
    if shape is None:
        return "any shape"
    return " x ".join("any" if n is None else str(n) for n in shape) or "one number"


def first_users(model: Model, name: str, depth: int = 0) -> list[Layer]:
    """The layers that read an input directly, those inside nested models included."""
    users = [layer for layer in model.layers for call in layer.calls if any(ref.layer == name for ref in refs((call.args, call.kwargs)))]
    inner = [
        u
        for user in users
        if user.model and depth < 8
        for ref in refs(user.model.inputs)
        for u in first_users(user.model, ref.layer, depth + 1)
    ]
    return [user for user in users if not user.model] + inner


def default_inputs(model: Model) -> list[np.ndarray]:
    """One default array per input of the model, with a few samples each."""
    wanted = wanted_inputs(model)
    table = small_table(model, wanted[0]) if len(wanted) == 1 else None
    if table is not None:
        return [table]
    shapes = example_shapes(model, wanted)
    fixed = next((w.batch for w in wanted if w.batch), None)
    few = sum(map(math.prod, shapes)) <= FEW
    samples = (fixed if keeps_batch(model) else 1) if fixed else 3 if few else 1
    return [example_array(w, (samples, *shape), first_users(model, w.name)) for w, shape in zip(wanted, shapes, strict=True)]


def small_table(model: Model, w: Wanted) -> np.ndarray | None:
    """The truth table for two to four plain inputs, a short ramp for one; ``None`` for others."""
    if w.text or w.batch or w.shape is None or len(w.shape) != 1 or w.size not in (1, 2, 3, 4):
        return None
    if any(user.class_name not in PLAIN for user in first_users(model, w.name)):
        return None
    if w.size == 1:
        return np.array([[-1.0], [0.0], [1.0], [2.0]])
    return np.array(list(itertools.product((0.0, 1.0), repeat=w.size)))


def keeps_batch(model: Model) -> bool:
    """Whether the model needs the batch size in its file: for kept states, or for operators that contain it."""
    return any(
        layer.is_operation or layer.config.get("stateful") or (layer.model is not None and keeps_batch(layer.model))
        for layer in model.layers
    )


def example_shapes(model: Model, wanted: list[Wanted]) -> list[tuple[int, ...]]:
    """The shape of a sample of each input: open dimensions small, but long enough that no layer's output is empty."""
    from weightlens.shapes import needed_length

    shapes = [example_shape(w) for w in wanted]
    length = needed_length(model, [w.shape for w in wanted], shapes)
    if length is None:
        return shapes
    return [with_length(w.shape, shape, length) for w, shape in zip(wanted, shapes, strict=True)]


def with_length(asked: tuple[int | None, ...] | None, shape: tuple[int, ...], length: int) -> tuple[int, ...]:
    """A shape whose open dimensions are at least this long."""
    return tuple(max(n, length) if want is None else n for want, n in zip(asked, shape, strict=True)) if asked else shape


def example_shape(w: Wanted) -> tuple[int, ...]:
    """The shape of a sample, its open dimensions replaced by small numbers."""
    shape = w.shape if w.shape is not None else (4,)
    return tuple(n if n is not None else (PIXELS if len(shape) > 2 else STEPS) for n in shape)


def example_array(w: Wanted, shape: tuple[int, ...], users: list[Layer]) -> np.ndarray:
    """Numbers that suit the first layer."""
    rng = np.random.default_rng(zlib.crc32(w.name.encode()))
    if w.text:
        words = next((vocabulary_of(user) for user in users if user.class_name == "StringLookup"), [])
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


def vocabulary_of(user: Layer) -> list[str]:
    """The vocabulary of a lookup layer, if the file has it."""
    words = user.config.get("vocabulary")
    return [word for word in words if isinstance(word, str) and word] if isinstance(words, list) else []


def token_limit(user: Layer) -> int | None:
    """How many different integers a layer accepts; ``None`` if it does not take integers."""
    config = user.config
    if user.class_name in ("Embedding", "ReversibleEmbedding"):
        return int(config.get("input_dim", 1))
    if user.class_name == "TokenAndPositionEmbedding":
        return int(config.get("vocabulary_size", 1))
    if user.class_name == "CategoryEncoding":
        return int(config.get("num_tokens", 1))
    if user.class_name == "Hashing":
        return 100
    if user.class_name == "IntegerLookup":
        return max(int(config.get("max_tokens") or 10), 1)
    return int(config["input_dim"]) if user.class_name == "TimeDistributed" and "input_dim" in config else None


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
