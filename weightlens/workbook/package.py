"""The .xlsx package: openpyxl's for everything small, with our rows spliced into its sheets.

openpyxl saves a shell (styles, widths, charts, names, links, notes); the sheets' ``<sheetData>`` is replaced
by streamed rows while the shell is copied into its final zip. Dates are fixed: the same input gives the same bytes.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO
from xml.etree import ElementTree

from weightlens.files import temporary_files

EPOCH = (1980, 1, 1, 0, 0, 0)
DATE = "2000-01-01T00:00:00Z"
SHEET_DATA = re.compile(rb"<sheetData\s*/>|<sheetData>.*?</sheetData>", re.S)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
FONT_PARTS = ("b", "i", "strike", "u", "vertAlign", "sz", "color", "name", "family", "charset", "scheme")  # in Excel's order
DIMENSION = re.compile(rb"<dimension [^>]*/>")
BATCH = 1 << 19  # characters handed to the compressor at once
LEVEL = 4  # of zlib: docs/performance.md has what the others cost


def save(shell: Any, rows: Mapping[str, Callable[[], Iterator[str]]], file: BinaryIO, level: int = LEVEL) -> None:
    """Write the workbook: the shell's sheets with our ``rows`` (by sheet title)."""
    buffer = io.BytesIO()
    with temporary_files():  # openpyxl makes one for every sheet
        shell.save(buffer)
    parts = {f"xl/worksheets/sheet{i}.xml": rows[sheet.title] for i, sheet in enumerate(shell.worksheets, 1) if sheet.title in rows}
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as new:
        for entry in old.infolist():
            info = zipfile.ZipInfo(_as_excel(entry.filename), EPOCH)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            info._compresslevel = level  # type: ignore[attr-defined]
            data = old.read(entry)
            if entry.filename in parts:
                _splice(new, info, data, parts[entry.filename]())
                continue
            if entry.filename == "docProps/core.xml":
                data = re.sub(rb"(<dcterms:(created|modified)[^>]*>)[^<]*", rb"\g<1>" + DATE.encode(), data)
            if entry.filename == "xl/styles.xml":
                data = _fonts_in_order(data)
            if entry.filename.endswith((".rels", "[Content_Types].xml")):
                data = _relative(entry.filename, data)
            new.writestr(info, data)


def _as_excel(name: str) -> str:
    """Notes where Excel keeps them; IronCalc finds them nowhere else."""
    return re.sub(r"xl/comments/comment(\d+)\.xml", r"xl/comments\1.xml", name)


def _fonts_in_order(styles: bytes) -> bytes:
    """Each font's parts in the order of the schema; openpyxl has another."""
    ElementTree.register_namespace("", MAIN)
    tree = ElementTree.fromstring(styles)
    for font in tree.iter(f"{{{MAIN}}}font"):
        font[:] = sorted(font, key=lambda part: FONT_PARTS.index(part.tag.rpartition("}")[2]))
    written: bytes = ElementTree.tostring(tree, "UTF-8", xml_declaration=True)
    return written


def _relative(name: str, data: bytes) -> bytes:
    """Relations as Excel writes them, relative to their part."""
    text = _as_excel(data.decode())
    base = {"_rels/.rels": "", "xl/_rels/workbook.xml.rels": "/xl/"}.get(name, "/xl/")
    up = "../" if name.startswith("xl/") and name != "xl/_rels/workbook.xml.rels" else ""
    if name.endswith(".rels") and base:
        text = text.replace(f'Target="{base}', f'Target="{up}')
    return text.encode()


def _splice(new: zipfile.ZipFile, info: zipfile.ZipInfo, shell: bytes, rows: Iterator[str]) -> None:
    found = SHEET_DATA.search(shell)
    if found is None:
        raise RuntimeError("openpyxl wrote a sheet without sheetData")
    with new.open(info, "w", force_zip64=True) as part:
        part.write(DIMENSION.sub(b"", shell[: found.start()]) + b"<sheetData>")
        batch: list[str] = []
        size = 0
        for row in rows:
            batch.append(row)
            size += len(row)
            if size > BATCH:
                part.write("".join(batch).encode())
                batch, size = [], 0
        part.write("".join(batch).encode() + b"</sheetData>" + shell[found.end() :])
