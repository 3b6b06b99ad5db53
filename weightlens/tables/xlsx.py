"""The cells of one sheet of an ``.xlsx`` workbook, as texts."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path
from xml.etree import ElementTree

from weightlens.checks import book
from weightlens.errors import BadInput
from weightlens.limits import CELLS
from weightlens.tables.sheets import Grid, pick
from weightlens.zips import open_zip

REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})")
STYLES = "xl/styles.xml"
BUILT_IN_DATES = {*range(14, 23), 45, 46, 47}
DATE_LETTERS = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')


def grid(path: Path, sheet: str) -> Grid:
    """The cells of a sheet. A date is refused: it would be read as the number of its day."""
    try:
        with open_zip(path) as archive:
            parts = {name: part for name, part in book.sheet_parts(archive).items() if "worksheets/" in part}
            part = parts[pick(list(parts), sheet, path)]
            strings, dates = book.shared_strings(archive), date_styles(archive)
            values: dict[str, book.Value] = {}
            formulas: dict[str, str] = {}
            book.read_sheet(archive, part, strings, values, formulas, CELLS + path.stat().st_size)
            dated = date_cells(archive, part, dates) if dates else set()
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, ElementTree.ParseError, EOFError, NotImplementedError, zlib.error):
        raise BadInput(f"{path.name}: is damaged, or no .xlsx workbook that can be read") from None
    lost = next((cell for cell in formulas if cell not in values), None)
    if lost:
        raise BadInput(
            f"{path.name}: the program that saved it did not keep the value of the formula in {lost}; open and save it, or use .csv"
        )
    return by_place({cell: "a date" if cell in dated else as_text(value) for cell, value in values.items()})


def by_place(texts: dict[str, str]) -> Grid:
    """Cells by row and column."""
    found: Grid = {}
    for reference, text in texts.items():
        place = REFERENCE.fullmatch(reference)
        if place and text:
            found.setdefault(int(place[2]), {})[book.column_number(place[1])] = text
    return found


def as_text(value: book.Value) -> str:
    """A cell's value as it would be written."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return value.strip()
    return repr(value).removesuffix(".0")


def date_styles(archive: zipfile.ZipFile) -> set[str]:
    """The numbers of the styles that show a number as a date."""
    if STYLES not in archive.namelist():
        return set()
    root = ElementTree.fromstring(archive.read(STYLES))
    own = {f.get("numFmtId", ""): DATE_LETTERS.sub("", f.get("formatCode", "")) for f in root.iter(f"{book.MAIN}numFmt")}
    dates = {str(n) for n in BUILT_IN_DATES} | {n for n, code in own.items() if re.search("[dmyhs]", code, re.IGNORECASE)}
    cells = root.find(f"{book.MAIN}cellXfs")
    return {str(i) for i, style in enumerate(cells if cells is not None else ()) if style.get("numFmtId") in dates}


def date_cells(archive: zipfile.ZipFile, part: str, dates: set[str]) -> set[str]:
    """The cells of a sheet that show dates."""
    found = set()
    with archive.open(part) as stream:
        for _, row in ElementTree.iterparse(stream):
            if row.tag == f"{book.MAIN}row":
                found |= {cell.get("r", "") for cell in row if cell.get("s") in dates and cell.get("t", "n") == "n"}
                row.clear()
    return found
