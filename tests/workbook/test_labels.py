"""What a reader finds beside rows and over columns, and what may be typed into an input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

import weightlens
from tests.attention_file import WORDS, write_attention
from tests.conftest import SAMPLES
from weightlens.recording.graph import named_operands


@pytest.fixture(scope="module")
def attention(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("labels")
    weightlens.export(write_attention(folder / "attention.h5"), folder / "book.xlsx", inputs=[[1, 5, 3, 0, 7]])
    return openpyxl.load_workbook(folder / "book.xlsx")


def found(page: Any, text: str) -> tuple[int, int]:
    """The row and column of a text."""
    return next((cell.row, cell.column) for row in page.iter_rows() for cell in row if cell.value == text)


def test_every_row_of_a_kernel_says_its_whole_place(attention: Any) -> None:
    page = next(page for page in attention if page.title.endswith("attention"))
    row, column = found(page, "attention_output/kernel")
    labels = [page.cell(row + 3 + k, column - 1).value for k in range(6)]
    assert labels == [f"head {head}, value dim {dim}" for head in range(2) for dim in range(3)]


def test_a_vector_beside_a_kernel_has_a_label_of_its_own(attention: Any) -> None:
    """Else the label of the kernel's first row would be read as that of the bias in the same row."""
    page = next(page for page in attention if page.title.endswith(" out"))
    (row, kernel), (beside, bias) = found(page, "kernel"), found(page, "bias")
    assert row == beside
    assert (page.cell(row + 3, kernel - 1).value, page.cell(row + 3, bias - 1).value) == ("feature 0", "each row")


def test_a_number_without_a_row_in_the_table_is_refused_when_it_is_typed(attention: Any) -> None:
    page = attention["Inputs"]
    rules = {str(rule.sqref): rule for rule in page.data_validations.dataValidation}
    rule = rules["B8:F8"]
    assert (rule.type, rule.formula1, rule.formula2) == ("whole", "0", str(WORDS - 1))
    assert rule.error == f"Please type the number of a word: a whole one from 0 to {WORDS - 1}."
    found(page, f"x: numbers of words, 0 to {WORDS - 1}")


def test_an_input_that_chooses_no_rows_takes_any_number(tmp_path: Path) -> None:
    weightlens.export(SAMPLES / "or.h5", tmp_path / "or.xlsx")
    rules = openpyxl.load_workbook(tmp_path / "or.xlsx")["1 network"].data_validations.dataValidation
    assert {rule.type for rule in rules} == {"decimal"}


def test_a_kernel_says_which_units_it_reads_and_which_it_makes() -> None:
    trace = weightlens.load(SAMPLES / "digits_mlp.keras").trace(np.zeros((1, 64)))
    kernels = [x for step in trace for x in named_operands(step.made) if x.name == "kernel"]
    first, *others = [trace.axes.named(x).words for x in kernels]
    assert first == ("feature", "unit") and others == [("from unit", "unit")] * len(others) != []


def test_channels_in_groups_are_channels(keras: Any) -> None:
    layer = keras.layers.GroupNormalization(2, name="norm")
    trace = weightlens.load(keras.Sequential([keras.Input((3, 3, 4)), layer])).trace(np.arange(36.0).reshape(1, 3, 3, 4))
    output = trace["norm"][-1]
    assert output.axes[-1] == "channel" and output.place((0, 1, 2, 3)) == "row 1, column 2, channel 3"
    gamma = next(x for step in trace["norm"] for x in named_operands(step.made) if x.name == "gamma")
    assert trace.axes.named(gamma).words == ("channel",)


def test_pictures_of_channels_in_groups_are_numbered_through(keras: Any, tmp_path: Path) -> None:
    """The second channel of the second group is channel 3, as in the layer's output."""
    network = keras.Sequential([keras.Input((3, 3, 4)), keras.layers.GroupNormalization(2, name="norm")])
    weightlens.export(weightlens.load(network), tmp_path / "book.xlsx", inputs=np.arange(36.0).reshape(1, 3, 3, 4))
    page = next(page for page in openpyxl.load_workbook(tmp_path / "book.xlsx") if page.title.endswith("norm"))
    row, column = found(page, "centered")
    over = [cell.value for cell in page[row + 2] if cell.column >= column and cell.value]
    assert over == ["channel 0", "channel 1", "channel 2", "channel 3"]
    assert "row down; channel, column across" in [cell.value for cell in page[row]]


def test_a_line_for_each_sample_and_time_step_is_not_called_one_for_each_sample(keras: Any, tmp_path: Path) -> None:
    network = keras.Sequential([keras.Input((4, 2)), keras.layers.TimeDistributed(keras.layers.Dense(3, activation="softmax"))])
    weightlens.export(weightlens.load(network), tmp_path / "book.xlsx", inputs=np.ones((2, 4, 2)))
    book = openpyxl.load_workbook(tmp_path / "book.xlsx")
    said = {cell.value for page in book for row in page.iter_rows() for cell in row}
    assert "per row" in said and "per sample" not in said


def test_words_say_nothing_of_how_zeros_were_put_between_numbers(keras: Any) -> None:
    network = keras.Sequential([keras.Input((3, 3, 1)), keras.layers.Conv2DTranspose(2, 3, strides=2)])
    trace = weightlens.load(network).trace(np.ones((1, 3, 3, 1)))
    assert next(step.words for step in trace if step.name == "spread input") == "spread input = padded input"
