"""Training workbooks as somebody sees them: numbers fit, charts cover nothing, colours tell the truth, headings are understood."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from openpyxl.utils import get_column_letter

from tests.cases import turn
from tests.conftest import SAMPLES
from tests.tiny import write_tiny
from weightlens.checks import check_workbook
from weightlens.cli.main import main
from weightlens.spreadsheet.cell_values import Book, read_book
from weightlens.spreadsheet.recalculate import Changes, recalculate, recalculate_all
from weightlens.workbook.training import gradient_check
from weightlens.workbook.xlsx.styles import FILLS

pytestmark = pytest.mark.slow
BOOKS = {
    "or": "or --epochs 20 --init 1",
    "or as trained": "or --epochs 20",
    "and": "and --epochs 20 --init 1 --optimizer momentum",
    "xor": "xor_sigmoid --loss half_mse --lr 4 --epochs 50 --init 1",
    "xor, relu": "xor_relu --epochs 20 --init 1 --optimizer adam --batch 3",
    "xor, relu at 0": "xor_relu --epochs 4 --init 1",
    "neuron": "relu_neuron --lr 0.05 --epochs 20 --init 5",
    "neuron dies": "relu_neuron --lr 0.4 --epochs 20 --init 5",
    "neuron explodes": "relu_neuron --lr 1000 --epochs 4 --init 5",
    "wide": "wide --epochs 5 --loss categorical_crossentropy --init 1",
}
PIXEL_ROW, EMU = 4 / 3, 9525  # pixels in a point, EMU in a pixel


OF_THE_DAY = turn(list(BOOKS), 3)


class WhenAsked(dict[str, Any]):
    """What a function makes of a name, once it is asked for."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        self.make = make

    def __missing__(self, name: str) -> Any:
        self[name] = self.make(name)
        return self[name]


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The workbooks of the sample models, and of a network with 20 inputs with long names."""
    folder = tmp_path_factory.mktemp("books")
    write_tiny(folder / "wide.h5", np.random.default_rng(1).normal(size=(20, 2)), [0.0, 0.0])
    lines = [",".join([*(f"length of leaf {i}" for i in range(20)), "y"])]
    lines += [",".join([*map(str, row), "1"]) for row in np.random.default_rng(2).normal(size=(12, 20)).round(3)]
    (folder / "wide_data.csv").write_text("\n".join(lines))

    def write(name: str) -> Path:
        sample, options = BOOKS[name].split(" ", 1)
        home, path = folder if sample == "wide" else SAMPLES, folder / f"{name}.xlsx"
        data = str(home / f"{sample}_data.csv")
        assert main(["train-sheet", str(home / f"{sample}.h5"), "-i", data, "--target", "y", *options.split(), "-o", str(path)]) == 0
        return path

    return WhenAsked(write)


@pytest.fixture(scope="module")
def books(paths: dict[str, Path]) -> dict[str, Any]:
    """The workbooks with their numbers."""
    return WhenAsked(lambda name: openpyxl.load_workbook(paths[name], data_only=True))


def cells(sheet: Any) -> Iterator[Any]:
    """Every cell that holds something."""
    return (cell for row in sheet.iter_rows() for cell in row if cell.value not in (None, ""))


def width(sheet: Any, column: int) -> float:
    """Characters that a column holds."""
    return next(
        (d.width for d in sheet.column_dimensions.values() if d.min and d.min <= column <= d.max), sheet.sheet_format.defaultColWidth or 9
    )


def pixels(sheet: Any, column: int) -> float:
    """The left edge of a column, as Excel draws it."""
    return sum(width(sheet, c) * 7 + 5 for c in range(1, column))


def height(sheet: Any, row: int) -> float:
    """The upper edge of a row."""
    return sum((sheet.row_dimensions[r].height or 15) * PIXEL_ROW for r in range(1, row))


def shown(value: float, number_format: str) -> str:
    """What stands on the screen; a General number may lose digits, but four have to be seen."""
    if number_format == "0.00E+00":
        return f"{value:.2E}"
    if number_format.endswith("%"):
        return f"{value:.1%}"
    decimals = re.fullmatch(r"#?,?#*0(?:\.(0+))?", number_format)
    return f"{value:.4g}" if decimals is None else f"{value:.{len(decimals[1] or '')}f}"


@pytest.mark.parametrize("name", OF_THE_DAY)
def test_every_number_fits_its_column(name: str, books: dict[str, Any]) -> None:
    for sheet in books[name]:
        widths = [width(sheet, column) for column in range(sheet.max_column + 1)]
        narrow = {
            cell.coordinate: text
            for cell in cells(sheet)
            if isinstance(cell.value, (int, float))
            and len(text := shown(cell.value, cell.number_format)) * cell.font.size / 11 + 0.7 > widths[cell.column]
        }
        assert not narrow, f"{sheet.title}: {dict(list(narrow.items())[:5])}"


@pytest.mark.parametrize("name", OF_THE_DAY)
def test_charts_cover_nothing(name: str, books: dict[str, Any]) -> None:
    for sheet in books[name]:
        areas = []
        for chart in sheet._charts:
            left, top = pixels(sheet, chart.anchor._from.col + 1), height(sheet, chart.anchor._from.row + 1)
            areas.append((left, top, left + chart.anchor.ext.width / EMU, top + chart.anchor.ext.height / EMU))
        for i, (left, top, right, bottom) in enumerate(areas):
            for other in areas[:i]:
                assert left >= other[2] or top >= other[3], f"{sheet.title}: a chart covers a chart"
            assert bottom - top > 200 and right - left > 400
            for cell in cells(sheet):
                x, y = pixels(sheet, cell.column), height(sheet, cell.row)
                size = (cell.font.size / 11) * (7.5 if cell.font.bold else 6.6)
                end = x + (max(len(str(cell.value)) * size, 20) if isinstance(cell.value, str) else width(sheet, cell.column) * 7)
                if y + 20 > top and y < bottom:
                    assert end <= left or x >= right, f"{sheet.title}!{cell.coordinate} {cell.value!r} is covered"
        if sheet.title == "Data":
            assert len(areas) == 2 and max(right for _, _, right, _ in areas) < 1500, "a screen shows the charts"


@pytest.mark.parametrize("name", OF_THE_DAY)
def test_blue_and_yellow_are_numbers_to_change(name: str, paths: dict[str, Path]) -> None:
    to_change = 0
    for sheet in openpyxl.load_workbook(paths[name]):
        for cell in cells(sheet):
            if str(cell.fill.fgColor.rgb)[2:] in (FILLS["input"], FILLS["weight"]):
                assert not str(cell.value).startswith("="), f"{sheet.title}!{cell.coordinate} is looked up, not typed"
                to_change += isinstance(cell.value, (int, float))
    assert to_change > 3


@pytest.mark.parametrize("name", OF_THE_DAY)
def test_no_words_are_cut(name: str, books: dict[str, Any]) -> None:
    for sheet in books[name]:
        for cell in cells(sheet):
            assert "\u2026" not in str(cell.value), f"{sheet.title}!{cell.coordinate}: {cell.value}"
        if sheet.title != "One step":
            continue
        merged = {str(area).split(":")[0]: area for area in sheet.merged_cells.ranges}
        for cell in cells(sheet):
            if isinstance(cell.value, str) and cell.alignment.wrap_text:
                area = merged.get(cell.coordinate)
                room = sum(width(sheet, c) for c in range(cell.column, (area.max_col if area else cell.column) + 1))
                lines = len(cell.value) * cell.font.size / 11 / room
                assert (sheet.row_dimensions[cell.row].height or 15) >= 11 * min(lines, 1 + int(lines)), cell.value
        assert sheet.max_column <= 22, "a screen shows a band; what is too wide goes below"


def texts(sheet: Any) -> list[str]:
    return [cell.value for cell in cells(sheet) if isinstance(cell.value, str)]


def under(sheet: Any, caption: str, rows: int = 2) -> Any:
    """What stands so many rows under a caption."""
    cell = next(cell for cell in cells(sheet) if cell.value == caption)
    return sheet.cell(cell.row + rows, cell.column).value


def test_one_step_says_what_its_columns_are(books: dict[str, Any]) -> None:
    sheet = books["or"]["One step"]
    for caption in ("softmax: max", "softmax: sum", "right"):
        assert under(sheet, caption) == "per sample"
    assert under(sheet, "dense: dot product") == "unit 0"
    assert under(sheet, "right", 1) == "1 if the largest answer is where the largest target is, else 0"
    assert under(books["xor"]["One step"], "right") == "per sample"


def test_small_gradients_keep_three_digits(books: dict[str, Any]) -> None:
    sheet = books["xor"]["One step"]
    first = next(cell for cell in cells(sheet) if cell.value == "hidden: gradient of kernel")
    assert sheet.cell(first.row + 3, first.column).number_format == "0.00000"


def test_a_loss_from_logits_is_said_where_the_network_ends_otherwise(books: dict[str, Any]) -> None:
    words = "Keras computes this loss from z and not from the softmax above: as if the network ended in a sigmoid"
    sheet = books["or"]["One step"]
    [said] = [cell for cell in cells(sheet) if str(cell.value).startswith(words)]
    assert sheet.cell(said.row - 1, 1).value == "Loss"
    for other in ("xor", "neuron", "wide"):
        assert not [text for text in texts(books[other]["One step"]) if "not from the" in text]
    assert any("-t ln y with y = e^z / sum of e^z, written with z" in text for text in texts(books["wide"]["One step"]))


def test_the_history_names_samples_from_one_and_weights_by_where_they_lead(books: dict[str, Any]) -> None:
    sheet = books["or"]["Epochs"]
    heads = [[sheet.cell(row, column).value for column in range(1, sheet.max_column + 1)] for row in (3, 4, 5, 6)]
    kernel = heads[1].index("kernel")
    assert heads[3][kernel : kernel + 4] == ["x0 \u2192 u0", "x0 \u2192 u1", "x1 \u2192 u0", "x1 \u2192 u1"]
    assert heads[3][heads[1].index("bias")] == "u0"
    dot = heads[1].index("dot product")
    assert heads[2][dot : dot + 8 : 2] == [f"sample {i}" for i in (0, 1, 2, 3)] and heads[3][dot : dot + 2] == ["unit 0", "unit 1"]
    largest = heads[1].index("max")
    assert heads[3][largest : largest + 4] == [f"sample {i}" for i in (0, 1, 2, 3)]
    assert not [text for text in heads[3] if text and re.fullmatch(r"[\d,]+", text)]
    batches = books["xor, relu"]["Epochs"]
    second = next(c for c in range(1, batches.max_column) if "batch 2" in str(batches.cell(3, c).value))
    assert "sample 3" in (batches.cell(5, second).value, batches.cell(6, second).value), "the second batch of three begins with the fourth"
    hidden = [batches.cell(6, c).value for c in range(1, 60)]
    assert "x1 \u2192 u1" in hidden and "u1 \u2192 u0" in hidden


def test_a_start_that_is_trained_already_is_said(books: dict[str, Any], paths: dict[str, Path]) -> None:
    sheet = books["or as trained"]["Data"]
    assert "trained already" in sheet["A3"].value and "--init N" in sheet["A3"].value
    assert not books["or"]["Data"]["A3"].value
    book = recalculate(paths["or as trained"], "ironcalc", {("Data", "B4"): 200.0})
    assert not book.sheets["Data"].get("A3"), "a learning rate that does move the loss takes the words away"


def test_the_terminal_says_it_too(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    command = ["train-sheet", str(SAMPLES / "or.h5"), "-i", str(SAMPLES / "or_data.csv"), "--target", "y", "--epochs", "20"]
    assert main([*command, "-o", str(tmp_path / "a.xlsx")]) == 0
    out = capfd.readouterr().out
    assert "loss 0.0470756 -> 0.046" in out and "trained already" in out
    assert main([*command, "--init", "1", "-o", str(tmp_path / "b.xlsx")]) == 0
    assert "trained already" not in capfd.readouterr().out


@pytest.mark.parametrize("name", ["wide", "xor, relu", "or as trained"])
def test_the_sheets_still_compute(name: str, paths: dict[str, Path]) -> None:
    report = check_workbook(paths[name], engine="ironcalc", tolerance=1e-9)
    assert report.ok, str(report)


def test_the_grid_of_the_fitted_sheet_is_readable(books: dict[str, Any]) -> None:
    for name in ("or", "xor", "neuron"):
        sheet = books[name]["Fitted"]
        first = next(cell for cell in cells(sheet) if cell.value == "input")
        numbers = sheet.cell(first.row + 2, first.column)
        assert numbers.number_format == "0.000" and width(sheet, first.column) >= 8, get_column_letter(first.column)
    assert any("from 0 (blue) to 1 (orange)" in str(cell.value) for cell in cells(books["xor"]["Fitted"])), "as on the sheet Map"


CHECKED: dict[str, Changes] = {  # workbooks, and what is typed into each before it is computed
    "or": {("One step", "B3"): 7.0}, "xor": {("One step", "B3"): 7.0}, "neuron": {("One step", "B3"): 7.0},  # of another epoch than stored
    "xor, relu at 0": {("One step", "B3"): 1.0},
    "surface of or": {("One step", "B3"): 3.0, ("Loss surface", "G3"): 6.0, ("Loss surface", "G4"): 3.0},  # the bias's last; x1 -> u0
}  # fmt: skip


@pytest.fixture(scope="module")
def computed(paths: dict[str, Path]) -> Callable[[str, str], Book]:
    """A workbook of ``CHECKED`` as one engine computes it; one start of each engine for all of them."""

    def of_engine(engine: str) -> list[Any]:
        return recalculate_all([paths[name.removeprefix("surface of ")] for name in CHECKED], engine, [*CHECKED.values()])

    done = WhenAsked(of_engine)

    def look_up(name: str, engine: str) -> Book:
        book = done[engine][list(CHECKED).index(name)]
        assert isinstance(book, Book), book
        return book

    return look_up


@pytest.mark.parametrize("engine", ["ironcalc", pytest.param("libreoffice", marks=pytest.mark.office("libreoffice"))])
@pytest.mark.parametrize("name", ["or", "xor", "neuron"])
def test_the_numerical_gradient_is_the_analytic_one(
    name: str, engine: str, paths: dict[str, Path], computed: Callable[[str, str], Book]
) -> None:
    book = computed(name, engine)
    exact, slope, off = (book.block(which) for which in ("analytic_gradient", "numerical_gradient", "gradient_difference"))
    assert np.abs(exact).max() > 1e-3 and not np.allclose(exact, read_book(paths[name]).block("analytic_gradient"), rtol=1e-3)
    assert np.allclose(slope, exact, rtol=1e-4, atol=1e-7) and off.max() < 1e-3


@pytest.mark.parametrize(
    "engine", ["ironcalc", *(pytest.param(name, marks=pytest.mark.office(name)) for name in ("libreoffice", "gnumeric"))]
)
def test_where_a_relu_switches_the_gradient_check_says_so_and_gives_no_alarm(engine: str, computed: Callable[[str, str], Book]) -> None:
    """In the first epoch the biases are 0, and so is what goes into the relus of the sample 0, 0."""
    sheet = computed("xor, relu at 0", engine).sheets["Gradient check"]
    rows = [(sheet[f"H{row}"], sheet[f"I{row}"]) for row in range(8, 68)]
    assert max(off for off, switching in rows if switching) == 1.0 and {switching for _, switching in rows} == {0.0, 1.0}
    assert sheet["B4"] == max(off for off, switching in rows if not switching) < 1e-3


BENDS: dict[str, Callable[[Any], Any]] = {  # functions whose slopes on both sides of 0 differ
    "leaky relu": lambda of: of.LeakyReLU(negative_slope=0.3), "prelu": lambda of: of.PReLU("glorot_uniform"),
    "elu": lambda of: of.ELU(alpha=0.5), "relu with a slope": lambda of: of.ReLU(negative_slope=0.1),
    "selu": lambda of: of.Activation("selu"), "relu called loss": lambda of: of.ReLU(name="loss"),
}  # fmt: skip


@pytest.mark.parametrize("name", BENDS)
def test_no_function_with_a_bend_at_0_gives_an_alarm(name: str, keras: Any, tmp_path: Path) -> None:
    """Biases are 0, and so is what goes into the function for the sample 0, 0."""
    of, path, book = keras.layers, tmp_path / "m.keras", tmp_path / "m.xlsx"
    keras.utils.set_random_seed(1)
    keras.Sequential([keras.Input((2,)), of.Dense(2), BENDS[name](of), of.Dense(1, activation="sigmoid")]).save(path)
    data = ["-i", str(SAMPLES / "xor_relu_data.csv"), "--target", "y", "--loss", "binary_crossentropy", "--epochs", "1"]
    assert main(["train-sheet", str(path), *data, "-o", str(book)]) == 0
    sheet = read_book(book).sheets["Gradient check"]
    assert any(sheet.get(f"I{row}") for row in range(8, 20)) and sheet["B4"] < 1e-3


def test_the_bends_of_a_long_sequence_are_counted_in_several_columns(keras: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relu at each time step: from sixty steps on, one formula for all of them was longer than a spreadsheet takes."""
    monkeypatch.setattr(gradient_check, "IN_A_FORMULA", 2)
    keras.utils.set_random_seed(1)
    path, book, lines = tmp_path / "m.keras", tmp_path / "m.xlsx", ["a,b,c,y", "0,0,0,1", "1,-1,2,0"]
    layers = [keras.layers.SimpleRNN(2, activation="relu"), keras.layers.Dense(1, activation="sigmoid")]
    keras.Sequential([keras.Input((3, 1)), *layers]).save(path)
    (tmp_path / "d.csv").write_text("\n".join(lines))
    data = ["-i", str(tmp_path / "d.csv"), "--target", "y", "--loss", "binary_crossentropy", "--epochs", "1"]
    assert main(["train-sheet", str(path), *data, "-o", str(book)]) == 0
    sheet = recalculate(book, "ironcalc").sheets["Gradient check"]
    counts = [(sheet[f"I{row}"], sheet[f"L{row}"] + sheet[f"M{row}"]) for row in range(8, 18)]
    assert any(total for total, _ in counts) and all(total == parts for total, parts in counts) and sheet["B4"] < 1e-3


@pytest.mark.parametrize("engine", ["ironcalc", pytest.param("libreoffice", marks=pytest.mark.office("libreoffice"))])
def test_the_loss_surface_is_the_loss_over_any_two_weights(
    engine: str, paths: dict[str, Path], computed: Callable[[str, str], Book]
) -> None:
    book = computed("surface of or", engine)
    surface, across, up = (book.block(which) for which in ("loss_surface", "surface_across", "surface_up"))
    surface = surface.reshape(len(up.ravel()), -1)
    sheet = openpyxl.load_workbook(paths["or"], data_only=True)["Epochs"]
    weights = [sheet.cell(7 + 3, column).value for column in range(1, 40)]
    heads = [sheet.cell(6, column).value for column in range(1, 40)]
    start = np.array(weights[heads.index("x0 \u2192 u0") :][:6], float)
    x, t = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([[1, 0], [0, 1], [0, 1], [0, 1.0]])
    for i, j in ((0, 0), (4, 9), (12, 6)):
        w = start.copy()
        w[5], w[2] = across.ravel()[j], up.ravel()[i]
        z = x @ w[:4].reshape(2, 2) + w[4:]
        assert surface[i, j] == pytest.approx(np.mean(np.log1p(np.exp(z)) - t * z), rel=1e-12)


def test_the_path_lies_on_the_surface(books: dict[str, Any]) -> None:
    sheet = books["or"]["Loss surface"]
    areas = {str(area.sqref): [rule.type for rule in rules] for area, rules in sheet.conditional_formatting._cf_rules.items()}
    assert sorted(kind for kinds in areas.values() for kind in kinds) == ["colorScale", "expression"]
    assert len(sheet.data_validations.dataValidation) == 2 and sheet["B3"].value != sheet["B4"].value


def test_what_is_too_large_or_in_batches_has_no_gradient_check(books: dict[str, Any]) -> None:
    assert "Gradient check" not in books["xor, relu"].sheetnames and "Loss surface" in books["xor, relu"].sheetnames
    assert "Loss surface" not in books["neuron explodes"].sheetnames, "its weights run away"
