"""What stands over the columns of a block and left of its rows, from the names of its axes."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from weightlens.axes import Axis, Factor, Named
from weightlens.axes.names import LETTERS
from weightlens.workbook.formulas.arrangement import Arrangement

Word = Callable[[Axis, int], str]
Gate = tuple[int, int, str]  # from which column, to before which, and the gate
MANY = 3000  # labels; beside more of them nobody looks at any
SHORT = {"time step": "t="}  # where there is little room


def column_labels(a: Arrangement, named: Named, narrow: bool = False) -> dict[int, str]:
    """What stands over the columns: each one's place; where there are groups of them, over the first what they share."""
    if not a.column_axes or len(a.columns) > MANY:
        return {}
    outer = a.column_axes[0]
    groups = len(a.column_axes) > 1
    word = number if narrow and (not groups or a.steps[1][outer] < 4) else in_short
    return outermost(a.steps[1][outer], axes_of(named)[outer], word)


def row_labels(a: Arrangement, named: Named) -> dict[int, str]:
    """What stands left of the rows: the whole place where something slow changes, else what changes."""
    if not a.row_axes or len(a.rows) > 2 * MANY:
        return {}
    axes, outer = axes_of(named), a.row_axes[0]
    if a.row_gap and len(a.row_axes) > 1:  # pictures, one under the other
        return outermost(a.steps[0][outer], axes[outer], in_short)
    labels, before = {}, list[str]()
    for row, words in zip(a.rows.tolist(), places([axes[axis] for axis in a.row_axes]), strict=True):
        start = words[:1] != before[:1]
        labels[row] = ", ".join(words if start else [w for w, old in zip(words, before, strict=True) if w != old])
        before = words
    return {row: text for row, text in labels.items() if text}


def axes_of(named: Named) -> list[Axis]:
    """The axes as they are called on sheets, where what comes into a matrix stands left of it and what it makes above."""
    return named.axes if named.learned else named.titled


def outermost(step: int, axis: Axis, word: Word) -> dict[int, str]:
    """A label where each place of the slowest axis begins."""
    return {i * step: word(axis, i) for i in range(len(axis[0].at))} if axis else {}


def places(axes: list[Axis]) -> list[list[str]]:
    """For each place along several axes, the slowest first, a word for each; nothing is said of what there is only one of."""
    shown = [axis for axis in axes if axis and len(axis[0].at) > 1] or [axis for axis in axes[-1:] if axis]
    return [list(words) for words in itertools.product(*([in_full(axis, i) for i in range(len(axis[0].at))] for axis in shown))]


def in_short(axis: Axis, i: int) -> str:
    """One place on an axis: ``sample 1``, ``t=3``, ``i0`` (a gate's letter and the unit), ``2, 0, 1`` of a flattened picture."""
    if len(axis) == 1:
        return short(axis[0], i)
    if axis[0].name == "gate":
        return "".join([LETTERS[axis[0].text(i)], *(str(f.at[i]) for f in axis[1:])])
    return ", ".join(short(f, i) if f.words else str(f.at[i]) for f in axis)


def in_full(axis: Axis, i: int) -> str:
    """The same where there is room for a name of each coordinate."""
    return ", ".join(short(f, i) for f in axis) if axis[0].name != "gate" else in_short(axis, i)


def number(axis: Axis, i: int) -> str:
    """The same without the name."""
    return ", ".join(str(f.at[i]) for f in axis)


def short(f: Factor, i: int) -> str:
    """One coordinate; samples are counted from 1 on sheets."""
    return f"{SHORT[f.name]}{f.at[i]}" if f.name in SHORT and f.at[i] >= 0 else f.text(i, 1)


def gates_of(axis: Axis) -> list[Gate]:
    """The gates that lie side by side along an axis."""
    if len(axis) != 2 or axis[0].name != "gate":
        return []
    at = axis[0].at.tolist()
    return [(at.index(g), len(at) - at[::-1].index(g), axis[0].words[g]) for g in dict.fromkeys(at)]
