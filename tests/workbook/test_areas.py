"""Products and reductions over cells, as the text of a formula."""

from __future__ import annotations

import numpy as np
import pytest

from weightlens.workbook.formulas import areas
from weightlens.workbook.formulas.cell_arrays import CONSTANTS, ROW, Area, Expression, cell_name


def text(made: Expression, index: tuple[int, ...] = ()) -> str:
    """The formula of one element."""

    def at(array: np.ndarray) -> int:
        return int(np.broadcast_to(array, made.shape)[index])

    words = ""
    for piece in made.options[0 if made.choice is None else at(made.choice)]:
        if isinstance(piece, Area):
            first = at(piece.first)
            last = first + (piece.height - 1) * ROW + piece.width - 1
            words += cell_name(first) + (f":{cell_name(last)}" if last > first else "")
        else:
            words += str(piece)
    return words


def block(row: int, column: int, height: int, width: int) -> np.ndarray:
    """The addresses of a rectangle; row and column from 0."""
    return (row + np.arange(height))[:, None] * ROW + column + np.arange(width)


DOWN, ALONG, SQUARE = block(0, 0, 6, 1), block(9, 1, 1, 6), block(0, 3, 2, 3)


@pytest.mark.parametrize(
    ("left", "right", "formula"),
    [
        (ALONG, DOWN, "SUMPRODUCT(MMULT(B10:G10,A1:A6))"),
        (DOWN.T, ALONG.T, "SUMPRODUCT(MMULT(B10:G10,A1:A6))"),
        (ALONG, ALONG.T + ROW, "SUMPRODUCT(B10:G10,B11:G11)"),
        (SQUARE.reshape(1, 6), SQUARE.reshape(6, 1) + 4 * ROW, "SUMPRODUCT(D1:F2,D5:F6)"),
        (ALONG[:, :2], DOWN[:2], "B10*A1+C10*A2"),
        (DOWN[:2].T, ALONG[:, :2].T, "A1*B10+A2*C10"),
    ],
    ids=["row by column", "column by row", "row by row", "rectangle by rectangle", "few", "few, down"],
)
def test_one_sum_of_products(left: np.ndarray, right: np.ndarray, formula: str) -> None:
    assert text(areas.product(left[None], right[None]), (0, 0, 0)) == formula


def test_padding_that_comes_first_is_no_cell() -> None:
    rows = np.concatenate([np.full((1, 1), CONSTANTS.code(0.0)), block(0, 0, 1, 3)], axis=1)
    assert text(areas.reduction(rows, "SUM", 0.0), (0,)) == "SUM(A1:C1)"
    assert text(areas.reduction(rows, "MAX", None), (0,)) == "MAX(A1:C1,0)"
    assert text(areas.reduction(rows[:, :1], "SUM", 0.0), (0,)) == "0" and text(areas.reduction(rows[:, :1], "PRODUCT", 0.0), (0,)) == "1"


def test_a_call_takes_255_arguments_and_more_in_bundles() -> None:
    apart = block(0, 0, 1, 1200)[:, ::2]
    assert text(areas.reduction(apart[:, :3], "SUM", None), (0,)) == "SUM(A1,C1,E1)"
    assert text(areas.reduction(apart[:, :255], "AVERAGE", None), (0,)).startswith("AVERAGE(A1,C1,")
    many = text(areas.reduction(apart, "AVERAGE", None), (0,))
    assert many.startswith("SUM(SUM(A1,C1,") and many.endswith("))/600") and many.count("),SUM(") == 2
    assert many.count(",") == 599
