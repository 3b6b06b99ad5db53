"""Every kind of workbook against the Office Open XML schema, as a validator of other people's knows it: no repair question in Excel."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from openxml_audit import FileFormat, OpenXmlValidator, ValidationSeverity

from tests.conftest import SAMPLES
from weightlens.cli import main

BOOKS = {
    "truth table": ["export", "or.h5"],
    "with answers, a switch and blanks": ["export", "xor_relu.h5", "-i", "xor_relu_data.csv", "--target", "y", "--switch", "--exercise"],
    "one block a layer": ["export", "xor_sigmoid.h5", "--detail", "layers"],
    "matrices only": ["export", "or.h5", "--detail", "weights"],
    "a curve": ["export", "relu_neuron.h5", "-i", "relu_neuron_data.csv", "--target", "y"],
    "many samples": ["export", "digits_mlp.keras", "-i", "digits_mlp.csv"],
    "pictures": ["export", "digits_cnn.keras", "-i", "digits_cnn.npy"],
    "time steps": ["export", "sine_lstm.keras", "-i", "sine_lstm.npy"],
    "training": ["train-sheet", "xor_sigmoid.h5", "-i", "xor_sigmoid_data.csv", "--target", "y", "--epochs", "5"],
}


def complaints(path: Path) -> list[str]:
    result = OpenXmlValidator(file_format=FileFormat.OFFICE_2019, max_errors=0).validate(str(path))
    return [str(error) for error in result.errors if error.severity is ValidationSeverity.ERROR]


@pytest.mark.parametrize("arguments", BOOKS.values(), ids=BOOKS)
def test_a_workbook_follows_the_schema(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SAMPLES)
    assert main([*arguments, "-o", str(tmp_path / "book.xlsx")]) == 0
    assert complaints(tmp_path / "book.xlsx") == []


def test_the_validator_sees_what_is_out_of_order(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.xlsx", tmp_path / "bad.xlsx"
    assert main(["export", str(SAMPLES / "or.h5"), "-o", str(good)]) == 0
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(bad, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                data = data.replace(
                    b"<sheetData>", b"<pageMargins left='1' right='1' top='1' bottom='1' header='1' footer='1'/><sheetData>"
                )
            new.writestr(name, data)
    assert any("Unexpected element 'sheetData'" in line for line in complaints(bad))
