"""The frame around every sheet: its title, the way back and on, the live verdict, the legend; and where text ends."""

from __future__ import annotations

import math

from weightlens.recording.graph import is_inside
from weightlens.workbook.formulas.cell_arrays import COLUMN, cell_name
from weightlens.workbook.layout.plan import Plan
from weightlens.workbook.xlsx.blocks import Text
from weightlens.workbook.xlsx.book import Book, Sheet
from weightlens.workbook.xlsx.pages import cuts_of, width_of
from weightlens.workbook.xlsx.styles import Styles

TITLES = 2  # rows that stay in view where there are several rows of captions: one of them would stand over blocks of another
SECTION, HEAD, MATH, LABEL, TOP = 3, 4, 5, 6, 7  # rows of the captions, and the first row of numbers
SQUARE = 3.6  # characters in a column of square cells
SQUARE_HEIGHT = 20.0
GAP = 1.8
TITLE_HEIGHT = 24.0
WIDTH = 9.0  # characters in a column that nobody made wider
VERDICT = "'Check'!$B$4"
SHORTEST_HINT, LONGEST_HINT = 90.0, 150.0  # characters of a line; what is longer is broken, so that no page is made wide by it
MOST_HINTED = 40  # columns that are looked at for the width of a sheet
HINT_LINE = 13.5  # points

NARROWEST = 6.0  # characters; a narrower column shows no word
LEGEND = (
    ("input", "yours to change"),
    ("answer", "yours to fill in"),
    ("weight", "from the file; yours to change"),
    ("step", "live formula"),
    ("helper", "live formula, on the way"),
    ("constant", "a fixed number"),
    ("output", "what the network answers"),
    ("check", "stored numbers and comparisons"),
    ("off", "exactly 0: this unit is off"),
    ("below 0", "colour scale over weights and other numbers: the darker, the further below 0"),
    ("above 0", "colour scale: the darker, the further above 0; only a pale blue with a frame is an input"),
    ("large", "colour scale over numbers that are all 0 or more: the darker, the larger"),
)
ON_PAPER = {"input": "what goes in", "weight": "from the file", "step": "worked out already"}  # where nothing can be changed
SCALE_ENDS = {  # kind of colour scale -> the colours of the legend that are its ends
    "weight": ("below 0", "above 0"),
    "both signs": ("below 0", "above 0"),
    "ink": ("above 0",),
    "relu": ("large",),
    "size": ("large",),
}
SCALES = {
    "weight": "weights are orange below 0, blue above 0, yellow near 0",
    "both signs": "orange is below 0, blue above 0, the darker the further, in each block by itself",
    "ink": "white is 0, darker blue is larger",
    "relu": "grey is exactly 0, darker green is larger",
    "size": "white is 0, darker green is larger",
}


def link(sheet: Sheet, cell: str = "") -> str:
    """Where a link inside the workbook goes: to a cell, or to the title of a sheet."""
    return f"#'{sheet.title}'!{cell or f'{COLUMN[title_column(sheet)]}1'}"


def link_to_layer(plan: Plan, home: Sheet, path: str) -> str:
    """Where a link to a layer goes: to its first number where all layers stand on one sheet, else to the title of its own."""
    first = None
    if plan.one_sheet:
        own = (placed for placed in plan.placed.values() if placed.kind == "step" and is_inside(placed.layer, path))
        first = next((placed.block for placed in own if placed.block.sheet == home.number), None)
    return link(home, cell_name(first.first) if first is not None else "")


def title_column(sheet: Sheet) -> int:
    """Where title and hint begin: beside the labels of blocks, a column that comes again on each page and would cut them."""
    return int(sheet.freeze[1] == 1 and bool(sheet.blocks))


def squares(sheet: Sheet) -> bool:
    """Whether a sheet shows pictures: all its cells are square then."""
    return sheet.default_height == SQUARE_HEIGHT


def widen(sheet: Sheet, column: int, width: float) -> None:
    """Make a column at least this wide."""
    sheet.widths[(column, column)] = max(width, sheet.widths.get((column, column), 0))


def column_after(sheet: Sheet, start: int, characters: float) -> int:
    """The first column that a text of so many characters, written at ``start``, does not reach."""
    column = start
    while characters > 0 and column < len(COLUMN) - 1:
        characters -= width_of(sheet, column)
        column += 1
    return column


def write_hint(sheet: Sheet, column: int, text: str, styles: Styles) -> None:
    """What to do on a sheet, in its second row: broken into lines where it is longer than the sheet, or its first page, is wide."""
    end, cuts = max((block.column + block.arrangement.width for block in sheet.blocks), default=0), cuts_of(sheet)
    used = sum(width_of(sheet, c) for c in range(column, min(end, MOST_HINTED))) if end else LONGEST_HINT
    limit = min(LONGEST_HINT, max(SHORTEST_HINT, used))
    last, room = column, width_of(sheet, column)
    while room < limit and not (cuts and cuts.columns and last + 1 >= cuts.columns[0]):
        last += 1
        room += width_of(sheet, last)
    lines = math.ceil(len(text) / room)
    sheet.write(1, column, text, styles["hint" if lines < 2 else "long hint"])
    if lines > 1:
        sheet.merge(1, column, last)
        sheet.heights[1] = HINT_LINE * lines + 2


def section(sheet: Sheet, row: int, column: int, after: int, text: str, styles: Styles) -> None:
    """The name of a part of a sheet, with a line under it as far as that part reaches: to before the column ``after``."""
    sheet.write(row, column, text, styles["section"])
    sheet.sections[column] = max(after, sheet.sections.get(column, 0))
    for c in range(column, after):
        sheet.texts.setdefault((row, c), Text(style=styles["section"]))


def colours_in_words(sheet: Sheet) -> str:
    """What the colour scales on a sheet mean."""
    kinds = {kind for _, kind in sheet.heats}
    said = [words for kind, words in SCALES.items() if kind in kinds - ({"ink"} if "both signs" in kinds else set())]
    return f"Colours: {'; '.join(said)}." if said else ""


def frame(book: Book, styles: Styles) -> None:
    """Write the first rows of all sheets that are shown, once their columns have their widths."""
    shown = [sheet for sheet in book.sheets if not sheet.hidden]
    checked = any(sheet.title == "Check" for sheet in shown)
    for i, sheet in enumerate(shown):
        first = title_column(sheet)
        sheet.write(0, first, sheet.heading, styles["title"])
        sheet.heights[0] = TITLE_HEIGHT
        column = column_after(sheet, first, len(sheet.heading) * 1.9 + 2)
        sheet.write(0, column, sheet.about, styles["about"])
        column = column_after(sheet, column, len(sheet.about) * 1.1 + 1 if sheet.about else 0)
        write_hint(sheet, first, " ".join(filter(None, [sheet.hint, colours_in_words(sheet)])), styles)
        ways = [("\u2190 " + shown[i - 1].title, shown[i - 1])] if i else []
        ways += [(shown[0].title, shown[0])] if i > 1 else []
        ways += [(shown[i + 1].title + " \u2192", shown[i + 1])] if i + 1 < len(shown) else []
        cuts = cuts_of(sheet)
        for text, goal in ways:
            column = on_one_page(sheet, column, text, cuts.columns if cuts else [])
            sheet.write(0, column, text, styles["link"])
            sheet.links[(0, column)] = link(goal)
            column = column_after(sheet, column, len(text) * 1.1 + 2)
        if checked and sheet.title != "Check":
            sheet.texts[(0, column)] = Text(style=styles["live"], formula=f'"Check: "&{VERDICT}', value="Check: OK")
            sheet.links[(0, column)] = "#'Check'!A1"
            place = f"{COLUMN[column]}1"
            sheet.rule(place, "wrong", f'{place}<>"Check: OK"')


def on_one_page(sheet: Sheet, column: int, text: str, cuts: list[int]) -> int:
    """Where a text goes that is not to be cut where a page ends: on the next page, if this one has no room for it."""
    after = column_after(sheet, column, len(text) * 1.1)
    return next((cut for cut in cuts if column < cut < after), column)


def legend(sheet: Sheet, row: int, column: int, styles: Styles, names: tuple[str, ...], on_paper: bool = False) -> None:
    """What the colours mean, in one row; in more where the first page of a wide sheet ends before."""
    first, cuts = column, cuts_of(sheet)
    end = cuts.columns[0] if cuts and cuts.columns else len(COLUMN)
    said = dict(LEGEND) | (ON_PAPER if on_paper else {})
    for name, words in said.items():
        if name not in names:
            continue
        if column_after(sheet, column + 1, len(words) + 1) > end:
            row, column = row + 1, first
        while width_of(sheet, column) < NARROWEST:
            column += 1
        sheet.write(row, column, name, styles[name])
        sheet.write(row, column + 1, words, styles["label left"])
        column = column_after(sheet, column + 1, len(words) + 1)


def tall_legend(sheet: Sheet, row: int, styles: Styles, names: set[str]) -> int:
    """Roles under each other, after the first column; returns the length of the longest words."""
    shown = [entry for entry in LEGEND if entry[0] in names]
    for i, (name, words) in enumerate(shown):
        sheet.write(row + i, 1, name, styles[name])
        sheet.write(row + i, 2, words, styles["label left"])
    return max(len(words) for _, words in shown)
