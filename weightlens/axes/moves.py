"""Where the axes go when numbers are only moved: the call is applied to positions, and a line along each new axis is looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from weightlens.axes.factors import PADDED, PADDING, Axis, Factor, Mark, Named, varied
from weightlens.recording.arrays import Recorded
from weightlens.recording.graph import named_operands, origins, shape_of, sources

Shape = tuple[int, ...]
PERMUTATIONS = {np.transpose, np.swapaxes, np.moveaxis, np.rollaxis}


class Line(NamedTuple):
    """The elements along one axis of a moved array: which source each comes from, and which index of each axis of it."""

    source: np.ndarray
    indices: np.ndarray  # (axes of the source, length)
    real: Any  # what is no padding


def moved(y: Recorded, given: dict[int, Named], fixed: dict[str | Mark, Factor]) -> list[Axis]:
    """The axes of a moved array; what is picked out of an axis goes to ``fixed``."""
    parts = sources(y)
    if y.op in PERMUTATIONS and isinstance(parts[0], Recorded):
        axes_before = given[id(parts[0])].axes  # of an array whose axes all have different lengths the call tells the order
        order = y.op(np.broadcast_to(0, range(2, 2 + len(axes_before))), *y.args[1:], **y.kwargs).shape
        return [axes_before[n - 2] for n in order]
    shapes = [shape_of(part) for part in parts]
    lines = lines_of(y, shapes)
    names: list[list[Axis]] = [given[id(part)].axes if isinstance(part, Recorded) else [()] * len(shape_of(part)) for part in parts]
    axes: list[list[Factor]] = [[] for _ in range(y.ndim)]
    if not lines:
        return [()] * y.ndim
    best = longest(names, shapes)
    alone = lone_axes(shapes[0], y.shape) if y.op is np.reshape else {}
    for a, d in alone.items():
        axes[a] += [f.picked(np.zeros(1, int)) for f in best[d]]
    for d, axis in enumerate(best):
        for f in axis:
            follow(f, d, lines, axes, fixed, f is axis[-1] and y.ndim == len(best))
        if not axis and y.op is not np.pad and shapes[0][d : d + 1] != (1,):
            for a, line in enumerate(lines):  # an unknown axis makes unknown what it becomes a part of
                if varied(line.indices[d][line.real]):
                    axes[a] = []
    for a, line in enumerate(lines):
        if not axes[a] and isinstance(line.real, np.ndarray):
            axes[a].append(Factor(PADDING, np.where(line.real, 0, PADDED)))
        if len(parts) > 1 and varied(line.source[line.real]):
            axes[a].insert(0, joined(parts, given, line.source, not axes[a]))
    return [in_order(made, n) for made, n in zip(axes, y.shape, strict=True)]


def follow(f: Factor, d: int, lines: list[Line], axes: list[list[Factor]], fixed: dict[str | Mark, Factor], keeps: bool) -> None:
    """Where a factor of source axis ``d`` goes: to one axis, to several (it is split into parts), or to none (one place is picked)."""
    codes = [line.indices[d] if len(f.at) == 1 else f.at[line.indices[d]] for line in lines]
    along = [a for a, line in enumerate(lines) if varied(codes[a][line.real])]
    for a in along:
        axes[a].append(f.picked(lines[a].indices[d]) if len(along) == 1 else part_of(f, codes[a], a == along[-1]))
    if along or len(f.at) < 2 or any(g is f for made in axes for g in made):
        return
    fixed[f.key] = replace(f, at=f.at[lines[0].indices[d][lines[0].real][:1]])
    if keeps and not axes[d] and lines[d].source.size and len(lines[d].source) == 1:  # an axis that is left with one place keeps its name
        axes[d].append(f.picked(lines[d].indices[d]))


def part_of(f: Factor, codes: np.ndarray, inner: bool) -> Factor:
    """An axis cut into equal parts: which part, and the place in it."""
    places, at = np.unique(codes, return_inverse=True)
    part = replace(f, at=at, words=(), placed=False, column=False)
    if inner:
        return part
    mark = f.mark and f.mark._replace(outer=True)
    return replace(part, word=f"{f.word} group", mark=mark, cut_from=f.word, each=int(places[1] - places[0]))


def in_order(made: list[Factor], length: int) -> Axis:
    """The factors of an axis, the slowest first: it changes least often. Places are numbered anew only while they are alone."""
    factors = [
        f if len(f.at) == length and not (f.placed and len(made) > 1) else replace(f, at=f.at[:length], placed=f.placed and len(made) == 1)
        for f in made
    ]
    return tuple(factors if len(factors) < 2 else sorted(factors, key=lambda f: np.count_nonzero(np.diff(f.at)) or length))


def joined(parts: list[Any], given: dict[int, Named], source: np.ndarray, stacked: bool) -> Factor:
    """Which of several arrays an index comes from: what was picked out of each (time steps), or the layers they come from."""
    fixes = [given[id(part)].fixed if isinstance(part, Recorded) else {} for part in parts]
    for name in fixes[0] if stacked else ():
        at = [int(f[name].at[0]) for f in fixes if name in f]
        if len(set(at)) == len(parts):
            return replace(fixes[0][name], at=np.where(source < 0, PADDED, np.array(at)[source]), placed=False)
    layers = [layer_of(part) if isinstance(part, Recorded) else "" for part in parts]
    words = tuple(path.rsplit("/", 1)[-1].removesuffix("_layer") for path in layers) if len(set(layers)) == len(layers) else ()
    return Factor("part", source, words)


def layer_of(part: Recorded) -> str:
    """The layer whose step an array is, or is made of."""
    layers = [part.layer] if part.kind else [x.layer for x in named_operands(part) if x.kind == "step"]
    return layers[0] if len(set(layers)) == 1 else ""


def lines_of(y: Recorded, shapes: list[Shape]) -> list[Line]:
    """A line along each axis, through an element that is no padding; none where there is nothing."""
    where, shapes = positions(y, shapes)
    real = np.flatnonzero(where.reshape(-1) >= 0)
    if not real.size:
        return []
    starts = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes)])
    anchor, rank = np.unravel_index(real[0], where.shape), max(map(len, shapes))
    lines = []
    for a in range(where.ndim):
        line = where[tuple(slice(None) if d == a else i for d, i in enumerate(anchor))]
        if len(shapes) == 1 and rank and line.min(initial=0) >= 0:
            lines.append(Line(np.zeros(len(line), int), np.stack(np.unravel_index(line, shapes[0])), slice(None)))
            continue
        source = np.where(line < 0, PADDED, np.searchsorted(starts, line, side="right") - 1)
        index = np.full((rank, len(line)), PADDED)
        for k, shape in enumerate(shapes):
            if shape:
                index[: len(shape), source == k] = np.unravel_index(line[source == k] - starts[k], shape)
        lines.append(Line(source, index, source >= 0 if (source < 0).any() else slice(None)))
    return lines


def positions(y: Recorded, shapes: list[Shape]) -> tuple[np.ndarray, list[Shape]]:
    """The call on positions. Axes of length 1 are made longer first, where the call takes that: along them nothing would vary."""
    stretched = [tuple(max(n, 2) for n in shape) for shape in shapes]
    if any(1 in shape for shape in shapes) and y.op is not np.reshape:
        try:
            where = origins(y, stretched)
            if where.ndim == y.ndim and all(n == m or m == 1 for n, m in zip(where.shape, y.shape, strict=True)):
                return where, stretched
        except (ValueError, IndexError, TypeError):
            pass
    return origins(y), shapes


def lone_axes(before: Shape, after: Shape) -> dict[int, int]:
    """For a reshape: which axes of length 1 stay what they were, read from left to right."""
    i, j, pairs = 0, 0, {}
    while i < len(before) and j < len(after):
        if before[i] == after[j]:
            pairs[j] = i
        elif after[j] == 1:
            i -= 1
        elif before[i] == 1:
            j -= 1
        else:
            p, q = before[i], after[j]
            while p != q and i + 1 < len(before) and j + 1 < len(after):
                i, j, p, q = (i + 1, j, p * before[i + 1], q) if p < q else (i, j + 1, p, q * after[j + 1])
        i, j = i + 1, j + 1
    return {j: i for j, i in pairs.items() if after[j] == 1}


def longest(names: list[list[Axis]], shapes: list[Shape]) -> list[Axis]:
    """The axes of several arrays that are put together: each as the longest of them has it."""
    best = list(next((n for n in names if any(n)), names[0]))
    for d, axis in enumerate(best):
        length = max((shape[d] for shape in shapes if len(shape) > d), default=0)
        alike = [n[d] for n in names if len(n) > d and [f.key for f in n[d]] == [f.key for f in axis]]
        fitting = [a for a in alike if not a or len(a[0].at) == length]
        best[d] = fitting[0] if fitting else (replace(axis[0].numbered(length), placed=False),) if len(axis) == 1 else ()
    return best
