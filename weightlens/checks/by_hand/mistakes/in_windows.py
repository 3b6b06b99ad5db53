"""Mistakes with windows: symmetric padding, padding counted in pooling, average pooling for max pooling."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from weightlens.checks.by_hand.mistakes.in_normalization import values_of_layer
from weightlens.checks.by_hand.mistakes.mistake import Mistake
from weightlens.checks.by_hand.replay import Edit, compute_from
from weightlens.checks.by_hand.scene import Scene
from weightlens.recording import LayerRun, Recorded
from weightlens.recording.arrays import Operation

# How much of the padding stands before the numbers, of its total and of the size of the window.
PADDED_BEFORE: dict[str, Callable[[int, int], int]] = {
    "with as much before as after": lambda total, size: (size - 1) // 2,
    "with the larger part before": lambda total, size: total - total // 2,
    "with half a window on each side": lambda total, size: size // 2,
}
EXCHANGED: tuple[tuple[Operation, Operation, str], ...] = (
    (np.max, np.mean, "the average was taken instead of the maximum"),
    (np.mean, np.max, "the maximum was taken instead of the average"),
    (np.max, np.sum, "the sum was taken instead of the maximum"),
    (np.mean, np.sum, "the sum was taken instead of the average"),
    (np.max, np.min, "the minimum was taken instead of the maximum"),
)
Margins = list[tuple[int, int]]  # the padding before and after, along each axis


def symmetric_padding(scene: Scene) -> Iterator[Mistake]:
    """``same`` padding made symmetric, or with the larger part first (Keras puts it last)."""
    for run in (run for run in scene.trace.runs if run.config.get("padding") == "same"):
        for words, before in PADDED_BEFORE.items():
            edits = {id(node): edit for node in values_of_layer(run) if (edit := padded_otherwise(node, before)) is not None}
            if edits:
                said = f"the padding of {run.layer} was placed {words}: Keras puts the larger part after"
                yield Mistake("symmetric padding", said, edits, run.steps[0])


def padded_otherwise(node: Recorded, before: Callable[[int, int], int]) -> Edit | None:
    """An edit that places the padding of windows differently; ``None`` if nothing would change."""
    if node.op is not sliding_window_view or not isinstance(node.args[0], Recorded):
        return None
    padded, sizes, axes = node.args[0], node.args[1], node.kwargs["axis"]
    is_padded = padded.op is np.pad
    source, margins = (padded.args[0], list(padded.args[1])) if is_padded else (padded, [(0, 0)] * padded.ndim)
    fill = padded.kwargs.get("constant_values", 0.0) if is_padded else 0.0
    wanted = list(margins)
    for axis, size in zip(axes, sizes, strict=True):
        total = sum(margins[axis])
        wanted[axis] = (before(total, size), total - before(total, size))
    if wanted == margins or not isinstance(source, Recorded):
        return None
    return compute_from(source, lambda x: sliding_window_view(padded_by(x, wanted, fill), *node.args[1:], **node.kwargs))


def padded_by(x: np.ndarray, margins: Margins, fill: float) -> np.ndarray:
    """An array padded; a negative margin crops it."""
    x = np.pad(x, [(max(a, 0), max(b, 0)) for a, b in margins], constant_values=fill)
    return x[tuple(slice(0, n + min(b, 0)) for n, (_, b) in zip(x.shape, margins, strict=True))]


def padding_takes_part(scene: Scene) -> Iterator[Mistake]:
    """Padding counted in an average, or taken as zeros in a maximum."""
    for run in (run for run in scene.trace.runs if run.config.get("padding") == "same" and "Pooling" in run.class_name):
        for node in values_of_layer(run):
            if node.op is np.pad and node.kwargs.get("constant_values") == -np.inf:
                words, change = "took part in the maximum as zeros", partial(padded_by, margins=node.args[1], fill=0.0)
            elif node.op is np.divide and run.class_name.startswith("Average"):
                words, change = "was counted in the average", partial(np.multiply, 1 / pool_cells(run, node))
            else:
                continue
            edits = {id(node): compute_from(node.args[0], change)}
            yield Mistake("padding in pooling", f"the padding of {run.layer} {words}", edits, run.steps[0])


def pool_cells(run: LayerRun, node: Recorded) -> int:
    """How many cells a window has."""
    size = run.config.get("pool_size") or 2
    return int(np.prod(size)) if np.ndim(size) else int(size ** (node.ndim - 2))


def pooling_exchanged(scene: Scene) -> Iterator[Mistake]:
    """Average pooling used instead of max pooling, or vice versa."""
    for old, new, words in EXCHANGED:
        for layer, nodes, step in scene.with_operation(old):
            if "Pool" in scene.class_of(step):
                edits = {id(x): compute_from(x.args[0], partial(new, **x.kwargs)) for x in nodes if isinstance(x.args[0], Recorded)}
                yield Mistake("pooling exchanged", f"{words} in {layer}", edits, step)
