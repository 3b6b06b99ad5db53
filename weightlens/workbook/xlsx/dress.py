"""What openpyxl does for us: sheets, widths, panes, links, notes, colours by rule, names, page setup."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, BinaryIO

from weightlens.workbook.formulas.cell_arrays import COLUMN
from weightlens.workbook.xlsx import package
from weightlens.workbook.xlsx.book import Book, Sheet
from weightlens.workbook.xlsx.chart_values import with_values
from weightlens.workbook.xlsx.grid import rows_of
from weightlens.workbook.xlsx.pages import print_setup
from weightlens.workbook.xlsx.strings import Strings, literal, printable
from weightlens.workbook.xlsx.styles import BAD, DEAD, FILLS, GOOD, LINE, NEGATIVE, NEUTRAL, POSITIVE, STRONG, Styles

OnRow = Callable[[str, str], str]  # is handed the title of a sheet and a row, which it returns

MOST_NOTES = 200  # notes on one sheet; each is a drawing

POINTS = [[f"{place}_{part}" for part in ("type", "value", "color")] for place in ("start", "mid", "end")]
FURTHEST = "MAX(MAX({0}),-MIN({0}),1E-300)"  # from 0 of the numbers of an area: to both sides the same colour is as far
SCALES = {  # kind of scale -> its points: where, and which colour
    "weight": (("formula", f"-{FURTHEST}", NEGATIVE), ("num", 0, FILLS["weight"]), ("formula", FURTHEST, POSITIVE)),
    "both signs": (("formula", f"-{FURTHEST}", NEGATIVE), ("num", 0, NEUTRAL), ("formula", FURTHEST, POSITIVE)),
    "classes": (("num", 0, POSITIVE), ("num", 0.5, NEUTRAL), ("num", 1, NEGATIVE)),  # as in the charts: class 0 blue, class 1 orange
    "relu": (("num", 0, DEAD), ("num", 0.000001, NEUTRAL), ("max", None, STRONG)),  # what is not exactly 0 is alive
    "size": (("num", 0, NEUTRAL), ("max", None, STRONG)),
    "loss": (("min", None, NEUTRAL), ("percentile", 50, "D9CCE3"), ("max", None, "8E6BA8")),
    "ink": (("num", 0, NEUTRAL), ("max", None, "6FA8DC")),
}


def dress(shell: Any, plan: Book) -> None:
    """Make the sheets of the workbook as openpyxl knows them; their rows are ours."""
    from openpyxl.workbook.defined_name import DefinedName

    for sheet in plan.sheets:
        page = shell.create_sheet(sheet.title)
        print_setup(page, sheet)
        look(page, sheet)
        links_and_notes(page, sheet)
        colours(page, sheet)
        for finish in sheet.finishing:
            finish(page)
    for name, (number, area) in plan.names.items():
        shell.defined_names[name] = DefinedName(name, attr_text=f"'{plan.sheets[number].title}'!{area}")
    shell.properties.creator, shell.properties.title = "weightlens", "The arithmetic inside a trained network"
    shell.properties.subject, shell.properties.keywords = "Keras model as live formulas", "keras, neural network, weights"


def save(plan: Book, styles: Styles, file: BinaryIO, first: int = 0, on_row: OnRow | None = None) -> None:
    """Dress the sheets, stream their rows; the sheet number ``first`` is open, ``on_row`` is handed each row."""
    from openpyxl import Workbook

    shell = Workbook()
    shell.remove(shell.worksheets[0])
    dress(shell, plan)
    styles.add_to(shell)
    shell.active = first
    rows = {sheet.title: partial(counted_rows, sheet, plan.titles, on_row) for sheet in plan.sheets}
    package.save(shell, rows, file, finish=partial(with_values, plan=plan))


def counted_rows(sheet: Sheet, titles: list[str], on_row: OnRow | None, strings: Strings) -> Iterator[str]:
    """The rows of one sheet, counted where somebody wants to know."""
    rows = rows_of(sheet, titles, strings)
    return rows if on_row is None else (on_row(sheet.title, row) for row in rows)


def look(page: Any, sheet: Sheet) -> None:
    """Widths, heights, panes, merged cells: by openpyxl's own way each of those becomes an object, which our rows do not need."""

    page.sheet_view.showGridLines = False
    page.sheet_state = "hidden" if sheet.hidden else "visible"
    rows, columns = sheet.freeze
    page.freeze_panes = f"{COLUMN[columns]}{rows + 1}" if rows or columns else None
    page.sheet_format.defaultColWidth = sheet.default_width
    if sheet.default_height != 15:
        page.sheet_format.defaultRowHeight, page.sheet_format.customHeight = sheet.default_height, True
    page.column_dimensions = Widths({first: (last, width) for (first, last), width in sheet.widths.items()})
    for top, left, bottom, right in sheet.merges:  # noted only: what openpyxl does besides is for cells that it writes itself
        page.merged_cells.add(f"{COLUMN[left]}{top + 1}:{COLUMN[right]}{bottom + 1}")


class Widths:
    """The widths of a sheet's columns, of which openpyxl's writer asks for the XML: first column -> last column, width."""

    max_outline = None

    def __init__(self, widths: dict[int, tuple[int, float]]) -> None:
        self.widths = widths

    def to_tree(self) -> Any:
        """The element ``cols``; nothing where no column has a width of its own."""
        from openpyxl.compat import safe_string
        from openpyxl.xml.functions import Element

        cols = Element("cols")
        for first, (last, width) in sorted(self.widths.items()):
            cols.append(Element("col", width=safe_string(width), customWidth="1", min=str(first + 1), max=str(last + 1)))
        return cols if len(cols) else None


def links_and_notes(page: Any, sheet: Sheet) -> None:
    """Links to other sheets, notes that open over a cell."""
    from openpyxl.comments import Comment
    from openpyxl.worksheet.hyperlink import Hyperlink

    for (row, column), goal in sheet.links.items():
        cell = page.cell(row + 1, column + 1)
        cell.hyperlink = Hyperlink(ref=cell.coordinate, location=goal[1:])
    for (row, column), text in list(sheet.notes.items())[:MOST_NOTES]:
        height = 30 + 17 * sum(1 + len(line) // 46 for line in text.split("\n"))
        page.cell(row + 1, column + 1).comment = Comment(printable(literal(text)), "weightlens", width=340, height=height)


def colours(page: Any, sheet: Sheet) -> None:
    """Colours by rule: right and wrong, silent relu units, scales."""
    from openpyxl.formatting import rule as rule_makers
    from openpyxl.styles import Border, Font, PatternFill, Side

    make: Any = rule_makers  # untyped in openpyxl's stubs
    fills = {"right": GOOD, "wrong": BAD, "dead": DEAD}
    for area, name, formula in sheet.rules:
        if name in ("passed", "pixel"):
            side = Side("thin", color="000000" if name == "passed" else LINE)
            bold = Font(bold=True) if name == "passed" else None
            framed = make.FormulaRule([formula], border=Border(side, side, side, side), font=bold)
            page.conditional_formatting.add(area, framed)
            continue
        fill = PatternFill("solid", bgColor=fills[name])
        font = Font(color="9C0006") if name == "wrong" else None
        page.conditional_formatting.add(area, make.FormulaRule([formula], stopIfTrue=name == "dead", fill=fill, font=font))
    for area, kind in sheet.heats:
        measured = area.replace(" ", ",") if any(of == "formula" for of, _, _ in SCALES[kind]) else ""
        page.conditional_formatting.add(area.replace("$", ""), make.Rule("colorScale", colorScale=scale(kind, measured)))


@functools.lru_cache(maxsize=64)  # most have no numbers of their own
def scale(kind: str, numbers: str) -> Any:
    """The colours of a scale as openpyxl knows them; ``numbers``: the area whose furthest number counts, where one does."""
    from openpyxl.formatting import rule as rule_makers

    make: Any = rule_makers
    points = SCALES[kind]
    places = POINTS if len(points) == len(POINTS) else [POINTS[0], POINTS[-1]]
    found = {key: part for point, parts in zip(places, points, strict=True) for key, part in zip(point, parts, strict=True)}
    told = {key: part.format(numbers) if isinstance(part, str) else part for key, part in found.items()}
    return make.ColorScaleRule(**told).colorScale
