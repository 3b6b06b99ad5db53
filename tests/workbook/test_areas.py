"""Products and reductions over cells, as the text of a formula."""

from __future__ import annotations

import numpy as np
import pytest

from weightlens.recording import Recorded
from weightlens.workbook.formulas import areas
from weightlens.workbook.formulas.cell_arrays import CONSTANTS, ROW, SHEET, Area, Expression, Unwritable, cell_name
from weightlens.workbook.formulas.translate import Formulas


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
        (ALONG[:, :4], ALONG[:, :4].T + ROW, "B10*B11+C10*C11+D10*D11+E10*E11"),
        (ALONG[:, :5], ALONG[:, :5].T + ROW, "SUMPRODUCT(B10:F10,B11:F11)"),
    ],
    ids=["row by column", "column by row", "row by row", "rectangle by rectangle", "few", "few, down", "four", "five"],
)
def test_one_sum_of_products(left: np.ndarray, right: np.ndarray, formula: str) -> None:
    assert text(areas.product(left[None], right[None]), (0, 0, 0)) == formula


def test_padding_that_comes_first_is_no_cell() -> None:
    rows = np.concatenate([np.full((1, 1), CONSTANTS.code(0.0)), block(0, 0, 1, 3)], axis=1)
    assert text(areas.reduction(rows, "SUM", 0.0), (0,)) == "SUM(A1:C1)"
    assert text(areas.reduction(rows, "MAX", None), (0,)) == "MAX(A1:C1,0)"
    assert text(areas.reduction(rows[:, :1], "SUM", 0.0), (0,)) == "0" and text(areas.reduction(rows[:, :1], "PRODUCT", 0.0), (0,)) == "1"


@pytest.mark.parametrize("salt", [None, 0], ids=["", "all patterns have one hash"])
def test_patterns_are_told_apart(salt: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if salt is not None:
        monkeypatch.setattr(areas, "hash_weights", lambda k: np.zeros(k, np.int64))
        monkeypatch.setattr(areas, "SHEET_SALT", salt)
    rows = np.concatenate([block(0, 0, 2, 3), block(4, 0, 1, 6)[:, ::2], block(0, 1, 1, 3) + SHEET])
    made = areas.reduction(rows, "SUM", None)
    assert [text(made, (i,)) for i in range(3)] == ["SUM(A1:C1)", "SUM(A2:C2)", "SUM(A5,C5,E5)"]
    assert made.choice is not None and made.choice[3] not in made.choice[:3], "a formula names its sheet"


def test_numbers_that_are_no_cells_are_left_out_only_where_the_call_leaves_them_out() -> None:
    codes = [[CONSTANTS.code(np.nan), CONSTANTS.code(2.0)]]
    rows = np.concatenate([block(0, 0, 1, 3), codes], axis=1)
    assert text(areas.reduction(rows, "AVERAGE", np.nan), (0,)) == "AVERAGE(A1:C1,2)"


@pytest.mark.parametrize("function", ["VARP", "STDEVP", "MEDIAN"])
def test_what_cannot_be_put_together_from_parts_is_refused(function: str) -> None:
    apart = block(0, 0, 1, 512)[:, ::2]
    assert text(areas.reduction(apart[:, :255], function, None), (0,)).count(",") == 254
    with pytest.raises(Unwritable, match=f"{function} of cells that lie apart in more than 255 places"):
        areas.reduction(apart, function, None)


@pytest.mark.parametrize("at", [0, 2, 4])
def test_a_few_formulas_show_how_long_the_longest_is(at: int) -> None:
    """The first, the middle or the last row, the others nothing but padding."""
    row, column = Recorded(np.ones((1, 1, 9)), kind="input"), Recorded(np.ones((1, 9, 1)), kind="input")
    cells = {id(row): block(0, 0, 1, 18)[None, :, ::2], id(column): block(2, 0, 18, 1)[None, ::2]}
    formulas, padding = Formulas(lambda x: cells.get(id(x))), (at, 4 - at)
    left, right = np.pad(row, ((1, 1), padding, (0, 0))), np.pad(column, ((1, 1), (0, 0), padding))
    for made in (left @ right, np.sum(left[1], axis=1)):
        longest = [max(map(len, some.options)) for some in (formulas.sample(made), formulas.made(made))]
        assert longest[0] == longest[1] >= 19


def test_a_call_takes_255_arguments_and_more_in_bundles() -> None:
    apart = block(0, 0, 1, 1200)[:, ::2]
    assert text(areas.reduction(apart[:, :3], "SUM", None), (0,)) == "SUM(A1,C1,E1)"
    assert text(areas.reduction(apart[:, :255], "AVERAGE", None), (0,)).startswith("AVERAGE(A1,C1,")
    many = text(areas.reduction(apart, "AVERAGE", None), (0,))
    assert many.startswith("SUM(SUM(A1,C1,") and many.endswith("))/600") and many.count("),SUM(") == 2
    assert many.count(",") == 599
