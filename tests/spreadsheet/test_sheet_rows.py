"""Rows that are read many at a time, against the XML parser."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import weightlens
from tests.conftest import INPUTS, sample_input
from weightlens.errors import UnreadableModel
from weightlens.spreadsheet import sheet_rows
from weightlens.spreadsheet.cell_values import Book, read_book

HEAD = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
ROWS = (
    '<row r="1" ht="20"><c r="A1" s="1"><v>-0.5</v></c><c r="B1"><f>A1&amp;"&lt;"</f><v>7</v></c><c r="C1" s="1"/></row>'
    '<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" t="str"><f aca="false">A2</f><v>b</v></c><c r="C2" t="b"><v>1</v></c></row>'
    '<row r="3"><c r="A3" s="2"><v>43832</v></c><c r="B3" t="e"><v>#NUM!</v></c><c r="C3" t="inlineStr"><is><t>in</t></is></c></row>'
)
STRINGS = '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>shared</t></si></sst>'
TAIL = '</sheetData><mergeCells count="1"><mergeCell ref="A5:B5"/></mergeCells></worksheet>'
SCRAPS = [
    "<",
    ">",
    '"',
    "</c>",
    "<v>",
    "</v>",
    "<c/>",
    "</row>",
    '<row r="4">',
    "<!--",
    "-->",
    "&amp;",
    "&#65;",
    "\r\n",
    "x",
    "1",
    " ",
    "<f/>",
]


@pytest.fixture(scope="module")
def plain_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "plain.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["text", 1.5])
    book.active["A2"].number_format = "yyyy-mm-dd"
    book.save(path)
    return path


def with_sheet(path: Path, xml: str, to: Path) -> Path:
    """A workbook with other XML as its sheet, and a table of shared texts."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(to, "w") as new:
        for name in old.namelist():
            new.writestr(name, xml if name == "xl/worksheets/sheet1.xml" else old.read(name))
        new.writestr("xl/sharedStrings.xml", STRINGS)
    return to


def contents(book: Book) -> str:
    """Values with their types, and formulas."""
    return repr([(name, [(at, type(v), v) for at, v in cells.items()], book.formulas[name]) for name, cells in book.sheets.items()])


def by_parser(path: Path) -> str | None:
    """The same read by the XML parser alone; None where it refuses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sheet_rows, "HEAD", re.compile(b"(?!)"))
        try:
            return contents(read_book(path))
        except UnreadableModel:
            return None


@pytest.mark.parametrize("model", INPUTS, ids=lambda path: path.name)
def test_our_own_workbooks(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = weightlens.export(model, tmp_path / "ours.xlsx", sample_input(model))
    expected, parsed, add = by_parser(ours), [], sheet_rows.SheetCells.add
    monkeypatch.setattr(sheet_rows.SheetCells, "add", lambda cells, cell: parsed.append(cell) or add(cells, cell))
    book = read_book(ours)
    assert bool(contents(book) == expected), "another value than the parser's"  # bool: the difference of a million letters takes minutes
    assert len(parsed) < 0.1 * sum(map(len, book.sheets.values()))


def test_openpyxls(tmp_path: Path, plain_book: Path) -> None:
    assert contents(read_book(plain_book)) == by_parser(plain_book)


@pytest.mark.parametrize("piece", [1, 7, 64, 1 << 20])
def test_rows_are_whole_wherever_a_piece_ends(piece: int, tmp_path: Path, plain_book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = with_sheet(plain_book, HEAD + ROWS + TAIL, tmp_path / "x.xlsx")
    expected = by_parser(path)
    monkeypatch.setattr(sheet_rows, "START", len(HEAD))
    monkeypatch.setattr(sheet_rows, "PIECE", piece)
    assert expected is not None and contents(read_book(path)) == expected


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(ROWS)), st.integers(0, 12), st.sampled_from(["", *SCRAPS])), min_size=1, max_size=3))
def test_what_the_parser_reads_is_read_the_same(plain_book: Path, edits: list[tuple[int, int, str]]) -> None:
    rows = ROWS
    for at, length, scrap in edits:
        rows = rows[:at] + scrap + rows[at + length :]
    path = with_sheet(plain_book, HEAD + rows + TAIL, plain_book.with_name("edited.xlsx"))
    expected = by_parser(path)
    try:
        found = contents(read_book(path))
    except UnreadableModel:
        assert expected is None or "<!" in rows
    else:
        assert expected is None or found == expected


def test_a_cell_written_twice(tmp_path: Path, plain_book: Path) -> None:
    twice = HEAD + '<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>' + TAIL
    with pytest.raises(UnreadableModel, match="written twice"):
        read_book(with_sheet(plain_book, twice, tmp_path / "x.xlsx"))


def test_rows_inside_a_comment_are_none(tmp_path: Path, plain_book: Path) -> None:
    hidden = HEAD.removesuffix("<sheetData>") + "<!--<sheetData>" + ROWS + "</sheetData>--><sheetData>" + ROWS.replace("0.5", "0.7") + TAIL
    path = with_sheet(plain_book, hidden, tmp_path / "x.xlsx")
    assert contents(read_book(path)) == by_parser(path)
    assert read_book(path).sheets["Sheet"]["A1"] == -0.7
