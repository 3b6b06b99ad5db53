"""The cells of one sheet from its XML. Rows of plain cells, nearly all there are, are read thousands at a time.

An XML parser makes an object of every cell, which takes ten times as long. Rows in which anything but plain cells stands
go through the parser all the same, and so does the whole of a sheet that does not begin as nearly every program begins one.
"""

from __future__ import annotations

import itertools
import math
import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from weightlens import limits
from weightlens.errors import UnreadableModel
from weightlens.spreadsheet.cell_areas import address, address_at
from weightlens.spreadsheet.cell_table import CellDate, CellError, CellTable, Value
from weightlens.spreadsheet.plain_rows import PlainCells, plain_cells
from weightlens.workbook.formulas.cell_arrays import ROW
from weightlens.zips import unpacked

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
START, SMALL = 1 << 16, 1 << 14  # bytes: what may stand before the first row; rows that the parser reads where they are not plain
HEAD = re.compile(
    rb"""(?:\xef\xbb\xbf)?(?:<\?xml\ version="1\.0"(?:\ encoding="(?i:utf-8)")?(?:\ standalone="(?:yes|no)")?\s*\?>\s*)?
    <worksheet\b[^>]*\ xmlns="http://schemas\.openxmlformats\.org/spreadsheetml/2006/main"(?:(?!<!).)*?<sheetData>""",
    re.DOTALL | re.VERBOSE,
)
END, ROW_END = b"</sheetData></worksheet>", b"</row>"
NUMBER = {"", "n"}  # types of cells
KINDS = {"b": "b", "e": "e", "t": "str", "i": "str"}  # the types of cells that are neither numbers nor shared texts, by their first letters
CODED = re.compile("_x([0-9A-Fa-f]{4})_")


@dataclass
class SheetCells:
    """The cells of one sheet as they are read, and what their values are written in: the texts of the workbook, the styles of dates.

    ``texts`` are the texts of formulas by address, kept if ``with_texts``; ``row`` is the number of the last row.
    """

    strings: Sequence[str]
    dates: set[str]
    with_texts: bool = False
    texts: dict[int, str] = field(default_factory=dict)
    others: dict[int, Value] = field(default_factory=dict)
    plain: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    parsed: list[tuple[int, float, bool]] = field(default_factory=list)
    count: int = 0
    row: int = 0

    def value(self, kind: str, style: str | None, text: str) -> Value:
        """A cell's value by its type."""
        if kind in NUMBER:
            return CellDate(text) if style in self.dates else float(text)
        if kind == "s":
            return self.strings[int(text)]
        if kind == "b":
            return text == "1"
        return CellError(text) if kind == "e" else unescaped(text) if kind == "str" else text

    def add_row(self, row: ET.Element) -> None:
        """Add the cells of a row. A row or a cell that does not say where it stands follows the one before."""
        self.row = int(row.get("r", self.row + 1))
        column = 0
        for cell in row.iter(f"{MAIN}c"):
            at = address(reference) if (reference := cell.get("r")) else address_at(self.row, column + 1)
            column = at % ROW + 1
            self.add(cell, at)

    def add(self, cell: ET.Element, at: int) -> None:
        """Add one cell: its value and its formula."""
        kind, text, computed = cell.get("t", "n"), None, False
        for child in cell:
            if child.tag == f"{MAIN}f":
                computed = True
                if self.with_texts:
                    self.texts[at] = child.text or ""
            elif child.tag == f"{MAIN}v":
                text = child.text if child.text is not None or kind != "str" else ""
            elif child.tag == f"{MAIN}is":
                text = text_content(child)
        number = math.nan
        if text is not None:
            self.count += 1
            value = self.value(kind, cell.get("s"), text)
            if type(value) is float and not math.isnan(value):
                number = value
            else:
                self.others[at] = value
        if text is not None or computed:
            self.parsed.append((at, number, computed))

    def add_plain(self, cells: PlainCells) -> None:
        """Add rows of plain cells."""
        self.row = cells.last
        numbers, shared = cells.numbers, cells.kinds == ord("s")
        dated = ~shared & np.isin(cells.styles, [int(style) for style in self.dates]) & ~np.isnan(numbers)
        texts = {i: self.value(KINDS[chr(cells.kinds[i])], None, text) for i, text in cells.texts.items()}
        kept = ~np.isnan(numbers)
        which = np.flatnonzero(shared & kept)
        texts |= zip(which.tolist(), (self.strings[number] for number in numbers[which].astype(int).tolist()), strict=True)
        texts |= {i: CellDate(numbers[i]) for i in np.flatnonzero(dated).tolist()}
        positions = list(texts)
        self.others |= zip(cells.at[positions].tolist(), texts.values(), strict=True)
        self.count += int(kept.sum()) + len(cells.texts)
        numbers[positions] = math.nan
        kept[list(cells.texts)] = True
        kept |= cells.computed
        self.plain.append((cells.at[kept], numbers[kept], cells.computed[kept]))
        if self.with_texts:
            self.texts |= zip(cells.at[cells.computed].tolist(), cells.formulas, strict=True)

    def table(self) -> CellTable:
        """All of them; refuses cells that are written twice."""
        at, numbers, computed = zip(*self.parsed, strict=True) if self.parsed else ((), (), ())
        pieces = [*self.plain, (np.array(at, np.int64), np.array(numbers, np.float64), np.array(computed, bool))]
        places, values, formulas = (np.concatenate(part) for part in zip(*pieces, strict=True))
        return CellTable(places, values, formulas, self.others)


def read_cells(archive: zipfile.ZipFile, part: str, into: SheetCells, most: int) -> None:
    """Add one sheet's cells, some rows at a time; refuses a sheet with more than ``most`` cells."""
    pieces = unpacked(archive, part)
    start = b"".join(itertools.islice(pieces, 1))
    head = HEAD.match(start, 0, START)
    if head is None:
        for row in xml_elements(archive, part, "row"):
            into.add_row(row)
            check_count(into, most)
        return
    for rows, last in whole_rows(itertools.chain([start[len(head[0]) :]], pieces), part):
        read_rows(head[0], rows, last, into)
        check_count(into, most)


def read_rows(head: bytes, rows: bytes, last: bool, into: SheetCells) -> None:
    """Add some rows: all at once, or by the parser those among which something else than plain cells stands."""
    plain = None if last else plain_cells(rows, into.with_texts)
    middle = rows.find(ROW_END, len(rows) // 2) + len(ROW_END)
    if plain is not None:
        into.add_plain(plain)
    elif not last and SMALL < len(rows) != middle:
        read_rows(head, rows[:middle], False, into)
        read_rows(head, rows[middle:], False, into)
    else:
        for row in ET.fromstring(head + rows + (b"" if last else END)).iter(f"{MAIN}row"):
            into.add_row(row)


def check_count(cells: SheetCells, most: int) -> None:
    """Refuse a sheet with more than ``most`` cells."""
    if cells.count > most:
        raise UnreadableModel("it holds more cells than there is room for")


def whole_rows(pieces: Iterable[bytes], part: str) -> Iterator[tuple[bytes, bool]]:
    """The rows of a sheet, some at a time; last (True) whatever follows the last row."""
    rest = b""
    for piece in pieces:
        rest += piece
        end = rest.rfind(ROW_END) + len(ROW_END)
        if end >= len(ROW_END):
            yield rest[:end], False
            rest = rest[end:]
        if rest.count(b"<") > 2 * limits.ELEMENTS:
            raise UnreadableModel(f"{part} has one row of more than {limits.ELEMENTS:,} elements")
    yield rest, True


def xml_elements(archive: zipfile.ZipFile, part: str, name: str) -> Iterator[ET.Element]:
    """The elements of one name in a part of the zip, one at a time: memory does not grow with the file."""
    parser: ET.XMLPullParser[ET.Element] = ET.XMLPullParser(("start", "end"))
    waiting = 0
    root: ET.Element | None = None
    for piece in unpacked(archive, part):
        parser.feed(piece)
        for event, element in cast("Iterator[tuple[str, ET.Element]]", parser.read_events()):
            root = element if root is None else root
            waiting += event == "end"
            if event == "end" and element.tag == MAIN + name:
                yield element
                element.clear()
                root.clear()
                waiting = 0
            elif waiting > limits.ELEMENTS:
                raise UnreadableModel(f"{part} has one {name} of more than {limits.ELEMENTS:,} elements")
    parser.close()


def text_content(item: ET.Element) -> str:
    """The text of a cell or of a shared string, its formatted runs joined; phonetic guides are left out."""
    pieces = [*item.findall(f"{MAIN}t"), *item.findall(f"{MAIN}r/{MAIN}t")]
    return unescaped("".join(piece.text or "" for piece in pieces))


def unescaped(text: str) -> str:
    """Text with Excel's escapes resolved: ``_x0041_`` is the letter A."""
    return CODED.sub(lambda code: chr(int(code[1], 16)), text) if "_x" in text else text
