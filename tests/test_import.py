"""Carrying changes back: what is typed into the yellow cells is what the new file holds, and nothing else changes in it."""

from __future__ import annotations

import math
import re
import shutil
import zipfile
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import weightlens
from tests.cases import turn
from tests.conftest import INPUTS, sample_input
from tests.formats.build import given as given_input
from tests.formats.build import layer, legacy, numbers, sequential
from weightlens.cli.main import main
from weightlens.errors import BadInput
from weightlens.formats.write_back import encode
from weightlens.importing import import_workbook
from weightlens.model import Weight
from weightlens.spreadsheet.recalculate import recalculate

OR = next(path for path in INPUTS if path.stem == "or")


def weight_cells(book: Any) -> dict[str, list[Any]]:
    """The cells of every weight of a workbook, by its defined name."""
    found = {}
    for name, defined in book.defined_names.items():
        if name.startswith("w_"):
            ((sheet, area),) = defined.destinations
            block = book[sheet][area.replace("$", "")]
            rows = block if isinstance(block, tuple) else ((block,),)
            found[name] = [cell for row in rows for cell in row if isinstance(cell.value, (int, float))]
    return found


def edit(path: Path, change: Any) -> None:
    book = openpyxl.load_workbook(path)
    change(book)
    book.save(path)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "or.xlsx"
    weightlens.export(OR, path, sample_input(OR))
    return path


@pytest.fixture
def book(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(exported, tmp_path / "or.xlsx"))


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.stem)
def test_without_a_change_the_file_is_the_same(path: Path, tmp_path: Path) -> None:
    weightlens.export(path, tmp_path / "book.xlsx", sample_input(path)[:1])
    imported = import_workbook(tmp_path / "book.xlsx", path, tmp_path / f"new{path.suffix}")
    assert not imported.changes
    assert imported.path.read_bytes() == path.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("path", turn(list(INPUTS), 6), ids=lambda path: path.stem)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_edits(path: Path, tmp_path: Path, data: st.DataObject) -> None:
    """The new model predicts what the recalculated sheet shows; every other number, and every other byte, is as it was."""
    x, file = sample_input(path)[:2], tmp_path / "book.xlsx"
    weightlens.export(path, file, x, force=True)
    workbook = openpyxl.load_workbook(file)
    kind, changed = next(iter(weightlens.load(path).weights.values())).value.dtype, 0
    for cells in weight_cells(workbook).values():
        for number in data.draw(st.lists(st.integers(0, len(cells) - 1), max_size=2, unique=True)):
            drawn = data.draw(st.floats(-2, 2, width=32))
            changed += kind.type(drawn) != kind.type(cells[number].value)
            cells[number].value = drawn
    workbook.save(file)
    imported = import_workbook(file, path, tmp_path / f"new{path.suffix}", force=True)
    assert len(imported.changes) == changed
    shown = recalculate(file, "ironcalc").block("output_0")
    np.testing.assert_allclose(weightlens.load(imported.path).predict(x)[0].ravel(), shown, atol=1e-6)
    old, new = path.read_bytes(), imported.path.read_bytes()
    archive = 8 * (path.suffix == ".keras")  # its checksum stands in two places
    assert len(old) == len(new)
    assert sum(a != b for a, b in zip(old, new, strict=True)) <= kind.itemsize * changed + archive


@pytest.mark.parametrize("path", [p for p in INPUTS if p.stem in ("or", "digits_mlp", "sine_lstm")], ids=lambda path: path.stem)
def test_keras_predicts_what_the_sheet_shows(path: Path, tmp_path: Path, keras: Any) -> None:
    x, file = sample_input(path)[:3], tmp_path / "book.xlsx"
    weightlens.export(path, file, x)

    def change(workbook: Any) -> None:
        for cells in weight_cells(workbook).values():
            cells[0].value = 0.375

    edit(file, change)
    imported = import_workbook(file, path, tmp_path / f"new{path.suffix}")
    predicted = np.asarray(keras.models.load_model(imported.path, compile=False)(x.astype("float32")))
    np.testing.assert_allclose(predicted.ravel(), recalculate(file, "ironcalc").block("output_0"), atol=1e-6)


def set_first(value: Any) -> Any:
    def change(workbook: Any) -> None:
        weight_cells(workbook)["w_dense_kernel"][0].value = value

    return change


def smaller_name(workbook: Any) -> None:
    name = workbook.defined_names["w_dense_kernel"]
    name.attr_text = name.attr_text.rpartition(":")[0]


def no_map(workbook: Any) -> None:
    del workbook["Cells"]


@pytest.mark.parametrize(("change", "says"), [
    (set_first("half"), "holds 'half', which is not a finite number"), (set_first(True), "not a finite number"),
    (smaller_name, "covers 1 x 1 cells"), (no_map, "weightlens did not write it"),
])  # fmt: skip
def test_what_is_no_weight_is_refused_and_nothing_written(change: Any, says: str, book: Path, tmp_path: Path) -> None:
    edit(book, change)
    with pytest.raises(BadInput, match=says) as refusal:
        import_workbook(book, OR, tmp_path / "new.h5")
    assert "\n" not in str(refusal.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["or.xlsx"]


@pytest.fixture(scope="module")
def convolution(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A network with a kernel of four axes, and its workbook."""
    folder = tmp_path_factory.mktemp("convolution")
    config = sequential(given_input("i", 4, 4, 2), layer("Conv2D", "c", filters=3, kernel_size=[2, 3], use_bias=True, activation="relu"))
    model = legacy(folder / "c.h5", config, {"c": {"c/kernel:0": numbers(2, 3, 2, 3), "c/bias:0": numbers(3)}})
    weightlens.export(model, folder / "c.xlsx")
    return model, folder / "c.xlsx"


def typed(value: Any) -> Any:
    def change(workbook: Any, name: str) -> None:
        weight_cells(workbook)[name][-1].value = value

    return change


def cut(workbook: Any, name: str) -> None:
    """The name leads to the first column only."""
    before, _, last = workbook.defined_names[name].attr_text.rpartition(":")
    row = last.split("$")[-1]
    workbook.defined_names[name].attr_text = f"{before}:${before.split('$')[1]}${row}"


def lead_nowhere(workbook: Any, name: str) -> None:
    workbook.defined_names[name].attr_text = "#REF!"


def delete(workbook: Any, name: str) -> None:
    del workbook.defined_names[name]


@pytest.mark.parametrize("name", ["w_c_kernel", "w_c_bias"])
@pytest.mark.parametrize(("change", "says"), [
    (typed("0,5"), "holds '0,5', which is not a finite number"), (typed(None), "is empty"), (typed(math.nan), "not a finite|is empty"),
    (typed("=1+1"), "holds a formula without its result"), (typed("=1/0"), "holds 'infinite', which is not a finite number"),
    (typed(-1e39), "too large for float32"), (cut, r"covers \d+ x 1 cells"),
    (lead_nowhere, "is gone or points nowhere"), (delete, "is gone or points nowhere"),
])  # fmt: skip
def test_refusals_in_vectors_and_in_kernels(change: Any, says: str, name: str, convolution: tuple[Path, Path], tmp_path: Path) -> None:
    model, written = convolution
    shutil.copyfile(written, book := tmp_path / "c.xlsx")
    edit(book, lambda workbook: change(workbook, name))
    with pytest.raises(BadInput, match=says) as refusal:
        import_workbook(book, model, tmp_path / "new.h5")
    assert "\n" not in str(refusal.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.xlsx"]


def test_another_model_is_refused(book: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"not a workbook of this model|of another model"):
        import_workbook(book, next(p for p in INPUTS if p.stem == "digits_mlp"), tmp_path / "new.keras")


def test_an_output_that_exists_is_kept(book: Path, tmp_path: Path) -> None:
    (tmp_path / "new.h5").write_text("mine")
    with pytest.raises(BadInput, match="exists already"):
        import_workbook(book, OR, tmp_path / "new.h5")
    assert (tmp_path / "new.h5").read_text() == "mine"


def test_the_new_file_is_of_the_same_kind(book: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"is of the kind of or\.h5, and Keras would not open it as \.keras"):
        import_workbook(book, OR, tmp_path / "new.keras")
    assert not (tmp_path / "new.keras").exists()
    assert weightlens.import_workbook is import_workbook


def test_names_lead_to_moved_cells(book: Path, tmp_path: Path) -> None:
    """A renamed sheet: the names follow, the map does not."""
    set_first(0.5)(workbook := openpyxl.load_workbook(book))
    workbook["1 network"].title = "my sheet"
    for defined in workbook.defined_names.values():
        defined.attr_text = defined.attr_text.replace("1 network", "my sheet")
    workbook.save(book)
    imported = import_workbook(book, OR, tmp_path / "new.h5")
    assert [(c.weight, c.index, c.new) for c in imported.changes] == [("dense/kernel", (0, 0), 0.5)]
    assert "'my sheet'!" in str(imported)


@pytest.mark.slow
def test_layouts_of_hdf5(book: Path, tmp_path: Path) -> None:
    """Compressed, chunked, 16-bit and big-endian datasets are written too; the numbers next to the changed one stay."""
    packed: dict[str, Any] = {"chunks": (1, 2), "compression": "gzip"}
    for number, options in enumerate((packed, {"dtype": "float16"}, {"dtype": ">f4"}, {"dtype": "float64"})):
        model = tmp_path / f"{number}.h5"
        model.write_bytes(OR.read_bytes())
        with h5py.File(model, "r+") as file:
            path = weightlens.load(OR)["dense"].own_weights["kernel"].path
            old = file[path][()]
            del file[path]
            file.create_dataset(path, data=old, **options)
        weightlens.export(model, book, sample_input(OR), force=True)
        edit(book, set_first(0.625))
        imported = import_workbook(book, model, tmp_path / "new.h5", force=True)
        expected = weightlens.load(model)["dense"].kernel.copy()
        expected[0, 0] = 0.625
        np.testing.assert_array_equal(weightlens.load(imported.path)["dense"].kernel, expected)


def test_bfloat16_rounds_to_even() -> None:
    numbers = np.array([1.0, 1.00390625, 1.01171875, -3.1415927], np.float32)
    bits = np.frombuffer(encode(numbers, np.dtype("V2")), np.uint16).astype(np.uint32) << 16
    np.testing.assert_array_equal(bits.view(np.float32), np.array([1.0, 1.0, 1.015625, -3.140625], np.float32))


def test_an_archive_keeps_its_members(tmp_path: Path) -> None:
    """Order, dates and compression of a ``.keras`` file that somebody packed again."""
    source = next(p for p in INPUTS if p.stem == "digits_mlp")
    packed, file = tmp_path / "packed.keras", tmp_path / "book.xlsx"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(packed, "w") as new:
        for kind, name in zip((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED), reversed(old.namelist()), strict=True):
            new.writestr(zipfile.ZipInfo(name, (2001, 2, 3, 4, 5, 6)), old.read(name), kind)
    weightlens.export(packed, file, sample_input(source)[:1])

    def change(workbook: Any) -> None:
        weight_cells(workbook)["w_digit_bias"][3].value = -1.5

    edit(file, change)
    import_workbook(file, packed, tmp_path / "new.keras")
    facts = []
    for path in (packed, tmp_path / "new.keras"):
        with zipfile.ZipFile(path) as archive:
            facts.append([(i.filename, i.date_time, i.compress_type, i.file_size) for i in archive.infolist()])
    assert facts[0] == facts[1]
    assert weightlens.load(tmp_path / "new.keras")["digit"].bias[3] == -1.5


def test_joined_and_turned_weights_are_taken_apart() -> None:
    """Keras 1 keeps a matrix per gate, Theano turns kernels: writing undoes what reading did."""
    from weightlens.formats.weights.conversion import converted, flip_kernel, with_axes_moved
    from weightlens.formats.write_back import NotARearrangement, stored_arrays

    rng = np.random.default_rng(0)
    gates = {name: rng.normal(size=(3, 2)).astype("float32") for name in "ifco"}
    parts = [Weight(name, (3, 2), "float32", name, partial(gates.get, name)) for name in gates]
    joined = converted("kernel", parts, lambda *a: np.concatenate(a, -1), (3, 8))
    new = rng.normal(size=(3, 8)).astype("float32")
    for position, (name, array) in enumerate(stored_arrays(joined, new).items()):
        assert name == "ifco"[position]
        np.testing.assert_array_equal(array, new[:, 2 * position : 2 * position + 2])
    stored = rng.normal(size=(4, 3, 5, 5)).astype("float32")
    kernel = flip_kernel(with_axes_moved(Weight("kernel", stored.shape, "float32", "w", lambda: stored), (2, 3, 1, 0), ""), 2)
    np.testing.assert_array_equal(stored_arrays(kernel, kernel.value)["w"], stored)
    both = Weight("bias", (8,), "float32", "b", lambda: np.zeros(8, "float32"))
    halves = converted("bias", [both], lambda b: b[:4] + b[4:], (4,), "two biases added")
    with pytest.raises(NotARearrangement, match="two biases added"):
        stored_arrays(halves, np.ones(4))


def test_command_line(book: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(book, set_first(0.5))
    assert main(["import", str(book), str(OR), "-o", str(tmp_path / "new.h5")]) == 0
    assert "dense/kernel [0, 0]: -5.3585" in (out := capsys.readouterr().out)
    assert "-> 0.5" in out
    assert main(["import", str(book), str(OR), "-o", str(tmp_path / "new.h5")]) == 2
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "number_format", "what"),
    [
        (date(2020, 1, 2), None, "holds a date"),
        (0.5, "h:mm", "holds a date or a time"),
        (1.5, "[h]:mm", "holds a date or a time"),
        (True, None, "holds TRUE"),
        ("0.5", None, "holds '0.5', which is not a finite number"),
        (None, None, "is empty"),
        ("#DIV/0!", None, "holds '#DIV/0!'"),
        ("=1/2", None, "holds a formula without its result"),
        (0.5, "0%", ""),
        (0.5, "# ?/?", ""),
        (0.5, '[Red]"days" 0.0', ""),
    ],
)
@pytest.mark.slow
def test_only_numbers_become_weights(book: Path, tmp_path: Path, value: Any, number_format: str | None, what: str) -> None:
    def change(workbook: Any) -> None:
        cell = weight_cells(workbook)["w_dense_kernel"][0]
        cell.value = value
        cell.number_format = number_format or cell.number_format

    edit(book, change)
    if not what:
        assert [found.new for found in import_workbook(book, OR, tmp_path / "new.h5").changes] == [0.5]
        return
    with pytest.raises(BadInput, match=r"'1 network'!\w+ " + re.escape(what)):
        import_workbook(book, OR, tmp_path / "new.h5")
    assert not (tmp_path / "new.h5").exists()


@pytest.mark.parametrize(
    ("value", "what"), [(date(2020, 1, 2), "holds a date"), (None, "is empty"), ("nan", "holds 'nan'"), (True, "holds TRUE")]
)
@pytest.mark.slow
def test_an_input_cell_of_a_calculation_by_hand_holds_a_number(book: Path, value: Any, what: str) -> None:
    def change(workbook: Any) -> None:
        ((sheet, area),) = workbook.defined_names["input_0"].destinations
        workbook[sheet][area.replace("$", "").split(":")[0]].value = value

    edit(book, change)
    with pytest.raises(BadInput, match=f"{what}.*; an input is a number"):
        weightlens.checks.check_by_hand(weightlens.load(OR), None, book)
