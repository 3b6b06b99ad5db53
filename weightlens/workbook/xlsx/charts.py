"""Charts that live: bars of the outputs, the curve of a prediction. They read cells, so they move with every change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from weightlens.workbook.formulas.cell_arrays import COLUMN, ROW, rectangle

if TYPE_CHECKING:
    from weightlens.workbook.xlsx.blocks import Block

MOST_SAMPLES, MOST_BARS = 12, 60
# Okabe and Ito's, and two more: ten classes are ten colours. A class has the same one on every sheet, and on a page.
COLOURS = ("0072B2", "E69F00", "009E73", "CC79A7", "56B4E9", "D55E00", "F0E442", "000000", "999999", "882255")


def bars(block: Block, row: int, column: int, share: bool, title: str) -> Callable[[Any], None]:
    """A group of bars for each sample, a bar for each unit; the labels over the block are the legend."""

    def finish(page: Any) -> None:
        from openpyxl.chart import BarChart, Reference

        chart = plain(BarChart(), title, 12, 6.6)
        chart.type, chart.gapWidth = "col", 60
        turned = block.arrangement.column_axes == (0,)
        height, width = min(block.arrangement.height, MOST_BARS), min(block.arrangement.width, MOST_BARS)
        first_row, first_column = block.row + 1, block.column + 1
        heads = Reference(
            page,
            min_col=first_column,
            max_col=first_column + width - 1,
            min_row=first_row - 1,
            max_row=first_row - 1 + height,
        )
        if turned or height > 1:
            chart.add_data(heads, titles_from_data=True)
            chart.set_categories(
                Reference(
                    page, min_col=first_column - 1 if turned else block.named_in + 1, min_row=first_row, max_row=first_row + height - 1
                )
            )
        else:
            chart.add_data(Reference(page, min_col=first_column, max_col=first_column + width - 1, min_row=first_row), from_rows=True)
            chart.set_categories(Reference(page, min_col=first_column, max_col=first_column + width - 1, min_row=first_row - 1))
            chart.legend = None
        for series, colour in zip(chart.series, COLOURS * MOST_BARS, strict=False):
            series.graphicalProperties.solidFill = colour
        chart.x_axis.tickLblPos = "low"  # not over bars below 0
        if share:
            chart.y_axis.scaling.min, chart.y_axis.scaling.max, chart.y_axis.number_format = 0, 1, "0%"
        else:
            chart.y_axis.number_format = "General"
        page.add_chart(chart, f"{COLUMN[column]}{row + 1}")

    return finish


def curve(
    x: Block, lines: list[tuple[Block, int, str]], points: list[tuple[str, str, str]], place: str, title: str
) -> Callable[[Any], None]:
    """The prediction against the only input: a line per output column; ``points`` (name, x area, y area) as marks."""

    def finish(page: Any) -> None:
        from openpyxl.chart import Series

        chart, sheet = scatter(title, 17, 9), f"'{page.title}'!"
        for (block, j, name), colour in zip(lines, COLOURS * 8, strict=False):
            series = Series(sheet + block.column_area(j), sheet + x.column_area(0), title=name)
            chart.series.append(as_line(series, colour, 22000))
        for (name, xs, ys), colour, size in zip(points, ("222222", "D55E00"), (6, 10), strict=False):
            series = Series(ys, xs, title=name)
            chart.series.append(as_dots(series, colour, size))
            if size > 6:  # a ring, so that what lies under it is seen
                inside = series.marker.graphicalProperties
                inside.solidFill, inside.noFill = None, True
        chart.y_axis.crosses = "min"
        page.add_chart(chart, place)

    return finish


def line_chart(table: tuple[str, int, int], title: str, columns: Sequence[tuple[str, int]], size: tuple[float, float], last: float) -> Any:
    """Lines over the epochs, which stand in column A and end with ``last``; ``columns`` are (name, number).

    ``table``: the title of its sheet, its first and its last row; ``size`` in centimetres.
    """
    from openpyxl.chart import Series

    sheet, first_row, last_row = table

    def down(column: int) -> str:
        return f"'{sheet}'!{rectangle(first_row * ROW + column, last_row * ROW + column)}"

    chart = scatter(title, *size, ("epoch", ""))
    chart.x_axis.scaling.min, chart.x_axis.scaling.max = 0, last
    chart.x_axis.majorGridlines = None
    for (name, column), colour in zip(columns, COLOURS * 4, strict=False):
        chart.series.append(as_line(Series(down(column), down(0), title=name), colour, 20000))
    if len(columns) == 1 or len(columns) > 10:
        chart.legend = None
    return chart


def scatter(title: str, width: float, height: float, axes: tuple[str, str] | None = None) -> Any:
    """A chart of points and lines, without any yet; its size in centimetres. ``axes`` with these names stand at the left and below."""
    from openpyxl.chart import ScatterChart

    chart = plain(ScatterChart(), title, width, height)
    chart.style, chart.scatterStyle = 13, "lineMarker"
    chart.x_axis.number_format = chart.y_axis.number_format = "General"
    if axes is not None:
        chart.x_axis.title, chart.y_axis.title = (name or None for name in axes)
        chart.x_axis.crosses = chart.y_axis.crosses = "min"
    return chart


def as_line(series: Any, colour: str, width: int) -> Any:
    """The series as a line without marks, so many EMU wide."""
    series.marker.symbol, series.smooth = "none", False
    series.graphicalProperties.line.solidFill, series.graphicalProperties.line.width = colour, width
    return series


def as_dots(series: Any, colour: str, size: int, width: int = 0) -> Any:
    """The series as dots, joined by a line so many EMU wide."""
    series.marker.symbol, series.marker.size = "circle", size
    series.marker.graphicalProperties.solidFill = series.marker.graphicalProperties.line.solidFill = colour
    line = series.graphicalProperties.line
    if width:
        line.solidFill, line.width = colour, width
    else:
        line.noFill = True
    return series


def plain(chart: Any, title: str, width: float, height: float) -> Any:
    """Size, title, axes that are shown (openpyxl hides them else), the legend below."""
    from openpyxl.chart.text import RichText, Text
    from openpyxl.chart.title import Title
    from openpyxl.drawing.text import CharacterProperties, Paragraph, ParagraphProperties, RegularTextRun

    size = CharacterProperties(sz=1100, b=True)
    words = Paragraph(ParagraphProperties(defRPr=size), r=[RegularTextRun(rPr=size, t=title)])
    chart.title = Title(overlay=False)
    chart.title.tx = Text(rich=RichText(p=[words]))
    chart.width, chart.height, chart.roundedCorners = width, height, False
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.legend.position = "b"
    return chart
