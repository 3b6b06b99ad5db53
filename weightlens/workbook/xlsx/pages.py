"""How a sheet is printed: on pages that can be read, cut where a block begins, with the captions on each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weightlens.workbook.xlsx.book import Sheet

ONE_PAGE = 260.0  # characters that still stand on one page, shrunk to its width
ACROSS = 10_700.0  # characters across an A4 page that lies, at 1 per cent: in a wide font, too
SCALES = (55, 48, 42)  # per cent, the largest first
MOST_PAGES = 8  # beside each other; what is wider is shrunk to one
MOST_COLUMNS = 2000


def print_setup(page: Any, sheet: Sheet) -> None:
    """A4, landscape, one page wide where that can be read, else cut between blocks; captions and row labels on every page."""
    from openpyxl.worksheet.pagebreak import Break

    page.page_setup.orientation, page.page_setup.fitToWidth = "landscape", 1
    page.page_setup.paperSize = page.PAPERSIZE_A4
    page.page_margins.left = page.page_margins.right = 0.4
    page.page_margins.top = page.page_margins.bottom = 0.5
    page.oddFooter.left.text, page.oddFooter.right.text = "&A", "&P / &N"
    rows = max([0, *(row for row, _ in sheet.texts), *(block.row + block.arrangement.height for block in sheet.blocks)])
    page.page_setup.fitToHeight = int(rows <= sheet.one_page)
    cuts, scale = cuts_of(sheet) if sheet.numbered and not sheet.print_area else ([], 100)
    page.sheet_properties.pageSetUpPr.fitToPage = not cuts
    if cuts:
        page.page_setup.scale, page.print_title_cols = scale, "A:A"
    for column in cuts:
        page.col_breaks.append(Break(id=column))
    if sheet.print_area:
        page.print_area = sheet.print_area
    if sheet.freeze[0]:
        page.print_title_rows = f"1:{sheet.freeze[0]}"


def cuts_of(sheet: Sheet) -> tuple[list[int], int]:
    """How many columns stand before each cut, and the scale in per cent; no cut where one page can be read, or none would help.

    A cut lies before a block (and its labels) and goes through no other one.
    """
    spans = sorted({(block.column, block.column + block.arrangement.width) for block in sheet.blocks})
    end = max((stop for _, stop in spans), default=0)
    left = [0.0]
    for column in range(min(end, MOST_COLUMNS)):
        left.append(left[-1] + width_of(sheet, column))
    if end > MOST_COLUMNS or not ONE_PAGE < left[-1] < ONE_PAGE * MOST_PAGES:
        return [], 100
    places = [place for place in sorted({start - 1 for start, _ in spans}) if not any(a < place < b for a, b in spans)]
    for scale in SCALES:
        cuts, begun, widest = list[int](), 0, 0.0
        for place, after in zip(places, [*places[1:], end], strict=True):
            if left[after] - left[begun] + left[1] > ACROSS / scale and place > begun:
                cuts.append(place)
                begun = place
            widest = max(widest, left[after] - left[begun] + left[1])
        if widest <= ACROSS / scale:
            return cuts, scale
    return [], 100


def width_of(sheet: Sheet, column: int) -> float:
    """How many characters a column holds."""
    return next((width for (first, last), width in sheet.widths.items() if first <= column <= last), sheet.default_width)
