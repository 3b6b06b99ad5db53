"""The axes that no calculation tells: of weights (by the spec of their class), of inputs, of a layer's own tables; guesses by rank."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from weightlens.axes.factors import KERNEL, Axis, Factor, plain
from weightlens.recording.graph import walk
from weightlens.specs.registry import spec

if TYPE_CHECKING:
    from weightlens.recording import Recorded, Trace

SPACE = {0: (), 1: ("time step",), 2: ("row", "column"), 3: ("plane", "row", "column")}
LETTERS = {"input gate": "i", "forget gate": "f", "output gate": "o", "candidate": "g", "update gate": "z", "reset gate": "r"}
LEAVING = {"filter": "channel", "unit before": "unit"}  # what the next layer calls it
# Tables of numbers that a layer makes itself, by the name of the step.
CONSTANTS: dict[str, tuple[str, ...]] = {
    "vocabulary": ("word",), "boundaries": ("bin",), "row weights": ("row", "?"), "column weights": ("column", "?"),
    "plane weights": ("plane", "?"), "cosines": ("?", "frequency"), "sines": ("?", "frequency"),
}  # fmt: skip
NEW = {"words": "token"}  # an axis that a calculation brings in, by the name of its step
COLUMN = "feature"  # an axis of an input whose places are the columns of a table
# What the dots of ``LayerSpec.takes`` stand for, by how many axes they are: at the end the inside of a time step, else places.
INSIDE = {1: ("feature",), 2: ("row", "channel"), 3: ("row", "column", "channel")}
PLACES = {1: ("token",), 2: ("row", "column")}


def spaces(kind: str, n: int) -> tuple[str, ...]:
    """The ``n`` spatial axes of a layer class. One axis is time, but not where the class takes time steps besides."""
    return ("place",) if n == 1 and "time step" in spec(kind).takes else SPACE.get(n, ())


def weight_axes(kind: str, config: dict[str, Any], name: str, shape: tuple[int, ...]) -> list[Axis]:
    """The axes of a weight, as ``LayerSpec.axes`` tells them; () where it leaves one open."""
    last, rank, table = name.rsplit("/", 1)[-1], len(shape), spec(kind).axes or {}
    text = next((table[key] for key in (f"{name} {rank}", name, f"{last} {rank}", last) if key in table), "?")
    if text == "equation":
        return axes_by_text(equation_axes(config["equation"], last, rank) if "equation" in config else (), shape)
    words = text.split(", ")
    if "*" not in words:
        return axes_by_text(words, shape)
    at, space = words.index("*"), spaces(kind, rank - 2)
    axes = axes_by_text([*words[:at], *space, *words[at + 1 :]], shape)
    return [(replace(axis[0], of=(KERNEL,)),) if axis and d - at in range(len(space)) else axis for d, axis in enumerate(axes)]


def equation_axes(equation: str, name: str, rank: int) -> tuple[str, ...]:
    """The kernel and the bias of an EinsumDense: what its equation adds to the input are units."""
    inputs, kernel, output = re.split(",|->", equation.replace(" ", ""))
    new = [c for c in kernel if c not in inputs]
    word = {c: "unit" if len(new) == 1 else f"unit {c}" for c in new}
    return tuple(word.get(c, "?") for c in (kernel if name == "kernel" else output[len(output) - rank :]))


def axes_by_text(texts: Sequence[str], shape: tuple[int, ...]) -> list[Axis]:
    """Axes by their texts, if there is one for each; ``?`` is an open one."""
    fitting = texts if len(texts) == len(shape) else ("?",) * len(shape)
    return [() if text == "?" else axis(text, n) for text, n in zip(fitting, shape, strict=True)]


def axis(text: str, n: int) -> Axis:
    """An axis by its text in ``LayerSpec.axes``: ``gate:a|b*unit`` has two factors."""
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
    """The axes of a weight, as its file alone tells them: an open axis is only known to be what comes in."""
    return [axis or plain("in", n) for axis, n in zip(weight_axes(kind, config, name, shape), shape, strict=True)]


def never_told(rank: int, of_layer: bool) -> tuple[str, ...]:
    """Names for axes of which nothing is known; along those of a layer's weight something comes in."""
    if rank > 1 and of_layer:
        return ("in",) * rank
    return {1: ("place",), 2: ("row", "column")}.get(rank, tuple(f"axis {d}" for d in range(rank)))


def guessed(shape: tuple[int, ...], taken: set[str]) -> list[str]:
    """What axes usually mean, judged by how many there are; names that are ``taken`` are left out."""
    rank = len(shape)
    usual = {1: ("sample",), 2: ("sample", "feature"), 3: ("sample", "time step", "feature"), 4: ("sample", *SPACE[2], "channel"),
             5: ("sample", *SPACE[3], "channel")}.get(rank, tuple(f"axis {d}" for d in range(rank)))  # fmt: skip
    return [f"axis {d}" if name in taken else name for d, name in enumerate(usual)]


def input_axes(trace: Trace, x: Recorded) -> Sequence[str]:
    """The axes of an input, by the first layer that tells; what is usual where none does."""
    same, looked = {id(x)}, set[str]()
    for step in trace.steps:
        if not any(id(y) in same for y in walk([step.made])):
            continue
        parts = step.layer.split("/")
        for path in ("/".join(parts[: i + 1]) for i in range(len(parts))):  # a wrapper before what it is wrapped around
            layer = trace.layers.get(path)
            if layer is not None and path not in looked and (axes := axes_taken(layer.class_name, layer.config, x.ndim)):
                return axes
            looked.add(path)
        if step.made.shape == x.shape:
            same.add(id(step.made))
    return guessed(x.shape, set())


def axes_taken(kind: str, config: dict[str, Any], rank: int) -> tuple[str, ...]:
    """The axes of what a layer takes, where its class says so."""
    known = spec(kind)
    takes = (known.takes or ("sample, *, channel" if known.spatial else "")).replace("*", ", ".join(spaces(kind, known.spatial)))
    axes = takes.split(", ") if takes else []
    if "..." in axes:
        at, n = axes.index("..."), rank - len(axes) + 1
        axes[at : at + 1] = (INSIDE if axes[-1] == "..." else PLACES).get(n, ("place",) * n) if n > 0 else ("...",)
    if "channel" in axes and config.get("data_format") == "channels_first":
        axes.remove("channel")
        axes.insert(len(axes) - known.spatial, "channel")
    return tuple(axes) if len(axes) == rank and "..." not in axes else ()
