"""The numbers and labels that a chart shows, kept in the chart itself: a preview draws them without reading the sheets."""

from __future__ import annotations

import re
from functools import cache

import numpy as np

from weightlens.workbook.xlsx.blocks import Block
from weightlens.workbook.xlsx.book import Book
from weightlens.workbook.xlsx.strings import escape, literal

Value = float | str | None
REFERENCE = re.compile(r"(?<=<c:)(tx|cat|val|xVal|yVal)><c:(num|str)Ref><c:f>([^<]*)</c:f></c:\2Ref>")
LABELS = ("tx", "cat", "xVal")  # what may be text
FORMAT = {"num": "<c:formatCode>General</c:formatCode>", "str": ""}
SERIES_NAME = re.compile(r"(<c:tx><c:v>)([^<]*)")
Corners = tuple[int, int, int, int]  # first row and column, last row and column, from 0


def with_values(chart: str, plan: Book) -> str:
    """The XML of a chart with, beside each area that it names, what stands in the cells."""

    @cache
    def kept(role: str, kind: str, area: str) -> str:
        drawn = [value if role in LABELS or not isinstance(value, str) else None for value in values(area, plan)]
        return f"{role}>{reference(kind, area, drawn)}"

    chart = SERIES_NAME.sub(lambda match: match[1] + literal(match[2]), chart)
    return REFERENCE.sub(lambda match: kept(*match.groups()), chart)


def reference(kind: str, area: str, shown: list[Value]) -> str:
    """A reference with its values: as numbers, or as labels where there is text among them."""
    head, kind = ("", "str") if any(isinstance(value, str) for value in shown) else (FORMAT[kind], kind)
    points = "".join([f'<c:pt idx="{i}"><c:v>{written(value)}</c:v></c:pt>' for i, value in enumerate(shown) if value is not None])
    return f'<c:{kind}Ref><c:f>{area}</c:f><c:{kind}Cache>{head}<c:ptCount val="{len(shown)}"/>{points}</c:{kind}Cache></c:{kind}Ref>'


def written(value: float | str) -> str:
    """A value with all its digits, a text for XML."""
    return escape(literal(value)) if isinstance(value, str) else repr(value)


def values(area: str, plan: Book) -> list[Value]:
    """What stands in the cells of an area such as ``'Curve'!$B$8:$B$48``, row by row."""
    from openpyxl.utils.cell import range_to_tuple

    title, edges = range_to_tuple(area)
    left, top, right, bottom = (int(edge or 0) - 1 for edge in edges)
    corners = top, left, bottom, right
    table: list[list[Value]] = [[None] * (right - left + 1) for _ in range(bottom - top + 1)]
    sheet = plan.sheets[plan.titles.index(title)]
    for block in sheet.blocks:
        copy_block(block, corners, table)
    for (row, column), text in sheet.texts.items():
        if top <= row <= bottom and left <= column <= right:
            table[row - top][column - left] = shown(text.text or text.value)
    return [value for row in table for value in row]


def copy_block(block: Block, corners: Corners, into: list[list[Value]]) -> None:
    """A block's values, as far as they stand within the corners."""
    top, left, bottom, right = corners
    rows, columns = block.arrangement.rows + block.row, block.arrangement.columns + block.column
    down, across = np.flatnonzero((rows >= top) & (rows <= bottom)), np.flatnonzero((columns >= left) & (columns <= right))
    if block.values is None or not len(down) or not len(across):
        return
    table = block.arrangement.table(block.values)[np.ix_(down, across)]
    for i, row in zip(rows[down].tolist(), table.tolist(), strict=True):
        for j, value in zip(columns[across].tolist(), row, strict=True):
            into[i - top][j - left] = shown(value)


def shown(value: float | str | None) -> Value:
    """A number that a chart can draw, or a text; nothing for the rest."""
    if value is None or isinstance(value, str):
        return value
    return float(value) if np.isfinite(value) else None
