"""Calculations by hand: right ones are confirmed, and every known mistake is named, whoever makes it.

The mistakes are made by ``tests/checks/by_hand.py``, plain loops that share nothing with the code that explains them.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

import weightlens
from tests.cases import CASES, Case
from tests.checks import by_hand
from tests.checks.by_hand import RIGHT, Steps, calculate, slips
from tests.conftest import INPUTS, SAMPLES, Built, sample_input
from weightlens.checks import check_by_hand
from weightlens.checks.claims import number_of_cell, parse_number, rounding_allowances
from weightlens.checks.float32 import SMALL
from weightlens.checks.hand_report import HandReport
from weightlens.cli import main
from weightlens.errors import BadInput
from weightlens.model import Model

AS_GOOD = {"bias misread": {"weight misread", "bias of another unit", "no bias"}}  # other words for the same slip
TRUTH_TABLE = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
EVERY = int(os.environ.get("WEIGHTLENS_EVERY_SLIP", "4"))  # of the mistakes in models with many inputs, every so many is tried
OR = next(path for path in INPUTS if path.stem == "or")


def rows(steps: Steps, digits: int) -> str:
    """The final outputs, a row per sample."""
    return "\n".join(",".join(f"{v:.{digits}f}" for v in row.ravel()) for row in steps[list(steps)[-1]])


def table(steps: Steps, digits: int) -> str:
    """Every step, number by number."""
    lines = ["layer,step,sample,unit,value"]
    for (layer, step), array in steps.items():
        lines += [f"{layer},{step},{i},{u},{v:.{digits}f}" for i, row in enumerate(array) for u, v in enumerate(row.ravel())]
    return "\n".join(lines)


@pytest.fixture
def checked(tmp_path: Path) -> Callable[[Model, np.ndarray, str], HandReport]:
    """A calculation written to a file and checked."""

    def check(model: Model, x: np.ndarray, text: str) -> HandReport:
        file = tmp_path / "mine.csv"
        file.write_text(text)
        return check_by_hand(model, x, file)

    return check


def by_size(path: Path) -> object:
    """A sample model; those with many inputs take long."""
    return pytest.param(path, id=path.stem, marks=[pytest.mark.slow] * (sample_input(path)[0].size > 3))


@pytest.mark.parametrize("path", map(by_size, INPUTS))
@pytest.mark.parametrize("write", [rows, table])
def test_every_known_mistake_is_named_first(path: Path, write: Callable[[Steps, int], str], checked: Callable[..., HandReport]) -> None:
    """In at least 95 % of the cases that the digits can tell apart; and what is right is never explained away."""
    model, x = weightlens.load(path), sample_input(path).astype(float)
    x = x[:3] if x[0].size > 3 else x
    right = calculate(model, x)
    np.testing.assert_allclose(right[list(right)[-1]], model.predict(x)[0], atol=1e-9)
    missed, cases = [], 0
    for digits in (2, 3, 4) if write is rows or x[0].size <= 3 else (3,):
        assert checked(model, x, write(right, digits)).ok
        texts = [(slip, write(calculate(model, x, slip), digits)) for slip in slips(model, x)]
        for slip, text in texts if x[0].size <= 3 else texts[::EVERY]:
            same = {other.kind for other, t in texts if t == text} | ({RIGHT.kind} if text == write(right, digits) else set())
            if same != {slip.kind}:
                continue
            report = checked(model, x, text)
            found = report.explanations[0].kind if report.explanations else "nothing"
            if found == "nothing" and "misread" in slip.kind:
                clear = [write(steps, digits - 1) for steps in (calculate(model, x, slip), right)]
                if lines_that_differ(*clear) < 3:  # one number of a softmax shows it clearly, or two: any weight could have been misread so
                    continue
            cases += 1
            if report.ok or found not in {slip.kind, *AS_GOOD.get(slip.kind, ())}:
                missed.append(f"{digits} digits, {slip}: {found}")
    assert len(missed) <= 0.05 * cases, f"{len(missed)} of {cases}: {missed}"


def lines_that_differ(text: str, other: str) -> int:
    return sum(one != two for one, two in zip(text.splitlines(), other.splitlines(), strict=True))


def first_explanation(report: HandReport) -> tuple[str, str]:
    assert not report.ok
    assert report.explanations, report.summary
    return report.explanations[0].kind, report.explanations[0].words


def last_layer(steps: Steps, digits: int) -> str:
    """Only what follows the first layer: a mistake before it shows in all of these numbers."""
    first = next(iter(steps))[0]
    return table({key: array for key, array in steps.items() if key[0] != first}, digits)


@pytest.mark.parametrize("name", ["or", "and", "xor_relu", "xor_sigmoid"])
def test_mistakes_before_the_numbers_that_are_given(name: str, checked: Callable[..., HandReport]) -> None:
    """In the first layer, with the steps of the last one only: also e^x of which the maximum was not subtracted."""
    path = SAMPLES / f"{name}.h5"
    model = weightlens.load(path)
    hidden = model.layers[1].name
    right = last_layer(calculate(model, sample_input(path).astype(float)), 4)
    for slip in slips(model, sample_input(path).astype(float)):
        text = last_layer(calculate(model, sample_input(path).astype(float), slip), 4)
        if slip.layer in ("", hidden) and text != right and slip.kind in ("no bias", "bias of another unit", "kernel transposed"):
            assert first_explanation(checked(model, sample_input(path), text))[0] == slip.kind, slip


def test_a_bias_that_wakes_a_dead_unit(checked: Callable[..., HandReport]) -> None:
    """Where a ReLU is 0, its bias has no slope to follow."""
    model = weightlens.load(SAMPLES / "xor_relu.h5")
    hidden = model["hidden"]
    z = TRUTH_TABLE @ hidden.kernel + hidden.bias
    unit = int((z < 0).sum(0).argmax())
    right = np.maximum(z, 0)
    wrong = np.maximum(z + np.eye(16)[unit] * (0.3 - z[:, unit].max()), 0)
    text = table({("hidden", "activation"): np.where(right[:, unit : unit + 1] > 0, right, wrong)}, 4)
    kind, words = first_explanation(checked(model, TRUTH_TABLE, text))
    assert kind == "weight misread"
    assert f"hidden/bias [{unit}]" in words


def test_mistakes_in_some_samples_only(checked: Callable[..., HandReport]) -> None:
    """One row without the bias is named as that; two rows that one misread weight explains are not."""
    model = weightlens.load(SAMPLES / "and.h5")
    dense = model["dense"]
    z = TRUTH_TABLE @ dense.kernel + dense.bias
    once = z.copy()
    once[1] -= dense.bias
    kind, words = first_explanation(checked(model, TRUTH_TABLE, table({("dense", "pre-activation"): once}, 3)))
    assert kind == "no bias"
    assert words.endswith("in sample 1 only")
    kernel = dense.kernel.astype(float)
    kernel[0, 1] *= 10
    z = TRUTH_TABLE @ kernel + dense.bias
    report = checked(model, TRUTH_TABLE, rows({("softmax", "activation"): np.exp(z) / np.exp(z).sum(1, keepdims=True)}, 4))
    assert first_explanation(report)[0] == "weight misread"


def test_rows_in_reverse_and_rounding_of_larger_numbers(checked: Callable[..., HandReport]) -> None:
    model = weightlens.load(OR)
    reverse = rows(calculate(model, TRUTH_TABLE[::-1]), 4)
    assert first_explanation(checked(model, TRUTH_TABLE, reverse))[0] == "another sample"
    x = np.array([[0.2, 0.3], [0.1, 0.4], [0.5, 0.0], [0.35, 0.05], [0.3, 0.1]])
    e = np.round(np.exp(np.round(np.round(x @ model["dense"].kernel, 2) + model["dense"].bias, 2)), 2)
    text = "\n".join(",".join(f"{p:.4f}" for p in row) for row in np.round(e / e.sum(1, keepdims=True), 2))
    kind, words = first_explanation(checked(model, x, text))
    assert (kind, words.partition(" were ")[2]) == ("rounding", "rounded to 2 decimals")
    model = weightlens.load(SAMPLES / "xor_relu.h5")
    hidden = np.round(np.maximum(x @ model["hidden"].kernel + model["hidden"].bias, 0), 1)
    text = table({("xor", "pre-activation"): hidden @ model["xor"].kernel + model["xor"].bias}, 4)
    assert first_explanation(checked(model, x, text)) == ("rounding", "the results of the layers were rounded to 1 decimals")


def tutorial(bias: np.ndarray | None = None) -> str:
    """The calculation of the tutorial: dot products, biases, e^x without subtracting the maximum, sums, probabilities to two digits."""
    dense = weightlens.load(OR)["dense"]
    lines = ["layer,step,sample,unit,value"]
    for sample, x in enumerate(TRUTH_TABLE, 1):
        z = x @ dense.kernel + (dense.bias if bias is None else bias)
        e = np.exp(np.round(z, 4))
        steps = (("pre-activation", z, 4), ("e^x", e, 4), ("sum", [e.sum()], 4), ("softmax", e / e.sum(), 2))
        for name, numbers, digits in steps:
            layer = "dense" if name == "pre-activation" else "softmax"
            lines += [f"{layer},{name},{sample},{unit},{value:.{digits}f}" for unit, value in enumerate(numbers)]
    return "\n".join(lines)


def test_the_tutorial_is_confirmed(checked: Callable[..., HandReport]) -> None:
    report = checked(weightlens.load(OR), TRUTH_TABLE, tutorial())
    assert report.ok, report.summary
    assert [row.class_name for row in report.rows] == ["pre-activation", "exponentials", "sum", "activation"]


def test_one_wrong_bias_in_the_tutorial_is_found(checked: Callable[..., HandReport]) -> None:
    model = weightlens.load(OR)
    bias = model["dense"].bias.astype(float)
    bias[1] += 0.5
    report = checked(model, TRUTH_TABLE, tutorial(bias))
    assert not report.ok
    assert report.first.startswith("the first step that differs is dense/pre-activation, sample")
    first = report.explanations[0]
    assert first.kind == "weight misread"
    assert "dense/bias [1]" in first.words
    assert float(first.words.split("about ")[1].split()[0]) == pytest.approx(bias[1], abs=1e-3)


def test_rounding_on_the_way_is_no_mistake(checked: Callable[..., HandReport]) -> None:
    """Steps computed from rounded earlier steps are right; an answer from rounded weights is told from a wrong one."""
    model = weightlens.load(OR)
    kernel, bias = (np.round(w.astype(float), 2) for w in (model["dense"].kernel, model["dense"].bias))
    z = np.round(TRUTH_TABLE @ model["dense"].kernel + model["dense"].bias, 1)
    e = np.exp(z)
    lines = ["layer,step,unit,value"]
    lines += [f"dense,pre-activation,{u},{v:.1f}" for row in z for u, v in enumerate(row)]
    lines += [f"softmax,softmax,{u},{v:.4f}" for row in e / e.sum(1, keepdims=True) for u, v in enumerate(row)]
    report = checked(model, TRUTH_TABLE, "\n".join(lines))
    assert report.ok
    assert "rounded" in report.notes[0]
    z = TRUTH_TABLE @ kernel + bias
    e = np.exp(z)
    report = checked(model, TRUTH_TABLE, "\n".join(",".join(f"{v:.6f}" for v in row) for row in e / e.sum(1, keepdims=True)))
    assert not report.ok
    assert (report.explanations[0].kind, report.explanations[0].harmless) == ("rounding", True)


@pytest.mark.parametrize(("text", "value", "decimals", "digits"), [
    ("0.83", 0.83, 2, 2), ("0.80", 0.8, 2, 2), ("-.5", -0.5, 1, 1), ("12", 12, 0, 2), ("1.2e-3", 0.0012, 4, 2), ("83 %", 0.83, 2, 2),
    ("\u22121", -1, 0, 1),
])  # fmt: skip
def test_digits_are_read_from_the_text(text: str, value: float, decimals: int, digits: int) -> None:
    number = parse_number(text)
    assert number is not None
    assert (number.value, number.decimals, number.digits) == (pytest.approx(value), decimals, digits)


OUTPUTS = ["0.988,0.012", "0.002,0.998", "0.002,0.998", "0.000,1.000"]
TABLE = "softmax,softmax,0,0,0.988;softmax,softmax,0,1,0.012;softmax,softmax,3,1,1.000"


@pytest.mark.parametrize("text", [
    "\n".join(OUTPUTS).replace(",", ";").replace(".", ","), "\n".join(OUTPUTS).replace(",", "; ").replace(".", ","),
    "\n".join(OUTPUTS).replace(",", "\t").replace(".", ","), "\n".join(OUTPUTS).replace(",", "   "), "\n".join(OUTPUTS).replace(",", ", "),
    "\n".join(OUTPUTS).replace(",", " ").replace(".", ","), "\n".join(OUTPUTS).replace(",", "  ,") + "  \n\n", "98.8%,1.2 %\n0.2%,99.8%",
    "98,8%;1,2%\n0,2%;99,8%", "False,True\n" + "\n".join(OUTPUTS), "0,1\n" + "\n".join(OUTPUTS),
    "a,b,note\n" + "\n".join(row + ",fine" for row in OUTPUTS), "\n".join(f"sample {i},{row}" for i, row in enumerate(OUTPUTS)),
    "nr,a,b\n" + "\n".join(f"{i},{row}" for i, row in enumerate(OUTPUTS, 1)), "# mine\n" + "\n".join(row + "," for row in OUTPUTS[:2]),
    ",0,1\n" + "\n".join(f"{i},{row}" for i, row in enumerate(OUTPUTS)), '"0,988","0,012"', "~0.988, =0.012",
    "x0,x1,a,b\n" + "\n".join(f"{x},{row}" for x, row in zip(("0,0", "0,1", "1,0", "1,1"), OUTPUTS, strict=True)),
    TABLE.replace(";", "\n"), "layer,step,sample,unit,value,why\n" + TABLE.replace(";", ",x\n") + ",x",
    "layer\tstep\tsample\tunit\tvalue\n" + TABLE.replace(",", "\t").replace(";", "\n").replace(".", ","),
    "softmax,softmax,0,0.988\nsoftmax,softmax,1,0.012",
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


@pytest.mark.parametrize(("values", "allowed"), [
    (["0.83", "0.1", "0.05"], [0.005, 0.005, 0.005]),  # a zero at the end was not written
    (["0.983", "0.0123", "0.00471", "12.5"], [5e-4, 5e-5, 5e-6, 0.05]),  # three digits that matter
    (["1", "0.9996", "0.0004"], [5e-5, 5e-5, 5e-5]),
])  # fmt: skip
def test_numbers_are_compared_at_the_digits_given(values: list[str], allowed: list[float]) -> None:
    np.testing.assert_allclose(rounding_allowances([number_of_cell(float(v)) for v in values]), allowed)


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


SOFTMAX = np.array([[0.2, -0.4, 0.9], [-0.7, 0.3, 0.1]])  # the kernel of a network with two inputs and three outputs


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, keras: Any) -> Model:
    """A Dense layer with a softmax over three units."""
    path = tmp_path_factory.mktemp("three") / "three.keras"
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, activation="softmax", name="d")])
    model.layers[0].set_weights([SOFTMAX, np.array([0.1, 0.2, -0.3])])
    model.save(path)
    return weightlens.load(path)


def test_digits_that_were_compared_are_said(three: Model, checked: Callable[..., HandReport]) -> None:
    """Whole numbers for probabilities say nothing, and are not right; 0.00 was compared to two digits."""
    x = np.array([[1, 0.5], [0, 2]])
    right = three.predict(x)[0]
    report = checked(three, x, "\n".join(",".join(f"{v:.3f}" for v in row) for row in right))
    assert (report.ok, report.as_dict()["digits"]) == (True, 3)
    assert "right to 3 digits, all 6 numbers" in report.summary
    report = checked(three, x, "\n".join(",".join(str(int(v == row.max())) for v in row) for row in right))
    assert (report.ok, report.first, report.as_dict()["digits"]) == (False, "", 0)
    assert "no digits were compared in d/activation" in report.summary
    assert report.as_dict()["rows"][0]["verdict"] == "NO DIGITS"
    assert checked(weightlens.load(OR), TRUTH_TABLE, "layer,step,sample,unit,value\nsoftmax,softmax,3,0,0.00").ok
    whole = checked(three, x * 100, "layer,step,sample,unit,value\nd,dot product,0,0,-15\nd,dot product,1,1,60")
    assert "right to 2 digits" in whole.summary


@pytest.mark.parametrize("digits", [2, 4])
def test_a_table_turned_round_is_recognised(three: Model, digits: int, checked: Callable[..., HandReport]) -> None:
    for x in (np.array([[1, 0.5], [0, 2]]), np.array([[1, 0.5], [0, 2], [-1, 1]])):
        right = np.round(three.predict(x)[0], digits)
        for numbers, fine in ((right.T, True), (right.T[:, ::-1], False)):
            report = checked(three, x, "\n".join(",".join(f"{v:.{digits}f}" for v in row) for row in numbers))
            assert report.ok == fine
            assert not fine or "transposed" in report.summary
    with pytest.raises(BadInput, match="a row has 4 numbers, but the network has 3 outputs"):
        checked(three, x, "0.1,0.2,0.3,0.4")


def test_outputs_as_pictures_are_recognised(tmp_path: Path, checked: Callable[..., HandReport], keras: Any) -> None:
    """A row of the table is a row of the picture, one picture under the other; also on its side."""
    keras.Sequential([keras.Input((3, 4, 1)), keras.layers.Conv2D(1, 2, padding="same")]).save(tmp_path / "picture.keras")
    model, x = weightlens.load(tmp_path / "picture.keras"), np.random.default_rng(0).normal(size=(2, 3, 4, 1))
    pictures = model.predict(x)[0][..., 0]
    for numbers in (pictures.reshape(6, 4), pictures[0], np.concatenate(pictures, 0).T):
        report = checked(model, x, "\n".join(",".join(f"{v:.3f}" for v in row) for row in numbers))
        assert report.ok, report.summary
        assert "one below the other" in report.notes[0]
    assert checked(model, x, "\n".join(",".join(f"{v:.3f}" for v in row.ravel()) for row in pictures)).notes == []
    assert not checked(model, x, "\n".join(",".join(f"{v:.3f}" for v in row) for row in -pictures.reshape(6, 4))).ok


def test_one_number_does_not_confirm_any_misreading(checked: Callable[..., HandReport]) -> None:
    """A number that no known mistake leads to, given alone, could be reached through any weight: none is named, but a lost sign is."""
    model, x = weightlens.load(SAMPLES / "relu_neuron.h5"), None
    x = sample_input(SAMPLES / "relu_neuron.h5")[:1].astype(float)
    value = float(model.predict(x)[0].ravel()[0])
    report = checked(model, x, f"{value + 0.7193:.4f}")
    assert not report.ok
    assert not any("about" in e.words for e in report.explanations)


@pytest.mark.parametrize(("text", "says"), [
    ("", "holds no rows"), ("0.1,0.2,0.3", "a row has 3 numbers"), ("0.1,x", "'x' is not a number"), ("0.1,0.9\n" * 9, "more rows"),
    ("layer,step,unit,value\ndens,sum,0,1", "did you mean 'dense'"), ("layer,step,unit,value\ndense,squares,0,1", "no step 'squares'"),
    ("layer,step,sample,unit,value\ndense,dot product,0,7,1", "unit 7"),
    ("layer,step,sample,unit,value\ndense,dot product,9,0,1", "sample 9"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused_in_one_line(text: str, says: str, checked: Callable[..., HandReport]) -> None:
    with pytest.raises(BadInput, match=says) as refusal:
        checked(weightlens.load(OR), TRUTH_TABLE, text)
    assert "\n" not in str(refusal.value)


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


def small_case(name: str) -> bool:
    """Layers of every kind, a few of each."""
    return zlib.crc32(name.encode()) % 12 == 0


@pytest.mark.parametrize("case", [case for case in CASES if small_case(case.name)], ids=lambda case: case.name)
def test_layers_of_every_kind(case: Case, built: Callable[[Case], Built], checked: Callable[..., HandReport]) -> None:
    """A model's own predictions are right; those of the same file with a bias set to zero are explained by that."""
    made = built(case)
    model = weightlens.load(made.path)
    right = [np.asarray(y) for y in model.predict(made.inputs)]
    samples = len(right[0])
    numeric = all(a.dtype.kind in "biuf" for a in (*right, *made.inputs))
    if not numeric or any(len(y) != samples or not np.isfinite(y).all() for y in right):
        pytest.skip("not a row of numbers for each sample")

    def text(outputs: list[np.ndarray]) -> str:
        return "\n".join(",".join(f"{v:.4f}" for y in outputs for v in np.asarray(y, float)[i].ravel()) for i in range(samples))

    assert checked(model, made.inputs, text(right)).ok
    for name, weight in model.weights.items():
        if name.split("/")[-1] in ("bias", "beta"):
            other = weightlens.load(made.path)
            other.weights[name]._value = np.zeros_like(weight.value)
            wrong = other.predict(made.inputs)
            if not all(
                np.allclose(a, b, rtol=0, atol=max(1e-4, SMALL * np.abs(b).max())) for a, b in zip(wrong, right, strict=True)
            ):  # large numbers hide a small bias
                assert checked(model, made.inputs, text(wrong)).explanations[0].kind == "no bias", name
