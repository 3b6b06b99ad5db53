"""The .xlsx package: openpyxl's for everything small, with our rows spliced into its sheets.

openpyxl saves a shell (styles, widths, charts, names, links, notes); the sheets' ``<sheetData>`` is replaced
by streamed rows while the shell is copied into its final zip. Dates are fixed: the same input gives the same bytes.
Parts are called, prefixed and related as Excel does it: readers look for them by these names (``.ci`` asks several).
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, BinaryIO
from xml.etree import ElementTree

from weightlens.workbook.xlsx.strings import MAIN, Strings
from weightlens.zips import LEVEL, packer

EPOCH = (1980, 1, 1, 0, 0, 0)
DATE = "2000-01-01T00:00:00Z"
SHEET_DATA = re.compile(rb"<sheetData\s*/>|<sheetData>.*?</sheetData>", re.S)
OFFICE = "http://schemas.openxmlformats.org"
PREFIXES = {
    "": MAIN,
    "a": f"{OFFICE}/drawingml/2006/main",
    "c": f"{OFFICE}/drawingml/2006/chart",
    "r": f"{OFFICE}/officeDocument/2006/relationships",
    "xdr": f"{OFFICE}/drawingml/2006/spreadsheetDrawing",
}
TEXTS = "xl/sharedStrings.xml"
TEXTS_TYPE = (
    b'<Override PartName="/xl/sharedStrings.xml" '
    b'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>'
)
TEXTS_RELATION = b'<Relationship Type="%s/sharedStrings" Target="sharedStrings.xml" Id="texts"/></Relationships>'
FONT_PARTS = ("b", "i", "strike", "u", "vertAlign", "sz", "color", "name", "family", "charset", "scheme")  # in Excel's order
DIMENSION = re.compile(rb"<dimension [^>]*/>")
BATCH = 1 << 19  # characters handed to the compressor at once
RAW = -15  # a deflated stream without a header, as in a zip file
LARGEST = zipfile.ZIP64_LIMIT  # bytes of a part with a plain header; Excel and others refuse longer headers where none is needed

Rows = Callable[[Strings], Iterator[str]]  # a sheet's rows as XML; its texts go to the table
Finish = Callable[[str], str]  # of a chart's XML


class LargePart(Exception):
    """A part grew beyond what its header can say."""


def save(shell: Any, rows: Mapping[str, Rows], file: BinaryIO, level: int = LEVEL, finish: Finish = str) -> None:
    """Write the workbook: the shell with our ``rows`` (by sheet title), its charts as ``finish`` leaves them."""
    buffer = io.BytesIO()
    shell.properties.modified = shell.properties.created  # a date has to be there; ``_part_as_excel`` fixes it
    in_memory()(shell, zipfile.ZipFile(buffer, "w")).save()
    parts = {f"xl/worksheets/sheet{i}.xml": rows[sheet.title] for i, sheet in enumerate(shell.worksheets, 1) if sheet.title in rows}
    with zipfile.ZipFile(buffer) as old:
        pack(file, old, parts, level, finish)


def in_memory() -> Any:
    """openpyxl's ``ExcelWriter`` without the temporary file that it makes, fills, copies and removes for every sheet."""
    from openpyxl.drawing.spreadsheet_drawing import SpreadsheetDrawing
    from openpyxl.worksheet._writer import WorksheetWriter
    from openpyxl.writer.excel import ExcelWriter

    class InMemory(ExcelWriter):
        def write_worksheet(self: Any, ws: Any) -> None:
            ws._drawing = SpreadsheetDrawing()
            ws._drawing.charts, ws._drawing.images = ws._charts, ws._images
            writer: Any = WorksheetWriter(ws, io.BytesIO())
            writer.write()
            ws._rels = writer._rels
            self._archive.writestr(ws.path[1:], writer.read())
            self.manifest.append(ws)

    return InMemory


def pack(
    file: BinaryIO, old: zipfile.ZipFile, parts: Mapping[str, Rows], level: int, finish: Finish, large: frozenset[str] = frozenset()
) -> None:
    """The shell's parts with our rows, and the table of texts; all again where a part proves too large for a plain header."""
    strings = Strings()
    try:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
            for entry in old.infolist():
                name, data = _as_excel(entry.filename), old.read(entry)
                pieces = _spliced(data, parts[name](strings)) if name in parts else [_part_as_excel(name, data, finish)]
                _write(new, name, pieces, level, name in large)
            _write(new, TEXTS, (text.encode() for text in _batches(strings.xml())), level, TEXTS in large)
    except LargePart as found:
        file.seek(0)
        file.truncate()
        pack(file, old, parts, level, finish, large | {str(found)})


def _write(new: zipfile.ZipFile, name: str, pieces: Iterable[bytes], level: int, large: bool) -> None:
    """One part, piece by piece."""
    info = zipfile.ZipInfo(name, EPOCH)
    info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
    size = 0
    with new.open(info, "w", force_zip64=large) as part:
        part._compressor = compressor(level)  # type: ignore[attr-defined]  # zipfile knows one zlib only
        for piece in pieces:
            size += len(piece)
            if size > LARGEST and not large:
                raise LargePart(name)
            part.write(piece)


def compressor(level: int = LEVEL) -> Any:
    """What squeezes a part: an object with ``compress`` and ``flush``."""
    return packer.compressobj(level, packer.DEFLATED, RAW)


def _part_as_excel(name: str, data: bytes, finish: Finish) -> bytes:
    """A small part of openpyxl's with what Excel and others expect in it."""
    if name == "docProps/core.xml":
        return re.sub(rb"(<dcterms:(created|modified)[^>]*>)[^<]*", rb"\g<1>" + DATE.encode(), data)
    if name == "xl/styles.xml":
        return _opaque(_fonts_in_order(data))
    if name.startswith("xl/charts/chart"):
        return finish(_prefixed(ElementTree.fromstring(data)).decode()).encode()
    if name.startswith("xl/drawings/drawing"):
        return _prefixed(ElementTree.fromstring(data))
    if name == "[Content_Types].xml":
        data = data.replace(b"</Types>", TEXTS_TYPE)
    if name == "xl/_rels/workbook.xml.rels":
        data = data.replace(b"</Relationships>", TEXTS_RELATION % PREFIXES["r"].encode())
    return _relative(name, data) if name.endswith((".rels", "[Content_Types].xml")) else data


def _as_excel(name: str) -> str:
    """Notes and their boxes where Excel keeps them; IronCalc and ExcelJS find them nowhere else."""
    return re.sub(r"/comments/comment(\d+)\.xml", r"/comments\1.xml", name).replace("/commentsDrawing", "/vmlDrawing")


def _fonts_in_order(styles: bytes) -> bytes:
    """Each font's parts in the order of the schema; openpyxl has another."""
    tree = ElementTree.fromstring(styles)
    for font in tree.iter(f"{{{MAIN}}}font"):
        font[:] = sorted(font, key=lambda part: FONT_PARTS.index(part.tag.rpartition("}")[2]))
    return _prefixed(tree)


def _prefixed(tree: ElementTree.Element) -> bytes:
    """The tree as XML with the prefixes that Excel uses: some readers know the parts of a drawing by them."""
    for prefix, namespace in PREFIXES.items():
        ElementTree.register_namespace(prefix, namespace)
    written: bytes = ElementTree.tostring(tree, "UTF-8", xml_declaration=True)
    return written


def _opaque(data: bytes) -> bytes:
    """Colours that are opaque: openpyxl writes an alpha of 0, which Excel overlooks and others do not."""
    return re.sub(rb'rgb="00([0-9A-F]{6})"', rb'rgb="FF\1"', data)


def _relative(name: str, data: bytes) -> bytes:
    """Relations as Excel writes them, relative to their part."""
    text = _as_excel(data.decode())
    base = {"_rels/.rels": "", "xl/_rels/workbook.xml.rels": "/xl/"}.get(name, "/xl/")
    up = "../" if name.startswith("xl/") and name != "xl/_rels/workbook.xml.rels" else ""
    if name.endswith(".rels") and base:
        text = text.replace(f'Target="{base}', f'Target="{up}')
    return text.encode()


def _spliced(shell: bytes, rows: Iterator[str]) -> Iterator[bytes]:
    """A sheet: the shell's XML with our rows in it."""
    place = SHEET_DATA.search(shell)
    if place is None:
        raise RuntimeError("openpyxl wrote a sheet without sheetData")
    yield _opaque(DIMENSION.sub(b"", shell[: place.start()])) + b"<sheetData>"
    for batch in _batches(rows):
        yield batch.encode()
    yield b"</sheetData>" + _opaque(shell[place.end() :])


def _batches(texts: Iterator[str]) -> Iterator[str]:
    """Short texts put together, so that the compressor is not called for each."""
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size > BATCH:
            yield "".join(batch)
            batch, size = [], 0
    yield "".join(batch)
