"""Calculations by hand as people write them down: digits, tables, sheets of their own, exercises; and what makes no sense."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

import weightlens
from tests.checks import by_hand
from tests.checks.by_hand import OR, TRUTH_TABLE, calculate, rows
from tests.conftest import INPUTS, SAMPLES
from tests.tables.test_tables import number, ods
from weightlens.checks import check_by_hand
from weightlens.checks.by_hand import output_rows
from weightlens.checks.by_hand.claims import is_rule
from weightlens.checks.by_hand.hand_report import HandReport
from weightlens.checks.by_hand.numbers import number_of_cell, parse_number, rounding_allowances
from weightlens.cli.main import main
from weightlens.errors import BadInput


@pytest.mark.parametrize(("text", "value", "decimals", "digits"), [
    ("0.83", 0.83, 2, 2), ("0.80", 0.8, 2, 2), ("-.5", -0.5, 1, 1), ("12", 12, 0, 2), ("1.2e-3", 0.0012, 4, 2), ("83 %", 0.83, 2, 2),
    ("\u22121", -1, 0, 1), ("\u20130,5", -0.5, 1, 1), ("\u2248 0.62", 0.62, 2, 2), ("6.2 x 10^-1", 0.62, 2, 2),
    ("6,2\u00b710\u207b\u00b9", 0.62, 2, 2),
    ("5 293.91", 5293.91, 2, 6), ("0.59330000000000005", 0.5933, 4, 4), ("0.62\u2026", 0.625, 2, 2), ("-0.62...", -0.625, 2, 2),
    ("1/3", 1 / 3, 3, 3),
    ("\u00bd", 0.5, 3, 3),
])  # fmt: skip
def test_digits_are_read_from_the_text(text: str, value: float, decimals: int, digits: int) -> None:
    number = parse_number(text)
    assert number is not None
    assert (number.value, number.decimals, number.digits) == (pytest.approx(value), decimals, digits)


@pytest.mark.parametrize("text", ["1e999", "1e-999", "1 2", "0.59 33", "1/0", "1/2/3", "(0.5)", "0.5 V", "5,293.91", "nan", "-", "\u2026"])
def test_what_is_no_number_or_may_be_two(text: str) -> None:
    assert parse_number(text) is None


def test_very_long_cells_are_none_and_read_at_once() -> None:
    many = 50_000
    for text in ("1" * 350 + "/3", "1" * many + "/3", "1" + " " * many + "2", "1" * many + ",1x", "1." + "0" * many):
        assert parse_number(text) is None
    assert is_rule(["-" * many, "", ":-:"]) and not is_rule(["-" * many + "x"]) and not is_rule(["- - -"])


OUTPUTS = ["0.988,0.012", "0.002,0.998", "0.002,0.998", "0.000,1.000"]
TABLE = "softmax,softmax,0,0,0.988;softmax,softmax,0,1,0.012;softmax,softmax,3,1,1.000"


@pytest.mark.parametrize("text", [
    "\n".join(OUTPUTS).replace(",", ";").replace(".", ","), "\n".join(OUTPUTS).replace(",", "; ").replace(".", ","),
    "\n".join(OUTPUTS).replace(",", "\t").replace(".", ","), "\n".join(OUTPUTS).replace(",", "   "), "\n".join(OUTPUTS).replace(",", ", "),
    "\n".join(OUTPUTS).replace(",", " ").replace(".", ","), "\n".join(OUTPUTS).replace(",", "  ,") + "  \n\n", "98.8%,1.2 %\n0.2%,99.8%",
    "98,8%;1,2%\n0,2%;99,8%", "False,True\n" + "\n".join(OUTPUTS), "0,1\n" + "\n".join(OUTPUTS),
    "a,b,note\n" + "\n".join(row + ",fine" for row in OUTPUTS), "\n".join(f"sample {i},{row}" for i, row in enumerate(OUTPUTS)),
    "nr,a,b\n" + "\n".join(f"{i},{row}" for i, row in enumerate(OUTPUTS, 1)), "# mine\n" + "\n".join(row + "," for row in OUTPUTS[:2]),
    ",0,1\n" + "\n".join(f"{i},{row}" for i, row in enumerate(OUTPUTS)),
    "Unnamed: 0,a,b\n" + "\n".join(f"{7 * i},{row}" for i, row in enumerate(OUTPUTS, 5)), '"0,988","0,012"', "~0.988, =0.012",
    "x0,x1,a,b\n" + "\n".join(f"{x},{row}" for x, row in zip(("0,0", "0,1", "1,0", "1,1"), OUTPUTS, strict=True)),
    TABLE.replace(";", "\n"), "layer,step,sample,unit,value,why\n" + TABLE.replace(";", ",x\n") + ",x",
    "layer\tstep\tsample\tunit\tvalue\n" + TABLE.replace(",", "\t").replace(";", "\n").replace(".", ","),
    "softmax,softmax,0,0.988\nsoftmax,softmax,1,0.012", "|a|b|\n|---|:-:|\n" + "\n".join(f"|{row.replace(',', '|')}|" for row in OUTPUTS),
    "by Ann\n\na,b\n" + "\n".join(OUTPUTS), "by Ann\n" + "\n".join(OUTPUTS),
    "# sheet 3\nname,Ann,,,\n\nlayer,step,sample,unit,value\n" + TABLE.replace(";", "\n"),
    "| layer | step | sample | unit | value |\n|--|--|--|--|--|\n| " + TABLE.replace(",", " | ").replace(";", " |\n| ") + " |",
    "layer step sample unit value\n" + TABLE.replace(",", " ").replace(";", "\n"),
    "layer,step,sample,unit,value\nsoftmax,softmax,0.0,0.0,0.988\n,,,1.0,0.012\n,,3,1,1.000",
    "layer,step,sample,unit,value\nsoftmax,softmax,1,neuron 1,0.988\nsoftmax,softmax,1,neuron 2,0.012\nsoftmax,softmax,4,neuron 2,1.000",
    "Schicht;Schritt;Beispiel;Einheit;Wert\n" + TABLE.replace(";", "\n").replace(",", ";").replace(".", ","),
])  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_as_people_write_them(text: str, encoding: str, tmp_path: Path) -> None:
    """Decimal commas, percent signs, headings, labels, row numbers and inputs beside the outputs: right is right, wrong is wrong."""
    file = tmp_path / "mine.csv"
    file.write_bytes(text.encode(encoding))
    assert check_by_hand(weightlens.load(OR), TRUTH_TABLE, file).ok
    turned = text.replace("0.012", "0.503").replace("0,012", "0,503").replace("1.2 %", "50.3 %").replace("1,2%", "50,3%")
    file.write_bytes(turned.encode(encoding))
    assert not check_by_hand(weightlens.load(OR), TRUTH_TABLE, file).ok


@pytest.mark.parametrize(("text", "right"), [
    ("0,00\n1,00\n", True), ("0,00\n\n3,00\n", True), ("0,0\n3,1\n", False), ('nr;y\n1;0,00\n2;1,00\n', True), ("1,0\n2,1\n3,3\n", True),
    ("0.00,1.00,3.00", True), ("y\n0,00\n1,00\n", True),
])  # fmt: skip
def test_decimal_commas_of_a_network_with_one_output(text: str, right: bool, tmp_path: Path) -> None:
    """A spreadsheet with decimal commas writes a single column without any separator; row numbers before whole numbers look the same."""
    (tmp_path / "mine.csv").write_text(text)
    report = check_by_hand(weightlens.load(SAMPLES / "relu_neuron.h5"), [[0.5], [1.5], [2.5]], tmp_path / "mine.csv")
    assert (report.ok, any(output_rows.COMMAS in note for note in report.notes)) == (right, text.startswith(("0,", "y\n0,")))


def test_decimal_commas_below_titles_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("layer,step,sample,unit,value\nneuron,activation,0,0,0,00\n")
    with pytest.raises(BadInput, match=r"row 2 has . columns, the first row has .; a number is written with a point: 0\.5"):
        check_by_hand(weightlens.load(SAMPLES / "relu_neuron.h5"), [[0.5], [1.5]], tmp_path / "mine.csv")


@pytest.mark.parametrize("text", ["0.0018\n0.9982\n", "0,0018\n0,9982\n"])
def test_the_outputs_of_one_sample_one_below_the_other(text: str, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(text)
    report = check_by_hand(weightlens.load(OR), [[0, 1]], tmp_path / "mine.csv")
    assert report.ok and report.notes == [output_rows.COMMAS if "," in text else output_rows.TURNED]


@pytest.mark.parametrize(("values", "allowed"), [
    (["0.83", "0.1", "0.05"], [0.005, 0.005, 0.005]),  # a zero at the end was not written
    (["0.983", "0.0123", "0.00471", "12.5"], [5e-4, 5e-5, 5e-6, 0.05]),  # three digits that matter
    (["1", "0.9996", "0.0004"], [5e-5, 5e-5, 5e-5]),
    (["0.62", "-0.99", "1.37", "0.71", "2.04", "-0.87", "0.015"], [0.005] * 6 + [5e-4]),  # a small number with more decimals
    (["0.83", "0.1", "0.05", "0.27", "0.44", "0.91", "0.3"], [0.005] * 7),  # zeros at the end of some
    (["0.62", "-0.99", "0.13", "0.71", "0.25", "-0.87", "0.015", "-2"], [0.005] * 6 + [5e-4, 0.05]),  # two digits that matter: -2.0
    (["0.593", "0.5969"], [5e-4, 5e-5]), (["0.5933", "0.6", "1"], [5e-5, 5e-5, 5e-4]),  # two digits are meant so; one may be 0.6000
])  # fmt: skip
def test_numbers_are_compared_at_the_digits_given(values: list[str], allowed: list[float]) -> None:
    np.testing.assert_allclose(rounding_allowances([number_of_cell(float(v)) for v in values]), allowed)


def test_a_fraction_says_nothing_of_the_digits_of_other_numbers() -> None:
    """One half to one decimal may be 0.46, though a third stands beside it."""
    numbers = [number for text in ("1/3", "0.5", "0.2") if (number := parse_number(text)) is not None]
    np.testing.assert_allclose(rounding_allowances(numbers), [5e-4, 0.05, 0.05])


def test_a_spreadsheet_of_one_s_own(tmp_path: Path) -> None:
    """Any range with its step: a row per sample or a column per sample; what is wrong is found there."""
    model = weightlens.load(OR)
    z = TRUTH_TABLE @ model["dense"].kernel + model["dense"].bias
    book = openpyxl.Workbook()
    for i, row in enumerate(np.round(z, 3)):
        for j, value in enumerate(row):
            book.active.cell(3 + i, 7 + j, float(value))
            book.active.cell(20 + j, 2 + i, round(float(value) - (j == 1) * float(model["dense"].bias[1]), 3))
    book.save(tmp_path / "own.xlsx")
    name = book.active.title
    assert check_by_hand(model, TRUTH_TABLE, tmp_path / "own.xlsx", [f"{name}!G3:H6"], ["dense/pre-activation"]).ok
    report = check_by_hand(model, TRUTH_TABLE, tmp_path / "own.xlsx", [f"{name}!B20:E21"], ["dense/pre-activation"])
    assert report.explanations[0].kind == "no bias"
    for same in (f"{name}!$h$6:$g$3".lower().replace(name.lower(), name), "G3:H6"):
        assert check_by_hand(model, TRUTH_TABLE, tmp_path / "own.xlsx", [same], ["dense/pre-activation"]).ok
    assert check_by_hand(model, TRUTH_TABLE, tmp_path / "own.xlsx", [f"{name}!G3:H6"], ["dense"]).ok
    with pytest.raises(BadInput, match=f"^{name}!G3:H6: there is no step 'squares'"):
        check_by_hand(model, TRUTH_TABLE, tmp_path / "own.xlsx", [f"{name}!G3:H6"], ["squares"])
    with pytest.raises(BadInput, match="1048576 x 16384 cells, but the step has only 8 numbers"):
        check_by_hand(model, TRUTH_TABLE, tmp_path / "own.xlsx", [f"{name}!A1:XFD1048576"], ["dense/pre-activation"])
    with pytest.raises(BadInput, match="2 x 2 cells"):
        check_by_hand(model, TRUTH_TABLE, tmp_path / "own.xlsx", [f"{name}!G3:H4"], ["softmax/sum"])


def test_an_edited_workbook(tmp_path: Path) -> None:
    """Our own workbook is right as written; a changed weight, and a number typed over a formula, are named with their cells."""
    model, path = weightlens.load(OR), tmp_path / "or.xlsx"
    weightlens.export(model, path, TRUTH_TABLE)
    assert check_by_hand(model, None, path).ok
    book = openpyxl.load_workbook(path)
    ((sheet, area),) = book.defined_names["w_dense_bias"].destinations
    cell = book[sheet][area.replace("$", "")][0][1]
    cell.value += 0.25
    book.save(path)
    report = check_by_hand(model, None, path)
    assert not report.ok
    assert report.explanations[0].kind == "weight changed"
    assert cell.coordinate in report.explanations[0].words


def test_a_constant_of_the_graph_belongs_to_no_layer(keras: Any, tmp_path: Path, checked: Callable[..., HandReport]) -> None:
    given = keras.Input((2,))
    product = keras.ops.multiply(given, np.array([[1.0, 2.0]], "float32"))
    keras.Model(given, keras.layers.Dense(1, name="d")(product)).save(tmp_path / "m.keras")
    model = weightlens.load(tmp_path / "m.keras")
    model["d"].weights["bias"]._value = np.array([0.5])
    x = np.array([[1.0, 3.0], [2.0, -1.0]])
    report = checked(model, x, "\n".join(f"{row[0]:.4f}" for row in (x * [1, 2]) @ model["d"].kernel))
    assert report.explanations[0].kind == "no bias"


def test_an_exercise(tmp_path: Path) -> None:
    """The blank cells of an exercise are compared as far as they are filled in."""
    model, path = weightlens.load(OR), tmp_path / "exercise.xlsx"
    weightlens.export(model, path, TRUTH_TABLE, blank=["pre-activation"])
    with pytest.raises(BadInput, match="no step of it has been filled in"):
        check_by_hand(model, TRUTH_TABLE, path)
    dense = model["dense"]
    for wrong, kind in ((0.0, ""), (1.0, "no bias")):
        book = openpyxl.load_workbook(path)
        row = next(r for r in book["Cells"].iter_rows(values_only=True) if r[:3] == ("step", "dense", "pre-activation"))
        cells = book["1 network"][row[5]]
        for i, z in enumerate(TRUTH_TABLE @ dense.kernel + (1 - wrong) * dense.bias):
            for j, value in enumerate(z):
                cells.offset(i, j).value = round(float(value), 2)
        book.save(tmp_path / "done.xlsx")
        report = check_by_hand(model, TRUTH_TABLE, tmp_path / "done.xlsx")
        assert [e.kind for e in report.explanations[:1]] == ([kind] if kind else [])


def test_an_exercise_on_a_renamed_sheet(tmp_path: Path) -> None:
    """Defined names go with the cells, as every spreadsheet program sees to it."""
    model, path = weightlens.load(OR), tmp_path / "exercise.xlsx"
    weightlens.export(model, path, TRUTH_TABLE, blank=["pre-activation"])
    book = openpyxl.load_workbook(path)
    ((sheet, area),) = book.defined_names["blank_dense_pre_activation"].destinations
    for cell, value in zip(book[sheet][area.replace("$", "")][1], TRUTH_TABLE[1] @ model["dense"].kernel, strict=True):
        cell.value = round(float(value), 2)
    book[sheet].title = "Ann"
    book.save(path)
    with pytest.raises(BadInput, match="has no sheet '1 network', where input_layer/input_layer stood"):
        check_by_hand(model, None, path)
    for name in book.defined_names.values():
        name.attr_text = name.attr_text.replace(f"'{sheet}'!", "'Ann'!")
    book.save(path)
    assert check_by_hand(model, None, path).explanations[0].kind == "no bias"
    del book.defined_names["blank_dense_pre_activation"]
    book.save(path)
    with pytest.raises(BadInput, match=r"blank_dense_pre_activation .the cells of dense/pre-activation. is gone"):
        check_by_hand(model, None, path)


def test_a_workbook_whose_cells_have_moved_is_refused(tmp_path: Path) -> None:
    """The steps of one that is no exercise have no names."""
    model, path = weightlens.load(OR), tmp_path / "or.xlsx"
    weightlens.export(model, path, TRUTH_TABLE)
    book = openpyxl.load_workbook(path)
    book.defined_names["w_dense_bias"].attr_text = "'1 network'!$A$1:$B$1"
    book.save(path)
    with pytest.raises(BadInput, match=r"dense/bias stood in '1 network'!.* and is in '1 network'!A1; undo what moved it"):
        check_by_hand(model, TRUTH_TABLE, path)


def test_an_exercise_saved_as_ods_is_refused(tmp_path: Path) -> None:
    (tmp_path / "exercise.ods").write_bytes(ods("", second="Cells"))
    with pytest.raises(BadInput, match=r"exercise\.ods: is a workbook that weightlens wrote, saved as \.ods; save it as \.xlsx"):
        check_by_hand(weightlens.load(OR), TRUTH_TABLE, tmp_path / "exercise.ods")


def test_an_input_cell_of_a_workbook_must_hold_a_number(tmp_path: Path) -> None:
    model, path = weightlens.load(OR), tmp_path / "or.xlsx"
    weightlens.export(model, path, TRUTH_TABLE)
    for value, says in ((None, "is empty"), ("one", "holds 'one', which is not a finite number"), ("nan", "holds 'nan'")):
        book = openpyxl.load_workbook(path)
        ((sheet, area),) = book.defined_names["input_0"].destinations
        cell = book[sheet][area.replace("$", "")][1][1]
        cell.value = value
        book.save(tmp_path / "edited.xlsx")
        with pytest.raises(BadInput, match=f"'{sheet}'!{cell.coordinate} {says}"):
            check_by_hand(model, None, tmp_path / "edited.xlsx")


LEFT_OUT = [
    ("0.988,0.012\n,\n0.002,0.998\n0.000,1.000", "", "1"), ("0.988,0.012\n\n0.002,0.998\n0.000,1.000\n\n\n", "", "1"),
    ("a,b\n0.988,0.012\n\n\n0.000,1.000", "", "s 1, 2"), ("nr,a,b\n0,0.988,0.012\n\n2,0.002,0.998", "", "1"),
    ("x0,x1,a,b\n0,0,0.988,0.012\n,,,\n1,0,0.002,0.998", "", "1"),
    ("who,a,b\nme,0.988,0.012\nyou,,\nthey,0.002,0.998\nwe,0.000,1.000", "", "1"),
    ("0.988,0.012\n\n0.502,0.998\n0.000,1.000", "sample 2, unit 0", "1"),
    ("0.988,0.012\n\n0.000,1.000\n0.000,1.000", "sample 2, unit 0", "1"),
    ("0.988,0.012\n# no sample\n0.002,0.998\n0.002,0.998\n0.500,1.000", "sample 3, unit 0", ""),
    ("0.988,0.012\n\n0.002,0.998\n\n0.002,0.998\n\n0.500,1.000", "sample 3, unit 0", ""), ("a,b\n\n0.988,0.012\n0.002,0.998", "", ""),
    ("a,b\n\n0.002,0.998\n0.002,0.998\n0.000,1.000", "", "0"), ("a,b\n,\n\n0.002,0.998\n0.000,1.000", "", "s 0, 1"),
    ("who,a,b\nme,,\nyou,0.002,0.998\nthey,0.002,0.998\nwe,0.500,1.000", "sample 3, unit 0", "0"),
    ("a,b\n\n0.988,0.012\n0.002,0.998\n0.502,0.998", "sample 2, unit 0", ""),
    ("x0,x1,a,b\n0,1,0.002,0.998\n1,1,0.000,1.000", "", "s 0, 2"),
    ("x0,x1,a,b\n1,1,0.500,1.000\n0,0,0.988,0.012", "sample 3, unit 0", "s 1, 2"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wrong", "left_out"), LEFT_OUT)
def test_an_empty_row_is_a_sample_left_out(text: str, wrong: str, left_out: str, checked: Callable[..., HandReport]) -> None:
    """Where the rows with the empty ones fit the samples, above the others only where more is right so; else they are nothing.

    A comment is no row. Which samples are meant is also told by the inputs beside the outputs.
    """
    report = checked(weightlens.load(OR), TRUTH_TABLE, text)
    assert (report.ok, wrong in report.first) == (not wrong, True)
    assert report.notes == ([f"left out: sample{' ' * left_out[0].isdigit()}{left_out}"] if left_out else [])


def test_an_empty_row_of_a_sheet_is_a_sample_left_out(tmp_path: Path) -> None:
    rows = ["".join(map(number, row.split(","))) for row in ("0.988,0.012", "0.002,0.998", "0.000,1.000")]
    rows.insert(1, "<table:table-cell/>")
    (tmp_path / "mine.ods").write_bytes(ods("".join(f"<table:table-row>{row}</table:table-row>" for row in rows)))
    assert check_by_hand(weightlens.load(OR), TRUTH_TABLE, tmp_path / "mine.ods").ok


def test_of_two_readings_of_empty_rows_more_numbers_are_right_in_one(checked: Callable[..., HandReport]) -> None:
    """Four samples with space between the second and third, compared with five: no sample was left out."""
    inputs = np.concatenate([TRUTH_TABLE, TRUTH_TABLE[:1]])
    report = checked(weightlens.load(OR), inputs, "0.988,0.012\n0.002,0.998\n\n0.002,0.998\n0.000,1.000")
    assert (report.ok, report.notes) == (True, [output_rows.PASSED_OVER])


@pytest.mark.parametrize(("text", "says"), [
    ("", "holds no rows"), ("| --- |", "holds no numbers"),
    ("0.1,0.2,0.3", "a row has 3 numbers"), ("0.1,x", "'x' is not a number"), ("0.1,0.9\n" * 9, "more rows"),
    ("0.1,0.9\n0.1,\n", "a row has 1 number, but the network has 2"),
    ("layer,step,unit,value\ndens,sum,0,1", "did you mean 'dense'"), ("layer,step,unit,value\ndense,squares,0,1", "no step 'squares'"),
    ("layer,step,sample,unit,value\ndense,dot product,0,7,1", "unit 7"),
    ("layer,step,sample,unit,value\ndense,dot product,0,-1,1", "line 2: unit '-1' is not a number counted from 0"),
    ('layer,step,sample,unit,value\ndense,dot product,"1,1",0,1', "line 2: sample '1,1' is not a number counted from 0"),
    ("layer,step,sample,unit,value\ndense,dot product,A,0,1", "line 2: sample 'A' is not"),
    ("a,b,c\n0.1,0.2,0.3", "has the titles layer, step"),
    ("layer,step,sample,unit,value\ndense,dot product,9,0,1", "line 2: sample 9 of dense/dot product, but the input .-i. has 4 samples"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused_in_one_line(text: str, says: str, checked: Callable[..., HandReport]) -> None:
    with pytest.raises(BadInput, match=says) as refusal:
        checked(weightlens.load(OR), TRUTH_TABLE, text)
    assert "\n" not in str(refusal.value)


def test_a_step_of_several_layers_needs_its_layer(checked: Callable[..., HandReport]) -> None:
    """What the network gives is one thing; ``z`` is in each layer."""
    model = weightlens.load(SAMPLES / "mazur.h5")
    assert checked(model, np.array([[0.05, 0.1]]), "step,unit,value\noutput,0,0.7514").ok
    with pytest.raises(BadInput, match=r"line 2: step 'z' is in several layers \(hidden, output\): name the layer, as in hidden/z"):
        checked(model, np.array([[0.05, 0.1]]), "step,unit,value\nz,0,0.3775")


@pytest.mark.parametrize(("z", "is_right"), [("0.3775", True), ("0.0275", False)])
def test_a_weighted_sum_beside_z_is_without_the_bias(z: str, is_right: bool, checked: Callable[..., HandReport]) -> None:
    text = f"layer,step,unit,value\nhidden,Weighted sum,0,0.0275\nhidden,z,0,{z}"
    assert checked(weightlens.load(SAMPLES / "mazur.h5"), np.array([[0.05, 0.1]]), text).ok == is_right
    alone = f"layer,step,unit,value\nhidden,Weighted sum,0,{z}"
    assert checked(weightlens.load(SAMPLES / "mazur.h5"), np.array([[0.05, 0.1]]), alone).ok == is_right, "with the bias"


def test_lines_without_a_number_are_told(checked: Callable[..., HandReport]) -> None:
    report = checked(weightlens.load(OR), TRUTH_TABLE, "step,sample,unit,value\nsoftmax,0,0,0.988\nsoftmax,0,1,\nsoftmax,3,1,1.000")
    assert report.ok and report.summary.endswith("all 2 numbers in 1 step (without a number: line 3)")


def test_a_workbook_of_one_s_own_is_read_like_any_table(tmp_path: Path) -> None:
    """The list or the outputs on its first sheet; formulas are computed, and other sheets are told."""
    model, book = weightlens.load(OR), openpyxl.Workbook()
    for row in [("Ann",), (), *(line.split(",") for line in ("layer,step,sample,unit,value", *TABLE.split(";")))]:
        book.active.append([float(cell) if cell[:1].isdigit() else cell for cell in row])
    book.active["E4"] = "=1-0.012"
    book.active.merge_cells("A4:A6")
    book.create_sheet("more").append([1.5])
    book.save(tmp_path / "own.xlsx")
    report = check_by_hand(model, TRUTH_TABLE, tmp_path / "own.xlsx")
    assert report.ok and report.notes == ["only the sheet 'Sheet' was read, not 'more'"]
    assert sum(row.shape[0] for row in report.rows) == 3
    book.active["E5"] = 0.503
    book.save(tmp_path / "own.xlsx")
    assert not check_by_hand(model, TRUTH_TABLE, tmp_path / "own.xlsx").ok


def test_what_follows_from_a_wrong_step_is_right_by_its_digits(checked: Callable[..., HandReport]) -> None:
    """Not by thousands of units in the last place of a float32 number."""
    z, lines = 0.5, "layer,step,sample,unit,value\nhidden,pre-activation,0,0,{}\nhidden,activation,0,0,{:.4f}"
    report = checked(weightlens.load(SAMPLES / "mazur.h5"), np.array([[0.05, 0.1]]), lines.format(z, 1 / (1 + np.exp(-z))))
    assert [row.words for row in report.rows] == ["differs", "right to 4 decimals"]


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, file = weightlens.load(OR), tmp_path / "mine.csv"
    file.write_text(rows(calculate(model, TRUTH_TABLE), 2))
    assert main(["check", str(OR), "-i", str(INPUTS[OR]), "--by-hand", str(file)]) == 0
    file.write_text(rows(calculate(model, TRUTH_TABLE, by_hand.Slip("no bias", "dense")), 2))
    capsys.readouterr()
    assert main(["check", str(OR), "-i", str(INPUTS[OR]), "--by-hand", str(file)]) == 1
    assert "the bias of dense was left out" in " ".join(capsys.readouterr().out.split())
    assert main(["check", str(OR), "-i", str(INPUTS[OR]), "--by-hand", str(file), "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["ok"], found["explanations"][0]["kind"]) == (False, "no bias")
    assert main(["check", str(OR), "--by-hand", str(tmp_path / "none.csv")]) == 2
