"""Workbooks that another program has opened and saved: the changed weight is found, the check computes, the trace names the cells."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pytest

import weightlens
from tests.cases import turn
from tests.conftest import SAMPLES
from tests.tiny import write_tiny
from tests.workbook.readers import ask
from weightlens.checks.workbook import check_workbook
from weightlens.cli.main import main
from weightlens.errors import BadInput
from weightlens.spreadsheet.cell_values import read_book, sheet_parts
from weightlens.spreadsheet.cells_map import read_map
from weightlens.spreadsheet.recalculate import run_libreoffice, write_number

MODEL = SAMPLES / "xor_relu.h5"


def by_libreoffice(book: Path) -> Path:
    (book.parent / "out").mkdir()
    run_libreoffice([book], book.parent / "out", book.parent / "profile")
    return book.parent / "out" / book.name


def by_gnumeric(book: Path) -> Path:
    subprocess.run(["ssconvert", str(book), f"{book}.saved.xlsx"], check=True, capture_output=True)
    return Path(f"{book}.saved.xlsx")


def by_openpyxl(book: Path) -> Path:
    openpyxl.load_workbook(book).save(f"{book}.saved.xlsx")
    return Path(f"{book}.saved.xlsx")


def on_node(task: str) -> Callable[[Path], Path]:
    def save(book: Path) -> Path:
        assert ask(task, [book]) == {book: None}
        return Path(f"{book}.saved.xlsx")

    return save


PROGRAMS = [
    pytest.param(by_libreoffice, id="LibreOffice", marks=pytest.mark.office("libreoffice")),
    pytest.param(by_gnumeric, id="Gnumeric", marks=pytest.mark.office("gnumeric")),
    pytest.param(by_openpyxl, id="openpyxl"),
    pytest.param(on_node("sheetjs-save"), id="SheetJS", marks=pytest.mark.office("node")),
    pytest.param(on_node("exceljs-save"), id="ExcelJS", marks=pytest.mark.office("node")),
]


def edited(path: Path) -> str:
    """A workbook in which one weight is 0.5; its cell."""
    assert main(["export", str(MODEL), "-o", str(path)]) == 0
    book = read_book(path)
    kernel = next(entry for entry in read_map(book) if entry.kind == "weight")
    with zipfile.ZipFile(path) as old:
        part = sheet_parts(old)[kernel.sheet]
        parts = {name: old.read(name) for name in old.namelist()}
    parts[part] = write_number(parts[part], kernel.first, 0.5)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in parts.items():
            new.writestr(name, data)
    return f"'{kernel.sheet}'!{kernel.first}"


@pytest.mark.parametrize("save", turn(PROGRAMS, 3))
def test_a_workbook_saved_by_another_program_is_read(
    save: Callable[[Path], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cell = edited(tmp_path / "book.xlsx")
    again, model = save(tmp_path / "book.xlsx"), tmp_path / "changed.h5"
    capsys.readouterr()
    assert main(["import", str(again), str(MODEL), "-o", str(model)]) == 0
    [change] = [line for line in capsys.readouterr().out.splitlines() if "->" in line]
    assert change.endswith(f"-> 0.5 ({cell})")
    engine = ["--engine", "ironcalc"] if save is by_libreoffice else []  # one that starts sooner
    assert main(["check", str(model), "--workbook", str(again), *engine]) == 0
    assert main(["check", str(MODEL), "--workbook", str(again), *engine]) == 1, "the old model has another weight"
    assert main(["trace", str(model), "--cells", str(again)]) == 0


@pytest.mark.parametrize("save", turn(PROGRAMS, 3, 1))
def test_numbers_that_are_none_are_still_those_of_the_file(save: Callable[[Path], Path], tmp_path: Path) -> None:
    """Though a program shows errors in their cells, or has computed nothing."""
    model, inputs = write_tiny(tmp_path / "m.h5", bias=[np.nan, -np.inf], activation="relu"), [[1, np.inf], [np.nan, 3]]
    weightlens.export(model, tmp_path / "book.xlsx", inputs=inputs)
    again = save(tmp_path / "book.xlsx")
    assert weightlens.import_workbook(again, model, tmp_path / "as_it_was.h5").changes == []
    book = read_book(again)
    np.testing.assert_array_equal(next(entry for entry in read_map(book) if entry.kind == "input").numbers(book), inputs)


@pytest.mark.office("gnumeric")
def test_an_engine_that_panics_is_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ironcalc")
    edited(tmp_path / "book.xlsx")
    again = by_gnumeric(tmp_path / "book.xlsx")
    capfd.readouterr()
    assert main(["check", str(MODEL), "--workbook", str(again), "--engine", "ironcalc"]) == 2
    output = capfd.readouterr()
    assert (output.out + output.err).strip() == f"Error: ironcalc could not recalculate {str(again)!r}"


@pytest.mark.parametrize("model", ["or.h5", "digits_cnn.keras"])
def test_matrices_have_nothing_to_recalculate(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = tmp_path / "book.xlsx"
    assert main(["export", str(SAMPLES / model), "--detail", "weights", "--verify", "-o", str(book)]) == 0
    assert main(["check", str(SAMPLES / model), "--workbook", str(book)]) == 0, "its weights are those of the model"
    assert "nothing to recalculate" in capsys.readouterr().out
    with pytest.raises(BadInput, match="nothing to recalculate"):
        check_workbook(book)


def test_formulas_without_results_agree_with_nothing(tmp_path: Path) -> None:
    edited(tmp_path / "book.xlsx")
    with pytest.raises(BadInput, match="without results"):
        check_workbook(by_openpyxl(tmp_path / "book.xlsx"))
