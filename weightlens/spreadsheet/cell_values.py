"""The cells of a workbook as plain values, read straight from its XML, without openpyxl.

openpyxl would have to read a workbook twice (formulas, then cached values) and takes ten times as long; recalculated
workbooks are read by the thousand here. Only what a check needs is read: values, which cells hold formulas, names.
"""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from weightlens import limits
from weightlens.errors import UnreadableModel, WeightlensError
from weightlens.spreadsheet.cell_areas import area_cells
from weightlens.spreadsheet.sheet_rows import MAIN, CellDate, CellError, SheetCells, Value, read_cells, text_content, xml_elements
from weightlens.zips import check_member, open_zip, read_member

KINDS = {"json": "JSON", "hdf5": "an HDF5 file: the workbook comes first, then the model"}

RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
PART = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
DATES = {str(n) for n in (*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59))}  # built-in date formats
STYLES = "xl/styles.xml"
NOT_A_DATE = re.compile(r'"[^"]*"|\\.|[_*].|\[(?!(?:h+|m+|s+)\])[^\]]*\]', re.IGNORECASE)  # texts, padding, colours, conditions
NON_FINITE = {"not a number": math.nan, "infinite": math.inf, "minus infinite": -math.inf}  # the words shown for non-finite numbers


@dataclass(eq=False)
class Book:
    """A workbook's cells: ``book.sheets["1 network"]["B6"]``; ``formulas`` says which of them are computed.

    ``names`` are the defined names and their areas; ``engine`` is the program that computed the values.
    """

    path: Path
    sheets: dict[str, dict[str, Value]] = field(default_factory=dict)
    formulas: dict[str, dict[str, str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    engine: str = ""

    def cell(self, sheet: str, reference: str) -> Value | None:
        """One value, ``None`` where the cell is empty."""
        return self.sheets[sheet].get(reference)

    def block(self, name: str) -> np.ndarray:
        """The numbers of a defined name, or of an area such as ``'1 net'!A1:B2``, row by row; NaN where there is none."""
        cells = [self.cell(*place) for place in area_cells(self.names.get(name, name))]
        return np.array([as_number(value) for value in cells])

    def errors(self) -> list[str]:
        """Every cell that shows an error: ``'1 network'!C6 #VALUE!``."""
        return [f"'{sheet}'!{ref} {v}" for sheet, cells in self.sheets.items() for ref, v in cells.items() if isinstance(v, CellError)]


def number_fault(value: Value | None) -> str:
    """Why a cell does not hold a finite number; empty where it does."""
    if value is None or value == "":
        return "is empty"
    if isinstance(value, CellDate):
        return f"holds a date or a time (the number {value:.9g}, shown as a date): format the cell as a number and type it again"
    if isinstance(value, (bool, str)) or not math.isfinite(value):
        return f"holds {str(value).upper() if isinstance(value, bool) else repr(str(value)[:40])}, which is not a finite number"
    return ""


def as_number(value: Value | None) -> float:
    """A cell's value as a float; NaN for text and for an empty cell."""
    return float(value) if isinstance(value, (int, float)) else np.nan


def sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """The path inside the zip of every sheet, by the sheet's name, in the workbook's order."""
    targets = {r.get("Id"): r.get("Target", "") for r in ET.fromstring(read_member(archive, "xl/_rels/workbook.xml.rels")).iter(PART)}
    parts = {}
    for sheet in ET.fromstring(read_member(archive, "xl/workbook.xml", limits.BOOK)).iter(f"{MAIN}sheet"):
        target = targets[sheet.get(RELATION)]
        parts[sheet.get("name", "")] = target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)
    return parts


def defined_names(archive: zipfile.ZipFile) -> dict[str, str]:
    """The workbook's defined names and their areas."""
    return {
        name.get("name", ""): name.text or ""
        for name in ET.fromstring(read_member(archive, "xl/workbook.xml", limits.BOOK)).iter(f"{MAIN}definedName")
    }


def read_book(path: str | Path) -> Book:
    """Read a workbook's values, formulas and names."""
    book = Book(Path(path))
    try:
        with open_workbook(book.path) as archive:
            book.names = defined_names(archive)
            strings, dates = shared_strings(archive), date_styles(archive)
            most = limits.CELLS + book.path.stat().st_size
            for sheet, part in sheet_parts(archive).items():
                cells = SheetCells(strings, dates)
                if "worksheets/" in part:
                    read_cells(archive, part, cells, most)
                    most -= len(cells.values)
                book.sheets[sheet], book.formulas[sheet] = cells.values, cells.formulas
    except WeightlensError:
        raise
    except Exception as trouble:  # a damaged zip, broken XML, text instead of a number: any error is possible
        raise UnreadableModel(f"{str(path)!r} is not an .xlsx workbook that can be read ({trouble})") from None
    return book


def open_workbook(path: Path) -> zipfile.ZipFile:
    """The workbook as a zip file; what is none is refused under its name."""
    from weightlens.formats.containers.contents import kind_of
    from weightlens.formats.containers.foreign import archive_words

    kind = kind_of(path) if path.exists() else "zip"
    if kind != "zip":
        raise UnreadableModel(f"{path.name}: not an .xlsx workbook but {KINDS.get(kind, 'a model')}")
    archive = open_zip(path)
    if "xl/workbook.xml" not in archive.NameToInfo:
        words = "a Keras model" if "config.json" in archive.NameToInfo else archive_words(path, archive.namelist())
        raise UnreadableModel(f"{path.name}: not an .xlsx workbook but {words}")
    return archive


def shared_strings(archive: zipfile.ZipFile) -> list[str]:
    """The workbook's table of shared strings; empty if it has none."""
    texts: list[str] = []
    if "xl/sharedStrings.xml" not in archive.NameToInfo:
        return texts
    for item in xml_elements(archive, "xl/sharedStrings.xml", "si"):
        texts.append(text_content(item))
        if len(texts) > limits.CELLS:
            raise UnreadableModel(f"it holds more than {limits.CELLS:,} texts")
    return texts


def date_styles(archive: zipfile.ZipFile) -> set[str]:
    """The numbers of the cell styles with a date or time format."""
    if STYLES not in archive.NameToInfo:
        return set()
    check_member(archive, STYLES)
    root = ET.fromstring(archive.read(STYLES))
    own = {f.get("numFmtId"): NOT_A_DATE.sub("", f.get("formatCode", "")) for f in root.iter(f"{MAIN}numFmt")}
    dates = DATES | {number for number, code in own.items() if re.search("[dmyhs]", code, re.IGNORECASE)}
    styles = root.find(f"{MAIN}cellXfs")
    return {str(i) for i, style in enumerate(styles if styles is not None else ()) if style.get("numFmtId") in dates}
