"""Ways to write the products of a dense layer and of a convolution as formulas, and what a way is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from weightlens.workbook.layout.choices import FEW_CHANNELS

Cells = Iterator[tuple[int, int, str]]  # row and column from 1, formula
Name = Callable[[int, int], str]


@dataclass(frozen=True)
class Pattern:
    """One way to write a layer: the sheet's numbers (height, width), and its formulas."""

    of: str
    name: str
    numbers: list[tuple[int, int, int, int]]  # row, column, height, width
    formulas: Callable[[], Cells]
    ours: bool = False


def cell(row: int, column: int) -> str:
    """A1."""
    from openpyxl.utils import get_column_letter

    return f"{get_column_letter(column)}{row}"


def area(row: int, column: int, height: int, width: int) -> str:
    """A1:B2."""
    return f"{cell(row, column)}:{cell(row + height - 1, column + width - 1)}"


def dense(features: int, units: int, samples: int) -> list[Pattern]:
    """``x . kernel``: inputs from A1 on, the kernel beside or below, the results after them."""

    def in_rows(form: str, transposed: bool) -> Callable[[], Cells]:
        # samples as rows; the kernel below, as stored or transposed
        below, right = samples + 2, max(features, units) + 2
        for_unit = (lambda u: area(below + u, 1, 1, features)) if transposed else (lambda u: area(below, 1 + u, features, 1))
        return lambda: (
            (1 + s, right + u, form.format(area(1 + s, 1, 1, features), for_unit(u))) for s in range(samples) for u in range(units)
        )

    def in_columns() -> Cells:
        # samples as columns; the kernel as stored, beside
        beside, right = samples + 2, samples + units + 3
        return (
            (1 + u, right + s, f"SUMPRODUCT({area(1, 1 + s, features, 1)},{area(1, beside + u, features, 1)})")
            for u in range(units)
            for s in range(samples)
        )

    rows, stored, turned = (1, 1, samples, features), (samples + 2, 1, features, units), (samples + 2, 1, units, features)
    of = f"dense {features} to {units}, {samples} samples"
    return [
        Pattern(
            of,
            "`SUMPRODUCT(column,column)`, kernel as stored, a sample is a column",
            [(1, 1, features, samples), (1, samples + 2, features, units)],
            in_columns,
            True,
        ),
        Pattern(of, "`SUMPRODUCT(row,row)`, kernel transposed", [rows, turned], in_rows("SUMPRODUCT({},{})", True)),
        Pattern(of, "`SUMPRODUCT(MMULT(row,column))`, kernel as stored", [rows, stored], in_rows("SUMPRODUCT(MMULT({},{}))", False)),
        Pattern(of, "`MMULT(row,column)`, kernel as stored", [rows, stored], in_rows("MMULT({},{})", False)),
    ]


def convolution(size: int, channels: int, filters: int) -> list[Pattern]:
    """3 x 3 windows over a picture of ``size`` x ``size``."""
    seen, of = size - 2, f"convolution 3 x 3, {size} x {size} x {channels} to {filters}"

    def of_each(make: Callable[[int, int, int], str], column: int) -> Callable[[], Cells]:
        return lambda: (
            (1 + f * (seen + 1) + y, column + x, make(y, x, f)) for f in range(filters) for y in range(seen) for x in range(seen)
        )

    def stacked(y: int, x: int, f: int) -> str:
        return f"SUMPRODUCT({area(1 + y * channels, 1 + x, 3 * channels, 3)},{area(1 + f * 3 * channels, size + 2, 3 * channels, 3)})"

    def beside(y: int, x: int, f: int) -> str:
        return f"SUMPRODUCT({area(1 + y, 1 + x * channels, 3, 3 * channels)},{area(1 + f * 4, size * channels + 2, 3, 3 * channels)})"

    def planes(y: int, x: int, f: int) -> str:
        pairs = (
            (area(1 + y, 1 + c * (size + 1) + x, 3, 3), area(1 + f * 4, channels * (size + 1) + 2 + c * 4, 3, 3)) for c in range(channels)
        )
        return "+".join(f"SUMPRODUCT({a},{b})" for a, b in pairs)

    wide, gap = channels * (size + 1), channels * size
    below = [(1, 1, size * channels, size), (1, size + 2, filters * 3 * channels, 3)]
    side = [(1, 1, size, gap), (1, gap + 2, filters * 4, 3 * channels)]
    apart = [(1, 1, size, wide), (1, wide + 2, filters * 4, channels * 4)]
    few = channels <= FEW_CHANNELS
    return [
        Pattern(of, "a picture per channel, a sum of SUMPRODUCTs", apart, of_each(planes, wide + 4 * channels + 4), few),
        Pattern(of, "channels side by side, one SUMPRODUCT", side, of_each(beside, gap + 3 * channels + 4), not few),
        Pattern(of, "channels under each other, one SUMPRODUCT", below, of_each(stacked, size + 7)),
    ]
