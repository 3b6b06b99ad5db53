"""``-o -``: standard output where a command has it, and one line where it writes a file; and other words of refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.conftest import SAMPLES
from tests.tiny import write_tiny

OR, DATA = SAMPLES / "or.h5", SAMPLES / "or_data.csv"


@pytest.mark.parametrize(
    "command",
    [
        ("show", OR),
        ("show", OR, "--format", "json"),
        ("trace", OR, "-i", "0,1"),
        ("predict", OR, "-i", "0,1"),
        ("diff", OR, OR),
        ("train-sheet", OR, "-i", DATA, "--target", "y", "--format", "table"),
    ],
)
def test_a_dash_is_standard_output(command: tuple[object, ...], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*command, "-o", "-") == run(*command)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    "command",
    [
        ("export", OR),
        ("convert", OR),
        ("patch", OR, "--set", "dense/bias=0"),
        ("simplify", OR, "-i", "0,1"),
        ("fit", OR, "-i", DATA, "--target", "y"),
        ("train-sheet", OR, "-i", DATA, "--target", "y"),
    ],
)
def test_a_dash_is_no_name_of_a_file(command: tuple[object, ...], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*command, "-o", "-")
    assert (code, out) == (2, "") and err == "Error: -: stands for standard output, and what is written here needs a file: name one\n"
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("check", OR, "--by-hand", "nothing.csv"), "nothing.csv: there is no such file"),
        (("check", OR, "--workbook", DATA), "what is wanted here is an .xlsx workbook"),
        (("convert", DATA, "-o", "new.keras"), "a table of numbers, no model: trace, predict and export take it with -i"),
        (("predict", OR, "-i", "0,1", "--rows", "x"), "'x' is not a whole number"),
        (("diff", OR, OR, "--tolerance", "x"), "'x' is not a number"),
        (("patch", OR, "--set", "dense/bias=0", "-o", "new.txt"), "name it new.h5"),
        (("export", OR, "-o", "new.pdf"), "a PDF is made of an exercise only (--exercise)"),
    ],
)
def test_a_refusal_says_what_is_wanted(command: tuple[object, ...], words: str, run: Run) -> None:
    code, _, err = run(*command)
    assert code == 2 and words in err and err.count("\n") == 1, err


def test_a_workbook_in_the_place_of_the_model(run: Run, tmp_path: Path) -> None:
    model, book = write_tiny(tmp_path / "m.h5"), tmp_path / "book.xlsx"
    assert run("export", model, "-o", book)[0] == 0
    assert "the workbook comes first, then the model" in run("import", model, book, "-o", tmp_path / "new.h5")[2]
