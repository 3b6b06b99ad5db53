"""Workbooks as readers of other people's see them: every cell of every kind of workbook, and formulas computed from nothing."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cases import turn
from tests.conftest import Built
from tests.workbook.kinds import SOME_CASES, write_case
from tests.workbook.readers import ask
from tests.workbook.rules import complaints
from weightlens.checks.workbook import relative_distance
from weightlens.spreadsheet.cell_table import CellError, Value
from weightlens.spreadsheet.cell_values import Book, read_book
from weightlens.spreadsheet.recalculate import blank_cached_values
from weightlens.workbook.formulas.cell_arrays import COLUMN


def differences(stored: Book, found: dict[str, dict[str, Value]]) -> list[str]:
    """The cells that a reader sees otherwise than we do; an empty text is an empty cell."""
    return [
        f"{sheet}!{place}: {cells.get(place)!r} as {found.get(sheet, {}).get(place)!r}"
        for sheet, cells in stored.sheets.items()
        for place in cells.keys() | found.get(sheet, {}).keys()
        if (cells.get(place) or None) != (found.get(sheet, {}).get(place) or None)
    ]


@pytest.mark.office("node")
@pytest.mark.parametrize("reader", ["sheetjs", "exceljs"])
def test_a_reader_finds_every_cell_as_we_wrote_it(reader: str, books: dict[str, Path]) -> None:
    some = dict(turn(list(books.items()), 3))
    found = ask(reader, list(some.values()))
    wrong = {name: found[path].get("failed") or differences(read_book(path), found[path])[:5] for name, path in some.items()}
    assert {name: lines for name, lines in wrong.items() if lines} == {}


@pytest.mark.office("node")
def test_the_sdk_of_microsoft_finds_no_fault(books: dict[str, Path]) -> None:
    some = dict(turn(list(books.items()), 6))  # it needs two seconds for each
    found = ask("validator", list(some.values()))
    assert {name: found[path] for name, path in some.items() if found[path]} == {}


def computed(path: Path, scratch: Path) -> dict[str, dict[str, Value]]:
    """Every cell after formulon has computed the formulas of a workbook without results."""
    import formulon  # half a second

    blank_cached_values(path, scratch, {})
    book = formulon.Workbook.load(scratch.read_bytes())
    book.recalc()
    return {
        book.sheet_name(i): {f"{COLUMN[cell.col]}{cell.row + 1}": value(cell.value) for cell in book.iter_cells(i)}
        for i in range(book.sheet_count())
    }


def value(theirs: Any) -> Value:
    """A value of formulon's as one of ours; what is wrong is an error."""
    plain = theirs.to_python()
    return CellError(str(theirs.error_code)) if isinstance(plain, type(theirs)) else "" if plain is None else plain


def off(path: Path, scratch: Path) -> tuple[int, list[str]]:
    """How many formulas were compared, and those that formulon computes otherwise."""
    stored, found = read_book(path), computed(path, scratch)
    formulas = [(sheet, place) for sheet, cells in stored.formulas.items() for place in cells]
    wrong = [
        f"{sheet}!{place}: {stored.sheets[sheet].get(place)!r} as {found[sheet].get(place)!r}"
        for sheet, place in formulas
        if isinstance(found[sheet].get(place), CellError)
        or relative_distance(found[sheet].get(place), stored.sheets[sheet].get(place, "")) > 1e-9
    ]
    return len(formulas), wrong


def test_formulon_computes_the_same(books: dict[str, Path], tmp_path: Path) -> None:
    for name, path in turn(list(books.items()), 12):
        count, wrong = off(path, tmp_path / "blank.xlsx")
        assert (name, wrong[:5]) == (name, []) and (count > 20) == (name != "matrices only")


@pytest.mark.parametrize("case", turn(SOME_CASES, 4), ids=lambda case: case.name)
def test_layers_in_formulon_and_under_the_rules(case: object, built: Callable[..., Built], tmp_path: Path) -> None:
    path = write_case(case, built, tmp_path / "book.xlsx")  # type: ignore[arg-type]
    count, wrong = off(path, tmp_path / "blank.xlsx")
    assert count and wrong == [] and list(complaints(path)) == []


def test_a_changed_formula_is_noticed(books: dict[str, Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(books["truth table"]) as old, zipfile.ZipFile(tmp_path / "changed.xlsx", "w") as new:
        for part in old.namelist():
            data = old.read(part)
            new.writestr(part, re.sub(rb"<f>(?=[A-Z])", b"<f>1+", data, count=1) if "sheet2" in part else data)
    assert off(tmp_path / "changed.xlsx", tmp_path / "blank.xlsx")[1]
