"""What every workbook promises: names, exact weights, formulas that every spreadsheet can read, the same bytes each time."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pytest

import weightlens
from tests.conftest import INPUTS, SAMPLES, sample_input
from tests.tiny import write_tiny
from tests.workbook.places import area_cells
from weightlens.checks.workbook import relative_distance
from weightlens.errors import BadInput, WorkbookTooLarge
from weightlens.model import Call, Layer, Model, Ref, Weight
from weightlens.spreadsheet.cell_table import CellError
from weightlens.spreadsheet.cell_values import Book, read_book
from weightlens.spreadsheet.cells_map import read_map
from weightlens.spreadsheet.recalculate import recalculate_all

ALLOWED = {
    "ABS", "AND", "AVERAGE", "CHOOSE", "COS", "COUNTIF", "ERF", "EXP", "IF", "INDEX", "INT", "ISNA", "ISNUMBER",
    "LARGE", "LN", "MATCH", "MAX", "MIN", "MMULT", "MOD",
    "NOT", "NORMSDIST", "OR", "REPT", "ROUND", "SIGN", "SIN", "SQRT", "SUBSTITUTE", "SUM", "SUMIF", "SUMPRODUCT", "SUMSQ", "SUMXMY2",
    "TANH", "VALUE",
}  # fmt: skip
STRING = re.compile(r'"(?:[^"]|"")*"|\'(?:[^\']|\'\')*\'')


@pytest.fixture(scope="module", params=sorted(path.name for path in INPUTS))
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Book]:
    """Each sample model, its workbook, and the workbook's cells."""
    model = SAMPLES / request.param
    path = tmp_path_factory.mktemp("books") / f"{request.param}.xlsx"
    weightlens.export(model, path, inputs=sample_input(model))
    return model, path, read_book(path)


def formulas(book: Book) -> list[str]:
    return [formula for cells in book.formulas.values() for formula in cells.values()]


def deepest_call(formula: str) -> tuple[int, int]:
    """How deep the calls of a formula are nested, and the most arguments that one of them has."""
    depth = deepest = most = 0
    arguments = [0]
    for sign in STRING.sub("", formula):
        if sign == "(":
            depth += 1
            arguments.append(1)
        elif sign == ")":
            most, depth = max(most, arguments.pop()), depth - 1
        elif sign == ",":
            arguments[-1] += 1
        deepest = max(deepest, depth)
    return deepest, most


def test_formulas_keep_to_what_every_spreadsheet_knows(exported: tuple[Path, Path, Book]) -> None:
    for formula in formulas(exported[2]):
        bare = STRING.sub("", formula)
        assert set(re.findall(r"([A-Z][A-Z0-9.]*)\(", bare)) <= ALLOWED, formula
        assert not re.search(r"\b(TRUE|FALSE)\b|\d[eE][-+]?\d|#|\{|@", bare), formula
        assert len(formula) <= 8192
        deepest, most = deepest_call(formula)
        assert deepest <= 64
        assert most <= 255


def test_every_formula_has_a_cached_value_and_no_weight_is_a_literal(exported: tuple[Path, Path, Book]) -> None:
    _, path, book = exported
    assert all(reference in book.sheets[sheet] for sheet, cells in book.formulas.items() for reference in cells)
    assert not book.errors()
    weights = {
        repr(float(v))
        for w in weightlens.load(exported[0]).weights.values()
        for v in w.value.ravel()
        if v not in (0, 1, 2, 16) and abs(v) > 1e-6
    }
    literals = {
        number
        for sheet in book.formulas
        if sheet != "Check"
        for f in book.formulas[sheet].values()
        for number in re.findall(r"\d+\.\d{6,}", STRING.sub("", f))
    }
    assert not weights & literals
    with zipfile.ZipFile(path) as archive:
        assert not any(
            b't="array"' in archive.read(part) or b"<v>nan" in archive.read(part).lower()
            for part in archive.namelist()
            if "worksheets/sheet" in part
        )


def test_names_are_blocks_in_c_order(exported: tuple[Path, Path, Book]) -> None:
    model_path, _, book = exported
    model, x = weightlens.load(model_path), sample_input(model_path)
    np.testing.assert_array_equal(book.block("input_0"), np.asarray(x, float).ravel())
    np.testing.assert_allclose(book.block("output_0"), model.predict(x)[0].ravel(), rtol=1e-15)
    for name, weight in model.weights.items():
        if len(weight.shape) <= 2:
            [defined] = [n for n in book.names if n == "w_" + name.replace("/", "_")]
            np.testing.assert_array_equal(book.block(defined).astype(weight.value.dtype), weight.value.ravel())
    assert all(re.fullmatch(r"[A-Za-z_]+|[A-Za-z]+_\w+", name) and len(name) <= 255 for name in book.names if not name.startswith("_xlnm."))


def test_weights_of_every_rank_are_exact(exported: tuple[Path, Path, Book]) -> None:
    model_path, _, book = exported
    entries = {f"{entry.layer}/{entry.name}": entry for entry in read_map(book) if entry.kind == "weight"}
    weights = weightlens.load(model_path).weights
    assert set(entries) == set(weights)
    for name, entry in entries.items():
        np.testing.assert_array_equal(entry.numbers(book).astype(weights[name].value.dtype), weights[name].value)


def test_sheet_names(exported: tuple[Path, Path, Book]) -> None:
    sheets = list(exported[2].sheets)
    assert {"Summary", "Check"} < set(sheets)
    assert all(re.fullmatch(r"[A-Za-z0-9_ ]{1,31}", name) for name in sheets)
    assert len({name.lower() for name in sheets}) == len(sheets)


def test_openpyxl_reads_it_and_the_check_says_ok(exported: tuple[Path, Path, Book]) -> None:
    book = openpyxl.load_workbook(exported[1], data_only=True)
    [(sheet, cell)] = book.defined_names["check_verdict"].destinations
    assert book[sheet][cell].value == "OK"


def test_the_same_input_gives_the_same_bytes(exported: tuple[Path, Path, Book], tmp_path: Path) -> None:
    model, path, _ = exported
    weightlens.export(model, tmp_path / "again.xlsx", inputs=sample_input(model))
    assert (tmp_path / "again.xlsx").read_bytes() == path.read_bytes()


OR_FORMULAS = """
E $B{x}*E${k}+$C{x}*E${k1}
F $B{x}*F${k}+$C{x}*F${k1}
H E{x}+H${k}
I F{x}+I${k}
K MAX(H{x}:I{x})
M EXP(H{x}-$K{x})
N EXP(I{x}-$K{x})
P SUM(M{x}:N{x})
R M{x}/$P{x}
S N{x}/$P{x}
"""


def test_the_formulas_of_the_or_network(tmp_path: Path) -> None:
    weightlens.export(SAMPLES / "or.h5", tmp_path / "or.xlsx", inputs=sample_input(SAMPLES / "or.h5"))
    book = read_book(tmp_path / "or.xlsx")
    x, k = (int(next(area_cells(book.names[name]))[1].strip("ABCDEFGHIJ")) for name in ("input_0", "w_dense_kernel"))
    wanted = [line.split(" ", 1) for line in OR_FORMULAS.format(x=x, k=k, k1=k + 1).strip().splitlines()]
    made = book.formulas["1 network"]
    assert [[column, made[f"{column}{x}"]] for column, _ in wanted] == wanted


# -- text out of the file ----------------------------------------------------------------------------------------------------


def hostile(name: str, weight: str = "kernel", kernel: np.ndarray | None = None) -> Model:
    """A model of one dense layer whose names come from somebody else."""
    kernel = np.array([[1.0], [2.0]], np.float32) if kernel is None else kernel
    entry = Layer("x", "InputLayer", {"batch_shape": [None, len(kernel)]}, calls=[Call(())])
    stored = Weight(weight, kernel.shape, "float32", f"/{name}/{weight}", lambda: kernel)
    layer = Layer(
        name, "Dense", {"units": kernel.shape[1], "use_bias": False, "activation": "linear"}, {"kernel": stored}, [Call((Ref("x"),))]
    )
    return Model(name, "Functional", [entry, layer], inputs=[Ref("x")], outputs=[Ref(name)])


@pytest.mark.parametrize(
    "name",
    [
        "=1+1",
        '=HYPERLINK("http://example.org")',
        "+cmd",
        "<b>&amp;</b>",
        "A1",
        "h2",
        "History",
        "a'b[c]:*?/\\d",
        "x" * 300,
        "é ü 漢字",
        "_x0041_",
        "\x1b[31m",
        "",
    ],
)
def test_names_from_the_file_are_text(name: str, tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    weightlens.export(hostile(name), path, inputs=[[3.0, 4.0]], labels=[name])
    book = read_book(path)
    assert set(re.findall(r"[A-Z]{2,}\(", "".join(formulas(book)))) <= {f"{function}(" for function in ALLOWED}
    np.testing.assert_array_equal(book.block("output_0"), [11])
    assert all(re.fullmatch(r"[A-Za-z0-9_ ]{1,31}", sheet) for sheet in book.sheets)
    openpyxl.load_workbook(path)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_numbers_that_no_cell_can_hold_are_said_in_words(number: float, tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    weightlens.export(hostile("d", kernel=np.array([[number], [1.0]], np.float32)), path, inputs=[[1.0, 1.0]])
    with zipfile.ZipFile(path) as archive:
        for part in archive.namelist():
            if "worksheets/sheet" in part:
                assert not re.search(rb"<v>-?(nan|inf)<", archive.read(part), re.IGNORECASE)
    [place] = list(area_cells(read_book(path).names["w_d_kernel"]))[:1]
    assert isinstance(read_book(path).cell(*place), str)
    openpyxl.load_workbook(path)


# -- what is refused, with nothing written -----------------------------------------------------------------------------------


def test_a_workbook_that_exists_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "or.xlsx"
    path.write_text("mine")
    with pytest.raises(BadInput, match="exists already"):
        weightlens.export(SAMPLES / "or.h5", path, force=False)
    assert path.read_text() == "mine"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no folder"):
        weightlens.export(SAMPLES / "or.h5", tmp_path / "none" / "or.xlsx")


@pytest.mark.slow
def test_what_does_not_fit_is_refused_before_writing(tmp_path: Path) -> None:
    wide = hostile("d", kernel=np.broadcast_to(np.float32(1), (7000, 7000)))
    with pytest.raises(WorkbookTooLarge, match="cells"):
        weightlens.export(wide, tmp_path / "big.xlsx", inputs=np.zeros((1, 7000)))
    assert not list(tmp_path.iterdir())


def test_a_wrong_input_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        weightlens.export(SAMPLES / "or.h5", tmp_path / "or.xlsx", inputs=[[1, 2, 3]])
    assert not list(tmp_path.iterdir())


@pytest.mark.office("libreoffice")
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_none_is_an_error_in_every_formula_that_reads_it(number: float, tmp_path: Path) -> None:
    """MAX and SUM leave out words: relu(NaN) would be 0."""
    model = write_tiny(tmp_path / "m.h5", bias=[number, 1], activation="relu")
    weightlens.export(model, tmp_path / "m.xlsx", inputs=[[1, 2], [number, 3]])
    (computed,) = recalculate_all([tmp_path / "m.xlsx"], "libreoffice")
    assert isinstance(computed, Book)
    shown = computed.block("output_0")
    assert np.isnan(shown[[0, 2, 3]]).all() and shown[1] == 1
    assert weightlens.import_workbook(tmp_path / "m.xlsx", model, tmp_path / "as_it_was.h5").changes == []


def test_the_check_tells_a_number_from_none() -> None:
    assert relative_distance(CellError("#NUM!"), "not a number") == 0
    assert relative_distance(0.0, "not a number") == np.inf
