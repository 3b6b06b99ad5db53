"""Rows that are read many at a time, against the XML parser."""

from __future__ import annotations

import math
import re
import zipfile
from pathlib import Path

import openpyxl
import pytest
import python_calamine
from hypothesis import given, settings
from hypothesis import strategies as st

import weightlens
from tests.conftest import INPUTS, SAMPLES, sample_input
from weightlens import zips
from weightlens.errors import UnreadableModel
from weightlens.spreadsheet import cell_values, sheet_rows
from weightlens.spreadsheet.cell_areas import address
from weightlens.spreadsheet.cell_table import CellDate
from weightlens.spreadsheet.cell_values import Book, read_book
from weightlens.spreadsheet.cells_map import read_map
from weightlens.spreadsheet.plain_rows import plain_cells
from weightlens.spreadsheet.sheet_rows import SheetCells, read_cells
from weightlens.workbook.formulas.cell_arrays import COLUMN, ROW

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


def with_sheet(path: Path, xml: str, to: Path, strings: str = STRINGS) -> Path:
    """A workbook with other XML as its sheet, and a table of shared texts."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(to, "w") as new:
        for name in old.namelist():
            new.writestr(name, xml if name == "xl/worksheets/sheet1.xml" else old.read(name))
        new.writestr("xl/sharedStrings.xml", strings)
    return to


def contents(book: Book) -> str:
    """Values with their types, and formulas."""
    return repr([(name, [(at, type(v), v) for at, v in cells.items()], {**book.formulas[name]}) for name, cells in book.sheets.items()])


def by_parser(path: Path) -> str | None:
    """The same read by the XML parser alone; None where it refuses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sheet_rows, "HEAD", re.compile(b"(?!)"))
        patch.setattr(cell_values, "SMALL", -1)
        try:
            return contents(read_book(path))
        except UnreadableModel:
            return None


@pytest.mark.parametrize("model", INPUTS, ids=lambda path: path.name)
def test_our_own_workbooks(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = weightlens.export(model, tmp_path / "ours.xlsx", sample_input(model))
    expected, parsed, add = by_parser(ours), [], sheet_rows.SheetCells.add
    monkeypatch.setattr(sheet_rows.SheetCells, "add", lambda cells, cell, at: parsed.append(cell) or add(cells, cell, at))
    book = read_book(ours)
    assert bool(contents(book) == expected), "another value than the parser's"  # bool: the difference of a million letters takes minutes
    assert len(parsed) < 0.1 * sum(map(len, book.sheets.values()))


def test_openpyxls(tmp_path: Path, plain_book: Path) -> None:
    assert contents(read_book(plain_book)) == by_parser(plain_book)


@pytest.mark.parametrize("piece", [len(HEAD), len(HEAD) + 1, 127, 1 << 20])
def test_rows_are_whole_wherever_a_piece_ends(piece: int, tmp_path: Path, plain_book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = with_sheet(plain_book, HEAD + ROWS + TAIL, tmp_path / "x.xlsx")
    expected = by_parser(path)
    monkeypatch.setattr(zips, "PIECE", piece)
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


NUMBERS = ["0", "-0", "1", "-0.5", "1E-05", "1e+300", "0.30000000000000004", "9007199254740993", "123456789012345678901", "5e-324"]
ODD_NUMBERS = ["1.", ".5", "+1", "007", " 1", "1e999", "-1.7976931348623157e+3080", "0.1000000000000000055511151231257827"]
KINDS = ["", "", "", ' t="n"', ' t="b"', ' t="e"', ' t="str"', ' t="inlineStr"']
INLINE = ["<t>in</t>", '<t xml:space="preserve"> &lt;in&gt; _x0041_\n</t>', "<t></t>"]
cells = st.builds(
    lambda *parts: parts,
    st.integers(1, 4),
    st.sampled_from(["", ' s="0"']),
    st.sampled_from(KINDS),
    st.sampled_from(["", "", "A1+1", '1&lt;2&amp;"&gt;"']),
    st.sampled_from(NUMBERS) | st.floats(allow_nan=False, allow_infinity=False).map(repr),
)
sheets = st.lists(st.tuples(st.sampled_from([1, 1, 2, 90]), st.lists(cells, max_size=6)), min_size=1, max_size=8)


def sheet_xml(rows: list[tuple[int, list[tuple[int, str, str, str, str]]]], formula: str, space: str) -> str:
    """A sheet of cells that stand a few columns from each other, as a program writes it that begins formulas so, and tags after this."""
    number, xml = 0, ""
    for down, row in rows:
        number, column, text = number + down, 0, ""
        for right, style, kind, computed, value in row:
            column += right if right < 4 else 700
            value = {' t="b"': "1", ' t="e"': "#NUM!", ' t="str"': "b c"}.get(kind, value)
            shown = f"<is>{INLINE[column % len(INLINE)]}</is>" if "inline" in kind else f"<v>{value}</v>"
            made = f"<f{formula}>{computed}</f>{space}" if computed else ""
            text += f'<c r="{COLUMN[column - 1]}{number}"{style}{kind}>{space}{made}{shown}{space}</c>{space}'
        if f'<row r="{number}"' not in xml:
            xml += f'<row r="{number}" spans="1:9">{space}{text}</row>{space}'
    return HEAD + xml + "</sheetData></worksheet>"


@settings(max_examples=60, deadline=None)
@given(sheets, st.sampled_from(["", ' aca="false"']), st.sampled_from(["", "\n  "]))
def test_the_parser_and_other_peoples_readers_find_the_same_cells(plain_book: Path, rows: list, formula: str, space: str) -> None:
    path = with_sheet(plain_book, sheet_xml(rows, formula, space), plain_book.with_name("made.xlsx"))
    assert contents(read_book(path)) == by_parser(path)
    ours = {cell: value for cell, value in read_book(path).sheets["Sheet"].items() if not isinstance(value, (str, CellDate))}
    rows_of_openpyxl = openpyxl.load_workbook(path, read_only=True, data_only=True).active
    theirs = {cell.coordinate: cell.value for row in rows_of_openpyxl for cell in row if cell.value is not None}
    assert {cell: float(theirs[cell]) for cell in ours if math.isfinite(ours[cell])} == {c: v for c, v in ours.items() if math.isfinite(v)}
    sheet = python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0)
    (above, left), rows_of_calamine = sheet.start or (0, 0), sheet.to_python()
    for cell, value in ours.items():
        row, column = divmod(address(cell), ROW)
        assert math.isinf(value) or float(rows_of_calamine[row - above][column - left]) == value


@given(st.lists(st.floats(allow_nan=False).map(repr) | st.sampled_from(NUMBERS + ODD_NUMBERS), min_size=1))
def test_numbers_are_what_python_reads_in_them(texts: list[str]) -> None:
    row = "".join(f'<c r="{COLUMN[i]}7"><v>{text}</v></c>' for i, text in enumerate(texts)).encode()
    plain = plain_cells(b'<row r="7">' + row + b"</row>")
    fits = all(len(text) <= 24 and not text.startswith(" ") and "inf" not in text for text in texts)
    assert (plain is not None) == fits
    if plain is not None:
        assert [*map(repr, plain.numbers.tolist())] == [repr(float(text)) for text in texts]
        assert plain.at.tolist() == [6 * ROW + i for i in range(len(texts))]


@pytest.mark.parametrize("value", ["true", "null", "1,2", "[1]", '"1"', "1 2", "1&#46;5", "nan", "NAN", "", "0x1", "<!--1-->"])
def test_what_is_json_but_no_number_is_left_to_the_parser(value: str) -> None:
    assert plain_cells(f'<row r="1"><c r="A1"><v>2</v></c><c r="B1"><v>{value}</v></c></row>'.encode()) is None


def inline_row(inside: str, kind: str = "inlineStr") -> bytes:
    """A row with a number and a cell with this inside."""
    return f'<row r="1"><c r="A1"><v>2</v></c><c r="B1" t="{kind}">{inside}</c></row>'.encode()


@pytest.mark.parametrize("text", ["<t>in &amp; out</t>", '<t xml:space="preserve">in &amp; out</t>'])
def test_texts_that_stand_in_their_cells(text: str) -> None:
    plain = plain_cells(inline_row(f"<is>{text}</is>"))
    assert plain is not None and plain.texts == {1: "in & out"}


@pytest.mark.parametrize(
    "inside",
    [
        "<is><t>a</t><t>b</t></is>",
        "<is><r><t>a</t></r></is>",
        "<is> <t>a</t></is>",
        "<is><t>a</t> </is>",
        "<is><t>a</t></is ><v>1</v>",
        '<is><t xml:lang="en">a</t></is>',
        '<is><t xml:space="default">a</t></is>',
        "<is><t/></is>",
        "<is></is>",
        "<t>a</t>",
        "<v>1</v>",
        "<is><t>&#65;</t></is>",
    ],
)
def test_other_texts_in_cells_are_left_to_the_parser(inside: str) -> None:
    assert plain_cells(inline_row(inside)) is None


@pytest.mark.parametrize("kind", ["str", "n", "s", "inlineSt", "inlineStrs"])
def test_texts_in_cells_of_another_type_are_left_to_the_parser(kind: str) -> None:
    assert plain_cells(inline_row("<is><t>1</t></is>", kind)) is None


def test_cells_that_do_not_say_where_they_stand_follow_those_before(tmp_path: Path, plain_book: Path) -> None:
    rows = '<row><c><v>1</v></c><c r="D1"><v>2</v></c><c><f>D1</f><v>3</v></c></row><row/><row><c/><c><v>4</v></c></row>'
    path = with_sheet(plain_book, HEAD + rows + TAIL, tmp_path / "x.xlsx")
    assert read_book(path).sheets["Sheet"] == {"A1": 1, "D1": 2, "E1": 3, "B3": 4}
    assert read_book(path).formulas["Sheet"] == {"E1": "D1"}
    theirs = openpyxl.load_workbook(path, data_only=True).active
    assert {cell.coordinate: cell.value for row in theirs for cell in row if cell.value} == read_book(path).sheets["Sheet"]


@pytest.mark.parametrize("name", ["A0", "a1", "XFE1", "AAAA1", "1", "A12345678"])
def test_a_cell_outside_of_any_sheet_is_refused(name: str, tmp_path: Path, plain_book: Path) -> None:
    path = with_sheet(plain_book, f'{HEAD}<row r="1"><c r="{name}"><v>1</v></c></row>{TAIL}', tmp_path / "x.xlsx")
    with pytest.raises(UnreadableModel, match=r"cell|row"):
        len(read_book(path).sheets["Sheet"])


def test_a_sheet_is_read_when_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "book.xlsx"
    weightlens.export(SAMPLES / "or.h5", path)
    book, read = read_book(path), list[str]()
    path.unlink()
    monkeypatch.setattr(cell_values, "read_cells", lambda archive, part, *rest: read.append(part) or read_cells(archive, part, *rest))
    assert read_map(book) and book.sheets["Cells"] is book.sheets["Cells"]
    assert len(read) == 1 and len(book.sheets) > 3
    assert book.formulas["1 network"].keys() <= book.sheets["1 network"].keys() and len(read) == 2
    assert "MAX(H8:I8)" in "".join(book.formulas["1 network"].values()) and len(read) == 3


@pytest.mark.parametrize("parser", [False, True], ids=["at once", "by the parser"])
def test_as_many_cells_as_there_is_room_for(parser: bool, tmp_path: Path, plain_book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if parser:
        monkeypatch.setattr(sheet_rows, "HEAD", re.compile(b"(?!)"))
    rows = '<row r="1"><c r="A1"><v>1</v></c><c r="B1" t="str"><v>b</v></c></row><row r="2"><c r="A2"><v>2</v></c><c r="B2"/></row>'
    with zipfile.ZipFile(with_sheet(plain_book, HEAD + rows + TAIL, tmp_path / "x.xlsx")) as archive:
        cells = SheetCells([], set())
        read_cells(archive, "xl/worksheets/sheet1.xml", cells, 3)
        assert cells.count == 3
        with pytest.raises(UnreadableModel, match="more cells than there is room for"):
            read_cells(archive, "xl/worksheets/sheet1.xml", SheetCells([], set()), 2)


TEXTS = [
    "<t>a</t>",
    '<t xml:space="preserve"> &lt;b&gt; _x0041_\n</t>',
    "<t></t>",
    "<t/>",
    "<r><t>a</t></r><r><t>b</t></r>",
    "<t>&#65;</t>",
]
TEXTS += ["<t>a</t><rPh><t>phonetic</t></rPh>", "<t>\r\n</t>", "<t><![CDATA[<]]></t>", "", " <t>a</t>"]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(TEXTS[:3] * 4 + TEXTS), min_size=1, max_size=5), st.sampled_from(["", "\n"]))
def test_shared_texts_are_those_of_the_parser(plain_book: Path, texts: list[str], space: str) -> None:
    rows = "".join(f'<row r="{i}"><c r="A{i}" t="s"><v>{i - 1}</v></c></row>' for i in range(1, len(texts) + 1))
    table = STRINGS.replace("<si><t>shared</t></si>", "".join(f"<si>{text}</si>{space}" for text in texts))
    path = with_sheet(plain_book, f"{HEAD}{rows}</sheetData></worksheet>", plain_book.with_name("texts.xlsx"), table)
    assert contents(read_book(path)) == by_parser(path)


def test_a_cell_that_is_not_a_number_has_a_value(tmp_path: Path, plain_book: Path) -> None:
    path = with_sheet(plain_book, HEAD + '<row r="1"><c r="A1"><v>nan</v></c></row>' + TAIL, tmp_path / "x.xlsx")
    assert [*map(repr, read_book(path).sheets["Sheet"].values())] == ["nan"]


def test_a_cell_written_twice(tmp_path: Path, plain_book: Path) -> None:
    twice = HEAD + '<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>' + TAIL
    with pytest.raises(UnreadableModel, match="written twice"):
        contents(read_book(with_sheet(plain_book, twice, tmp_path / "x.xlsx")))


def test_rows_inside_a_comment_are_none(tmp_path: Path, plain_book: Path) -> None:
    hidden = HEAD.removesuffix("<sheetData>") + "<!--<sheetData>" + ROWS + "</sheetData>--><sheetData>" + ROWS.replace("0.5", "0.7") + TAIL
    path = with_sheet(plain_book, hidden, tmp_path / "x.xlsx")
    assert contents(read_book(path)) == by_parser(path)
    assert read_book(path).sheets["Sheet"]["A1"] == -0.7
