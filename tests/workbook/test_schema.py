"""Every kind of workbook against the Office Open XML schema, as a validator of other people's knows it: no repair question in Excel."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.cases import turn
from tests.conftest import SAMPLES
from weightlens.cli.main import main


def complaints(path: Path) -> list[str]:
    from openxml_audit import FileFormat, OpenXmlValidator, ValidationSeverity  # half a second

    result = OpenXmlValidator(file_format=FileFormat.OFFICE_2019, max_errors=0).validate(str(path))
    return [str(error) for error in result.errors if error.severity is ValidationSeverity.ERROR]


@pytest.mark.slow
def test_a_workbook_follows_the_schema(books: dict[str, Path]) -> None:
    assert {name: found for name, path in turn(list(books.items()), 3) if (found := complaints(path))} == {}


@pytest.mark.slow
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
