"""The tables of names: axes of weights by layer class, of inputs by the layer that reads them; and a guess by rank where nothing tells."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from weightlens.axes.factors import Axis, Factor, plain

SPACE = {0: (), 1: ("time step",), 2: ("row", "column"), 3: ("plane", "row", "column")}
LSTM = "gate:input gate|forget gate|candidate|output gate*unit"
GRU = "gate:update gate|reset gate|candidate*unit"
UNITS = {"kernel": ("?", "unit"), "bias": ("unit",)}
HEADS = {
    f"{part}/{name}": (*("?",) * (name == "kernel"), "head", f"{size} dim")
    for part, size in (("query", "key"), ("key", "key"), ("value", "value"), ("gate", "value"))
    for name in ("kernel", "bias")
}
HEADS |= {name + "_scale": ("one", "one", *texts[1:]) for name, texts in HEADS.items() if name.endswith("kernel")}

# Weights by name: one text an axis. ``?``: what it is multiplied with or added to says what it is; ``gate:a|b*unit``: two factors,
# the first with words for its coordinates. A name with a number: of so many axes.
WEIGHTS: dict[str, dict[str, tuple[str, ...]]] = {
    "Dense": UNITS | {"lora_kernel_a": ("?", "rank"), "lora_kernel_b": ("rank", "unit"), "kernel_scale": ("unit",)},
    "Embedding": {
        "embeddings": ("word", "dimension"), "embeddings_scale": ("word",), "reverse_embeddings": ("dimension", "word"),
        "lora_embeddings_a": ("word", "rank"),        "lora_embeddings_b": ("rank", "dimension"),
    },
    "SimpleRNN": UNITS | {"recurrent_kernel": ("?", "unit")},
    "LSTM": {"kernel": ("?", LSTM), "recurrent_kernel": ("?", LSTM), "bias": (LSTM,)},
    "GRU": {"kernel": ("?", GRU), "recurrent_kernel": ("?", GRU), "bias": (GRU,), "bias 2": ("side:bias x|bias h", GRU)},
    "Highway": UNITS | {"gate_kernel": ("?", "unit"), "gate_bias": ("unit",)},
    "MaxoutDense": {"kernel": ("piece", "?", "unit"), "bias": ("piece", "unit")},
    "RandomFourierFeatures": UNITS,
    **{kind: {"idf_weights": ("word",)} for kind in ("IntegerLookup", "StringLookup", "TextVectorization")},
    "MultiHeadAttention": HEADS | {
        "attention_output/kernel": ("head", "value dim", "feature"), "attention_output/bias": ("feature",),
        "attention_output/kernel_scale": ("one", "one", "feature"),
        "attention_output/kernel 4": ("head", "value dim", "feature a", "feature b"), "attention_output/bias 2": ("feature a", "feature b"),
    },
}  # fmt: skip
ALIKE = {
    "LSTMCell": "LSTM", "GRUCell": "GRU", "SimpleRNNCell": "SimpleRNN", "CuDNNLSTM": "LSTM", "CuDNNGRU": "GRU",
    "GroupQueryAttention": "MultiHeadAttention", "GroupedQueryAttention": "MultiHeadAttention", "ReversibleEmbedding": "Embedding",
}  # fmt: skip
LETTERS = {"input gate": "i", "forget gate": "f", "output gate": "o", "candidate": "g", "update gate": "z", "reset gate": "r"}
LEAVING = {"filter": "channel", "unit before": "unit"}  # what the next layer calls it
# Tables of numbers that a layer makes itself, by the name of the step.
CONSTANTS: dict[str, tuple[str, ...]] = {
    "vocabulary": ("word",), "boundaries": ("bin",), "row weights": ("row", "?"), "column weights": ("column", "?"),
    "plane weights": ("plane", "?"), "cosines": ("?", "frequency"), "sines": ("?", "frequency"),
}  # fmt: skip
# An axis that a layer's calculation brings in, by class or by the name of the step.
NEW = {
    "CategoryEncoding": "category", "Discretization": "bin", "Hashing": "bin", "HashedCrossing": "bin", "IntegerLookup": "word",
    "StringLookup": "word", "TextVectorization": "word", "STFTSpectrogram": "frequency", "MelSpectrogram": "frequency",
    "ContrastLimitedAdaptiveHistogramEqualization": "tone", "RepeatVector": "time step", "words": "token",
}  # fmt: skip


def of_weight(kind: str, config: dict[str, Any], name: str, shape: tuple[int, ...]) -> tuple[str, ...]:
    """One text for each axis of a weight."""
    last, rank = name.rsplit("/", 1)[-1], len(shape)
    if "Conv" in kind and rank > 0 and (not last.endswith("kernel") or rank - 2 in SPACE):
        found = of_convolution(kind, last, rank)
    elif kind == "EinsumDense" and "equation" in config and last in ("kernel", "bias"):
        found = of_equation(config["equation"], last, rank)
    else:
        table = WEIGHTS.get(ALIKE.get(kind, kind), {})
        found = next((table[key] for key in (f"{name} {rank}", name, f"{last} {rank}", last) if key in table), ())
    return found if len(found) == rank else ("?",) * rank


def of_convolution(kind: str, name: str, rank: int) -> tuple[str, ...]:
    """Kernels ``(*size, channels, filters)``; transposed ones the other way round; of depthwise ones a multiplier; biases."""
    gates = LSTM.replace("unit", "filter") if kind.startswith("ConvLSTM") else "filter"
    if not name.endswith("kernel"):
        return ("?",) * rank if "Depthwise" in kind else (gates,)
    space = tuple(f"kernel {axis}" for axis in SPACE[rank - 2])
    if "depthwise" in name or "Depthwise" in kind:
        return (*space, "channel", "multiplier")
    if "Transpose" in kind:
        return (*space, "filter", "channel")
    return (*space, "filter before" if name == "recurrent_kernel" else "channel", gates)


def of_equation(equation: str, name: str, rank: int) -> tuple[str, ...]:
    """The kernel and the bias of an EinsumDense: what its equation adds to the input are units."""
    inputs, kernel, output = re.split(",|->", equation.replace(" ", ""))
    new = [c for c in kernel if c not in inputs]
    word = {c: "unit" if len(new) == 1 else f"unit {c}" for c in new}
    return tuple(word.get(c, "?") for c in (kernel if name == "kernel" else output[len(output) - rank :]))


def of_constant(name: str, rank: int) -> tuple[str, ...]:
    """The same for numbers that a layer makes itself."""
    found = CONSTANTS.get(name, ())
    return found if len(found) == rank else ("?",) * rank


def axis(text: str, n: int) -> Axis:
    """An axis by its text in the tables: ``gate:a|b*unit`` has two factors."""
    outer, _, inner = text.rpartition("*")
    title, _, listed = (outer or inner).partition(":")
    words = tuple(listed.split("|")) if listed else ()
    if not outer:
        return plain(title, n, words=words)
    if n % len(words):
        return plain(inner, n)
    each, at = n // len(words), np.arange(n)
    return Factor(title, at // each, words), Factor(inner, at % each)


def as_stored(kind: str, config: dict[str, Any], name: str, shape: tuple[int, ...]) -> list[Axis]:
    """The axes of a weight as its file tells them; of an open one only that it is what comes in."""
    return [axis("in" if text == "?" else text, n) for text, n in zip(of_weight(kind, config, name, shape), shape, strict=True)]


def never_told(rank: int, of_layer: bool) -> tuple[str, ...]:
    """What the axes of numbers are called of which nothing is known; of a layer's weight that something comes in along them."""
    if rank > 1 and of_layer:
        return ("in",) * rank
    return {1: ("place",), 2: ("row", "column")}.get(rank, tuple(f"axis {d}" for d in range(rank)))


def guessed(shape: tuple[int, ...], taken: set[str]) -> list[str]:
    """What axes usually mean, by their number; names that are not there yet."""
    rank = len(shape)
    usual = {1: ("sample",), 2: ("sample", "feature"), 3: ("sample", "time step", "feature"), 4: ("sample", *SPACE[2], "channel"),
             5: ("sample", *SPACE[3], "channel")}.get(rank, tuple(f"axis {d}" for d in range(rank)))  # fmt: skip
    return [f"axis {d}" if name in taken else name for d, name in enumerate(usual)]
