"""The cells of one sheet from its XML. Rows of plain cells, nearly all there are, are read thousands at a time.

An XML parser makes an object of every cell, which takes five times as long. Rows in which anything but plain cells stands
go through the parser all the same, and so does the whole of a sheet that does not begin as nearly every program begins one.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from weightlens import limits
from weightlens.errors import UnreadableModel
from weightlens.zips import check_member

Value = float | str | bool

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
START, PIECE = 1 << 16, 1 << 20  # bytes that are read at once: what may stand before the first row, and rows
HEAD = re.compile(
    rb"""(?:\xef\xbb\xbf)?(?:<\?xml\ version="1\.0"(?:\ encoding="(?i:utf-8)")?(?:\ standalone="(?:yes|no)")?\s*\?>\s*)?
    <worksheet\b[^>]*\ xmlns="http://schemas\.openxmlformats\.org/spreadsheetml/2006/main"(?:(?!<!).)*?<sheetData>""",
    re.DOTALL | re.VERBOSE,
)
END, ROW_END = b"</sheetData></worksheet>", b"</row>"
ROW = re.compile(r'<row(?: [\w:]+="[^"<&]*")*>')
CELL = re.compile(
    r"""<c\ r="([A-Z]{1,3}[0-9]{1,7})"(?:\ s="([0-9]+)")?(?:\ t="(n|s|b|e|str)")?
    (?:/>|>(?:<f(?:\ aca="false")?>([^<]*)</f>)?<v>([^<&]+)</v></c>)""",
    re.VERBOSE,
)
NUMBER = {"", "n"}  # types of cells
CODED = re.compile("_x([0-9A-Fa-f]{4})_")
ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&"}  # what begins others comes last


class CellError(str):
    """What a spreadsheet shows where a formula fails: ``#VALUE!``, ``#NUM!``."""

    __slots__ = ()


class CellDate(float):
    """A number formatted as a date or a time: what a spreadsheet makes of a typed ``1/2`` or ``3-4``."""

    __slots__ = ()


@dataclass
class SheetCells:
    """The cells of one sheet, and what their values are written in: the texts of the workbook, and the styles of dates."""

    strings: list[str]
    dates: set[str]
    values: dict[str, Value] = field(default_factory=dict)
    formulas: dict[str, str] = field(default_factory=dict)

    def value(self, kind: str, style: str | None, text: str) -> Value:
        """A cell's value by its type."""
        if kind in NUMBER:
            return CellDate(text) if style in self.dates else float(text)
        if kind == "s":
            return self.strings[int(text)]
        if kind == "b":
            return text == "1"
        return CellError(text) if kind == "e" else unescaped(text) if kind == "str" else text

    def add(self, cell: ET.Element) -> None:
        """Add one cell: its value and its formula."""
        reference, kind, text = cell.get("r", ""), cell.get("t", "n"), None
        if reference in self.values or reference in self.formulas:
            raise UnreadableModel(f"cell {reference} is written twice")
        for child in cell:
            if child.tag == f"{MAIN}f":
                self.formulas[reference] = child.text or ""
            elif child.tag == f"{MAIN}v":
                text = child.text if child.text is not None or kind != "str" else ""
            elif child.tag == f"{MAIN}is":
                text = text_content(child)
        if text is not None:
            self.values[reference] = self.value(kind, cell.get("s"), text)

    def add_plain(self, rows: str) -> bool:
        """Add rows of plain cells. False, and nothing is added, where anything else stands in them."""
        cells = CELL.findall(rows)
        places, styles, kinds, formulas, texts = zip(*cells, strict=True) if cells else ((),) * 5
        full, computed, ends = len(texts) - texts.count(""), len(formulas) - formulas.count(""), rows.count("</row>")
        tags = len(cells) + 3 * full + 2 * computed + 2 * ends
        if rows.count("<") != tags or len(ROW.findall(rows)) != ends or rows.count("&") != sum(map(rows.count, ENTITIES)) or "\r" in rows:
            return False
        before, dated = len(self.values), not self.dates.isdisjoint(styles)
        if full == len(cells) and not dated and {*kinds} <= NUMBER:
            self.values.update(zip(places, map(float, texts), strict=True))
        else:
            self.values.update(
                {
                    place: float(text) if kind in NUMBER and not dated else self.value(kind, style, text)
                    for place, style, kind, _, text in cells
                    if text
                }
            )
        if computed:
            self.formulas.update({place: entities_resolved(formula) for place, _, _, formula, _ in cells if formula})
        if len(self.values) != before + full:
            raise UnreadableModel("a cell is written twice")
        return True


def entities_resolved(text: str) -> str:
    """XML text as the text that it stands for."""
    if "&" in text:
        for entity, letter in ENTITIES.items():
            text = text.replace(entity, letter)
    return text


def read_cells(archive: zipfile.ZipFile, part: str, into: SheetCells, most: int) -> None:
    """Add one sheet's cells, some rows at a time; refuses a sheet with more than ``most`` cells."""
    check_member(archive, part)
    with archive.open(part) as stream:
        start = stream.read(START)
        head = HEAD.match(start)
        if head:
            for rows, last in whole_rows(stream, start[len(head[0]) :], part):
                read_rows(head[0], rows, last, into)
                check_count(into, most)
            return
    for row in xml_elements(archive, part, "row"):
        for cell in row:
            into.add(cell)
        check_count(into, most)


def read_rows(head: bytes, rows: bytes, last: bool, into: SheetCells) -> None:
    """Add some rows: all at once, or one by one where not all of them are plain."""
    if not last and into.add_plain(rows.decode()):
        return
    single = [rows] if last else [row + ROW_END for row in rows.split(ROW_END)[:-1]]
    for row in single:
        if len(single) == 1 or not into.add_plain(row.decode()):
            for parsed in ET.fromstring(head + row + (b"" if last else END)).iter(f"{MAIN}row"):
                for cell in parsed:
                    into.add(cell)


def check_count(cells: SheetCells, most: int) -> None:
    """Refuse a sheet with more than ``most`` cells."""
    if len(cells.values) > most:
        raise UnreadableModel("it holds more cells than there is room for")


def whole_rows(stream: IO[bytes], rest: bytes, part: str) -> Iterator[tuple[bytes, bool]]:
    """The rows of a sheet, about a million bytes at a time; last (True) whatever follows the last row."""
    more = True
    while more:
        end = rest.rfind(ROW_END) + len(ROW_END)
        if end >= len(ROW_END):
            yield rest[:end], False
            rest = rest[end:]
        if rest.count(b"<") > 2 * limits.ELEMENTS:
            raise UnreadableModel(f"{part} has one row of more than {limits.ELEMENTS:,} elements")
        piece = stream.read(PIECE)
        rest, more = rest + piece, bool(piece)
    yield rest, True


def xml_elements(archive: zipfile.ZipFile, part: str, name: str) -> Iterator[ET.Element]:
    """The elements of one name in a part of the zip, one at a time: memory does not grow with the file."""
    check_member(archive, part)
    with archive.open(part) as stream:
        waiting = 0
        root: ET.Element | None = None
        for event, element in ET.iterparse(stream, ("start", "end")):
            root = element if root is None else root
            waiting += event == "end"
            if event == "end" and element.tag == MAIN + name:
                yield element
                element.clear()
                root.clear()
                waiting = 0
            elif waiting > limits.ELEMENTS:
                raise UnreadableModel(f"{part} has one {name} of more than {limits.ELEMENTS:,} elements")


def text_content(item: ET.Element) -> str:
    """The text of a cell or of a shared string, its formatted runs joined; phonetic guides are left out."""
    pieces = [*item.findall(f"{MAIN}t"), *item.findall(f"{MAIN}r/{MAIN}t")]
    return unescaped("".join(piece.text or "" for piece in pieces))


def unescaped(text: str) -> str:
    """Text with Excel's escapes resolved: ``_x0041_`` is the letter A."""
    return CODED.sub(lambda code: chr(int(code[1], 16)), text) if "_x" in text else text
