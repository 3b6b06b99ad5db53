"""Exercises: blank steps in every kind of layer, the mistakes in words, hints; recalculated by spreadsheet programs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

import weightlens
from tests.conftest import SAMPLES, sample_input
from weightlens.cli.main import main
from weightlens.model import Model
from weightlens.spreadsheet.cell_areas import cell_names
from weightlens.spreadsheet.cell_values import Book, read_book
from weightlens.spreadsheet.cells_map import read_map
from weightlens.spreadsheet.recalculate import Changes, recalculate, recalculate_all

pytestmark = pytest.mark.slow
OFFICE = ["ironcalc", pytest.param("libreoffice", marks=pytest.mark.office("libreoffice"))]


def exercise(model: Any, path: Path, inputs: Any, **options: Any) -> Book:
    """The stored workbook of an exercise."""
    weightlens.export(model, path, inputs=inputs, exercise=True, **options)
    return read_book(path)


def filled(stored: Book, values: dict[str, list[np.ndarray]]) -> Changes:
    """These numbers typed into the blank steps of these names, all occurrences in order."""
    changes: Changes = {}
    for entry in read_map(stored):
        if entry.sheet.startswith("Answers") and values.get(entry.name):
            sheet = entry.sheet.removeprefix("Answers ") if entry.sheet != "Answers" else stored.path.stem
            numbers = np.asarray(values[entry.name].pop(0), float)
            changes |= {(sheet, cell): float(x) for cell, x in zip(cell_names(entry.addresses()), numbers.ravel(), strict=True)}
    return changes


def of_one_start(paths: list[Path], engine: str, changes: list[Changes]) -> list[Book]:
    """Workbooks, each with its changes, as one start of an engine computes them."""
    books = [book for book in recalculate_all(paths, engine, changes) if isinstance(book, Book)]
    assert len(books) == len(paths)
    return books


def advice(book: Book) -> list[str]:
    """What the sheets say of the numbers that were filled in."""
    shown = [cells for title, cells in book.sheets.items() if title not in ("Hints", "Mistakes")]
    return [
        value
        for cells in shown
        for value in cells.values()
        if isinstance(value, str) and ": " in value and ("looks as if" in value or "usual" in value)
    ]


def with_zeros(model: Model, layer: str, weight: str) -> Model:
    """The model without a bias."""
    array = model[layer].own_weights[weight].value
    array[...] = 0
    return model


@pytest.mark.parametrize("engine", OFFICE)
def test_a_forgotten_bias_is_named(engine: str, tmp_path: Path) -> None:
    path, x = tmp_path / "1 network.xlsx", sample_input(SAMPLES / "or.h5")
    stored = exercise(SAMPLES / "or.h5", path, x)
    wrong = with_zeros(weightlens.load(SAMPLES / "or.h5"), "dense", "bias").trace(x)["dense"][1].value
    right = weightlens.load(SAMPLES / "or.h5").trace(x)["dense"][1].value
    answers = (wrong, right, right + 0.37 * np.arange(right.size).reshape(right.shape))
    changes = [filled(stored, {"pre-activation": [numbers]}) for numbers in answers]
    book, confirmed, unexplained = of_one_start([path] * 3, engine, changes)
    assert advice(book) == ["dense: pre-activation: it looks as if the bias of dense was left out"] and not book.errors()
    assert not advice(confirmed)
    [odd] = advice(unexplained)
    assert "not by one of the usual mistakes" in odd


def test_nothing_is_said_of_numbers_that_were_changed(tmp_path: Path) -> None:
    path, x = tmp_path / "1 network.xlsx", sample_input(SAMPLES / "or.h5")
    stored = exercise(SAMPLES / "or.h5", path, x)
    wrong = with_zeros(weightlens.load(SAMPLES / "or.h5"), "dense", "bias").trace(x)["dense"][1].value
    [weight] = [entry for entry in read_map(stored) if entry.kind == "weight" and entry.name == "bias"]
    changes = filled(stored, {"pre-activation": [wrong]}) | {("1 network", cell): 9.0 for cell in cell_names(weight.addresses())}
    assert not [text for text in advice(recalculate(path, "ironcalc", changes)) if "looks as if" in text]


def test_names_in_advice_are_text_and_no_longer_than_excel_takes(tmp_path: Path, keras: Any) -> None:
    names = ['a "quoted" layer', "x" * 100]
    keras.Sequential([keras.Input((2,)), *(keras.layers.Dense(2, name=name) for name in names)]).save(tmp_path / "m.keras")
    stored = exercise(weightlens.load(tmp_path / "m.keras"), tmp_path / "1 network.xlsx", np.array([[1.0, 2.0]]))
    texts = [text for cells in stored.formulas.values() for made in cells.values() for text in re.findall(r'"((?:[^"]|"")*)"', made)]
    assert texts and max(len(text.replace('""', '"')) for text in texts) <= 255
    book = recalculate(stored.path, "ironcalc", filled(stored, {"dot product": [np.full((1, 2), 99.0), np.full((1, 2), 99.0)]}))
    assert book.errors() == []
    assert [text[: len(name)] for text, name in zip(advice(book), names, strict=True)] == names


@pytest.mark.parametrize("engine", OFFICE)
def test_a_recurrent_layer(engine: str, tmp_path: Path) -> None:
    path, x = tmp_path / "sine.xlsx", sample_input(SAMPLES / "sine_lstm.keras")[:1]
    stored = exercise(SAMPLES / "sine_lstm.keras", path, x)
    blank = {entry.name for entry in read_map(stored) if entry.sheet.startswith("Answers")}
    assert {"input gate", "forget gate", "candidate", "output gate", "cell state", "hidden state", "dot product"} <= blank
    wrong = with_zeros(weightlens.load(SAMPLES / "sine_lstm.keras"), "lstm", "bias").trace(x)
    states = [step.value for step in wrong["lstm"] if step.name == "hidden state"]
    book = recalculate(path, engine, filled(stored, {"hidden state": states}))
    assert "lstm: hidden state: it looks as if the bias of lstm was left out" in advice(book) and not book.errors()


def test_a_layer_of_every_kind_has_something_to_fill_in(tmp_path: Path, keras: Any) -> None:
    layers, rng = keras.layers, np.random.default_rng(3)
    kinds = {
        "conv": ((4, 4, 1), layers.Conv2D(2, 3, activation="relu"), {"dot product", "pre-activation", "activation"}),
        "pool": ((4, 4, 1), layers.MaxPooling2D(2), {"maximum"}),
        "norm": ((3,), layers.BatchNormalization(gamma_initializer="random_normal"), {"normalized"}),
        "gru": ((3, 2), layers.GRU(2), {"update gate", "reset gate", "candidate", "hidden state"}),
        "merge": ((3,), layers.UnitNormalization(), set()),
        "embedding": ((3,), layers.Embedding(5, 2), {"lookup"}),
        "layer norm": ((3,), layers.LayerNormalization(gamma_initializer="random_normal"), {"mean", "variance"}),
    }
    for name, (shape, layer, steps) in kinds.items():
        model = keras.Sequential([keras.Input(shape), layer])
        x = rng.integers(0, 5, (1, *shape)).astype("float32")
        stored = exercise(model, tmp_path / f"{name}.xlsx", x)
        blank = {entry.name for entry in read_map(stored) if entry.sheet.startswith("Answers")}
        assert blank >= steps and blank, f"{name}: {blank}"
        assert not recalculate(tmp_path / f"{name}.xlsx", "ironcalc").errors(), name
    queries = keras.Input((3, 4))
    attention = keras.Model(queries, layers.MultiHeadAttention(2, 2)(queries, queries))
    stored = exercise(attention, tmp_path / "attention.xlsx", rng.normal(size=(1, 3, 4)))
    assert {"scores", "attention weights", "context"} <= {entry.name for entry in read_map(stored) if entry.sheet.startswith("Answers")}


def test_a_twin_needs_no_calculator(tmp_path: Path) -> None:
    x = sample_input(SAMPLES / "or.h5")
    stored = exercise(weightlens.simplify(SAMPLES / "or.h5", x).model, tmp_path / "twin.xlsx", x)
    solved = [entry for entry in read_map(stored) if entry.sheet.startswith("Answers")]
    answers = {entry.name: entry.found(stored).numbers.reshape(entry.arrangement.shape) for entry in solved}
    assert set(answers) == {"dot product", "pre-activation", "max"}, "no shares, which are powers of e"
    assert all(np.array_equal(numbers, np.rint(numbers)) for numbers in answers.values())
    sheet = openpyxl.load_workbook(tmp_path / "twin.xlsx")["1 network"]
    kinds = {area: {cell.number_format for row in sheet[area] for cell in row} for area in ("B8:C11", "E8:F11", "E17:F18", "R8:S11")}
    assert kinds == {"B8:C11": {"General"}, "E8:F11": {"General"}, "E17:F18": {"General"}, "R8:S11": {"0.0%"}}, "1, and not 1.000"


@pytest.mark.parametrize("engine", OFFICE)
def test_hints_show_a_number_when_asked(engine: str, tmp_path: Path) -> None:
    path = tmp_path / "or.xlsx"
    exercise(SAMPLES / "or.h5", path, sample_input(SAMPLES / "or.h5"))
    sheet = openpyxl.load_workbook(path)["Hints"]
    assert sheet.sheet_state == "visible" and sheet["A5"].value == "dense: dot product" and "column of weights" in sheet["B5"].value
    sheet.parent["Hints"]["D5"] = "yes"
    sheet.parent.save(tmp_path / "asked.xlsx")
    silent, asked = of_one_start([path, tmp_path / "asked.xlsx"], engine, [{}, {}])
    assert not silent.sheets["Hints"].get("E5")
    assert asked.sheets["Hints"]["E5"] == "0*(-5.359) + 0*(-5.329) = 0"


def pages(pdf: Path) -> list[str]:
    """The words of each page; every page is A4."""
    told = subprocess.run(["pdfinfo", str(pdf)], check=True, capture_output=True, text=True).stdout
    assert "(A4)" in told
    return subprocess.run(["pdftotext", "-layout", str(pdf), "-"], check=True, capture_output=True, text=True).stdout.split("\f")[:-1]


@pytest.mark.office("libreoffice")
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils are not installed")
def test_on_paper_the_answers_are_at_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["export", str(SAMPLES / "or.h5"), "-i", str(SAMPLES / "or.csv"), "--exercise", "-o", str(tmp_path / "or.pdf")]
    assert main(command) == 0 and "the answers are at the end" in capsys.readouterr().out
    asked, solved = pages(tmp_path / "or.pdf")
    assert "98.8%" in solved and "98.8%" not in asked and "Answers" in solved and "-5.359" in asked and "Summary" not in asked
    assert main(command) == 2 and "--force" in capsys.readouterr().err
    weightlens.export(
        SAMPLES / "sine_lstm.keras", tmp_path / "sine.pdf", inputs=sample_input(SAMPLES / "sine_lstm.keras")[:1], exercise=True
    )
    first, *_, last = pages(tmp_path / "sine.pdf")
    assert "Inputs" in first and "Answers" in last


@pytest.mark.office("libreoffice")
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils are not installed")
def test_paper_names_the_winners_at_the_end_and_promises_nothing_live(tmp_path: Path) -> None:
    weightlens.export(SAMPLES / "or.h5", tmp_path / "or.pdf", exercise=True, labels=["False", "True"])
    asked, solved = pages(tmp_path / "or.pdf")
    assert [re.split(r" {2,}", line.strip())[-1] for line in solved.splitlines() if "%" in line] == ["False", "True", "True", "True"]
    assert not re.search("%|live|change", asked) and "what goes in" in asked
    x = sample_input(SAMPLES / "xor_relu.h5")
    weightlens.export(weightlens.simplify(SAMPLES / "xor_relu.h5", x).model, tmp_path / "xor.pdf", inputs=x, exercise=True)
    *_, first, second, third = pages(tmp_path / "xor.pdf")
    assert "Answers: " in first and (second + third).count("Answe") == 2, "in the footers only: no title that its column would cut"
    assert re.findall(r"\b(?:no|yes)\b", third)[:4] == ["no", "yes", "yes", "no"]


def test_what_is_filled_in_is_checked_by_the_command_that_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "or.xlsx"
    assert main(["export", str(SAMPLES / "or.h5"), "--blank", "dot product", "-o", str(path)]) == 0
    command = capsys.readouterr().out.partition("once it is filled in: weightlens ")[2].split()
    book = openpyxl.load_workbook(path)
    book["1 network"]["E8"], book["1 network"]["F8"] = 0, 7
    book.save(path)
    assert main(command) == 1 and "dense/dot product, sample 0" in capsys.readouterr().out


def test_a_pdf_is_an_exercise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(SAMPLES / "or.h5"), "-o", str(tmp_path / "or.pdf")]) == 2
    assert "made of an exercise only" in capsys.readouterr().err
    for option in ("--switch", "--neuron", "--verify", "--with-keras"):
        assert main(["export", str(SAMPLES / "or.h5"), "--exercise", option, "-o", str(tmp_path / "or.pdf")]) == 2
        assert f"{option}: a printed exercise has no such thing" in capsys.readouterr().err
    assert main(["export", str(SAMPLES / "or.h5"), "--exercise", "-o", str(tmp_path / "or.pdf")]) == 2  # no office program in this test
    assert "which is not installed" in capsys.readouterr().err and not (tmp_path / "or.pdf").exists()


def test_an_exercise_longer_than_its_pages_is_written(tmp_path: Path) -> None:
    """Its marks stand below what is printed: pages were cut there too, which ended in an IndexError."""
    stored = exercise(SAMPLES / "digits_cnn.keras", tmp_path / "digits.xlsx", None)
    assert stored.names["score"] and any(entry.sheet.startswith("Answers") for entry in read_map(stored))
