"""Pictures of a whole network: maps of hidden units, the hidden space, boxes and arrows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

import weightlens
from tests.conftest import SAMPLES
from weightlens.spreadsheet.cell_values import Book, read_book
from weightlens.spreadsheet.recalculate import recalculate, recalculate_all
from weightlens.workbook.drawing.network_sheet import Node, home_of

pytestmark = pytest.mark.slow
SIDE = 21
CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
OFFICE = pytest.param("libreoffice", marks=pytest.mark.office("libreoffice"))


@pytest.fixture(scope="module")
def xor(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    path, model = tmp_path_factory.mktemp("xor") / "xor.xlsx", weightlens.load(SAMPLES / "xor_relu.h5")
    weightlens.export(model, path, inputs=CORNERS, target=[0, 1, 1, 0])
    return path, model


def hidden(model: Any, x: np.ndarray) -> np.ndarray:
    values: np.ndarray = np.maximum(x @ model["hidden"].kernel.astype(float) + model["hidden"].bias.astype(float), 0.0)
    return values


def area(sheet: str, row: int, column: int) -> str:
    """A map by its first cell, counted from 1."""
    letter = openpyxl.utils.get_column_letter
    return f"'{sheet}'!{letter(column)}{row}:{letter(column + SIDE - 1)}{row + SIDE - 1}"


@pytest.mark.parametrize("engine", [OFFICE, "ironcalc"])
def test_a_map_of_every_hidden_unit(xor: tuple[Path, Any], engine: str) -> None:
    path, model = xor
    book = recalculate(path, engine)
    ends = [book.block(f"'Map'!{cell}") for cell in ("C29:W29", "B8:B28")]  # the axes of the map: across, and down from above
    plane = np.stack(np.meshgrid(*ends), axis=-1).reshape(-1, 2)
    wanted = hidden(model, plane)
    for unit in (0, 5, 9, 15):
        found = book.block(area("Hidden units", 7 + 23 * (unit // 8), 2 + 22 * (unit % 8)))
        assert np.allclose(found, wanted[:, unit], atol=1e-12), unit
    assert np.allclose(book.block(area("Hidden units", 7 + 2 * 23 + 1, 2)), book.block("'Map'!C8:W28"), atol=1e-12)


def test_the_hidden_space_shows_two_units_of_every_sample(xor: tuple[Path, Any]) -> None:
    path, model = xor
    wanted = hidden(model, CORNERS)
    for book, pair in ((read_book(path), None), (with_units(path, 2, 11), (2, 11))):
        cells = book.sheets["Hidden space"]
        rows = list(range(8, 12))
        samples = [int(cells[f"A{row}"]) for row in rows]
        assert samples == [0, 3, 1, 2] and [cells[f"B{row}"] for row in rows] == ["no", "no", "yes", "yes"]
        if pair is None:
            pair = tuple(int(str(value).removeprefix("unit ")) for value in cells.values() if str(value).startswith("unit "))
        found = np.array([[cells[f"E{row}"], cells[f"F{row}"]] for row in rows], float)
        assert np.allclose(found, wanted[samples][:, pair], atol=1e-12)
    series = openpyxl.load_workbook(path)["Hidden space"]._charts[0].series
    assert [one.xVal.numRef.f for one in series] == ["'Hidden space'!$E$8:$E$9", "'Hidden space'!$E$10:$E$11"]


def with_units(path: Path, first: int, second: int) -> Book:
    """The workbook recalculated with two other units picked."""
    book = openpyxl.load_workbook(path)
    cells = [cell for row in book["Hidden space"].iter_rows(max_row=3) for cell in row if str(cell.value).startswith("unit ")]
    for cell, unit in zip(cells, (first, second), strict=True):
        cell.value = f"unit {unit}"
    changed = path.with_name("changed.xlsx")
    book.save(changed)
    return recalculate(changed, "ironcalc")


def test_networks_without_hidden_layers_have_neither(tmp_path: Path) -> None:
    weightlens.export(SAMPLES / "or.h5", tmp_path / "or.xlsx")
    assert not {"Hidden units", "Hidden space"} & {*openpyxl.load_workbook(tmp_path / "or.xlsx", read_only=True).sheetnames}


def test_long_lists_stand_in_cells_and_many_samples_are_typed(keras: Any, tmp_path: Path) -> None:
    layers, path, samples, units = keras.layers, tmp_path / "wide.xlsx", 61, 34
    keras.Sequential(
        [keras.Input((2,)), layers.Dense(units, activation="tanh", name="hidden"), layers.Dense(1, activation="sigmoid")]
    ).save(tmp_path / "wide.keras")
    model, x = weightlens.load(tmp_path / "wide.keras"), np.random.default_rng(4).random((samples, 2))
    weightlens.export(model, path, inputs=x)
    book, names = openpyxl.load_workbook(path), read_book(path).names
    rules = [(page, rule) for page in book for rule in page.data_validations.dataValidation]
    assert all(len(rule.formula1) <= 255 for _, rule in rules), "Excel repairs a file with a longer list"
    listed = {rule.formula1 for page, rule in rules if page.title == "Hidden space"}
    assert len(listed) == 1
    assert [cell.value for (cell,) in book["Hidden space"][listed.pop().replace("$", "")]] == [f"unit {i}" for i in range(units)]
    for name in ("network_sample", "neuron_sample"):
        sheet, cell = names[name].replace("$", "").replace("'", "").split("!")
        (rule,) = [rule for page, rule in rules if page.title == sheet and cell in rule.sqref]
        assert (rule.type, rule.formula1, rule.formula2) == ("whole", "0", str(samples - 1))


# -- boxes and arrows --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def branches(keras: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, list[np.ndarray]]:
    """Two inputs, a layer that is called twice, a sum, and a line that passes two ranks."""
    folder, layers = tmp_path_factory.mktemp("branches"), keras.layers
    keras.utils.set_random_seed(3)
    left, right = keras.Input((3,), name="left"), keras.Input((6, 2), name="right")
    shared = layers.Dense(3, activation="tanh", name="shared")
    first = shared(left)
    second = shared(layers.Conv1D(3, 6, name="conv")(right)[:, 0])
    merged = layers.Concatenate(name="both")([layers.Add(name="sum")([first, second]), left])
    keras.Model([left, right], layers.Dense(2, activation="softmax", name="out")(merged)).save(folder / "m.keras")
    model, rng = weightlens.load(folder / "m.keras"), np.random.default_rng(8)
    inputs = [rng.random((2, 3)).round(2), rng.random((2, 6, 2)).round(2)]
    weightlens.export(model, folder / "book.xlsx", inputs=inputs)
    return folder / "book.xlsx", model, inputs


def boxes(path: Path) -> dict[str, tuple[int, int]]:
    """The row and the column of every box, by its name, which is bold."""
    page = openpyxl.load_workbook(path)["Network"]
    firsts = [page.cell(area.min_row, area.min_col) for area in page.merged_cells.ranges if area.size["columns"] == 8]
    return {cell.value: (cell.row, cell.column) for cell in firsts if cell.font.bold}


def test_the_network_is_drawn_as_it_is_connected(branches: tuple[Path, Any, list[np.ndarray]]) -> None:
    path, _, _ = branches
    page, found = openpyxl.load_workbook(path)["Network"], boxes(path)
    assert {"left", "right", "conv", "shared", "shared #2", "sum", "both", "out"} <= {*found}
    for below, above in (("shared", "left"), ("conv", "right"), ("sum", "shared #2"), ("both", "sum"), ("out", "both")):
        assert found[below][0] > found[above][0]
    for name, (row, column) in found.items():
        arrow = page.cell(row - 1, column + 3).value
        assert (arrow == "\u25bc") == (name not in ("left", "right")), name
        assert page.cell(row, column).hyperlink is not None or name not in ("conv", "shared", "out"), name
    row, column = found["sum"]
    lines = [cell for cell in page[row + 3] if cell.border.left is not None and cell.border.left.style == "medium"]
    assert [cell.column for cell in lines if not column <= cell.column < column + 8], "a line from the input passes the sum"


@pytest.mark.parametrize("engine", [OFFICE, "ironcalc"])
def test_the_boxes_show_what_layers_answer(branches: tuple[Path, Any, list[np.ndarray]], engine: str) -> None:
    path, model, inputs = branches
    trace, found, book = model.trace(inputs), boxes(path), read_book(path)
    wanted = {name: trace.layer_outputs[name][0].value for name in ("shared", "shared #2", "sum", "both", "out")}
    means = {"right": inputs[1].mean(axis=1), "conv": trace.layer_outputs["conv"][0].value.mean(axis=1)}
    sheet, cell = book.names["network_sample"].replace("$", "").replace("'", "").split("!")
    for sample, computed in enumerate(recalculate_all([path] * 2, engine, [{(sheet, cell): 0.0}, {(sheet, cell): 1.0}])):
        assert isinstance(computed, Book), computed
        for name, values in (wanted | means).items():
            row, column = found[name]
            shown = [computed.cell("Network", f"{openpyxl.utils.get_column_letter(column + j)}{row + 3}") for j in range(8)]
            numbers = np.array([value for value in shown if value is not None], float)
            assert np.allclose(numbers, values[sample][:8], atol=1e-12), name


@pytest.mark.parametrize(("beside", "lies"), [(1, "portrait"), (4, "landscape")])
def test_no_page_ends_within_a_box(keras: Any, tmp_path: Path, beside: int, lies: str) -> None:
    x = keras.Input((2,), name="x")
    ways = [x] * beside
    deep = 17 if beside == 1 else 7
    for depth in range(deep):
        ways = [keras.layers.Dense(2, name=f"dense_{depth}_{i}")(way) for i, way in enumerate(ways)]
    keras.Model(x, ways).save(tmp_path / "m.keras")
    path = weightlens.export(tmp_path / "m.keras", tmp_path / "book.xlsx", inputs=[[1.0, 2.0]])
    page, found = openpyxl.load_workbook(path)["Network"], boxes(path)
    ends = [cut.id for cut in page.row_breaks.brk]
    assert page.page_setup.orientation == lies and len(ends) >= 1 and not page.sheet_properties.pageSetUpPr.fitToPage
    assert len(found) == 1 + deep * beside
    for row, _ in found.values():
        assert not [end for end in ends if row <= end < row + 4], "a break stands after this many rows"
    columns = [d for d in page.column_dimensions.values() if d.min <= page.max_column - 2]
    width = sum(d.width * (d.max - d.min + 1) for d in columns)
    assert page.page_setup.scale * width <= {"portrait": 7_300, "landscape": 10_700}[lies], "as wide as a page"


def test_an_exercise_is_not_drawn(tmp_path: Path) -> None:
    weightlens.export(SAMPLES / "or.h5", tmp_path / "or.xlsx", exercise=True)
    assert "Network" not in openpyxl.load_workbook(tmp_path / "or.xlsx", read_only=True).sheetnames


def test_a_model_inside_that_is_called_twice_shows_what_it_answers(keras: Any, tmp_path: Path) -> None:
    layers, path = keras.layers, tmp_path / "book.xlsx"
    inner = keras.Sequential([keras.Input((3,)), layers.Dense(4, activation="relu"), layers.Dense(2)], name="encoder")
    left, right = keras.Input((3,), name="left"), keras.Input((3,), name="right")
    codes = inner(left), inner(right)
    network = keras.Model([left, right], layers.Dense(1, activation="sigmoid", name="same")(layers.Subtract(name="gap")(codes)))
    network.save(tmp_path / "m.keras")
    rng = np.random.default_rng(5)
    x = [np.vstack([np.zeros(3), rng.normal(size=(2, 3))]) for _ in range(2)]  # nothing is to be seen in the first sample
    model = weightlens.load(tmp_path / "m.keras")
    weightlens.export(model, path, inputs=x)
    page, found, book = openpyxl.load_workbook(path)["Network"], boxes(path), read_book(path)
    assert page.cell(found["encoder #2"][0] + 1, found["encoder #2"][1]).value == "encoder once more: the same weights"
    nodes = [Node(model["encoder"], name, [], [0], is_repeat=name != "encoder") for name in ("encoder", "encoder #2")]
    homes: Any = {f"{node.path}/dense": node.path for node in nodes}
    assert [home_of(None, node, homes) for node in nodes] == ["encoder", "encoder #2"], "where each call has sheets of its own"  # type: ignore[arg-type]
    for engine_book, sample in ((book, 1), (recalculate(path, "ironcalc"), 1)):
        for name, given in zip(("encoder", "encoder #2"), x, strict=True):
            row, column = found[name]
            shown = [engine_book.cell("Network", f"{openpyxl.utils.get_column_letter(column + j)}{row + 3}") for j in range(8)]
            wanted = np.asarray(inner(given[sample : sample + 1]))[0]
            assert np.allclose(np.array([value for value in shown if value is not None], float), wanted, atol=1e-5), name
        row, column = found["same"]
        answer = "yes" if float(np.asarray(network([part[sample : sample + 1] for part in x]))[0, 0]) >= 0.5 else "no"
        assert engine_book.cell("Network", f"{openpyxl.utils.get_column_letter(column)}{row + 4}") == f"1 unit; answer: {answer}"
    said = [str(cell.value) for row in openpyxl.load_workbook(path)["Summary"].iter_rows() for cell in row]
    assert any(text.endswith("It is used 2 times, with the same weights: on left, on right (called encoder #2).") for text in said)
    rows = {str(row[1].value): [cell.value for cell in row] for row in openpyxl.load_workbook(path)["Summary"].iter_rows() if row[4].value}
    assert {name: row[2] for name, row in rows.items() if name in ("encoder", "gap", "same")} == {
        "encoder": "left; right",
        "gap": "encoder and encoder #2",
        "same": "gap",
    }
    (first, read), (second, read_by_second) = [(name, row[2]) for name, row in rows.items() if row[4] == "Dense(4)" or row[4] == "Dense(2)"]
    assert first.startswith("encoder/") and second.startswith("encoder/") and read_by_second == first != read, "the layers in it"


def test_what_is_not_trained_is_counted_as_keras_counts_it(keras: Any, tmp_path: Path) -> None:
    layers = keras.layers
    frozen = keras.Sequential([keras.Input((4, 4, 2)), layers.Conv2D(3, 2), layers.BatchNormalization()], name="frozen")
    model = keras.Sequential([keras.Input((4, 4, 2)), frozen, layers.Flatten(), layers.Dense(3, name="out")])
    model.layers[0].trainable = False
    model.save(tmp_path / "m.keras")
    path = weightlens.export(tmp_path / "m.keras", tmp_path / "book.xlsx", inputs=np.ones((1, 4, 4, 2)))
    rows = [[cell.value for cell in row] for row in openpyxl.load_workbook(path)["Summary"].iter_rows()]
    still = sum(int(np.prod(weight.shape)) for weight in model.non_trainable_weights)
    whole = model.count_params()
    assert f"{whole}: {whole - still} trained (trainable), {still} not trained (non-trainable)" in [row[2] for row in rows]
    marked = {row[1]: row[5] for row in rows if row[5] in ("yes", "no")}
    assert {name for name, trained in marked.items() if trained == "yes"} == {"out/kernel", "out/bias"} and len(marked) == 8
