"""Mistakes with windows: symmetric padding, padding counted in pooling, average pooling for max pooling."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from weightlens.checks.by_hand.mistakes.in_normalization import values_of_layer
from weightlens.checks.by_hand.mistakes.mistake import Mistake, multiply_by
from weightlens.checks.by_hand.replay import Edit, Edits, compute_from
from weightlens.checks.by_hand.scene import Scene
from weightlens.recording import LayerRun, Recorded


def symmetric_padding(scene: Scene) -> Iterator[Mistake]:
    """``same`` padding made symmetric, or with the larger part first (Keras puts it last)."""
    for run in (run for run in scene.trace.runs if run.config.get("padding") == "same"):
        for words, before in (
            ("with as much before as after", smaller_half_window),
            ("with the larger part before", larger_half_margin),
            ("with half a window on each side", half_window),
        ):
            edits = {id(node): edit for node in values_of_layer(run) if (edit := padded_otherwise(node, before)) is not None}
            if edits:
                said = f"the padding of {run.layer} was placed {words}: Keras puts the larger part after"
                yield Mistake("symmetric padding", said, edits, run.steps[0])


def smaller_half_window(total: int, span: int) -> int:
    """Half the window; of an even window, rounded down: ``(size - 1)
    2``.
    """
    return (span - 1) // 2


def larger_half_margin(total: int, span: int) -> int:
    """The larger half of the padding."""
    return total - total // 2


def half_window(total: int, span: int) -> int:
    """The window's size divided by two: ``size
    2``.
    """
    return span // 2


def padded_otherwise(node: Recorded, before: Callable[[int, int], int]) -> Edit | None:
    """An edit that places the padding differently; ``None`` if nothing would change."""
    if node.op is not sliding_window_view or not isinstance(node.args[0], Recorded):
        return None
    padded, spans, axes = node.args[0], node.args[1], node.kwargs["axis"]
    source = padded.args[0] if padded.op is np.pad else padded
    margins = list(padded.args[1]) if padded.op is np.pad else [(0, 0)] * padded.ndim
    fill = padded.kwargs.get("constant_values", 0.0) if padded.op is np.pad else 0.0
    wanted = list(margins)
    for axis, span in zip(axes, spans, strict=True):
        total = sum(margins[axis])
        wanted[axis] = (before(total, span), total - before(total, span))
    if wanted == margins or not isinstance(source, Recorded):
        return None
    return compute_from(source, partial(windows_of, margins=wanted, fill=fill, args=node.args[1:], kwargs=node.kwargs))


def windows_of(x: Any, margins: Any, fill: float, args: Any, kwargs: Any) -> Any:
    """Windows over a padded array; a negative margin crops it."""
    x = np.pad(x, [(max(a, 0), max(b, 0)) for a, b in margins], constant_values=fill)
    cut = x[tuple(slice(0, n + min(b, 0)) for n, (_, b) in zip(x.shape, margins, strict=True))]
    return sliding_window_view(cut, *args, **kwargs)


def padding_takes_part(scene: Scene) -> Iterator[Mistake]:
    """Padding counted in an average, or taken as zeros in a maximum."""
    for run in (run for run in scene.trace.runs if run.config.get("padding") == "same" and "Pooling" in run.class_name):
        for node in values_of_layer(run):
            if node.op is np.pad and node.kwargs.get("constant_values") == -np.inf:
                edits: Edits = {id(node): compute_from(node.args[0], partial(np.pad, pad_width=node.args[1]))}
                said = f"the padding of {run.layer} took part in the maximum as zeros"
                yield Mistake("padding in pooling", said, edits, run.steps[0])
            if run.class_name.startswith("Average") and node.op is np.divide:
                edits = {id(node): compute_from(node.args[0], multiply_by(1 / pool_cells(run, node)))}
                yield Mistake("padding in pooling", f"the padding of {run.layer} was counted in the average", edits, run.steps[0])


def pool_cells(run: LayerRun, node: Recorded) -> int:
    """How many cells a window has."""
    size = run.config.get("pool_size") or 2
    return int(np.prod(size)) if np.ndim(size) else int(size ** (node.ndim - 2))


def pooling_exchanged(scene: Scene) -> Iterator[Mistake]:
    """Average pooling used instead of max pooling, or vice versa."""
    for old, new, words in (
        (np.max, np.mean, "the average was taken instead of the maximum"),
        (np.mean, np.max, "the maximum was taken instead of the average"),
    ):
        for layer, nodes in scene.with_operation(old):
            if "Pool" in scene.class_of(scene.owner[id(nodes[0])]):
                edits = {id(x): compute_from(x.args[0], partial(new, **x.kwargs)) for x in nodes if isinstance(x.args[0], Recorded)}
                yield Mistake("pooling exchanged", f"{words} in {layer}", edits, scene.owner[id(nodes[0])])
