"""Findings as a workbook: a sheet that counts them, the files, and a sheet for each rule, all with filters and links."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from weightlens.auditing.finding import LEVELS
from weightlens.auditing.reports import cells_of
from weightlens.auditing.reports.findings_table import summary
from weightlens.auditing.rule_levels import rules
from weightlens.terminal.escape import written_out

if TYPE_CHECKING:
    from weightlens.auditing import Audit
    from weightlens.auditing.finding import Finding
    from weightlens.workbook.xlsx.book import Book, Sheet
    from weightlens.workbook.xlsx.styles import Styles

COLUMNS = ("file", "layer", "weight", "level", "message", "evidence")
WIDTHS = (50, 24, 18, 10, 70, 60)
FILE_COLUMNS = ("file", "bytes", "date", "Keras", "format", "parameters", "findings", "SHA-256")
FILE_WIDTHS = (50, 14, 20, 12, 28, 14, 10, 30)
TOP = 4  # the row of the heads of columns
MOST = 100_000  # rows of a sheet
LONGEST = 2000  # letters of a cell


def write_xlsx(audit: Audit, file: BinaryIO) -> None:
    """Write the workbook."""
    from weightlens.workbook.sheets.frame import frame
    from weightlens.workbook.xlsx.book import Book
    from weightlens.workbook.xlsx.dress import save
    from weightlens.workbook.xlsx.styles import Styles

    styles, book = Styles(), Book()
    front = book.sheet("Audit", "Audit of models", summary(audit)[0])
    by_rule: dict[str, list[Finding]] = {}
    for one in audit.in_order():
        by_rule.setdefault(one.rule, []).append(one)
    file_sheet(book, audit, styles)
    sheets = {name: rule_sheet(book, name, by_rule[name], styles) for name in rules() if name in by_rule}
    overview(front, by_rule, sheets, styles)
    frame(book, styles)
    save(book, styles, file)


def overview(sheet: Sheet, by_rule: dict[str, list[Finding]], sheets: dict[str, Sheet], styles: Styles) -> None:
    """How many findings each rule has, with a link to its sheet and a bar."""
    from weightlens.workbook.sheets.frame import link

    heads(sheet, ("rule", "findings", "files", *reversed(LEVELS), "what it says"), (30, 12, 12, 10, 10, 10, 90), styles)
    for row, (name, found) in enumerate(((name, by_rule[name]) for name in sheets), start=TOP + 1):
        levels = Counter(one.level for one in found)
        sheet.write(row, 0, name, styles["link"])
        sheet.links[(row, 0)] = link(sheets[name])
        counts = (len(found), len({one.file for one in found}), *(levels[level] for level in reversed(LEVELS)))
        for column, count in enumerate(counts, start=1):
            number(sheet, row, column, count, styles)
        sheet.write(row, 6, rules()[name][1].says, styles["text"])
    finish(sheet, 7, len(sheets))
    sheet.finishing.append(partial(bars, area=f"B{TOP + 2}:B{TOP + 1 + max(1, len(sheets))}"))


def rule_sheet(book: Book, name: str, found: list[Finding], styles: Styles) -> Sheet:
    """The findings of one rule."""
    rule = rules()[name][1]
    sheet = book.sheet(name, name, rule.says, f"{rule.formula}. {rule.source}")
    heads(sheet, COLUMNS, WIDTHS, styles)
    for row, one in enumerate(found[:MOST], start=TOP + 1):
        for column, text in enumerate(cells_of(one, COLUMNS)):
            sheet.write(row, column, written_out(text[:LONGEST]), styles["plain"])
    finish(sheet, len(COLUMNS), min(len(found), MOST))
    return sheet


def file_sheet(book: Book, audit: Audit, styles: Styles) -> None:
    """What is known of each file: size, date, version of Keras, and how many findings it has."""
    sheet = book.sheet("Files", "Files", f"{len(audit.identities):,} of them")
    heads(sheet, FILE_COLUMNS, FILE_WIDTHS, styles)
    counts = Counter(finding.file for finding in audit.found)
    for row, (name, one) in enumerate(list(audit.identities.items())[:MOST], start=TOP + 1):
        cells: tuple[str | int, ...] = (name, one.size, one.date, one.keras, one.format, one.parameters, counts[name], one.sha256)
        for column, value in enumerate(cells):
            if isinstance(value, int):
                number(sheet, row, column, value, styles)
            else:
                sheet.write(row, column, written_out(value[:LONGEST]), styles["plain"])
    finish(sheet, len(FILE_COLUMNS), min(len(audit.identities), MOST))


def heads(sheet: Sheet, names: tuple[str, ...], widths: tuple[int, ...], styles: Styles) -> None:
    """The heads of the columns, and their widths."""
    for column, (name, width) in enumerate(zip(names, widths, strict=True)):
        sheet.write(TOP, column, name, styles["head"])
        sheet.widths[(column, column)] = width
    sheet.freeze = (TOP + 1, 1)


def number(sheet: Sheet, row: int, column: int, value: int, styles: Styles) -> None:
    """A whole number."""
    from weightlens.workbook.xlsx.blocks import Text

    sheet.texts[(row, column)] = Text(style=styles["count"], value=value)


def finish(sheet: Sheet, columns: int, rows: int) -> None:
    """A filter over the table."""
    from weightlens.workbook.formulas.cell_arrays import COLUMN

    area = f"A{TOP + 1}:{COLUMN[columns - 1]}{TOP + 1 + rows}"
    sheet.finishing.append(lambda page: setattr(page.auto_filter, "ref", area))


def bars(page: Any, area: str) -> None:
    """Bars in the cells that count."""
    from openpyxl.formatting import rule

    make: Any = rule  # untyped in openpyxl's stubs
    page.conditional_formatting.add(area, make.DataBarRule("num", 0, "max", None, "8FBCE0"))
