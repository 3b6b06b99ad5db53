"""The shapes that a value's matrix can take on a sheet, and the choice among them.

The choice follows the cost of the formulas that will read the cells, and what a person would draw: samples as rows,
pictures as pictures.
"""

from __future__ import annotations

from math import prod

from weightlens.axes import Named
from weightlens.axes.factors import KERNEL, picture_axis
from weightlens.workbook.formulas.arrangement import Arrangement

PLACES = {"sample", "token", "time step", "row", "column", "plane", "place"}  # axes along which the same is done again
MADE = ("filter", "multiplier")  # axes of a kernel for each of which there is a picture of its own
FEW_CHANNELS = 16  # up to so many channels stand side by side as pictures; a convolution adds one term per channel
WIDEST = 8192  # columns that one block may take


def in_rows(shape: tuple[int, ...], last: int | None = None) -> Arrangement:
    """C order: the last axis (or the ``last`` axes) side by side, all others under each other."""
    rank = len(shape)
    if last is None:
        last = 2 if rank > 3 and shape[-1] * shape[-2] <= WIDEST else 1
    last = min(last, max(rank - 1, 0)) if rank > 1 else 0
    return Arrangement(shape, tuple(range(rank - last)), tuple(range(rank - last, rank)))


def in_columns(shape: tuple[int, ...]) -> Arrangement:
    """A sample is a column: ``(samples, units)`` turned round, so that sums of products run down two columns."""
    return Arrangement(shape, (1,), (0,))


def last_names(named: Named) -> list[str]:
    """What changes fastest along each axis."""
    return [axis[-1].name if axis else "" for axis in named.axes]


def as_planes(shape: tuple[int, ...], named: Named) -> Arrangement | None:
    """One picture per channel, side by side, the samples under each other; of a kernel one plane per channel, the filters under each other.

    ``None``: there are no pictures, or too many channels.
    """
    words = [picture_axis(axis) for axis in named.axes]
    row, column = ([d for d, word in enumerate(words) if word == side] for side in ("row", "column"))
    if len(row) != 1 or len(column) != 1 or len(shape) < 4:
        return None
    made = [d for d, word in enumerate(words) if word in MADE] if named.learned else []
    places = [d for d, word in enumerate(words) if word in PLACES and d not in column]
    rest = [d for d in range(len(shape)) if d not in (*made, *places, *column)]
    beside, places = [d for d in rest if shape[d] > 1], [*places, *(d for d in rest if shape[d] == 1)]
    if made and all(shape[d] == 1 for d in (*row, *column)):  # a matrix: what comes in down, what it makes across
        return Arrangement(shape, (*places, *column, *beside), tuple(made))
    channels = prod(shape[d] for d in beside)
    if channels > FEW_CHANNELS or (shape[column[0]] + 1) * channels > WIDEST:
        return None
    down = sorted((*made, *places), key=lambda d: shape[d] == 1)  # what there are several of comes first: between these are gaps
    return Arrangement(shape, tuple(down), (*beside, *column), int(len(down) > 1 and shape[down[1]] > 1), 1)


def by_names(shape: tuple[int, ...], named: Named) -> Arrangement:
    """Samples and their places down, all else across: heads side by side, and of two axes of places the second across."""
    names = last_names(named)
    down = [d for d, name in enumerate(names) if name in PLACES and name not in names[:d]] or [0]
    down = down if len(down) < len(shape) else down[:-1]
    across = [d for d in range(len(shape)) if d not in down]
    apart = Arrangement(shape, tuple(down), tuple(across), int(len(down) > 1), int(names[across[-1]] in PLACES and len(across) > 1))
    return apart if apart.width <= WIDEST else in_rows(shape, 1)


def under_columns(shape: tuple[int, ...], named: Named, step: tuple[int, ...], made: Named) -> Arrangement | None:
    """A weight as wide as the several axes of columns of the step that it makes; ``None`` where it has no such axes.

    Heads and the places in each of them stand side by side, what comes in down; the kernel that joins them has them down.
    """
    names, wanted = last_names(named), [name for name in last_names(made) if name and name not in PLACES]
    if any(KERNEL in axis[-1].of for axis in named.axes if axis) or (len(shape) == 2 and step[-2:] != shape):
        return None
    first = next((d for d in range(len(names)) if all(name in wanted for name in names[d:])), len(names))
    across = tuple(range(first, len(shape)))
    return Arrangement(shape, tuple(range(first)), across) if across and prod(shape[first:]) <= WIDEST else None


def kernel_candidates(shape: tuple[int, ...]) -> list[Arrangement]:
    """Ways to lay out a weight of three or more axes; the cheapest to multiply with is taken."""
    rank = len(shape)
    last = rank - 1
    candidates = [Arrangement(shape, (last, *range(rank - 3)), (rank - 3, rank - 2), 1)]  # a filter under the other, taps x channels
    if rank >= 4:
        candidates.append(Arrangement(shape, (last, *range(rank - 3)), (rank - 2, rank - 3), 1, 1))  # one plane per channel
        candidates.append(Arrangement(shape, (last, rank - 2, *range(rank - 3)), (rank - 3,), 1))
        candidates.append(Arrangement(shape, tuple(range(rank - 2)), (rank - 2, last)))
    if rank == 3:
        candidates.append(Arrangement(shape, (2, 0), (1,), 1))
        candidates.append(Arrangement(shape, (0, 1), (2,)))
        candidates.append(Arrangement(shape, (0,), (2, 1), 0, 1))  # a filter beside the other, taps x channels
        candidates.append(Arrangement(shape, (2, 1), (0,), 1))
    if rank >= 5:
        candidates.append(Arrangement(shape, (last, *range(rank - 2)), (rank - 2,)))
    return [a for a in candidates if a.width <= WIDEST]


def for_weight(shape: tuple[int, ...]) -> Arrangement:
    """A vector is a row, a matrix stands as stored."""
    if len(shape) == 1:
        return Arrangement(shape, (), (0,)) if shape[0] <= WIDEST else Arrangement(shape, (0,), ())
    if len(shape) == 2 and shape[1] > WIDEST:
        return Arrangement(shape, (1,), (0,))
    return in_rows(shape, 1) if len(shape) <= 2 else kernel_candidates(shape)[0]


def for_step(shape: tuple[int, ...], columns: bool, repeats: int) -> Arrangement:
    """Cells for one step that is a table.

    ``columns``: a sample is a column; ``repeats``: the step occurs so often under this name, and its occurrences make one table.
    """
    rank = len(shape)
    if rank == 0:
        return Arrangement(shape, (), ())
    if rank == 1:
        return Arrangement(shape, (0,), (), stretch=repeats)
    if rank == 2:
        if columns and repeats == 1:
            return in_columns((shape[0], shape[1]))
        chosen = in_rows(shape)
        chosen = chosen if chosen.width <= WIDEST else in_columns((shape[0], shape[1]))
        return Arrangement(shape, chosen.row_axes, chosen.column_axes, stretch=repeats)
    return in_rows(shape, 1)
