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
from tests.attention_file import write_attention
from tests.conftest import INPUTS, SAMPLES, sample_input
from tests.workbook.places import places_of
from weightlens.call_order import tensors_into
from weightlens.checks import check_workbook
from weightlens.errors import BadInput, UnsupportedLayer
from weightlens.model import Layer
from weightlens.recording import Trace
from weightlens.specs.layer import LayerSpec
from weightlens.specs.registry import SPECS
from weightlens.spreadsheet.cell_values import read_book
from weightlens.spreadsheet.cells_map import read_map
from weightlens.spreadsheet.recalculate import recalculate
from weightlens.words.layer_words import in_framework_words, sentence
from weightlens.workbook import measure
from weightlens.workbook.layout.choices import in_rows
from weightlens.workbook.sheets.frame import write_hint
from weightlens.workbook.xlsx.blocks import Block
from weightlens.workbook.xlsx.book import Sheet
from weightlens.workbook.xlsx.pages import cuts_of
from weightlens.workbook.xlsx.styles import Styles

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
        [row] = [row for row in said if row[1] == layer.name and row[4]]
        read = [ref.layer for ref in tensors_into(*layer.calls)]
        assert (row[2] or "") == " and ".join(read) and row[3] and row[7] == layer.size, "what it reads and does, how many parameters"
    for name, weight in model.weights.items():
        [row] = [row for row in said if row[1] == name]
        assert row[3] == weight.path and row[4] in book.defined_names and row[5] == ("no" if "/moving_" in name else "yes")
    still = sum(weight.size for name, weight in model.weights.items() if "/moving_" in name)
    assert f"{model.size:,}: {model.size - still:,} trained (trainable), {still:,} not trained (non-trainable)" in [row[2] for row in said]


def test_steps_have_a_caption_and_a_note(book: Any) -> None:
    steps = [row for row in book["Cells"].iter_rows(min_row=2, values_only=True) if row[0] == "step" and row[3] == "0"]
    for row in steps:
        page, first = book[row[4]], book[row[4]][row[5]]
        over = [str(page.cell(up, first.column).value) for up in range(1, first.row)]
        name = row[2].removeprefix("initial ")  # stands in the first row of the state's own columns
        names = (name, row[1])  # of a layer that only moves numbers, its own
        assert any(text in names or text.startswith(f"{name} ") for text in over), f"{row[1]}/{row[2]}"
        assert first.comment is not None and "In words" in first.comment.text


def test_no_text_of_a_page_is_cut_on_the_next_one(book: Any) -> None:
    """What comes again on each page stands within its column, the hint ends on the first page, and no link goes over the end of one."""
    for page in pages(book):
        cuts = [cut.id for cut in page.col_breaks.brk]
        if cuts:
            width = page.column_dimensions["A"].width
            assert max(len(str(cell.value or "")) for cell in page["A"]) * 0.9 <= width, page.title
            assert all(area.max_col <= cuts[0] for area in page.merged_cells.ranges if area.min_row == 2), page.title
            for cell in (cell for cell in page[1] if cell.hyperlink and cell.data_type == "s"):
                ends = next((cut for cut in cuts if cut >= cell.column), 0)
                room = sum(width_on(page, column) for column in range(cell.column, ends + 1))
                assert not ends or len(cell.value) <= room, f"{page.title}: {cell.value}"


def width_on(page: Any, column: int) -> float:
    """How many characters a column of a sheet holds."""
    own = (found.width for found in page.column_dimensions.values() if (found.min or 0) <= column <= (found.max or 0))
    return float(next(own, page.sheet_format.defaultColWidth or 8.43))


def test_it_prints_on_pages_that_can_be_read(book: Any) -> None:
    """One page wide, or cut between two blocks: in a column in which no number stands. What is drawn is cut between boxes only."""
    for page in pages(book):
        cuts = [cut.id for cut in page.col_breaks.brk]
        whole = bool(page.sheet_properties.pageSetUpPr.fitToPage)
        assert page.page_setup.fitToWidth == 1 and whole is not (bool(cuts) or page.title in ("Network", "Hidden units"))
        for cut in cuts:
            assert not [cell.coordinate for [cell] in page.iter_rows(4, None, cut + 1, cut + 1) if isinstance(cell.value, float)]
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


def test_one_tolerance_is_for_outputs_and_steps_and_the_worst_difference_is_of_both(tmp_path: Path) -> None:
    """A bias of a unit that is off in every sample changes a step, and no output."""
    path = tmp_path / "xor.xlsx"
    weightlens.export(SAMPLES / "xor_relu.h5", path, inputs=[[0.0, 0.0], [1.0, 1.0]])
    trace = weightlens.load(SAMPLES / "xor_relu.h5").trace([[0.0, 0.0], [1.0, 1.0]])
    unit = next(int(u) for u in np.flatnonzero((trace["hidden"][1].value < -0.1).all(axis=0)))
    bias = next(entry for entry in read_map(read_book(path)) if (entry.layer, entry.name) == ("hidden", "bias"))
    sheet, cell = places_of(bias, read_book(path))[unit]
    changed = {(sheet, cell): float(weightlens.load(SAMPLES / "xor_relu.h5")["hidden"].bias[unit]) - 0.001}
    check = recalculate(path, "ironcalc", changed).sheets["Check"]
    row = next(r for r in range(12, 30) if check.get(f"M{r}") == "hidden: pre-activation")
    assert max(check["D12"], check["D13"]) < 1e-15 < check[f"K{row}"] == check["B6"] and check["B4"] == "DIFFERS" == check[f"L{row}"]
    size = np.abs(trace["hidden"][1].value).sum()
    assert check["B6"] == pytest.approx(0.002 / size, rel=0.01)
    lenient = recalculate(path, "ironcalc", {**changed, ("Check", "B5"): 0.01}).sheets["Check"]
    assert lenient["B4"] == "OK" == lenient[f"L{row}"] and lenient["B7"] == "none"


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


def test_a_layer_that_is_called_again_is_known_whatever_its_name() -> None:
    layer = Layer("a #2", "Dense", {"units": 2})
    trace = Trace(layers={"a #2": layer, "a #2 #2": layer})
    assert in_framework_words(trace, "a #2") == "a #2: Dense(2)"
    assert in_framework_words(trace, "a #2 #2") == "a #2 #2: a #2 again, with the same weights"


def test_a_long_hint_is_broken_where_the_sheet_or_its_first_page_ends() -> None:
    words, styles = " ".join(["some words"] * 20), Styles()
    for widths, last in (((8,), 10), ((30,), 17), ((12, 20, 20), 12)):  # a narrow sheet has 90 characters, a wide one 150
        sheet, column = Sheet("s", 0, numbered=True), 1
        for width in widths:
            sheet.put(Block(in_rows((2, width)), np.zeros((2, width))), 7, column)
            column += width + 1
        write_hint(sheet, 1, "some words", styles)
        assert not sheet.merges and sheet.texts[(1, 1)].style == styles["hint"]
        write_hint(sheet, 1, words, styles)
        assert sheet.merges == [(1, 1, 1, last)] and sheet.heights[1] >= 2 * 13, widths
        cuts = cuts_of(sheet)
        assert not cuts or last < cuts.columns[0]


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


def test_a_wide_sheet_is_cut_where_a_block_begins() -> None:
    """Blocks side by side of 18 columns: a page for each; one that lies under the others' edges keeps the sheet in one piece."""

    def planned(*places: tuple[int, int, int]) -> Sheet:
        sheet = Sheet("wide", 0, numbered=True)
        for row, column, width in places:
            sheet.put(Block(in_rows((2, width)), np.zeros((2, width))), row, column)
        return sheet

    three = (7, 1, 18), (7, 20, 18), (7, 39, 18)
    assert cuts_of(planned(*three)) == ([19, 38], [], 55)
    assert cuts_of(planned((7, 1, 18))) is None, "one page is enough"
    assert cuts_of(planned(*three, (20, 10, 45))) is None, "every cut would go through a block"
    assert cuts_of(planned(*three, (50, 1, 18), (62, 1, 18))) == ([19, 38], [], 48), "smaller letters, if that is fewer pages"
    assert cuts_of(planned(*three, (50, 1, 18), (85, 1, 18))) == ([19, 38], [45], 55), "a second page begins with the captions of the block"
    gates = planned((7, 1, 64), (20, 1, 16))
    gates.parts = [1, 17, 33, 49]
    assert cuts_of(gates) == ([17, 33, 49], [], 55), "a block that is wider than a page is cut between its gates"
    layers = planned((7, 1, 8), (7, 10, 5), (7, 16, 4), (7, 21, 9))
    assert cuts_of(layers) == ([20], [], 55)
    layers.sections = {1: 9, 10: 30}
    assert cuts_of(layers) == ([9], [], 48), "a layer that fits on a page stays on one"
    labelled = planned(*three)
    labelled.write(9, 38, "a long label of a row", 0)
    assert labelled.widths == {} and cuts_of(labelled) == ([19, 38], [], 55)
    assert labelled.widths[(38, 38)] > 18, "there is nothing left of it that it could reach into"


def test_a_lookup_shows_which_rows_it_takes(tmp_path: Path) -> None:
    book = weightlens.export(write_attention(tmp_path / "attention.h5"), tmp_path / "book.xlsx", inputs=[[1, 5, 3, 0, 7]])
    page, shown = (openpyxl.load_workbook(book, data_only=computed)["1 embedding"] for computed in (False, True))
    assert page["B5"].value == "word" and [shown[f"B{row}"].value for row in range(8, 13)] == [1, 5, 3, 0, 7]
    assert [page[f"B{row}"].value for row in (8, 9)] == ["='Inputs'!B$8", "='Inputs'!C$8"], "live"


def test_a_layer_used_again_says_so(keras: Any, tmp_path: Path) -> None:
    shared = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="code")], name="encoder")
    left, right = keras.Input((3,)), keras.Input((3,))
    model = keras.Model([left, right], keras.layers.Subtract()([shared(left), shared(right)]))
    book = openpyxl.load_workbook(weightlens.export(model, tmp_path / "book.xlsx", inputs=[np.ones((1, 3)), np.zeros((1, 3))]))
    texts = {cell.value for row in book["1 network"].iter_rows() for cell in row}
    assert {"encoder/code: Dense(2)", "encoder #2/code: encoder/code again, with the same weights"} <= texts


def test_pictures_have_numbered_rows_and_inputs_numbered_channels(keras: Any, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3, 4, 2), name="picture"), keras.layers.ReLU(name="relu")])
    book = openpyxl.load_workbook(weightlens.export(model, tmp_path / "book.xlsx", inputs=np.ones((2, 3, 4, 2))))
    for title, rows in (("Inputs", range(8, 11)), ("1 relu", range(8, 11))):
        assert [book[title][f"A{row}"].value for row in rows] == ["sample 0, row 0", "row 1", "row 2"], title
    assert [book["Inputs"].cell(6, c).value for c in (2, 4, 6, 8)] == [f"column {c}" for c in range(4)]
    assert [book["Inputs"].cell(7, c).value for c in range(2, 10)] == ["0", "1"] * 4
    assert [book["1 relu"].cell(6, c).value for c in (2, 7)] == ["channel 0", "channel 1"]
    assert [book["1 relu"].cell(7, c).value for c in range(2, 11)] == ["0", "1", "2", "3", None, "0", "1", "2", "3"]
    assert book["Inputs"]["A7"].value == "channel"
    model = keras.Sequential([keras.Input((3, 4, 1), name="picture"), keras.layers.ReLU(name="relu")])
    page = openpyxl.load_workbook(weightlens.export(model, tmp_path / "grey.xlsx", inputs=np.ones((1, 3, 4, 1))))["Inputs"]
    assert [page.cell(7, c).value for c in range(1, 6)] == ["column", "0", "1", "2", "3"], "not the only channel, four times"


def test_a_row_of_pixels_is_shown_as_a_square_with_numbered_sides(tmp_path: Path) -> None:
    x = sample_input(SAMPLES / "digits_mlp.keras")[:1]
    page = openpyxl.load_workbook(weightlens.export(SAMPLES / "digits_mlp.keras", tmp_path / "book.xlsx", inputs=x))["Inputs"]
    [head] = [cell for [cell] in page.iter_cols(min_row=5, max_row=5) if cell.value == "as a square"]
    assert [page.cell(7, head.column + j).value for j in range(8)] == [str(j) for j in range(8)]
    assert [page.cell(8 + i, head.column - 1).value for i in range(8)] == [f"row {i}" for i in range(8)]


def test_what_is_drawn_shows_whole_numbers_as_such_and_two_digits_of_small_ones(keras: Any, tmp_path: Path) -> None:
    layers = keras.layers
    small = layers.Rescaling(1e-4, name="small")(layers.Embedding(9, 2, name="embedding")(tokens := keras.Input((4,), name="tokens")))
    keras.Model(tokens, layers.Flatten(name="flat")(small)).save(tmp_path / "m.keras")
    path = weightlens.export(tmp_path / "m.keras", tmp_path / "book.xlsx", inputs=[[1, 5, 8, 2]])
    page = openpyxl.load_workbook(path)["Network"]
    starts = {cell.value: cell for row in page.iter_rows() for cell in row if cell.value in ("tokens", "small", "flat")}
    below = {name: [c for c in page[cell.row + 3] if isinstance(c.value, str)] for name, cell in starts.items()}
    assert {c.number_format for c in below["tokens"]} == {"General"} and len(below["tokens"]) == 4
    assert all("E" in c.number_format or c.number_format.count("0") > 4 for c in (*below["small"], *below["flat"])) and below["flat"]
    assert page.cell(starts["small"].row + 4, starts["small"].column).value == "shown: mean over 4 tokens of each of 2 features"
