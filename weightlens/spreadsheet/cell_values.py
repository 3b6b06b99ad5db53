"""The cells of a workbook as plain values, read straight from its XML, without openpyxl.

openpyxl would have to read a workbook twice (formulas, then cached values) and takes thirty times as long; recalculated
workbooks are read by the thousand here. Only what is asked for is read: a sheet when its cells are, formulas when their texts are.
"""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Generic, TypeVar

import numpy as np

from weightlens import limits
from weightlens.errors import UnreadableModel, WeightlensError
from weightlens.spreadsheet.cell_areas import cell_areas
from weightlens.spreadsheet.cell_table import NO_CELLS, CellDate, CellError, CellTable, Formulas, Found, Value
from weightlens.spreadsheet.plain_rows import plain_texts
from weightlens.spreadsheet.sheet_rows import MAIN, SheetCells, read_cells, text_content, unescaped, xml_elements
from weightlens.workbook.formulas.cell_arrays import NO_NUMBER, cell_name
from weightlens.zips import check_member, open_zip, read_member, unpacked

T = TypeVar("T")
KINDS = {"json": "JSON", "hdf5": "an HDF5 file (of import, the workbook comes first, then the model)"}

RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
PART = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
DATES = {str(n) for n in (*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59))}  # built-in date formats
STYLES, STRINGS = "xl/styles.xml", "xl/sharedStrings.xml"
SMALL = 1 << 24  # bytes of a table of texts that is read at once
NOT_A_DATE = re.compile(r'"[^"]*"|\\.|[_*].|\[(?!(?:h+|m+|s+)\])[^\]]*\]', re.IGNORECASE)  # texts, padding, colours, conditions
NON_FINITE = dict(zip(NO_NUMBER, (math.nan, math.inf, -math.inf), strict=True))  # the words shown for non-finite numbers


class Book:
    """A workbook's cells: ``book.sheets["1 network"]["B6"]``; ``formulas`` says which of them are computed.

    ``names`` are the defined names and their areas; ``engine`` is the program that computed the values. A sheet is read when
    it is asked for, of a copy in memory: the file may be gone by then. A damaged one raises ``UnreadableModel``.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.engine = path, ""
        self.archive = open_workbook(path)
        with refused(path):
            self.most = self.room = limits.CELLS + path.stat().st_size
            self.names, parts = defined_names(self.archive), sheet_parts(self.archive)
        self.sheets = OnDemand[CellTable](parts, self.read)
        self.formulas = OnDemand[Formulas](parts, lambda sheet: Formulas(self.sheets[sheet], lambda: self.texts(sheet)))

    def read(self, sheet: str) -> CellTable:
        """The cells of a sheet, of all sheets together no more than there is room for."""
        with refused(self.path):
            cells = self.read_cells(sheet)
            self.room -= cells.count
            return cells.table()

    def texts(self, sheet: str) -> dict[int, str]:
        """The formulas of a sheet by address."""
        with refused(self.path):
            return self.read_cells(sheet, with_texts=True).texts

    def read_cells(self, sheet: str, with_texts: bool = False) -> SheetCells:
        """What stands in the XML of a sheet; nothing where it is a chart."""
        cells = SheetCells(self.strings, self.dates, with_texts)
        part = self.sheets.parts[sheet]
        if "worksheets/" in part:
            read_cells(self.archive, part, cells, self.most if with_texts else self.room)
        return cells

    @cached_property
    def strings(self) -> list[str]:
        """The shared texts."""
        return shared_strings(self.archive)

    @cached_property
    def dates(self) -> set[str]:
        """The styles of dates."""
        return date_styles(self.archive)

    def cell(self, sheet: str, reference: str) -> Value | None:
        """One value, ``None`` where the cell is empty."""
        return self.sheets[sheet].get(reference)

    def found(self, sheet: str, addresses: np.ndarray) -> Found:
        """The values of some cells of a sheet; none where there is no such sheet."""
        return self.sheets.get(sheet, NO_CELLS).found(addresses)

    def block(self, name: str) -> np.ndarray:
        """The numbers of a defined name, or of an area such as ``'1 net'!A1:B2``, row by row; NaN where there is none."""
        areas = [self.sheets[area.sheet].found(area.addresses()) for area in cell_areas(self.names.get(name, name))]
        return np.array([as_number(value) for found in areas for value in found.values])

    def errors(self) -> list[str]:
        """Every cell that shows an error: ``'1 network'!C6 #VALUE!``."""
        wrong = [(sheet, {at: v for at, v in cells.others.items() if isinstance(v, CellError)}) for sheet, cells in self.sheets.items()]
        return [f"'{sheet}'!{cell_name(at)} {v}" for sheet, cells in wrong for at, v in cells.items()]


class OnDemand(Mapping[str, T], Generic[T]):
    """Something of every sheet, by the sheet's name, made when it is asked for."""

    def __init__(self, parts: Mapping[str, str], make: Callable[[str], T]) -> None:
        self.parts, self.make, self.made = parts, make, dict[str, T]()

    def __getitem__(self, sheet: str) -> T:
        if sheet not in self.made:
            if sheet not in self.parts:
                raise KeyError(sheet)
            self.made[sheet] = self.make(sheet)
        return self.made[sheet]

    def __contains__(self, sheet: object) -> bool:
        return sheet in self.parts

    def __iter__(self) -> Iterator[str]:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.parts)


@contextmanager
def refused(path: Path) -> Iterator[None]:
    """Whatever goes wrong meanwhile is said to be the workbook's fault."""
    try:
        yield
    except WeightlensError:
        raise
    except Exception as trouble:  # a damaged zip, broken XML, text instead of a number: any error is possible
        raise UnreadableModel(f"{str(path)!r} is not an .xlsx workbook that can be read ({trouble})") from None


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
    """Open a workbook; its sheets are read when they are asked for."""
    return Book(Path(path))


def open_workbook(path: Path) -> zipfile.ZipFile:
    """The workbook as a zip file; what is none is refused under its name."""
    from weightlens.formats.containers.contents import kind_of
    from weightlens.formats.containers.foreign import archive_words

    try:
        kind = kind_of(path) if path.exists() else "zip"
    except UnreadableModel as error:
        raise UnreadableModel(f"{error}; what is wanted here is an .xlsx workbook") from None
    if kind != "zip":
        raise UnreadableModel(f"{path.name}: not an .xlsx workbook but {KINDS.get(kind, 'a model')}")
    archive = open_zip(path, in_memory=True)
    if "xl/workbook.xml" not in archive.NameToInfo:
        words = "a Keras model" if "config.json" in archive.NameToInfo else archive_words(path, archive.namelist())
        raise UnreadableModel(f"{path.name}: not an .xlsx workbook but {words}")
    return archive


def shared_strings(archive: zipfile.ZipFile) -> list[str]:
    """The workbook's table of shared strings; empty if it has none."""
    texts: list[str] = []
    if STRINGS not in archive.NameToInfo:
        return texts
    if archive.getinfo(STRINGS).file_size <= SMALL and (plain := plain_texts(b"".join(unpacked(archive, STRINGS)))) is not None:
        return [unescaped(text) for text in plain]
    for item in xml_elements(archive, STRINGS, "si"):
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
