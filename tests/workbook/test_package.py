"""The .xlsx container: headers that every reader takes, parts where Excel keeps them, names and texts that mean what they say."""

from __future__ import annotations

import struct
import zipfile
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import openpyxl
import pytest

from tests.workbook.rules import complaints, content, formula, names
from weightlens.spreadsheet.cell_values import read_book
from weightlens.workbook.formulas.call_rules import quoted
from weightlens.workbook.layout.choices import in_rows
from weightlens.workbook.xlsx import package
from weightlens.workbook.xlsx.blocks import Block, Text
from weightlens.workbook.xlsx.book import Book, Sheet
from weightlens.workbook.xlsx.chart_values import values, with_values
from weightlens.workbook.xlsx.grid import rows_of

LOCAL = struct.Struct("<4s5H3I2H")


def headers(path: Path) -> dict[str, tuple[int, int, int, int, int]]:
    """By part, what its local header says: version needed, flags, compressed size, size, length of the extra field."""
    data, found = path.read_bytes(), {}
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            signature, version, flags, _, _, _, _, packed, size, _, extra = LOCAL.unpack_from(data, entry.header_offset)
            assert signature == b"PK\3\4"
            found[entry.filename] = version, flags, packed, size, extra
    return found


def test_every_local_header_is_plain_and_says_the_sizes(books: dict[str, Path]) -> None:
    for path in books.values():
        with zipfile.ZipFile(path) as archive:
            sizes = {entry.filename: (entry.compress_size, entry.file_size) for entry in archive.infolist()}
        assert headers(path) == {part: (20, 0, *sizes[part], 0) for part in sizes}


def write(path: Path, texts: dict[tuple[int, int], Text], blocks: list[Block] | None = None) -> None:
    """A workbook of one sheet."""
    with path.open("wb") as file:
        package.save(openpyxl.Workbook(), {"Sheet": partial(rows_of, Sheet("Sheet", 0, blocks=blocks or [], texts=texts), [])}, file)


def test_only_a_part_that_is_too_large_has_a_long_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, plain = tmp_path / "book.xlsx", tmp_path / "plain.xlsx"
    numbers = Block(in_rows((500, 40)), np.arange(20_000.0).reshape(500, 40))
    write(plain, {}, [numbers])
    monkeypatch.setattr(package, "LARGEST", 200_000)
    write(path, {}, [numbers])
    found = headers(path)
    assert [part for part, header in found.items() if header[0] == 45] == ["xl/worksheets/sheet1.xml"]
    assert found["xl/worksheets/sheet1.xml"][2:4] == (0xFFFFFFFF, 0xFFFFFFFF)
    assert read_book(path).sheets == read_book(plain).sheets
    assert path.stat().st_size == plain.stat().st_size + 20 + 0


def test_parts_are_where_excel_keeps_them(books: dict[str, Path]) -> None:
    with zipfile.ZipFile(books["training"]) as archive:
        parts = set(archive.namelist())
        assert {"xl/comments1.xml", "xl/drawings/vmlDrawing1.vml", "xl/drawings/drawing1.xml", "xl/sharedStrings.xml"} <= parts
        assert archive.read("xl/drawings/drawing1.xml").count(b"<xdr:") > 3 and b"<c:chart " in archive.read("xl/drawings/drawing1.xml")
        assert b"<c:chartSpace " in archive.read("xl/charts/chart1.xml") and b"<a:t>" in archive.read("xl/charts/chart1.xml")
        assert b'rgb="00' not in b"".join(archive.read(part) for part in parts)
        assert b"inlineStr" not in b"".join(archive.read(part) for part in parts)


def test_texts_beyond_the_table_stand_in_their_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weightlens.workbook.xlsx.strings.MOST_TEXTS", 2)
    write(tmp_path / "book.xlsx", {(row, 0): Text(text) for row, text in enumerate("abcab")})
    assert list(read_book(tmp_path / "book.xlsx").sheets["Sheet"].values()) == list("abcab")


ODD = ["_x0041_", "a_x005F_x0041_b", "_x004_", "\\", " two  spaces ", "line\nend", "<b>&amp;", "é ü 漢字 😀", '"quoted"']


@pytest.mark.parametrize("text", ODD)
def test_a_text_comes_back_as_it_was(text: str, tmp_path: Path) -> None:
    write(tmp_path / "book.xlsx", {(0, 0): Text(text), (1, 0): Text(formula="A1", value=text)})
    assert read_book(tmp_path / "book.xlsx").sheets["Sheet"] == {"A1": text, "A2": text}
    if "x005F" not in text:  # openpyxl decodes twice
        assert openpyxl.load_workbook(tmp_path / "book.xlsx")["Sheet"]["A1"].value == text


def test_what_xml_cannot_hold_is_shown_as_such(tmp_path: Path) -> None:
    write(tmp_path / "book.xlsx", {(0, 0): Text("a\x00b\x1b\ufffe\ud800c")})
    assert read_book(tmp_path / "book.xlsx").sheets["Sheet"]["A1"] == "a\ufffdb\ufffd\ufffd?c"


def test_a_text_is_cut_where_a_cell_ends(tmp_path: Path) -> None:
    write(tmp_path / "book.xlsx", {(0, 0): Text("😀" * 20_000), (1, 0): Text("x" * 40_000)})
    cells = read_book(tmp_path / "book.xlsx").sheets["Sheet"]
    assert cells == {"A1": "😀" * 16_383, "A2": "x" * 32_767}


def test_a_backslash_in_a_formula_is_a_call() -> None:
    assert quoted("\\") == "CHAR(92)" and quoted("a") == '"a"'


TITLES = ["History", "HISTORY", "'history'", "'a'", "a'", "_x0041_", "[a]", "a" * 60, "", "'", "history ", "Summary", "é"]


@pytest.mark.parametrize("numbered", [True, False])
def test_sheets_have_names_that_excel_takes(numbered: bool) -> None:
    book = Book()
    for title in TITLES * 12:
        book.sheet(title, numbered=numbered)
    assert list(names(book.titles, [])) == []


@pytest.mark.parametrize("name", ["w__x0041_/kernel", "w_a_x0041_", "output_0"])
def test_defined_names_are_no_codes(name: str) -> None:
    book = Book()
    sheet = book.sheet("a")
    assert list(names([], [book.define(name, sheet, sheet.put(Block(in_rows((1, 1)), np.ones((1, 1))), 0, 0))])) == []


def test_a_chart_keeps_what_its_cells_show() -> None:
    book = Book()
    sheet = book.sheet("a b", numbered=False)
    sheet.put(Block(in_rows((2, 2)), np.array([[1.0, np.nan], [3.0, 4.0]])), 1, 1)
    sheet.write(0, 1, "head", 0)
    sheet.texts[(0, 2)] = Text(formula="1+1", value=2.0)
    assert values("'a b'!$B$1:$C$3", book) == ["head", 2.0, 1.0, None, 3.0, 4.0]
    assert values("'a b'!C3", book) == [4.0]


def test_text_among_numbers_is_no_point_and_labels_are_text() -> None:
    book = Book()
    sheet = book.sheet("a", numbered=False)
    sheet.write(0, 0, "<head>", 0)
    sheet.texts[(1, 0)] = Text(value=0.1)
    for role, kept in (
        ("val", '<c:numCache><c:formatCode>General</c:formatCode><c:ptCount val="2"/>'),
        ("cat", '<c:strCache><c:ptCount val="2"/>'),
    ):
        chart = with_values(f"<c:{role}><c:numRef><c:f>'a'!$A$1:$A$2</c:f></c:numRef></c:{role}>", book)
        assert kept in chart and ("&lt;head&gt;" in chart) == (role == "cat") and '<c:pt idx="1"><c:v>0.1</c:v></c:pt>' in chart


def test_kept_numbers_of_a_real_chart_are_those_of_its_sheet(books: dict[str, Path]) -> None:
    stored = read_book(books["a curve"])
    [chart] = openpyxl.load_workbook(books["a curve"])["Curve"]._charts
    for series in chart.series:
        for source in (series.xVal, series.yVal):
            kept = [float(point.v) for point in source.numRef.numCache.pt]
            assert kept == stored.block(source.numRef.f).tolist()


def test_the_rules_see_what_is_wrong() -> None:
    cell = SimpleNamespace(findtext=lambda tag: "NaN" if tag.endswith("v") else None, get=lambda key, default="": default)
    assert list(content(cell, 1)) == ["the number NaN"]  # type: ignore[arg-type]
    assert [line for text in ("A1:B2+1", 'SUBSTITUTE(A1,"\\","")', "LET(A1,1)", "SUM(A1:A2*B1:B2)") for line in formula(text)][3:]
    assert list(formula("SUMPRODUCT(A1:A9,'a b'!B1:B9)+SUM($A$1:$A$2)")) == []
    assert len(list(names(["a", "A", "History"], ["A1", "rc", "_x0041_"]))) == 5


def test_no_rule_of_excel_is_broken(books: dict[str, Path]) -> None:
    assert {name: found for name, path in books.items() if (found := list(complaints(path)))} == {}
