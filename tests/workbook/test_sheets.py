"""What stands around the numbers: links that lead somewhere, names, notes, captions, the map, the check, detail levels."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

import weightlens
from tests.conftest import INPUTS, SAMPLES, sample_input
from weightlens.checks import check_workbook
from weightlens.errors import BadInput, UnsupportedLayer
from weightlens.model import Layer
from weightlens.specs.layer import LayerSpec
from weightlens.specs.registry import SPECS
from weightlens.spreadsheet.cell_values import read_book
from weightlens.spreadsheet.cells_map import read_map
from weightlens.spreadsheet.recalculate import recalculate
from weightlens.words.layer_words import inside, sentence
from weightlens.workbook import measure
from weightlens.workbook.sheets.frame import in_two

pytestmark = pytest.mark.slow
LEVELS = ["steps", "layers", "weights"]
AREA = re.compile(r"'(?P<sheet>[^']+)'!\$?(?P<first>[A-Z]+)\$?(?P<top>\d+)")


@pytest.fixture(scope="module", params=sorted(path.name for path in INPUTS))
def book(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Each sample model's workbook, as openpyxl sees it."""
    path = tmp_path_factory.mktemp("sheets") / "book.xlsx"
    weightlens.export(SAMPLES / request.param, path, inputs=sample_input(SAMPLES / request.param))
    return openpyxl.load_workbook(path)


def pages(book: Any) -> list[Any]:
    return [page for page in book.worksheets if page.sheet_state == "visible"]


def links(page: Any) -> dict[str, tuple[str, str]]:
    """Each linked cell, and the sheet and cell that it leads to."""
    cells = [cell for row in page.iter_rows() for cell in row if cell.hyperlink is not None]
    return {cell.coordinate: re.fullmatch(r"'([^']+)'!([A-Z]+\d+)", cell.hyperlink.location).groups() for cell in cells}


def test_every_link_leads_to_a_cell_that_says_something(book: Any) -> None:
    count = 0
    for page in book.worksheets:
        for place, (sheet, cell) in links(page).items():
            assert book[sheet][cell].value is not None, f"{page.title} {place} -> {sheet} {cell}"
            assert page[place].value is not None, "a link needs words"
            count += 1
    assert count >= 5


def test_one_can_walk_through_all_sheets_and_back(book: Any) -> None:
    visible = pages(book)
    for before, after in pairwise(visible):
        goals = [{sheet for place, (sheet, _) in links(page).items() if page[place].row == 1} for page in (before, after)]
        assert after.title in goals[0] and before.title in goals[1]
    for page in visible:
        assert page.title == "Summary" or "Summary" in {sheet for sheet, _ in links(page).values()}
        assert page.title in ("Summary", "Check") or page.freeze_panes or page.title == "Map", "labels stay in view"


def test_names_lead_to_cells(book: Any) -> None:
    for name, defined in book.defined_names.items():
        for sheet, area in defined.destinations:
            cells = book[sheet][area]
            first = cells[0][0] if isinstance(cells, tuple) else cells
            assert first.value is not None, name


def test_the_map_of_the_network_is_complete(book: Any, request: pytest.FixtureRequest) -> None:
    model = weightlens.load(SAMPLES / request.node.callspec.params["book"])
    said = [[cell.value for cell in row] for row in book["Summary"].iter_rows()]
    for layer in model.layers:
        [row] = [row for row in said if row[1] == layer.name and row[3]]
        assert row[2] and row[6] == layer.size, "what it does, how many parameters"
    for name, weight in model.weights.items():
        [row] = [row for row in said if row[1] == name]
        assert row[2] == weight.path and row[3] in book.defined_names


def test_steps_have_a_caption_and_a_note(book: Any) -> None:
    steps = [row for row in book["Cells"].iter_rows(min_row=2, values_only=True) if row[0] == "step" and row[3] == "0"]
    for row in steps:
        page, first = book[row[4]], book[row[4]][row[5]]
        over = [str(page.cell(up, first.column).value) for up in range(1, first.row)]
        name = row[2].removeprefix("initial ")  # stands in the first row of the state's own columns
        names = (name, row[1])  # of a layer that only moves numbers, its own
        assert any(text in names or text.startswith(f"{name} ") for text in over), f"{row[1]}/{row[2]}"
        assert first.comment is not None and "In words" in first.comment.text


def test_it_prints_in_letters_that_can_be_read(book: Any) -> None:
    for page in pages(book):
        assert page.sheet_properties.pageSetUpPr.fitToPage
        given = {i: d.width for d in page.column_dimensions.values() for i in range(d.min, d.max + 1)}
        width = sum(given.get(i, page.sheet_format.defaultColWidth) for i in range(1, page.max_column + 1))
        across = page.page_setup.fitToWidth
        assert width / across <= 260 and (across == 1 or width / (across - 1) > 260), "A4 holds about 150 characters of full size"
        assert not page.sheet_view.showGridLines
    assert book.properties.creator == "weightlens"


def test_conditions_and_drop_downs_stay_on_their_sheet(book: Any) -> None:
    """A condition that reads another sheet is not what Excel itself writes."""
    for page in book.worksheets:
        formulas = [f for rules in page.conditional_formatting for rule in rules.rules for f in rule.formula]
        formulas += [validation.formula1 for validation in page.data_validations.dataValidation]
        assert not any("!" in formula for formula in formulas)


def test_the_first_wrong_step_is_named(tmp_path: Path) -> None:
    path = tmp_path / "or.xlsx"
    weightlens.export(SAMPLES / "or.h5", path)
    stored = read_book(path)
    bias = next(entry for entry in read_map(stored) if entry.name == "bias")
    computed = recalculate(path, "ironcalc", {(bias.sheet, bias.first): 9.0})
    sheet = computed.sheets["Check"]
    assert sheet["B4"] == "DIFFERS" and sheet["B7"] == "dense: pre-activation"
    assert any(value == "Check: DIFFERS" for value in computed.sheets["1 network"].values())


@pytest.mark.parametrize("name", ["or.h5", "digits_mlp.keras", "digits_cnn.keras", "sine_lstm.keras"])
@pytest.mark.parametrize("detail", LEVELS)
def test_detail_levels(name: str, detail: str, tmp_path: Path) -> None:
    path, model = tmp_path / "book.xlsx", weightlens.load(SAMPLES / name)
    weightlens.export(model, path, inputs=sample_input(SAMPLES / name), detail=detail)
    entries = read_map(read_book(path))
    weights = {f"{entry.layer}/{entry.name}" for entry in entries if entry.kind == "weight"}
    assert weights == set(model.weights)
    steps = sum(entry.kind == "step" for entry in entries)
    if detail == "weights":
        assert steps == 0
        return
    assert check_workbook(path, model, "ironcalc", 1e-11).ok
    all_steps = len(model.trace(sample_input(SAMPLES / name)).steps)
    assert steps >= all_steps if detail == "steps" else steps < all_steps


def test_weights_of_a_step_that_stands_under_one_of_its_name(keras: Any, tmp_path: Path) -> None:
    """A step of the second cell adds a bias to each of two products: with one block per layer, both are called ``sum``."""
    cells = [keras.layers.LSTMCell(3), keras.layers.GRUCell(2)]
    keras.Sequential([keras.Input((4, 3)), keras.layers.RNN(cells)]).save(tmp_path / "m.keras")
    model = weightlens.load(tmp_path / "m.keras")
    weightlens.export(model, tmp_path / "b.xlsx", np.ones((2, 4, 3)), detail="layers")
    assert {f"{e.layer}/{e.name}" for e in read_map(read_book(tmp_path / "b.xlsx")) if e.kind == "weight"} == set(model.weights)
    assert check_workbook(tmp_path / "b.xlsx", model, "ironcalc", 1e-11).ok


def test_matrices_of_what_cannot_be_computed(tmp_path: Path) -> None:
    model = weightlens.load(SAMPLES / "or.h5")
    model.layers[1].class_name = "FromTheFuture"
    path = tmp_path / "book.xlsx"
    with pytest.raises(UnsupportedLayer):
        weightlens.export(model, path)
    assert not path.exists()
    weightlens.export(model, path, detail="weights")
    np.testing.assert_array_equal(read_book(path).block("w_dense_kernel").astype(np.float32), model["dense"].kernel.ravel())


def test_an_unknown_detail_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="steps, layers, weights"):
        weightlens.export(SAMPLES / "or.h5", tmp_path / "x.xlsx", detail="some")


@pytest.mark.parametrize("name", ["or.h5", "digits_mlp.keras", "sine_lstm.keras"])
def test_the_plan_counts_what_is_written(name: str, tmp_path: Path) -> None:
    path, model = tmp_path / "book.xlsx", weightlens.load(SAMPLES / name)
    told: list[tuple[str, int, int]] = []
    weightlens.export(model, path, inputs=sample_input(SAMPLES / name), progress=lambda *what: told.append(what))
    size, book = measure(model, sample_input(SAMPLES / name)), read_book(path)
    assert {sheet.title: sheet.formulas for sheet in size.sheets} == {title: len(book.formulas.get(title, {})) for title in book.sheets}
    assert all(sheet.cells >= len(book.sheets[sheet.title]) for sheet in size.sheets)
    assert all(done <= total == size.cells for _, done, total in told)


def test_verified_with(tmp_path: Path) -> None:
    pytest.importorskip("ironcalc")
    path = tmp_path / "or.xlsx"
    weightlens.export(SAMPLES / "or.h5", path, verify=True)
    line = str(read_book(path).sheets["Check"]["B8"])
    assert "recalculated by" in line and "OK" in line


def test_labels_name_the_winner_in_words(tmp_path: Path) -> None:
    path = tmp_path / "or.xlsx"
    weightlens.export(SAMPLES / "or.h5", path, inputs=[[0, 0], [1, 1]], labels=["Nein", "=Ja"])
    found = [value for value in recalculate(path, "ironcalc").sheets["1 network"].values() if value in ("Nein", "=Ja")]
    assert found == ["Nein", "=Ja", "Nein", "=Ja"], "over the columns, and the winner of each sample"


def test_a_wrapper_in_a_sentence_and_what_is_inside() -> None:
    inner = Layer("inner", "Dense", {"units": 2, "activation": "relu"})
    words = sentence(Layer("layer", "TimeDistributed", {}, inner={"layer": inner}))
    assert words == (
        "Applies one layer to every time step separately, always with the same weights. The layer inside (Dense): Each of its 2 units "
        "multiplies each of its inputs by a weight and adds up the products, plus a bias. "
        "Its activation, relu, keeps positive numbers and turns negative ones into 0."
    )


def test_the_sheet_of_a_wrapped_layer_names_it() -> None:
    inner = Layer("forward", "LSTM", {"units": 3})
    owner = Layer("both", "Bidirectional", {}, inner={"forward_layer": inner})
    assert inside(owner, "forward_layer") is inner and inside(owner, "") is owner and inside(owner, "forward") is owner


def test_a_long_sentence_takes_two_lines_of_about_the_same_length() -> None:
    assert in_two("short words") == ["short words"]
    text = " ".join(["some words"] * 20)
    first, second = in_two(text)
    assert f"{first} {second}" == text and abs(len(first) - len(second)) < 20


def test_an_operator_is_not_taken_for_the_layer_of_its_name() -> None:
    assert sentence(Layer("add", "Add", {}, is_operation=True)) == "Adds up its inputs, number by number."
    assert sentence(Layer("average", "Average", {}, is_operation=True)) == "", "the operator takes the mean along an axis"


def test_a_layer_of_the_users_is_described_by_its_own_function(monkeypatch: pytest.MonkeyPatch) -> None:
    def doubled(x: Any, w: Any, config: Any, step: Any) -> Any:
        """Twice ``x``.

        And more."""
        return 2.0 * x

    monkeypatch.setitem(SPECS.data, "Mine>Double", LayerSpec(function=doubled))
    assert sentence(Layer("double", "Mine>Double", {})) == "Twice x."
