"""The numbers and labels that a chart shows, kept in the chart itself: a preview draws them without reading the sheets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from weightlens.workbook.strings import literal, printable

if TYPE_CHECKING:
    from weightlens.workbook.book import Book, Sheet
    from weightlens.workbook.grid import Block

Value = float | str | None
Corners = tuple[int, int, int, int]  # first row and column, last row and column, from 0


def keep_values(chart: Any, plan: Book) -> None:
    """Give every series of the chart the values of the cells that it names."""
    for series in chart.series:
        if series.tx is not None and series.tx.v is not None:
            series.tx.v = literal(printable(series.tx.v))
        if series.tx is not None and series.tx.strRef is not None:
            series.tx.strRef.strCache = texts(values(series.tx.strRef.f, plan))
        for source in (series.cat, series.xVal, series.val, series.yVal):
            if source is not None and source.numRef is not None:
                keep(source, values(source.numRef.f, plan))


def keep(source: Any, found: list[Value]) -> None:
    """The cells of one reference: as numbers, or as labels where there is text among them."""
    from openpyxl.chart.data_source import NumData, NumVal, StrRef

    if any(isinstance(value, str) for value in found) and hasattr(source, "strRef"):
        source.strRef, source.numRef = StrRef(source.numRef.f, texts(found)), None
    else:
        points = [NumVal(i, v=repr(value)) for i, value in enumerate(found) if isinstance(value, float)]
        source.numRef.numCache = NumData("General", len(found), points)


def texts(found: list[Value]) -> Any:
    """Labels as a chart keeps them."""
    from openpyxl.chart.data_source import StrData, StrVal

    words = [f"{value:.15g}" if isinstance(value, float) else value for value in found]
    return StrData(len(found), [StrVal(i, literal(printable(word))) for i, word in enumerate(words) if word])


def values(area: str, plan: Book) -> list[Value]:
    """What stands in the cells of an area such as ``'Curve'!$B$8:$B$48``, row by row."""
    from openpyxl.utils.cell import range_to_tuple

    title, edges = range_to_tuple(area)
    left, top, right, bottom = (int(edge or 0) - 1 for edge in edges)
    corners = top, left, bottom, right
    found: list[list[Value]] = [[None] * (right - left + 1) for _ in range(bottom - top + 1)]
    sheet = plan.sheets[plan.titles.index(title)]
    for block in sheet.blocks:
        copy_block(block, corners, found)
    copy_texts(sheet, corners, found)
    return [value for row in found for value in row]


def copy_block(block: Block, corners: Corners, found: list[list[Value]]) -> None:
    """A block's values, as far as they stand within the corners."""
    top, left, bottom, right = corners
    rows, columns = block.arrangement.rows + block.row, block.arrangement.columns + block.column
    down, across = np.flatnonzero((rows >= top) & (rows <= bottom)), np.flatnonzero((columns >= left) & (columns <= right))
    if block.values is None or not len(down) or not len(across):
        return
    table = block.arrangement.table(block.values)[np.ix_(down, across)]
    for i, row in zip(rows[down].tolist(), table.tolist(), strict=True):
        for j, value in zip(columns[across].tolist(), row, strict=True):
            found[i - top][j - left] = shown(value)


def copy_texts(sheet: Sheet, corners: Corners, found: list[list[Value]]) -> None:
    """The single cells within the corners."""
    top, left, bottom, right = corners
    for (row, column), text in sheet.texts.items():
        if top <= row <= bottom and left <= column <= right:
            found[row - top][column - left] = shown(text.text or text.value)


def shown(value: float | str | None) -> Value:
    """A number that a chart can draw, or a text; nothing for the rest."""
    if value is None or isinstance(value, str):
        return value
    return float(value) if np.isfinite(value) else None
