"""What stands over the columns of a block and left of its rows, from the names of its axes."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from itertools import pairwise

from weightlens.axes import Axis, Factor, Named
from weightlens.axes.factors import KERNEL, picture_axis, plain, uncut
from weightlens.axes.names import LETTERS
from weightlens.workbook.formulas.arrangement import Arrangement

Words = Callable[[Axis, int], list[str]]
Gate = tuple[int, int, str]  # from which column, to before which, and the gate
LONG, ROOM, SQUARE = 9, 11, 0.5  # letters that fit over a column; of a text over several, those for each; how wide a square is
MANY = 3000  # labels; beside more of them nobody looks at any
SHORT = {"time step": "t=", "kernel time step": "kernel t="}  # where there is little room


def over_pictures(a: Arrangement, named: Named) -> tuple[dict[int, str], dict[int, str]]:
    """What each picture is, over its first column, and the number of every column in it; of a matrix only the numbers."""
    if not a.column_axes or len(a.columns) > MANY:
        return {}, {}
    axes, columns = axes_of(named), a.columns.tolist()
    last = numbered(a, named)
    own = {c: ", ".join(in_numbers(axes[last], k % a.shape[last])) for k, c in enumerate(columns)} if axes[last] else {}
    labels = each_picture(a, named) if len(a.column_axes) > 1 else {}
    starts = sorted(labels)
    room = ROOM * SQUARE * min((b - a for a, b in pairwise(starts)), default=len(a.columns))
    return labels if all(len(text) <= room for text in labels.values()) else each_picture(a, named, in_numbers), own


def numbered(a: Arrangement, named: Named) -> int:
    """The axis whose numbers stand over every column of a picture: of those across the last that has several places, or is the columns."""
    axes = axes_of(named)
    return next((d for d in reversed(a.column_axes) if a.shape[d] > 1 or picture_axis(axes[d]) == "column"), a.column_axes[-1])


def each_picture(a: Arrangement, named: Named, word: Words | None = None) -> dict[int, str]:
    """What each picture is, where it begins; of what stays the same is said nothing."""
    axes = axes_of(named)
    several = [d for d in a.column_axes if a.shape[d] > 1]
    flat = any(a.shape[d] == 1 and picture_axis(axes[d]) == "column" for d in a.column_axes)
    outer = several if flat else several[:-1]
    starts = [0]
    for d in outer:
        starts = [start + i * a.steps[1][d] for start in starts for i in range(a.shape[d])]
    words = places(uncut([axes[d] or plain("place", a.shape[d]) for d in outer]), word)
    return dict(zip(starts, map(", ".join, words), strict=True)) if outer else {}


@functools.lru_cache(maxsize=64)  # asked several times for each block while its sheet is drawn
def two_rows(a: Arrangement, named: Named) -> tuple[dict[int, str], dict[int, str]]:
    """What several columns share, over the first of them, and each one's own; a name too long for a column goes up and leaves numbers."""
    axes = shown(axes_of(named), a.column_axes, a.shape)
    if not axes or len(a.columns) > MANY:
        return {}, {}
    columns, last = a.columns.tolist(), axes[-1]
    words = places(axes)
    own, shared = [text[-1] for text in words], [text[:-1] for text in words]
    ways = [shared]
    if last[0].name != "gate" and not last[-1].words and max(map(len, own)) > (LONG - 2 if shared[0] else LONG):
        at, n = last[-1].at, len(last[-1].at)
        own = [str(at[k % n]) for k in range(len(columns))]
        ways = [
            [[*text, last[-1].name] for text in shared],
            *([shared] if shared[0] else []),
        ]  # what is counted is said where there is room
    for shared in ways:
        first = [k for k in range(len(columns)) if k == 0 or shared[k] != shared[k - 1]]
        groups = {columns[k]: ", ".join(shared[k]) for k in first}
        room = {columns[k]: ROOM * (end - k) for k, end in zip(first, [*first[1:], len(columns)], strict=True)}
        if all(len(text) <= room[c] for c, text in groups.items()):
            return {c: text for c, text in groups.items() if text}, dict(zip(columns, own, strict=True))
    names = ", ".join(f.name for axis in axes for f in axis)
    return {columns[0]: names}, {c: ", ".join(parts) for c, parts in zip(columns, places(axes, in_numbers), strict=True)}


def axes_in_words(a: Arrangement, named: Named) -> str:
    """``filter, row down; channel, column across``: which axes of several places run where."""
    axes, parts = axes_of(named), []
    for chosen, way in ((a.row_axes, "down"), (a.column_axes, "across")):
        names = [f.word if f.of == (KERNEL,) else f.name for axis in uncut(shown(axes, chosen, a.shape)) for f in axis if len(f.at) > 1]
        parts += [f"{', '.join(names)} {way}"] if names else []
    return "; ".join(parts)


def shown(axes: list[Axis], chosen: tuple[int, ...], shape: tuple[int, ...]) -> list[Axis]:
    """The axes of which there is something to say: those of several places; where there are none, the last one that has a name."""
    several = [axes[d] or plain("place", shape[d]) for d in chosen if shape[d] > 1]
    return several or [axes[d] for d in chosen if axes[d]][-1:]


def row_labels(a: Arrangement, named: Named) -> dict[int, str]:
    """What stands left of the rows: the whole place; of steps only what changes where nothing slow does."""
    if not a.row_axes or len(a.rows) > 2 * MANY:
        return {}
    axes = axes_of(named)
    words = places(shown(axes, a.row_axes, a.shape))
    labels = map(", ".join, words if named.learned else changes(words))
    return {row: text for row, text in zip(a.rows.tolist(), labels, strict=True) if text}


def changes(words: list[list[str]]) -> list[list[str]]:
    """For each place, the words that differ from those of the place before it; all words for the first place of a group."""
    told, before = [], list[str]()
    for place in words:
        told.append(place if place[:1] != before[:1] else [word for word, old in zip(place, before, strict=True) if word != old])
        before = place
    return told


def axes_of(named: Named) -> list[Axis]:
    """The axes as they are called on sheets, where what comes into a matrix stands left of it and what it makes above."""
    return named.axes if named.learned else named.titled


def places(axes: list[Axis], word: Words | None = None) -> list[list[str]]:
    """For each place along several axes, the slowest first, a word for each of its coordinates."""
    words = [[(word or in_full)(axis, i) for i in range(len(axis[0].at))] for axis in axes]
    return [[word for part in parts for word in part] for parts in itertools.product(*words)]


def in_full(axis: Axis, i: int) -> list[str]:
    """One place on an axis, a name for each coordinate: ``sample 1``, ``t=3``; ``i0`` for a gate's letter and the unit."""
    if axis[0].name == "gate" and len(axis) > 1:
        return ["".join([LETTERS[axis[0].text(i)], *(str(f.at[i]) for f in axis[1:])])]
    return [short(f, i) for f in axis]


def in_numbers(axis: Axis, i: int) -> list[str]:
    """One place on an axis as numbers alone, without names."""
    return [str(f.at[i]) for f in axis]


def short(f: Factor, i: int) -> str:
    """One coordinate."""
    return f"{SHORT[f.name]}{f.at[i]}" if f.name in SHORT and f.at[i] >= 0 else f.text(i)


def gates_of(axis: Axis) -> list[Gate]:
    """The gates that lie side by side along an axis."""
    if len(axis) != 2 or axis[0].name != "gate":
        return []
    at = axis[0].at.tolist()
    return [(at.index(g), len(at) - at[::-1].index(g), axis[0].words[g]) for g in dict.fromkeys(at)]


def is_counted(axis: Axis) -> bool:
    """Whether the places along an axis follow each other: tokens, time steps. They are no features that have names."""
    return bool(axis) and axis[-1].name in ("token", "time step")
