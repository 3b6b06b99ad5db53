"""Terminal and sheet side by side: the cells that ``trace --cells`` names hold the numbers that it prints."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import weightlens
from tests.conftest import INPUTS, sample_input
from weightlens.cli.main import main
from weightlens.spreadsheet.cell_areas import cell_names
from weightlens.spreadsheet.cell_values import read_book
from weightlens.spreadsheet.cells_map import cells_of

OR = next(path for path in INPUTS if path.stem == "or")


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.stem)
def test_every_step_stands_where_it_is_said_to(path: Path, tmp_path: Path) -> None:
    model, x = weightlens.load(path), sample_input(path)[:2]
    weightlens.export(model, tmp_path / "book.xlsx", x)
    trace, book = model.trace(x), read_book(tmp_path / "book.xlsx")
    found = cells_of(book, trace)
    for step in trace.steps:
        sheet, places = found[id(step.made)]
        shown = np.array([book.sheets[sheet][reference] for reference in cell_names(places)], float)
        np.testing.assert_allclose(shown, step.value.reshape(-1), rtol=1e-12, atol=1e-300)


def test_at_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = tmp_path / "or.xlsx"
    weightlens.export(OR, book, sample_input(OR))
    command = ["trace", str(OR), "-i", str(INPUTS[OR]), "--cells", str(book)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert main([*command, "--format", "json"]) == 0
    step = json.loads(capsys.readouterr().out)["steps"][1]
    assert (step["name"], np.shape(step["cells"]), step["sheet"]) == ("pre-activation", (4, 2), "1 network")
    line = next(line for line in printed.splitlines() if line.split()[:1] == [step["cells"][3][1]])
    assert float(line.split()[-1]) == pytest.approx(step["values"][3][1], rel=1e-3)


def test_a_workbook_of_another_model_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book, other = tmp_path / "or.xlsx", next(path for path in INPUTS if path.stem == "relu_neuron")
    weightlens.export(OR, book, sample_input(OR))
    assert main(["trace", str(other), "-i", "1", "--cells", str(book)]) == 2
    assert "another model" in capsys.readouterr().err


@pytest.mark.parametrize(("detail", "says"), [("layers", "holds 4 samples, and not 1"), ("weights", "holds matrices, but no steps")])
def test_a_workbook_that_holds_other_samples_or_no_steps(
    detail: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = tmp_path / "or.xlsx"
    weightlens.export(OR, book, sample_input(OR), detail=detail)
    assert main(["trace", str(OR), "-i", "0,1", "--cells", str(book)]) == 2
    assert says in capsys.readouterr().err
