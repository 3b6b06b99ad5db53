"""Excel's rules that no spreadsheet program checks: names, lengths, order, ranges where one value belongs, relations, charts."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

from openpyxl.utils.cell import range_boundaries

from weightlens.spreadsheet.cell_values import MAIN, sheet_parts

CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
TAKES_RANGES = {
    "SUM", "MAX", "MIN", "SUMPRODUCT", "MMULT", "AVERAGE", "INDEX", "MATCH", "COUNTIF", "COUNT", "SMALL", "PRODUCT", "VARP", "STDEVP",
    "MEDIAN", "AND", "OR", "SUMSQ", "SUMXMY2", "LARGE", "SUMIF",
}  # fmt: skip
NEWER = re.compile(r"(?<![A-Z.])(LET|LAMBDA|XLOOKUP|FILTER|CONCAT|TEXTJOIN|IFS|SWITCH|STDEV\.P|VAR\.P|NORM\.S\.DIST|ERF\.PRECISE)\(")
TOKEN = re.compile(r'"(?:[^"]|"")*"|\'(?:[^\']|\'\')*\'!|\$?[A-Z]{1,3}\$?\d+(?::\$?[A-Z]{1,3}\$?\d+)?(?![\w(])|[A-Z][A-Z0-9.]*\(|[(),]|.')
LIKE_A_CELL = re.compile(r"(?i)[a-z]{1,3}\d+|[rc]|r\d*c\d*")
CODE = re.compile(r"_x[0-9A-Fa-f]{4}_")


def complaints(path: Path) -> Iterator[str]:
    """What Excel would not take, or would take for something else."""
    with zipfile.ZipFile(path) as archive:
        parts, book = sheet_parts(archive), ET.fromstring(archive.read("xl/workbook.xml"))
        yield from names(list(parts), [n.get("name", "") for n in book.iter(f"{MAIN}definedName") if n.get("localSheetId") is None])
        styles = ET.fromstring(archive.read("xl/styles.xml"))
        for title, part in parts.items():
            yield from (f"{title}: {line}" for line in sheet(ET.fromstring(archive.read(part)), styles))
        for part in archive.namelist():
            if part.endswith(".rels"):
                yield from relations(archive, part)
            if part.startswith("xl/charts/chart"):
                yield from (f"{part}: {line}" for line in chart(ET.fromstring(archive.read(part))))
            if re.search(rb'rgb="00', archive.read(part)):
                yield f"{part}: a colour that is transparent"


def names(sheets: list[str], defined: list[str]) -> Iterator[str]:
    """The titles of sheets and the defined names."""
    for title in sheets:
        units = len(title.encode("utf-16-le")) // 2
        if not 0 < units <= 31 or re.search(r"[\[\]:*?/\\]|^'|'$", title) or title.lower() == "history" or CODE.search(title):
            yield f"a sheet called {title!r}"
    yield from (f"two of {kind}" for kind, all_ in (("sheets", sheets), ("names", defined)) if len({n.lower() for n in all_}) < len(all_))
    for name in defined:
        if not re.fullmatch(r"[A-Za-z_]\w{0,254}", name) or LIKE_A_CELL.fullmatch(name) or CODE.search(name):
            yield f"the name {name}"


def sheet(tree: ET.Element, styles: ET.Element) -> Iterator[str]:
    """Rows, cells, merged areas, rules, widths of one sheet."""
    looks, last = len(styles.find(f"{MAIN}cellXfs") or ()), 0
    for row in tree.iter(f"{MAIN}row"):
        columns = [range_boundaries(cell.get("r", ""))[0] for cell in row]
        if int(row.get("r", "0")) <= last or float(row.get("ht", "0")) > 409.5 or columns != sorted(set(columns)):
            yield f"row {row.get('r')}: order, cells or height"
        last = int(row.get("r", "0"))
        for cell in row:
            yield from (f"{cell.get('r')}: {line}" for line in content(cell, looks))
    widths = sorted((int(c.get("min", "")), int(c.get("max", "")), float(c.get("width", "8"))) for c in tree.iter(f"{MAIN}col"))
    if any(a[1] >= b[0] for a, b in pairwise(widths)) or any(width > 255 for _, _, width in widths):
        yield "columns overlap or are too wide"
    boxes = [range_boundaries(merged.get("ref", "")) for merged in tree.iter(f"{MAIN}mergeCell")]
    if any(a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3] for i, a in enumerate(boxes) for b in boxes[:i]):
        yield "merged cells overlap"
    ranks = [rule.get("priority") for rule in tree.iter(f"{MAIN}cfRule")]
    if len(set(ranks)) < len(ranks):
        yield "two rules of one priority"
    for check in tree.iter(f"{MAIN}dataValidation"):
        lengths = [len(check.findtext(f"{MAIN}formula1") or ""), len(check.get("error", "")), len(check.get("prompt", ""))]
        if any(length > most for length, most in zip(lengths, (257, 225, 255), strict=True)):
            yield "a drop-down list or its words are too long"


def content(cell: ET.Element, looks: int) -> Iterator[str]:
    """One cell: its look, its number, its formula."""
    value, written = cell.findtext(f"{MAIN}v"), cell.findtext(f"{MAIN}f")
    if int(cell.get("s", "0")) >= looks:
        yield "a look that is not there"
    if value is not None and cell.get("t", "n") == "n" and not re.fullmatch(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", value):
        yield f"the number {value}"
    if written is not None:
        yield from formula(written)


def formula(text: str) -> Iterator[str]:
    """Length, depth, arguments, texts, newer functions; areas only where a function takes one, and alone there."""
    stack: list[tuple[str, int]] = []
    deepest = most = 0
    tokens = TOKEN.findall(text)
    for token, after in zip(tokens, [*tokens[1:], ""], strict=True):
        if token[-1] == "(":
            stack.append((token[:-1], 1))
        elif token == "," and stack:
            stack[-1] = stack[-1][0], stack[-1][1] + 1
        elif token == ")":
            most = max(most, stack.pop()[1])
        elif token[0] == '"' and (len(token) > 257 or token == '"\\"'):
            yield f"the text {token[:20]} in {text[:80]}"
        elif ":" in token and token[0] != '"' and (not stack or stack[-1][0] not in TAKES_RANGES or after not in ",)"):
            yield f"the area {token} in {text[:80]}"
        deepest = max(deepest, len(stack))
    if len(text) > 8192 or deepest > 64 or most > 255 or NEWER.search(text):
        yield f"length {len(text)}, depth {deepest}, arguments {most}: {text[:80]}"


def relations(archive: zipfile.ZipFile, part: str) -> Iterator[str]:
    """What a part refers to is there, and has a type."""
    home = posixpath.dirname(posixpath.dirname(part))
    types = archive.read("[Content_Types].xml").decode()
    for relation in ET.fromstring(archive.read(part)):
        target = posixpath.normpath(posixpath.join("/" + home, relation.get("Target", ""))).lstrip("/")
        if target not in archive.namelist() or (target.endswith(".xml") and f'PartName="/{target}"' not in types):
            yield f"{part}: {target} is not there, or has no type"


def chart(tree: ET.Element) -> Iterator[str]:
    """Every reference of a chart has its values with it."""
    references: Iterable[ET.Element] = [*tree.iter(f"{CHART}numRef"), *tree.iter(f"{CHART}strRef")]
    yield from (f"{ref.findtext(f'{CHART}f')} without values" for ref in references if len(ref) < 2)
    if tree.find(f"{CHART}roundedCorners") is None:
        yield "round corners"
