"""Witness for the names of axes: change what has one coordinate, and only what carries that coordinate may change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from weightlens.axes import Named
from weightlens.model import Model
from weightlens.recording import Recorded, Trace
from weightlens.recording.graph import walk

ELSEWHERE = (
    "feature",
    "time step",
    "row",
    "column",
    "channel",
    "word",
    "dimension",
    "part",
    "token",
)  # names that a layer gives to other axes, too


def others(named: Named, name: str, at: int) -> np.ndarray | None:
    """Where a factor has another coordinate; ``None`` without the factor."""
    for d, axis in enumerate(named.axes):
        for f in axis:
            if f.name == name and not f.guess:
                return (f.at != at).reshape([-1 if e == d else 1 for e in range(len(named.axes))])
    return None


def differs(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where numbers are not the same."""
    if a.dtype.kind not in "fiub":
        return np.asarray(a != b)
    return ~((a == b) | (np.isnan(a.astype(float)) & np.isnan(b.astype(float))))


def samples(model: Model, inputs: list[np.ndarray], run: Trace) -> Iterator[tuple[str, bool]]:
    """Another second sample changes only what is of the second sample."""
    if any(x.ndim == 0 or len(x) != len(inputs[0]) or len(x) < 2 or x.dtype.kind not in "fiu" for x in inputs):
        return
    changed = [x.copy() for x in inputs]
    for x in changed:
        x[1] = x[1][..., ::-1] * (1.1 if x.dtype.kind == "f" else 1) if x.ndim > 1 else x[0]
    yield from compared(run, model.trace(changed), "sample", 1, first_only=False)


def weights(model: Model, inputs: list[np.ndarray], run: Trace) -> Iterator[tuple[str, bool]]:
    """Other numbers at the last coordinate of an axis of a weight change, in the first step that reads it, only what has it."""
    found = {id(x): x for x in walk((step.made for step in run.steps), lambda x: True) if x.kind == "weight" and x.dtype.kind == "f"}
    for w in found.values():
        named = run.axes.named(w)
        for d, axis in enumerate(named.axes):
            for f in axis:
                later = {g.name for other in named.axes[d + 1 :] for g in other}
                if w.shape[d] < 2 or f.guess or f.name in later or f.name.startswith("kernel") or f.name in ELSEWHERE:
                    continue
                at = int(f.at[-1])
                chosen = (f.at == at).reshape([-1 if e == d else 1 for e in range(w.ndim)])
                for title, right in compared(run, with_more(model, inputs, w, chosen), f.name, at, first_only=True, layer=w.layer):
                    yield f"{w.layer}/{w.name}, {title}", right


def with_more(model: Model, inputs: list[np.ndarray], w: Recorded, chosen: np.ndarray) -> Trace:
    """The forward pass with other numbers in part of a weight."""
    source: Any = w.source
    before = source.value
    source._value = before + (chosen * 0.37).astype(before.dtype)
    try:
        return model.trace(inputs)
    finally:
        source._value = before


def compared(run: Trace, other: Trace, name: str, at: int, first_only: bool, layer: str = "") -> Iterator[tuple[str, bool]]:
    """For each step that carries the coordinate, whether nothing else of it has changed."""
    if len(run.steps) != len(other.steps):
        return
    for step, now in zip(run.steps, other.steps, strict=True):
        if (layer and step.layer != layer) or step.value.shape != now.value.shape:
            continue
        changed = differs(step.value, now.value)
        if first_only and not changed.any():
            continue
        elsewhere = others(step.named, name, at)
        if elsewhere is not None:
            yield f"{name} {at} in {step.layer}/{step.name} {step.axes}", not bool((changed & elsewhere).any())
        if first_only:
            return
