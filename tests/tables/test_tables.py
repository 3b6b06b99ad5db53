"""The one reader of tables: every spelling that people's programs write, through every door it is used at."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.conftest import SAMPLES
from tests.inputs.test_inputs import model
from tests.tiny import arrays_of, chunks_of
from weightlens.checks.by_hand.claims import Claims, OutputRows, read_csv
from weightlens.errors import BadInput
from weightlens.inputs.answers import true_answers
from weightlens.inputs.given import read_samples
from weightlens.spreadsheet.recalculate import libreoffice
from weightlens.tables import open_table
from weightlens.training.data import read_data

WANTED = [[0.5, 1.25], [1.0, -3.0]]


def ods(rows: str, before: str = "", second: str = "Two") -> bytes:
    """An .ods workbook with these rows on its sheet "One", and a second sheet."""
    content = f"""<?xml version="1.0" encoding="UTF-8"?>{before}<office:document-content
      xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
      xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>
      <table:table table:name="One">{rows}</table:table><table:table table:name="{second}"><table:table-row><table:table-cell
      office:value-type="float" office:value="7"/></table:table-row></table:table></office:spreadsheet></office:body>
      </office:document-content>"""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
    return file.getvalue()


def number(value: str) -> str:
    return f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>shown</text:p></table:table-cell>'


def word(text: str) -> str:
    return f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'


ODS = ods(
    f"<table:table-row>{word('a')}{word('b')}</table:table-row><table:table-row>{number('0.5')}{number('1.25')}</table:table-row>"
    f"<table:table-row>{number('1')}{number('-3')}</table:table-row>"
    '<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
)
TEXTS: dict[str, bytes] = {
    "comma": b"0.5,1.25\n1,-3\n",
    "titles": b"a,b\n0.5,1.25\n1,-3\n",
    "semicolon": b"a;b\r\n0.5;1.25\r\n1;-3\r\n",
    "tab": b"a\tb\n0.5\t1.25\n1\t-3\n",
    "bar": b"a|b\n0.5|1.25\n1|-3\n",
    "spaces": b"0.5  1.25\n1.0 -3\n",
    "spaces between empty lines": b"\n0.5 1.25\n\n1.0 -3\n\n",
    "titles over spaces": b"a b\n0.5 1.25\n1.0 -3\n",
    "numpy's titles": b"# a b\n0.5 1.25\n1.0 -3\n",
    "decimal comma": b"a;b\n0,5;1,25\n1;-3\n",
    "decimal comma, tabs": b"a\tb\n0,5\t1,25\n1,0\t-3\n",
    "decimal comma with three places": b"a;b\n0,500;1,250\n1,000;-3,000\n",
    "percent": b"a,b\n50%,125 %\n100 %,-300%\n",
    "true": b"a,b\n0.5,1.25\nTRUE,-3\n",
    "minus sign": "a,b\n0.5,1.25\n1,\u22123\n".encode(),
    "mark of UTF-8": b"\xef\xbb\xbfa,b\n0.5,1.25\n1,-3\n",
    "UTF-16": "a\tb\n0.5\t1.25\n1\t-3\n".encode("utf-16"),
    "UTF-16 BE": b"\xfe\xff" + "a,b\n0.5,1.25\n1,-3\n".encode("utf-16-be"),
    "UTF-16 without its mark": "a,b\n0.5,1.25\n1,-3\n".encode("utf-16-le"),
    "Windows": "größe,länge\n0.5,1.25\n1,-3\n".encode("cp1252"),
    "sep": b"sep=;\na;b\n0,5;1,25\n1;-3\n",
    "sep, an odd one": b"sep=:\na:b\n0.5:1.25\n1:-3\n",
    "quoted": b'"a","b"\n"0.5","1.25"\n"1","-3"\n',
    "a title over two lines": b'"a\nof it",b\n0.5,1.25\n1,-3\n',
    "index": b",a,b\n0,0.5,1.25\n1,1,-3\n",
    "index by name": b"Unnamed: 0,a,b\n0,0.5,1.25\n1,1,-3\n",
    "index, columns by number": b",0,1\n0,0.5,1.25\n1,1,-3\n",
    "empty lines": b"\n\na,b\n\n0.5,1.25\n,\n1,-3\n\n",
    "answers": b"a,b,label\n0.5,1.25,cat\n1,-3,dog\n",
}
JSONS: dict[str, Any] = {
    "rows": WANTED,
    "records": [{"a": 0.5, "b": 1.25}, {"a": 1, "b": -3}],
    "columns": {"a": [0.5, 1.0], "b": [1.25, -3.0]},
    "columns by row": {"a": {"0": 0.5, "1": 1.0}, "b": {"0": 1.25, "1": -3.0}},
    "split": {"columns": ["a", "b"], "index": [0, 1], "data": WANTED},
    "instances": {"signature_name": "serving_default", "instances": WANTED},
    "instances by name": {"instances": [{"x": row} for row in WANTED]},
    "inputs": {"inputs": {"x0": [0.5, 1.0], "x1": [1.25, -3.0]}},
}


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("size", [None, 1])
def test_every_spelling_of_a_text_table(tmp_path: Path, kind: str, size: int | None) -> None:
    (tmp_path / "x.csv").write_bytes(TEXTS[kind])
    chunks = list(chunks_of(str(tmp_path / "x.csv"), model((2,)), size))
    assert np.concatenate([arrays[0] for arrays in chunks]).tolist() == WANTED


@pytest.mark.parametrize("kind", JSONS)
def test_every_shape_of_a_json_table(tmp_path: Path, kind: str) -> None:
    (tmp_path / "x.json").write_text(json.dumps(JSONS[kind]))
    assert arrays_of(str(tmp_path / "x.json"), model((2,)))[0].tolist() == WANTED


@pytest.mark.parametrize("seed", range(40))
def test_numbers_come_back_from_any_mixture_of_spellings(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    numbers = np.round(rng.normal(0, 10 ** rng.uniform(-3, 6), (int(rng.integers(2, 30)), 3)), int(rng.integers(0, 8)))
    separator = rng.choice([",", ";", "\t", "|", " "])
    comma, quote = separator != "," and rng.random() < 0.5, '"' * int(separator != " " and rng.random() < 0.3)
    cells = [[np.format_float_positional(x, trim="0") if rng.random() < 0.7 else f"{x:.17e}" for x in row] for row in numbers]
    rows = [[quote + (cell.replace(".", ",") if comma else cell) + quote for cell in row] for row in cells]
    titles = [["höhe", "b", "c"]] if rng.random() < 0.7 else []
    text = rng.choice(["\n", "\r\n"]).join(separator.join(row) for row in titles + rows)
    encoding = rng.choice(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
    (tmp_path / "x.txt").write_bytes((f"sep={separator}\n" * (separator != " " and rng.random() < 0.2) + text).encode(encoding))
    for size in (None, 4):
        found = [arrays[0] for arrays in chunks_of(str(tmp_path / "x.txt"), model((3,)), size)]
        assert np.array_equal(np.concatenate(found), [[float(cell) for cell in row] for row in cells])


def test_json_rows_of_rows_are_samples_of_their_shape(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps({"instances": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]}))
    assert arrays_of(str(tmp_path / "x.json"), model((2, 2)))[0].tolist() == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]


def test_sheets(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.active.title = "Mine"
    for row in (["a", "b"], [0.5, 1.25], [True, -3]):
        book.active.append(row)
    other = book.create_sheet("Other one")
    other["C4"], other["D4"] = 8, 9
    book.save(tmp_path / "x.xlsx")
    (tmp_path / "x.ods").write_bytes(ODS)
    for name in ("x.xlsx", "x.xlsx!Mine", "x.xlsx!A1:B3", "x.xlsx!Mine!A2:B3", "x.ods", "x.ods!One!$A$1:$B$3"):
        assert arrays_of(str(tmp_path / name), model((2,)))[0].tolist() == WANTED, name
    assert arrays_of(f"{tmp_path}/x.xlsx!'Other one'!C4:D4", model((2,)))[0].tolist() == [[8, 9]]
    assert arrays_of(f"{tmp_path}/x.ods!Two", model((1,)))[0].tolist() == [[7]]
    (tmp_path / "renamed.csv").write_bytes((tmp_path / "x.xlsx").read_bytes())
    assert arrays_of(str(tmp_path / "renamed.csv"), model((2,)))[0].tolist() == WANTED, "told by its bytes"
    for name, says in (
        ("x.xlsx!Yours", "its sheets are: Mine, Other one"),
        ("x.ods!One!A1:", "not a range"),
        ("x.xlsx!Mine!D9:E9", "no rows"),
    ):
        with pytest.raises(BadInput, match=says):
            arrays_of(str(tmp_path / name), model((2,)))


@pytest.mark.office("libreoffice")
def test_a_workbook_of_libreoffice(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n0.5,1.25\n1,-3\n")
    for suffix in ("ods", "xlsx"):
        command = libreoffice(tmp_path / "profile", suffix, tmp_path)
        subprocess.run([*command, str(tmp_path / "x.csv")], check=True, capture_output=True, timeout=120)
        assert arrays_of(str(tmp_path / f"x.{suffix}"), model((2,)))[0].tolist() == WANTED


def test_a_date_is_no_number(tmp_path: Path) -> None:
    import datetime

    from openpyxl import Workbook

    book = Workbook()
    for row in (["a", "b"], [0.5, datetime.date(2020, 1, 2)]):
        book.active.append(row)
    book.save(tmp_path / "x.xlsx")
    (tmp_path / "x.ods").write_bytes(
        ods(f'<table:table-row>{number("1")}<table:table-cell office:value-type="date" office:date-value="2020-01-02"/></table:table-row>')
    )
    for name in ("x.xlsx", "x.ods"):
        with pytest.raises(BadInput, match=r"column 2.*'a date' is not a number"):
            arrays_of(str(tmp_path / name), model((2,)))


def test_parquet_is_read_where_pyarrow_is_there(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"PAR1 and no more")
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        with pytest.raises(BadInput, match="python -m pip install pyarrow"):
            arrays_of(str(tmp_path / "x.parquet"), model((2,)))
        return
    with pytest.raises(BadInput, match="cannot be read as parquet"):
        arrays_of(str(tmp_path / "x.parquet"), model((2,)))
    parquet.write_table(pyarrow.table({"b": [1.25, -3.0], "a": [0.5, 1.0]}), tmp_path / "x.parquet")
    assert [x.tolist() for x in arrays_of(str(tmp_path / "x.parquet"), model((1,), (1,)))] == [[[0.5], [1.0]], [[1.25], [-3.0]]]


REFUSED: dict[str, tuple[bytes, str]] = {
    "one number or another": (b"a;b\n1,250;2\n", r"row 2, column 1 \(a\): '1,250' may be either of two numbers: write 1.250 or 1250"),
    "two marks": (b"a;b\n0,5;1.25\n", "some numbers have a decimal comma, others a decimal point"),
    "two marks, far apart": (b"a;b\n" + b"0.5;1\n" * 30 + b"0,5;1\n", "row 32, column 1"),
    "two marks, the other way": (b"a;b\n" + b"0,5;1\n" * 30 + b"1.250;1\n", "some numbers have a decimal comma"),
    "a comma in a quoted cell": (b'a,b\n"0,5",1\n', "'0,5' has a comma inside; write 0.5"),
    "decimal commas between commas": (b"a,b\n0,5,1,25\n", "row 2 has 4 columns.*with a point"),
    "thousands": (b"a;b\n1.234,5;1\n", "without separators between thousands"),
    "thousands with spaces": (b"a;b\n1 234;1\n", "write it without separators between thousands: 1234"),
    "one row or several": (b"0,5;1,25\n", "one row of decimal commas, or several rows"),
    "an underscore": (b"a,b\n1_000,2\n", "'1_000' is not a number"),
    "currency": (b"a,b\n$5,2\n", "is not a number"),
    "nothing where a number was": (b"n/a,na\n1,2\n", "'n/a' is not a number"),
    "a quotation mark that ends too early": (b'a,b\n"1"2,3\n', "line 2 cannot be split into cells: ',' expected after"),
    "a quotation mark that stays open": (b'a,b\n1,"2\n3,4\n', "a quotation mark is not closed"),
    "a very long cell": (b"a,b\n1," + b"9" * 200_000 + b"\n", "too large|more than 131,072 letters"),
    "a very long word": (b"a,b\n1," + b"z" * 200_000 + b"\n", "more than 131,072 letters"),
    "only titles": (b"a,b\n", "holds no rows"),
    "only empty cells": (b",\n,\n", "holds no rows"),
    "bytes": (bytes(range(256)) * 9, "is not a text file"),
    "a byte that no alphabet has": (b"a\x81,b\n1,2\n", "is not a text file"),
    "an old workbook": (b"\xd0\xcf\x11\xe0" * 50, "save it as .xlsx"),
    "an archive": (b"PK\x03\x04" * 50, "a damaged zip file"),
    "titles over several lines": (b'"a\nof it","b\nof it"\n1,x\n', r"column 2 \(b of it\): 'x' is not a number"),
    "a column twice": (b"x0,x0\n1,2\n", "two columns are called 'x0'"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_could_be_read_in_two_ways_or_not_at_all_is_refused(tmp_path: Path, kind: str) -> None:
    content, says = REFUSED[kind]
    (tmp_path / "x.csv").write_bytes(content)
    for size in (None, 7):
        with pytest.raises(BadInput, match=says) as refusal:
            list(chunks_of(str(tmp_path / "x.csv"), model((2,)), size))
        assert "\n" not in str(refusal.value) and len(str(refusal.value)) < 300


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "is not valid JSON"),
        (b"3", "a table is a list of rows"),
        (b"[]", "a table is a list of rows"),
        (b'{"a": [1], "b": [1, 2]}', "columns have one length"),
        (b'[{"a": 1, "b": 2}, {"b": 1}]', "record 2 has other names"),
        (b'[[1, 2], {"a": 1}]', "some rows have names"),
        (b"[[1, 2], [3]]", "row 2 has 1 column"),
        (b"[[null, 2]]", "the cell is empty"),
        (b"[" * 900 + b"]" * 900, "lists in lists"),
    ],
)
def test_json_that_is_no_table_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(BadInput, match=says):
        arrays_of(str(tmp_path / "x.json"), model((2,)))


def test_an_ods_file_is_not_trusted(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    cells = '<table:table-row table:number-rows-repeated="100000"><table:table-cell table:number-columns-repeated="16000" '
    many = cells + 'office:value-type="float" office:value="1"/></table:table-row>'
    for content, says in ((ods("", bomb), "document type"), (ods(many), "more than 1,000,000 cells"), (ODS[:400], "damaged")):
        (tmp_path / "x.ods").write_bytes(content)
        with pytest.raises(BadInput, match=says):
            arrays_of(str(tmp_path / "x.ods"), model((2,)))


def test_rows_that_stand_far_apart_are_read_without_those_between_them(tmp_path: Path) -> None:
    """Of which a small file can declare any number."""
    one, other = (f"<table:table-row>{number(a)}{number(b)}</table:table-row>" for a, b in (("0.5", "1.25"), ("1", "-3")))
    empty = '<table:table-row table:number-rows-repeated="20000000000"><table:table-cell/></table:table-row>'
    (tmp_path / "x.ods").write_bytes(ods(one + empty + other))
    assert arrays_of(str(tmp_path / "x.ods"), model((2,)))[0].tolist() == [[0.5, 1.25], [1, -3]]


def test_what_is_done_is_said(tmp_path: Path) -> None:
    notes: list[str] = []
    (tmp_path / "x.csv").write_text(";a;b;y\n0;0,5;50%;3\n")
    assert arrays_of(str(tmp_path / "x.csv"), model((2,)), notes.append)[0].tolist() == [[0.5, 0.5]]
    assert notes == [
        "x.csv: left out: the column without a title, y",
        "x.csv: decimal commas: 0,5 is read as 0.5",
        "x.csv: percent: 50% is read as 0.5",
    ]


def test_a_column_without_a_title_that_does_not_number_the_rows_is_refused(tmp_path: Path) -> None:
    for numbers in ("0.7,1,2", "0.7,50%,2"):
        (tmp_path / "x.csv").write_text(f",a,b\n{numbers}\n")
        with pytest.raises(BadInput, match="the first column has no title"):
            arrays_of(str(tmp_path / "x.csv"), model((2,)))
    (tmp_path / "x.csv").write_text(",a,b\nfirst,1,50%\n")
    assert arrays_of(str(tmp_path / "x.csv"), model((2,)))[0].tolist() == [[1, 0.5]]


def test_a_quoted_cell_may_go_on_over_several_lines(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('text,label\n"one, two\nthree ""four""",1\nfive,2\n')
    for size in (None, 1, 2):
        pieces = [x[0] for x in chunks_of(str(tmp_path / "x.csv"), model((1,), dtype="string"), size)]
        assert np.concatenate(pieces).tolist() == [['one, two\nthree "four"'], ["five"]]


def test_training_data_in_every_spelling(tmp_path: Path) -> None:
    net = weightlens.load(SAMPLES / "or.h5")
    for name, content in {
        "semi.csv": b"x0;x1;y\n0;0,5;0\n1;1;1\n",
        "turned.csv": b"y,x1,x0\n0,0.5,0\n1,1,1\n",
        "utf16.csv": "x0\tx1\ty\n0\t0.5\t0\n1\t1\t1\n".encode("utf-16"),
        "records.json": b'[{"x0": 0, "x1": 0.5, "y": 0}, {"x0": 1, "x1": 1, "y": 1}]',
        "index.csv": b",x0,x1,y\n0,0,0.5,0\n1,1,1,1\n",
        "numbered.csv": b",x0,x1,y\r0,0,.5,0\r1,1,1,1",
        "true.csv": b"x0,x1,y\n0,0.5,FALSE\n1,1,TRUE\n",
    }.items():
        (tmp_path / name).write_bytes(content)
        found = read_data(tmp_path / name, "y", net, 2)
        assert found.inputs[0].tolist() == [[0, 0.5], [1, 1]] and found.targets.tolist() == [[1, 0], [0, 1]], name
        assert found.input_labels == ("x0", "x1") and found.target_labels == ("y=0", "y=1")


def test_training_data_without_inputs_are_refused(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("y\n0\n1\n")
    with pytest.raises(BadInput, match="takes 2 numbers per sample"):
        read_data(tmp_path / "d.csv", "y", weightlens.load(SAMPLES / "or.h5"), 2)


def test_classes_by_name(tmp_path: Path) -> None:
    net, notes = weightlens.load(SAMPLES / "or.h5"), []
    (tmp_path / "d.csv").write_text("x0,x1,kind\n0,0,dog\n0,1,cat\n1,1,dog\n")
    found = read_data(tmp_path / "d.csv", "kind", net, 2, notes.append)
    assert found.targets.tolist() == [[0, 1], [1, 0], [0, 1]] and found.target_labels == ("kind=cat", "kind=dog")
    assert notes == ["d.csv: kind: cat is class 0, dog is class 1"]
    assert read_data(tmp_path / "d.csv", "kind", net, 1).targets.tolist() == [[1], [0], [1]]
    (tmp_path / "d.csv").write_text("x0,x1,kind\n0,0,dog\n0,1,cat\n1,1,cow\n")
    for units in (1, 2):
        with pytest.raises(BadInput, match=r"names 3 classes \(cat, cow, dog\), but the network has"):
            read_data(tmp_path / "d.csv", "kind", net, units)
    (tmp_path / "d.csv").write_text("x0,x1,kind\n0,0,dog\n0,1,\n1,1,cat\n")
    with pytest.raises(BadInput, match=r"d\.csv: row 3, column 3 \(kind\): the cell is empty"):
        read_data(tmp_path / "d.csv", "kind", net, 2)


@pytest.mark.parametrize(
    "content", [b"0.83;0.17\n", b"0,83;0,17\n", "0,83\t0,17\n".encode("utf-16"), b"# mine\n83 %, 17 %\n", b"sep=;\n0,83;0,17\n"]
)
def test_calculations_by_hand_in_every_spelling(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mine.csv").write_bytes(content)
    calculation = read_csv(str(tmp_path / "mine.csv"))
    assert isinstance(calculation, OutputRows)
    found = [(number.value, number.decimals) for row in calculation.rows for number in row]
    assert [value for value, _ in found] == pytest.approx([0.83, 0.17]) and {decimals for _, decimals in found} == {2}


def test_calculations_by_hand_in_sheets_and_records(tmp_path: Path) -> None:
    (tmp_path / "mine.ods").write_bytes(ods(f"<table:table-row>{number('0.83')}{number('0.17')}</table:table-row>"))
    (tmp_path / "mine.json").write_text('[{"layer": "dense", "step": "softmax", "value": 0.83}]')
    outputs, claims = read_csv(str(tmp_path / "mine.ods")), read_csv(str(tmp_path / "mine.json"))
    assert isinstance(outputs, OutputRows) and isinstance(claims, Claims)
    assert [[number.value for number in row] for row in outputs.rows] == [[0.83, 0.17]]
    [claim] = claims.items
    assert (claim.layer, claim.step, claim.written.value) == ("dense", "softmax", 0.83)


def test_true_answers_come_from_any_table(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes("x0;x1;wert;art\n0;1;0,5;groß\n1;1;1,5;klein\n".encode("cp1252"))
    assert true_answers(str(tmp_path / "x.csv"), "wert") == [0.5, 1.5]
    assert true_answers(str(tmp_path / "x.csv"), "art") == ["groß", "klein"]
    with pytest.raises(BadInput, match="no column 'b'"):
        true_answers(str(tmp_path / "x.csv"), "b")


def test_memory_stays_flat(tmp_path: Path) -> None:
    """A table is never read ahead of what is asked for."""
    (tmp_path / "x.csv").write_text("a,b\n" + "1,2\n" * 5000 + "1,x\n")
    chunks = chunks_of(str(tmp_path / "x.csv"), model((2,)), 1000)
    assert [len(next(chunks)[0]) for _ in range(5)] == [1000] * 5
    with pytest.raises(BadInput, match="row 5002"):
        next(chunks)


def test_labels_are_the_titles_in_the_order_of_the_inputs(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("x1,x0\n0,5\n")
    samples = read_samples(str(tmp_path / "x.csv"), model((2,)))
    assert samples.arrays[0].tolist() == [[5, 0]] and samples.labels == [["x0", "x1"]]
    assert open_table(str(tmp_path / "x.csv")).first == ["x1", "x0"]
