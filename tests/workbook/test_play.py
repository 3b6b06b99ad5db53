"""What a reader can turn: a picked sample, a threshold, original or mine; charts, maps, the confusion table, exercises."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

import weightlens
from tests.conftest import SAMPLES, sample_input
from tests.workbook.places import area_cells, places_of
from weightlens.checks import check_workbook
from weightlens.errors import BadInput
from weightlens.spreadsheet.cell_areas import cell_names
from weightlens.spreadsheet.cell_values import Book, read_book
from weightlens.spreadsheet.cells_map import read_map
from weightlens.spreadsheet.recalculate import Changes, recalculate
from weightlens.workbook.sheets.target import as_answers

pytest.importorskip("ironcalc")
pytestmark = pytest.mark.slow
RNG = np.random.default_rng(3)


def place(book: Book, name: str) -> tuple[str, str]:
    """The cell of a defined name."""
    return next(iter(area_cells(book.names[name])))


def with_typed(path: Path, typed: dict[tuple[str, str], str]) -> Book:
    """The workbook recalculated after somebody typed into some cells."""
    import ironcalc

    model = ironcalc.load_from_xlsx(str(path), "en", "UTC", "en")
    book = openpyxl.load_workbook(path)
    for (sheet, cell), text in typed.items():
        at = book[sheet][cell]
        model.set_user_input(book.sheetnames.index(sheet), at.row, at.column, text)
    model.evaluate()
    changed = path.with_name("changed.xlsx")
    changed.write_bytes(model.to_xlsx())
    found = read_book(changed)
    found.names = read_book(path).names
    return found


# -- many samples ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, np.ndarray]:
    """The digits MLP with more samples than anybody wants to see at once."""
    path, model = tmp_path_factory.mktemp("many") / "many.xlsx", weightlens.load(SAMPLES / "digits_mlp.keras")
    x = RNG.random((50, 64)).round(3)
    weightlens.export(model, path, inputs=x, labels=[str(i) for i in range(10)], target=RNG.integers(0, 10, 50))
    return path, model, x


@pytest.mark.parametrize("sample", [0, 16, 49])
def test_the_picked_sample_is_shown(many: tuple[Path, Any, np.ndarray], sample: int) -> None:
    path, model, x = many
    book = recalculate(path, "ironcalc", {place(read_book(path), "picked"): float(sample)})
    np.testing.assert_array_equal(book.block("input_0"), x[sample])
    np.testing.assert_allclose(book.block("output_0"), model.predict(x[sample : sample + 1])[0].ravel(), atol=1e-12)


def test_mine_is_read_where_the_switch_says_so(many: tuple[Path, Any, np.ndarray]) -> None:
    path, _, x = many
    stored = read_book(path)
    changed = with_typed(path, {place(stored, "picked"): "29"})
    np.testing.assert_array_equal(changed.block("input_0"), x[29])
    mine = with_typed(path, {place(stored, "read"): "mine"})
    np.testing.assert_array_equal(mine.block("input_0"), x[0], "mine starts as a copy of the first sample")


def test_picking_recalculates_no_more_than_it_must(many: tuple[Path, Any, np.ndarray]) -> None:
    formulas = [f for cells in read_book(many[0]).formulas.values() for f in cells.values()]
    assert not [f for f in formulas if re.search(r"\b(OFFSET|INDIRECT|RAND|NOW|TODAY)\(", f)]
    assert sum("'Data'!" in f for f in formulas) == 65, "only the shown input and its true answer read the data"


def test_the_stored_confusion_table(many: tuple[Path, Any, np.ndarray]) -> None:
    path, _, _ = many
    book = recalculate(path, "ironcalc")
    [accuracy] = book.block("accuracy")
    stored = read_book(path).block("accuracy")[0]
    assert accuracy == stored and 0 <= accuracy < 0.5


@pytest.mark.parametrize("sample", [0, 16])
def test_answer_and_truth_stand_where_the_sample_is_picked(many: tuple[Path, Any, np.ndarray], sample: int) -> None:
    path, model, x = many
    stored = read_book(path)
    book = recalculate(path, "ironcalc", {place(stored, "picked"): float(sample)})
    labels = {cell: value for cell, value in book.sheets["Inputs"].items() if re.fullmatch(r"[A-Z]+4", cell)}
    words = [value for value in labels.values() if value not in ("answer", "true")]
    column = next(cell.removesuffix("7") for cell, value in book.sheets["Data"].items() if value == "target")
    assert words == [str(model.predict(x[sample : sample + 1])[0].argmax()), book.sheets["Data"][f"{column}{8 + sample}"]]


def test_made_up_inputs_are_said_to_be(tmp_path: Path) -> None:
    for name, words, given in (
        ("or.h5", "all combinations of 0 and 1", np.ones((2, 2))),
        ("digits_cnn.keras", "most of them random", np.ones((1, 8, 8, 1))),
        ("relu_neuron.h5", "these are examples.", np.ones((1, 1))),
    ):
        weightlens.export(SAMPLES / name, tmp_path / "a.xlsx")
        weightlens.export(SAMPLES / name, tmp_path / "b.xlsx", inputs=given)
        sheet = "Inputs" if name == "digits_cnn.keras" else "1 network"
        assert words in str(read_book(tmp_path / "a.xlsx").sheets[sheet]["B2"])
        assert "No input" not in str(read_book(tmp_path / "b.xlsx").sheets[sheet]["B2"])


def test_words_are_refused_where_numbers_are_read(tmp_path: Path) -> None:
    weightlens.export(SAMPLES / "or.h5", tmp_path / "or.xlsx")
    rules = openpyxl.load_workbook(tmp_path / "or.xlsx")["1 network"].data_validations.dataValidation
    areas = {str(rule.sqref) for rule in rules if rule.type == "decimal" and rule.showErrorMessage}
    book = read_book(tmp_path / "or.xlsx")
    wanted = [book.names[name] for name in ("input_0", "w_dense_kernel", "w_dense_bias")]
    assert areas == {name.rpartition("!")[2].replace("$", "") for name in wanted}


def test_an_error_is_no_agreement(tmp_path: Path) -> None:
    weightlens.export(SAMPLES / "or.h5", tmp_path / "or.xlsx")
    changed = with_typed(tmp_path / "or.xlsx", {next(iter(area_cells(read_book(tmp_path / "or.xlsx").names["input_0"]))): "abc"})
    assert changed.sheets["Check"]["B4"] == "ERROR"
    assert changed.sheets["Check"]["B7"] == "dense: dot product"


def test_answers_far_to_the_right_are_shown_beside_the_inputs(tmp_path: Path) -> None:
    weightlens.export(SAMPLES / "xor_relu.h5", tmp_path / "xor.xlsx")
    stored = read_book(tmp_path / "xor.xlsx")
    cells = [f"E{row}" for row in range(8, 12)]
    assert stored.sheets["1 network"]["E5"] == "answer"
    book = recalculate(tmp_path / "xor.xlsx", "ironcalc", {next(iter(area_cells(stored.names["input_0"]))): 1.0})
    assert [book.sheets["1 network"][cell] for cell in cells] == book.block("output_0").tolist()
    assert [stored.sheets["1 network"][cell] for cell in cells] != book.block("output_0").tolist()


def test_a_small_network_shows_a_window_of_rows(tmp_path: Path) -> None:
    x = RNG.random((300, 2)).round(3)
    weightlens.export(SAMPLES / "or.h5", tmp_path / "or.xlsx", inputs=x)
    stored = read_book(tmp_path / "or.xlsx")
    book = recalculate(tmp_path / "or.xlsx", "ironcalc", {place(stored, "picked"): 100.0})
    np.testing.assert_array_equal(book.block("input_0").reshape(-1, 2), x[100:120])
    assert [book.cell("1 network", f"A{row}") for row in range(8, 28)] == [*range(100, 120)]
    last = recalculate(tmp_path / "or.xlsx", "ironcalc", {place(stored, "picked"): 299.0})
    np.testing.assert_array_equal(last.block("input_0").reshape(-1, 2), np.repeat(x[299:], 20, axis=0))
    assert [last.cell("1 network", f"A{row}") for row in range(8, 28)] == [299] * 20, "the number of a row is that of its sample"
    mine = with_typed(tmp_path / "or.xlsx", {place(stored, "picked"): "100", place(stored, "read"): "mine"})
    assert [mine.cell("1 network", f"A{row}") for row in range(8, 28)] == [*range(20)]
    sheet, cell = place(stored, "network_sample")
    assert stored.cell(sheet, f"D{cell[1:]}") == "row", "not the number of a sample"


def test_pictures_are_fetched_in_order(tmp_path: Path) -> None:
    x = RNG.integers(0, 17, (30, 8, 8, 1)).astype(float)
    weightlens.export(SAMPLES / "digits_cnn.keras", tmp_path / "cnn.xlsx", inputs=x)
    book = recalculate(tmp_path / "cnn.xlsx", "ironcalc", {place(read_book(tmp_path / "cnn.xlsx"), "picked"): 11.0})
    np.testing.assert_array_equal(book.block("input_0"), x[11].ravel())
    assert book.cell(*place(book, "network_sample")) == 11, "what is drawn is the picked sample"


# -- threshold, target, switch -----------------------------------------------------------------------------------------------


def test_the_threshold_decides(tmp_path: Path) -> None:
    path = tmp_path / "xor.xlsx"
    weightlens.export(SAMPLES / "xor_relu.h5", path, inputs=[[0, 1], [0, 0]], labels=["off", "on"])
    stored = read_book(path)

    def words(changes: Changes) -> list[Any]:
        return [v for v in recalculate(path, "ironcalc", changes).sheets["1 network"].values() if v in ("off", "on")][:2]

    assert words({}) == ["on", "off"]
    assert words({place(stored, "threshold"): 0.0}) == ["on", "on"]


def test_targets_are_compared_live(tmp_path: Path) -> None:
    path = tmp_path / "or.xlsx"
    x = [[0, 0], [0, 1], [1, 0], [1, 1]]
    weightlens.export(SAMPLES / "or.h5", path, inputs=x, labels=["False", "True"], target=["False", "True", "True", "False"])
    stored = read_book(path)
    assert recalculate(path, "ironcalc").block("accuracy")[0] == stored.block("accuracy")[0] == 0.75
    inputs = list(area_cells(stored.names["input_0"]))
    flipped = recalculate(path, "ironcalc", {inputs[6]: 0.0, inputs[7]: 0.0})  # (1, 1) becomes (0, 0): False, as wanted
    assert flipped.block("accuracy")[0] == 1.0


@pytest.mark.parametrize(
    ("target", "answers"),
    [([1, 0], ["b", "a"]), (["a", "b"], ["a", "b"]), (["1", "0"], ["b", "a"]), ([[0, 1], [1, 0]], ["b", "a"]), ([0.5, 2.0], [0.5, 2.0])],
)
def test_answers_in_any_form(target: Any, answers: list[Any]) -> None:
    assert as_answers(target, ["a", "b"], 2) == answers


@pytest.mark.parametrize("target", [[1, 0, 1], ["c", "a"]])
def test_answers_that_do_not_fit_are_refused(target: Any) -> None:
    with pytest.raises(BadInput):
        as_answers(target, ["a", "b"], 2)


@pytest.mark.parametrize("name", ["or.h5", "sine_lstm.keras", "digits_cnn.keras"])
def test_the_switch_goes_back_to_the_original(name: str, tmp_path: Path) -> None:
    path, model, x = tmp_path / "book.xlsx", weightlens.load(SAMPLES / name), sample_input(SAMPLES / name)[:1]
    weightlens.export(model, path, inputs=x, switch=True)
    stored = read_book(path)
    kernel = next(entry for entry in read_map(stored) if entry.kind == "weight")
    typed = {(kernel.sheet, kernel.first): "3.5", next(iter(area_cells(stored.names["input_0"]))): "2.5"}
    expected = model.predict(x)[0].ravel()
    assert np.abs(with_typed(path, typed).block("output_0") - expected).max() > 1e-6, "mine counts"
    back = with_typed(path, typed | {place(stored, "use"): "original"})
    np.testing.assert_allclose(back.block("output_0"), expected, atol=1e-12)


# -- charts and maps ---------------------------------------------------------------------------------------------------------

REFERENCE = re.compile(r"'([^']+)'!\$([A-Z]+)\$(\d+)(?::\$([A-Z]+)\$(\d+))?")


@pytest.mark.parametrize("name", ["or.h5", "relu_neuron.h5", "xor_sigmoid.h5", "digits_mlp.keras", "digits_cnn.keras"])
def test_charts_read_numbers_that_exist(name: str, tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    weightlens.export(SAMPLES / name, path, inputs=sample_input(SAMPLES / name))
    book, values = openpyxl.load_workbook(path), openpyxl.load_workbook(path, data_only=True)
    charts = [chart for page in book.worksheets for chart in page._charts]
    assert charts
    for chart in charts:
        for series in chart.series:
            numbers = [part.numRef.f for part in (getattr(series, "val", None), getattr(series, "yVal", None)) if part is not None]
            for sheet, c1, r1, c2, r2 in REFERENCE.findall(" ".join(numbers)):
                cells = values[sheet][f"{c1}{r1}:{c2 or c1}{r2 or r1}"]
                assert all(isinstance(cell.value, (int, float)) for row in cells for cell in row), f"{sheet} {c1}{r1}:{c2}{r2}"
            assert numbers
            if chart.tagname == "barChart":
                where = (series.cat.numRef or series.cat.strRef).f
                sheet, column, row, *_ = REFERENCE.findall(where)[0]
                named = str(values[sheet][f"{column}{row}"].value)
                assert named in ("sample 0", "class 0", "0"), f"{where}: {named}"


def grid(book: Book, sheet: str, top: int, left: int, side: int) -> np.ndarray:
    from weightlens.workbook.formulas.cell_arrays import COLUMN

    return np.array([[book.sheets[sheet][f"{COLUMN[left + j]}{top + i + 1}"] for j in range(side)] for i in range(side)], float)


def test_on_paper_the_steps_behind_a_map_are_one_page(tmp_path: Path) -> None:
    weightlens.export(SAMPLES / "or.h5", tmp_path / "or.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "or.xlsx")["Map steps"]
    printed = openpyxl.utils.range_boundaries(sheet.print_area.rpartition("!")[2])
    assert sheet.max_row > 441 and printed[3] < 40


def test_the_map_is_the_network_everywhere(tmp_path: Path) -> None:
    path, model = tmp_path / "xor.xlsx", weightlens.load(SAMPLES / "xor_relu.h5")
    weightlens.export(model, path)
    stored = read_book(path)
    low = next(cell for cell, value in stored.sheets["Map"].items() if value == -0.25)
    computed = recalculate(path, "ironcalc", {("Map", low): -1.0})
    shown = grid(computed, "Map", 7, 2, 21)
    first, second = np.linspace(-1, 1.25, 21), np.linspace(-0.25, 1.25, 21)[::-1]
    points = np.stack(np.meshgrid(first, second), axis=-1).reshape(-1, 2)
    np.testing.assert_allclose(shown, model.predict(points)[0].reshape(21, 21), atol=1e-12)


def test_the_map_reads_the_same_weights(tmp_path: Path) -> None:
    path = tmp_path / "or.xlsx"
    weightlens.export(SAMPLES / "or.h5", path)
    stored = read_book(path)
    bias = next(entry for entry in read_map(stored) if entry.name == "bias")
    moved = recalculate(path, "ironcalc", {(bias.sheet, bias.first): -100.0})
    assert (grid(moved, "Map", 7, 2, 21) > 0.999).all()


def test_the_curve(tmp_path: Path) -> None:
    path, model = tmp_path / "neuron.xlsx", weightlens.load(SAMPLES / "relu_neuron.h5")
    weightlens.export(model, path, inputs=[[0.0], [4.0]])
    sheet = recalculate(path, "ironcalc").sheets["Curve"]
    x = np.array([[sheet[f"B{row}"]] for row in range(8, 49)], float)
    np.testing.assert_allclose([sheet[f"D{row}"] for row in range(8, 49)], model.predict(x)[0].ravel(), atol=1e-12)


# -- words -------------------------------------------------------------------------------------------------------------------


def test_words_are_typed_in_and_looked_up(tmp_path: Path, keras: Any) -> None:
    vocabulary = ["good", "=bad", "Film", "film"]
    layers = [keras.Input((2,), dtype="string"), keras.layers.StringLookup(vocabulary=vocabulary), keras.layers.Embedding(5, 3)]
    model = keras.Sequential([*layers, keras.layers.Flatten(), keras.layers.Dense(2)])
    model.save(tmp_path / "words.keras")
    path, loaded = tmp_path / "words.xlsx", weightlens.load(tmp_path / "words.keras")
    weightlens.export(loaded, path, inputs=np.array([["good", "film"], ["unheard of", ""]]))
    assert check_workbook(path, loaded).ok
    [first, *_] = places_of(read_map(read_book(path))[0], read_book(path))
    typed = with_typed(path, {first: "'=bad"})
    assert typed.block("output_0") == pytest.approx(loaded.predict(np.array([["=bad", "film"], ["unheard of", ""]]))[0].ravel())
    assert typed.block("output_0")[:2] != pytest.approx(read_book(path).block("output_0")[:2])


def text_model(keras: Any, path: Path, **options: Any) -> Any:
    """A model that reads sentences."""
    words = keras.layers.TextVectorization(vocabulary=["the", "cat", "sat", "on", "mat", "dog", "ran"], **options)
    layers = [keras.Input((1,), dtype="string"), words, keras.layers.Embedding(9, 3), keras.layers.GlobalAveragePooling1D()]
    keras.Sequential([*layers, keras.layers.Dense(1, activation="sigmoid")]).save(path)
    return weightlens.load(path)


def test_a_sentence_is_typed_in_and_cut_into_words(tmp_path: Path, keras: Any) -> None:
    model = text_model(keras, tmp_path / "text.keras", output_sequence_length=6)
    path = tmp_path / "text.xlsx"
    weightlens.export(model, path, inputs=np.array([["The cat sat on the mat!"], ["A dog ran"]]))
    assert check_workbook(path, model).ok
    [first, *_] = places_of(read_map(read_book(path))[0], read_book(path))
    for line in ("the DOG,  ran on\tthe mat and on and on", '\u00c9t\u00e9 (Cat) "sat"', ""):
        typed = with_typed(path, {first: line})
        assert typed.block("output_0")[0] == pytest.approx(model.predict(np.array([[line]]))[0].ravel()[0], abs=1e-12), line


def test_more_words_than_there_is_room_for_are_an_error(tmp_path: Path, keras: Any) -> None:
    model = text_model(keras, tmp_path / "text.keras")
    path = tmp_path / "text.xlsx"
    weightlens.export(model, path, inputs=np.array([["the cat sat"]]))
    [first] = places_of(read_map(read_book(path))[0], read_book(path))
    assert not with_typed(path, {first: "on the mat"}).errors()
    assert with_typed(path, {first: "the cat sat on"}).sheets["Check"]["B4"] == "ERROR"


def test_a_sample_of_words_is_picked_and_empty_ones_stay_empty(tmp_path: Path, keras: Any) -> None:
    layers = [keras.Input((2,), dtype="string"), keras.layers.StringLookup(vocabulary=["good", "film"], mask_token="")]
    model = keras.Sequential([*layers, keras.layers.Embedding(4, 3), keras.layers.Flatten(), keras.layers.Dense(2)])
    model.save(tmp_path / "words.keras")
    path, loaded = tmp_path / "words.xlsx", weightlens.load(tmp_path / "words.keras")
    x = np.array([["good", "film"], ["film", ""], ["", "50% <&>"]] * 100)
    weightlens.export(loaded, path, inputs=x)
    assert check_workbook(path, loaded).ok
    shown = len(read_book(path).block("output_0")) // 2
    for sample in (0, 1, 2):
        picked = with_typed(path, {place(read_book(path), "picked"): str(sample)})
        assert not picked.errors()
        assert picked.block("output_0") == pytest.approx(loaded.predict(x[sample : sample + shown])[0].ravel())


# -- exercises ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Book]:
    path = tmp_path_factory.mktemp("exercise") / "or.xlsx"
    weightlens.export(SAMPLES / "or.h5", path, labels=["False", "True"], blank=["dot product", "softmax"])
    return path, read_book(path)


def test_steps_are_blank_and_the_answers_hidden(exercise: tuple[Path, Book]) -> None:
    path, stored = exercise
    book = openpyxl.load_workbook(path)
    assert book["Answers"].sheet_state == "hidden"
    answers = [entry for entry in read_map(stored) if entry.sheet == "Answers"]
    assert [entry.name for entry in answers] == ["dot product", "activation"]
    for entry in answers:
        assert all(book["1 network"][cell].value is None for cell in cell_names(entry.addresses()))
    assert stored.block("score")[0] == 0


@pytest.mark.parametrize("name", ["or", "xor_relu", "relu_neuron"])
def test_nothing_in_sight_gives_the_answers_away(name: str, tmp_path: Path) -> None:
    weightlens.export(SAMPLES / f"{name}.h5", tmp_path / "exercise.xlsx", exercise=True)
    book = openpyxl.load_workbook(tmp_path / "exercise.xlsx")
    assert [sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible"] == ["Summary", "1 network", "Hints"]
    links = [cell.hyperlink.location for sheet in book.worksheets[:2] for row in sheet.iter_rows() for cell in row if cell.hyperlink]
    assert not [goal for goal in links if "Check" in goal or "Map" in goal]


def test_a_blank_share_is_a_percentage(tmp_path: Path) -> None:
    weightlens.export(SAMPLES / "or.h5", tmp_path / "or.xlsx", exercise=True)
    network = openpyxl.load_workbook(tmp_path / "or.xlsx")["1 network"]
    assert network["R8"].number_format == "0.0%" and network["K8"].value is None


def test_right_answers_score_and_wrong_ones_do_not(exercise: tuple[Path, Book]) -> None:
    path, stored = exercise
    [product, _] = [entry for entry in read_map(stored) if entry.sheet == "Answers"]
    cells, right = cell_names(product.addresses()), product.found(stored).numbers
    changes: Changes = {("1 network", cell): number + 0.001 for cell, number in zip(cells, right, strict=True)}
    full = recalculate(path, "ironcalc", changes)
    assert full.block("score")[0] == 8 and not full.errors()
    wrong = recalculate(path, "ironcalc", changes | {("1 network", cells[0]): right[0] + 1})
    assert wrong.block("score")[0] == 7
    np.testing.assert_array_equal(wrong.block("output_0"), full.block("output_0"), "later steps read the right numbers")


def test_hits_are_counted_only_as_answers_are_filled_in(tmp_path: Path) -> None:
    path = tmp_path / "or.xlsx"
    weightlens.export(SAMPLES / "or.h5", path, blank=["softmax"], target=[0, 1, 1, 1])
    empty = recalculate(path, "ironcalc")
    assert not empty.errors() and empty.block("accuracy")[0] == read_book(path).block("accuracy")[0] == 0
    [softmax] = [entry for entry in read_map(read_book(path)) if entry.sheet == "Answers"]
    cells, right = softmax.addresses()[:2], softmax.found(read_book(path)).numbers
    half = {("1 network", cell): number for cell, number in zip(cell_names(cells), right[: cells.size], strict=True)}
    filled = recalculate(path, "ironcalc", half)
    assert not filled.errors() and filled.block("accuracy")[0] == 1


def test_a_cell_turns_green_or_red(exercise: tuple[Path, Book]) -> None:
    page = openpyxl.load_workbook(exercise[0])["1 network"]
    rules = {str(area.sqref): [rule.formula[0] for rule in area.rules] for area in page.conditional_formatting}
    [product, _] = [entry for entry in read_map(exercise[1]) if entry.sheet == "Answers"]
    [found] = [formulas for area, formulas in rules.items() if area.startswith(f"{product.first}:")]
    marks = re.fullmatch(r"([A-Z]+\d+)=1", found[0])
    assert marks and found[1] == f"AND({marks[1]}=0,LEN({product.first})>0)"


def test_an_exercise_on_a_sheet_per_layer(tmp_path: Path) -> None:
    path = tmp_path / "cnn.xlsx"
    weightlens.export(SAMPLES / "digits_cnn.keras", path, inputs=sample_input(SAMPLES / "digits_cnn.keras")[:1], exercise=True)
    computed = recalculate(path, "ironcalc")
    assert not computed.errors()
    np.testing.assert_allclose(computed.block("output_0"), read_book(path).block("output_0"), atol=1e-12)


def test_unknown_steps_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="dot product"):
        weightlens.export(SAMPLES / "or.h5", tmp_path / "or.xlsx", blank=["dot"])
    assert not (tmp_path / "or.xlsx").exists()
