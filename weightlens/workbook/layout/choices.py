"""The shapes that a value's matrix can take on a sheet, and the choice among them.

The choice follows the cost of the formulas that will read the cells, and what a person would draw: samples as rows,
pictures as pictures.
"""

from __future__ import annotations

from weightlens.workbook.formulas.arrangement import Arrangement

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


def as_planes(shape: tuple[int, ...]) -> Arrangement:
    """One picture per channel, side by side; samples under each other: ``(samples, height, width, channels)``."""
    return Arrangement(shape, (0, 1), (3, 2), 1, 1)


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
        candidates.append(Arrangement(shape, (0,), (1, 2)))
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


def for_step(shape: tuple[int, ...], picture: bool, columns: bool, repeats: int) -> Arrangement:
    """Cells for one step.

    ``picture``: feature maps, not tables; ``columns``: a sample is a column; ``repeats``: the step occurs so
    often under this name, and its occurrences make one table.
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
    if rank == 4 and picture and shape[3] <= FEW_CHANNELS and (shape[2] + 1) * shape[3] <= WIDEST:
        return as_planes(shape)
    return in_rows(shape, None if picture else 1)
