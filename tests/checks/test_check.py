"""The checks themselves: spreadsheet engines start from nothing, Keras agrees, and what differs is found and named."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

import weightlens
from tests.conftest import SAMPLES, sample_input
from tests.workbook.places import area_cells
from weightlens.checks import Report, check
from weightlens.checks.keras import with_large_stack
from weightlens.checks.oracle import load_oracle, with_float64_dtypes
from weightlens.checks.workbook import compare_sheet
from weightlens.cli.main import main
from weightlens.errors import UnreadableModel, WeightlensError
from weightlens.report import compare
from weightlens.spreadsheet import recalculate
from weightlens.spreadsheet.cell_areas import address, cell_names
from weightlens.spreadsheet.cell_table import CellError
from weightlens.spreadsheet.cell_values import Book, read_book

ENGINES = ["libreoffice", "gnumeric", "ironcalc"]


@pytest.fixture
def small_book(tmp_path: Path) -> Path:
    """Formulas with wrong cached values, a text, an error, two sheets, a name."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "1 a & b"
    sheet.append([0.1, 2, "=A1*B1", '="x"&"y"', "=1/0", "=A1>0"])
    book.create_sheet("two")["C3"] = "='1 a & b'!C1*2"
    book.defined_names["output_0"] = openpyxl.workbook.defined_name.DefinedName("output_0", attr_text="'1 a & b'!$A$1:$C$1")
    plain, lying = tmp_path / "plain.xlsx", tmp_path / "lying.xlsx"
    book.save(plain)
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(lying, "w") as new:
        for entry in old.namelist():
            data = old.read(entry)
            new.writestr(entry, data.replace(b"<v></v>", b"<v>111</v>").replace(b"<v />", b"<v>111</v>").replace(b"<v/>", b"<v>111</v>"))
    assert read_book(lying).sheets["1 a & b"]["C1"] == 111
    return lying


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_compute_from_nothing(small_book: Path, engine: str) -> None:
    book = recalculate.recalculate(small_book, engine, {("1 a & b", "B1"): 3})
    cells = book.sheets["1 a & b"]
    assert (book.engine, cells["B1"], cells["D1"], cells["E1"], cells["F1"]) == (engine, 3.0, "xy", "#DIV/0!", True)
    assert cells["C1"] == pytest.approx(0.3, rel=1e-14)
    assert book.sheets["two"]["C3"] == pytest.approx(0.6, rel=1e-14)
    assert isinstance(cells["E1"], CellError)
    assert book.errors() == ["'1 a & b'!E1 #DIV/0!"]
    np.testing.assert_allclose(book.block("output_0"), [0.1, 3, 0.3])
    row = compare_sheet("two", read_book(small_book), book, 1e-12)
    assert (row.ok, row.element, row.theirs) == (False, "'two'!C3", 111)


def test_several_workbooks_in_one_start(small_book: Path) -> None:
    books = recalculate.recalculate_all([small_book, small_book], None, [{("1 a & b", "A1"): 1}, {("1 a & b", "A1"): 2}])
    assert [isinstance(book, Book) and book.sheets["1 a & b"]["C1"] for book in books] == [2, 4]


@pytest.mark.parametrize("engine", ENGINES)
def test_one_bad_workbook_does_not_sink_the_others(small_book: Path, tmp_path: Path, engine: str) -> None:
    bad = tmp_path / "bad.xlsx"
    with zipfile.ZipFile(bad, "w") as archive:
        archive.writestr("xl/nothing.txt", "")
    refused, computed = recalculate.recalculate_all([bad, small_book], engine)
    assert isinstance(refused, WeightlensError)
    assert isinstance(computed, Book)


def test_what_cannot_be_recalculated_is_one_clear_line(tmp_path: Path, small_book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = tmp_path / "text.xlsx"
    text.write_text("no workbook")
    for path in (text, tmp_path / "missing.xlsx"):
        with pytest.raises(WeightlensError, match=r"not an \.xlsx workbook"):
            recalculate.recalculate(path)
    with pytest.raises(UnreadableModel):
        read_book(text)
    with pytest.raises(WeightlensError, match="no cell Z99"):
        recalculate.recalculate(small_book, None, {("two", "Z99"): 1})
    with pytest.raises(WeightlensError, match="no spreadsheet engine is called 'excel'"):
        recalculate.choose_engine("excel")
    monkeypatch.setattr(recalculate, "installed_engines", list)
    with pytest.raises(WeightlensError, match="a spreadsheet engine is not installed"):
        recalculate.choose_engine()


def test_columns_and_areas() -> None:
    assert cell_names(np.array([0, 25, 26, 701, 702, 16383])) == ["A1", "Z1", "AA1", "ZZ1", "AAA1", "XFD1"]
    assert all(address(name) == at for at in range(0, 1 << 34, 1234567) for name in cell_names(np.array([at])))
    assert list(area_cells("'it''s'!$A$1:$B$2,two!C3")) == [("it's", "A1"), ("it's", "B1"), ("it's", "A2"), ("it's", "B2"), ("two", "C3")]


def test_comparison_of_arrays() -> None:
    good = compare("d", "Dense", [1.0, np.inf, np.nan], [1.0, np.inf, np.nan], "Keras", 1e-5)
    assert (good.ok, good.verdict, good.worst_absolute) == (True, "exact", 0)
    bad = compare("d", "Dense", [[1.0, 200.0]], [[1.0, 100.0]], "Keras", 1e-5)
    assert (bad.ok, bad.verdict, bad.element, bad.worst_absolute, bad.worst_relative) == (False, "DIFFERS", "[0, 1]", 100, 1)
    assert not compare("d", "", [1.0], [np.nan], "", 1).ok
    assert not compare("d", "", [1.0], [[1.0]], "", 1).ok
    assert compare("d", "", ["a"], [b"a"], "", 1).ok
    assert not compare("d", "", ["a"], ["b"], "", 1).ok


def test_a_report_with_nothing_in_it_is_not_ok() -> None:
    assert not Report("or.h5").ok
    assert "nothing was compared" in Report("or.h5", notes=["why"]).summary


def test_configurations_in_float64() -> None:
    policy = {"class_name": "DTypePolicy", "config": {"name": "mixed_float16"}}
    config = {"dtype": policy, "name": "float32", "layers": [{"config": {"dtype": "float32", "mode": "int"}}], "other": {"dtype": "int32"}}
    assert with_float64_dtypes(config) == {
        "dtype": {"class_name": "DTypePolicy", "config": {"name": "float64"}}, "name": "float32",
        "layers": [{"config": {"dtype": "float64", "mode": "int"}}], "other": {"dtype": "int32"},
    }  # fmt: skip


@pytest.mark.parametrize("name", ["or.h5", "digits_cnn.keras", "sine_lstm.keras"])
def test_keras_agrees_in_float32_and_float64(keras: Any, name: str) -> None:
    path = SAMPLES / name
    report = check(weightlens.load(path), sample_input(path))
    assert report.ok, report.summary
    assert not report.notes
    layers = {row.layer for row in report.rows}
    assert layers == {layer.name for layer in weightlens.load(path).layers if layer.class_name != "InputLayer"}
    assert all(row.verdict == "exact" for row in report.rows if row.witness.endswith("float64"))


def test_a_wrong_weight_is_found_and_named(keras: Any) -> None:
    model = weightlens.load(SAMPLES / "digits_mlp.keras")
    kernel = model["digit"].own_weights["kernel"]
    changed = kernel.value.copy()
    changed[3, 7] += 0.5
    kernel._value = changed
    report = check(model, sample_input(SAMPLES / "digits_mlp.keras"))
    assert [row.layer for row in report.rows if not row.ok] == ["digit", "digit"]
    assert "'digit' (Dense, Keras" in report.summary


def test_a_file_of_keras_2_is_opened_by_keras_2(tmp_path: Path, tf_keras: Any) -> None:
    layers = [tf_keras.Input((3,)), tf_keras.layers.Dense(4, activation="hard_sigmoid"), tf_keras.layers.Dense(2)]
    path = tmp_path / "old.h5"
    tf_keras.Sequential(layers).save(path)
    report = check(weightlens.load(path), [[-1.0, 0.5, 2.0]])
    assert report.ok, report.summary
    assert report.rows[0].witness.startswith("Keras 2.")


@pytest.mark.parametrize("kind", ["m.weights.h5", "m.weights.json"])
def test_weights_and_architecture_in_two_files(tmp_path: Path, keras: Any, kind: str) -> None:
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(40, activation="relu"), keras.layers.Dense(40)])
    network.save_weights(tmp_path / kind, **({"max_shard_size": 7e-6} if kind.endswith(".json") else {}))
    (tmp_path / "arch.json").write_text(network.to_json())
    report = check(weightlens.load(tmp_path / kind, tmp_path / "arch.json"), [[-1.0, 0.5, 2.0]])
    assert report.ok and len(report.rows) == 4, report.summary


def test_code_in_an_architecture_is_not_given_to_keras(tmp_path: Path, keras: Any) -> None:
    (tmp_path / "arch.json").write_text('{"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": {}}]}}')
    (tmp_path / "m.h5").write_bytes((SAMPLES / "or.h5").read_bytes())
    model = weightlens.load(SAMPLES / "or.h5")
    model.provenance.path, model.provenance.architecture = str(tmp_path / "m.h5"), str(tmp_path / "arch.json")
    with pytest.raises(WeightlensError, match="never run"):
        load_oracle(model)


def test_what_keras_cannot_open_is_said(tmp_path: Path, keras: Any) -> None:
    model = weightlens.load(SAMPLES / "or.h5")
    (tmp_path / "or.h5").write_bytes((SAMPLES / "or.h5").read_bytes()[:3000])
    model.provenance.path = str(tmp_path / "or.h5")
    with pytest.raises(WeightlensError, match="Keras could not open"):
        load_oracle(model)


def test_keras_has_room_to_walk_through_a_thousand_layers() -> None:
    def walk(layers: int) -> Report:
        return walk(layers - 1) if layers else Report("deep")

    limit = sys.getrecursionlimit()
    with pytest.raises(RecursionError):
        walk(20_000)
    assert with_large_stack(lambda: walk(20_000)).subject == "deep"
    assert sys.getrecursionlimit() == limit
    with pytest.raises(WeightlensError, match="handed on"):
        with_large_stack(lambda: refuse("handed on"))


def refuse(why: str) -> Report:
    raise WeightlensError(why)


def test_an_axis_that_keras_loses_is_told(tmp_path: Path, keras: Any) -> None:
    """Keras drops a list of axes from a whole .h5 and computes over the last one; the check says who is wrong."""
    given = keras.Input((2, 3))
    network = keras.Model(given, keras.layers.UnitNormalization(axis=[1, 2], name="unit")(given))
    network.save(tmp_path / "m.h5")
    x = np.arange(12.0).reshape(2, 2, 3)
    np.testing.assert_allclose(weightlens.load(tmp_path / "m.h5").predict(x)[0], np.asarray(network(x)), atol=1e-6)
    report = check(weightlens.load(tmp_path / "m.h5"), x)
    assert any(note.startswith("unit: the file says axis [1, 2]; Keras lost that") for note in report.notes) != report.ok


def test_a_workbook_of_another_model_is_refused(tmp_path: Path) -> None:
    weightlens.export(SAMPLES / "or.h5", tmp_path / "or.xlsx")
    with pytest.raises(WeightlensError, match="is not a workbook of this model, which has no weight dense/kernel"):
        weightlens.check(SAMPLES / "xor_relu.h5", workbook=tmp_path / "or.xlsx", engine="ironcalc")


@pytest.mark.parametrize(("options", "says"), [
    (["--by-hand", "mine.csv", "--workbook", "or.xlsx"], "one at a time"), (["--range", "A1:B2"], "--range belongs to --by-hand"),
    (["--by-hand", "mine.csv", "--step", "dense/sum"], "--step belongs to --by-hand FILE.xlsx"),
    (["--engine", "gnumeric"], "--engine belongs to --workbook"), (["--workbook", "or.xlsx", "-i", "0,1"], "-i belongs to"),
    (["--by-hand", "mine.csv", "--tolerance", "0.1"], "compared at its digits"),
])  # fmt: skip
def test_options_that_would_be_passed_over_are_refused(options: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(SAMPLES / "or.h5"), *options]) == 2
    assert says in " ".join(capsys.readouterr().err.split())
