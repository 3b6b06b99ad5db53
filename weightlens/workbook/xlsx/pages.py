"""How a sheet is printed: on pages that can be read, cut where a block begins, with the captions on each of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, pairwise
from typing import Any, NamedTuple

from weightlens.workbook.formulas.cell_arrays import COLUMN
from weightlens.workbook.xlsx.book import Sheet

ONE_PAGE = 260.0  # characters that still stand on one page, shrunk to its width
LONG, SHORT = (10_700.0, 74_000.0), (7_300.0, 50_000.0)  # sides of an A4 page at 1 per cent: characters in a wide font, points
SCALES = (55, 48, 42)  # per cent, the largest first
LARGEST, UPRIGHT, SMALLEST = 90, 60, 10  # per cent, of what is kept together: at most; upright pages from here on; at least
MOST_PAGES = 40  # beside each other; what is wider is shrunk to one
MOST_COLUMNS = 2000
HEAD, CAPTIONS = 3, 5  # rows of the title and the hint; of words over a block, at most

Span = tuple[int, int]  # from where to before where no page may end


class Cuts(NamedTuple):
    """Where pages end: how many columns stand before each cut, how many rows; the scale in per cent."""

    columns: list[int]
    rows: list[int]
    scale: int


def print_setup(page: Any, sheet: Sheet) -> None:
    """A4, one page wide where that can be read, else cut between blocks; captions and row labels on every page."""
    from openpyxl.worksheet.pagebreak import Break

    page.page_setup.orientation, page.page_setup.fitToWidth = "landscape", 1
    page.page_setup.paperSize = page.PAPERSIZE_A4
    page.page_margins.left = page.page_margins.right = 0.4
    page.page_margins.top = page.page_margins.bottom = 0.5
    page.page_margins.header = page.page_margins.footer = 0.25  # inside those, or there is no room for the lines below
    page.oddFooter.left.text, page.oddFooter.right.text = "&A", "&P / &N"
    page.page_setup.fitToHeight = int(rows_of(sheet) <= sheet.one_page)
    cuts = None if sheet.kept else cuts_of(sheet) or tall_cuts(sheet)
    if sheet.kept:
        page.page_setup.orientation, cuts = kept_together(sheet)
    page.sheet_properties.pageSetUpPr.fitToPage = cuts is None
    if cuts is not None:
        page.page_setup.scale = cuts.scale
        for column in cuts.columns:
            page.col_breaks.append(Break(id=column))
        for row in cuts.rows:
            page.row_breaks.append(Break(id=row))
        if cuts.columns:
            page.print_title_cols = "A:A"
    if sheet.print_area or sheet.printed_rows:
        ends = (column + 1 for _, column in sheet.texts), (block.column + block.arrangement.width for block in sheet.blocks)
        page.print_area = sheet.print_area or f"A1:{COLUMN[max(chain([1], *ends)) - 1]}{sheet.printed_rows}"
    if sheet.freeze[0]:  # the first captions are not those of what stands below a cut
        page.print_title_rows = f"1:{HEAD if cuts is not None and cuts.rows and not sheet.kept else sheet.freeze[0]}"


def rows_of(sheet: Sheet) -> int:
    """The row after the last that is printed."""
    last = max([0, *(row for row, _ in sheet.texts), *(block.row + block.arrangement.height for block in sheet.blocks)])
    return min(last, sheet.printed_rows or last)


def columns_of(sheet: Sheet) -> int:
    """The column after the last that is used."""
    blocks = (block.column + block.arrangement.width for block in sheet.blocks)
    return max(chain([1], blocks, (column + 1 for _, column in sheet.texts), (right + 1 for _, _, _, right in sheet.merges)))


def cuts_of(sheet: Sheet) -> Cuts | None:
    """The cuts of a layer's sheet; ``None`` where one page can be read, or cuts would not help.

    A cut lies before a block (and its labels, which get room) and goes through no other one, nor through a section that fits on a
    page. Through a block that is wider than a page it goes where one of its parts begins.
    """
    if not sheet.wide and (not sheet.numbered or sheet.print_area):
        return None
    spans = sorted({(block.column, block.column + block.arrangement.width) for block in sheet.blocks})
    end = max((stop for _, stop in spans), default=0)
    if end > MOST_COLUMNS:
        return None
    widths = widths_of(sheet, end)
    left = [0.0, *accumulate(widths)]
    if not ONE_PAGE < left[-1] < ONE_PAGE * MOST_PAGES:
        return None
    found: list[tuple[int, Cuts, dict[int, float]]] = []
    for scale in SCALES:
        together = [*kept_columns(sheet, spans, left, LONG[0] / scale)]
        places = free(sorted({*(start - 1 for start, _ in spans), *sheet.parts}), together)
        missing = labels_without_room(sheet, {*places} - {*sheet.parts}, widths)
        cuts, widest = cut(places, left, LONG[0] / scale, left[1], missing)
        if widest <= LONG[0] / scale or (sheet.wide and scale == SCALES[-1]):
            rows = row_cuts(sheet, SHORT[1] / scale)
            found.append(((len(cuts) + 1) * (len(rows) + 1), Cuts(cuts, rows, scale), missing))
    if not found:
        return None
    _, best, missing = min(found, key=lambda each: each[0])  # as few pages as there can be, of those the largest letters
    for place in best.columns:
        sheet.widths[(place, place)] = widths[place] + missing.get(place, 0.0)
    return best


def kept_columns(sheet: Sheet, blocks: Iterable[Span], left: Sequence[float], room: float) -> Iterator[Span]:
    """The columns that no page may end in: blocks, of wider ones than a page their parts; sections that fit on a page."""
    for start, stop in blocks:
        inside = [part for part in sheet.parts if start < part < stop] if left[stop] - left[start] > room - left[1] else []
        yield from pairwise([start, *inside, stop])
    for start, stop in sheet.sections.items():
        if stop < len(left) and left[stop] - left[start] <= room - left[1]:
            yield start, stop


def tall_cuts(sheet: Sheet) -> Cuts | None:
    """The cuts of a layer's sheet that is one page wide and higher than one: between blocks. ``None`` where there are none."""
    if not sheet.numbered or sheet.print_area or rows_of(sheet) <= sheet.one_page:
        return None
    end = columns_of(sheet)
    if end > MOST_COLUMNS:
        return None
    scale = int(min(LARGEST, max(SMALLEST, LONG[0] / sum(widths_of(sheet, end)))))
    rows = row_cuts(sheet, SHORT[1] / scale)
    return Cuts([], rows, scale) if rows else None


def kept_together(sheet: Sheet) -> tuple[str, Cuts]:
    """How the pages lie of a sheet that is one page wide, and its cuts: none goes through rows that are kept together."""
    width = sum(widths_of(sheet, columns_of(sheet)))
    lies, across, down = ("portrait", SHORT[0], LONG[1]) if SHORT[0] / width >= UPRIGHT else ("landscape", LONG[0], SHORT[1])
    scale = int(min(LARGEST, max(SMALLEST, across / width)))
    return lies, Cuts([], row_cuts(sheet, down / scale), scale)


def row_cuts(sheet: Sheet, room: float) -> list[int]:
    """How many rows stand before each cut, where a sheet is higher than a page of so many points."""
    end = rows_of(sheet)
    spans = [span for span in sheet.kept or rows_of_blocks(sheet) if span[0] < end]  # marks of an exercise stand below what is printed
    top = [0.0, *accumulate(sheet.heights.get(row, sheet.default_height) for row in range(end + 1))]
    return cut(free(sorted({start for start, _ in spans}), spans), top, room, top[sheet.freeze[0]])[0] if top[-1] > room else []


def rows_of_blocks(sheet: Sheet) -> list[Span]:
    """The rows of the blocks of a sheet with their captions."""
    ends = sorted({block.row + block.arrangement.height for block in sheet.blocks})
    return sorted({(first_row_of_captions(block.row, ends), block.row + block.arrangement.height) for block in sheet.blocks})


def first_row_of_captions(row: int, ends: list[int]) -> int:
    """The first row of the captions over a block: they are as many as fit between it and the blocks above it that end in these rows."""
    above = bisect_right(ends, row)
    return max(row - CAPTIONS, ends[above - 1] if above else 0)


def free(places: Sequence[int], spans: Sequence[Span]) -> list[int]:
    """The places that lie within no span."""
    return [place for place in places if not any(start < place < stop for start, stop in spans)]


def cut(
    places: list[int], sizes: Sequence[float], room: float, again: float, missing: dict[int, float] | None = None
) -> tuple[list[int], float]:
    """The fewest cuts that can be made at these places, and the size of the largest page.

    ``sizes`` is what stands before each place, ``again`` what is on each page, ``missing`` what a page more takes that begins there.
    What is larger than a page goes on where it is, over several.
    """
    cuts, used, widest = list[int](), sizes[places[0]] if places else 0.0, 0.0
    for place, after in zip(places, [*places[1:], len(sizes) - 1], strict=True):
        part, alone = sizes[after] - sizes[place], again + (missing or {}).get(place, 0.0)
        if used + part > room >= alone + part and place > places[0]:
            cuts.append(place)
            used = alone
        used += part
        widest = max(widest, used)
        while used > room:
            used -= room - again
    return cuts, widest


def labels_without_room(sheet: Sheet, places: Iterable[int], widths: Sequence[float]) -> dict[int, float]:
    """How many characters a column that begins a page lacks for the labels in it: left of it stands nothing that they could reach into."""
    wanted = dict.fromkeys(places, 0)
    for (row, column), text in sheet.texts.items():
        if row > sheet.freeze[0] and column in wanted:
            wanted[column] = max(wanted[column], len(text.text))
    return {place: max(0.0, letters * 0.9 + 1 - widths[place]) for place, letters in wanted.items() if letters}


def widths_of(sheet: Sheet, end: int) -> list[float]:
    """What ``width_of`` says of each of the columns before ``end``, without looking through all widths for each of them."""
    widths = [sheet.default_width] * end
    for (first, last), width in reversed(sheet.widths.items()):
        for column in range(first, min(last + 1, end)):
            widths[column] = width
    return widths


def width_of(sheet: Sheet, column: int) -> float:
    """How many characters a column holds."""
    for (first, last), width in sheet.widths.items():
        if first <= column <= last:
            return width
    return sheet.default_width
