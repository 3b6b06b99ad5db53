"""What hindered readers who had only the workbook: colours, frames, captions in view, words about edges and directions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

import weightlens
from tests.attention_file import write_attention
from tests.conftest import SAMPLES


def exported(model: Any, path: Path, inputs: Any, **options: Any) -> Any:
    """The workbook as openpyxl reads it."""
    weightlens.export(model, path, inputs=inputs, force=True, **options)
    return openpyxl.load_workbook(path)


def page_of(book: Any, ending: str) -> Any:
    """The sheet of a layer."""
    return next(page for page in book if page.title.endswith(ending))


def texts(page: Any) -> list[str]:
    """All texts of a sheet."""
    return [cell.value for row in page.iter_rows() for cell in row if isinstance(cell.value, str)]


def scales(page: Any) -> list[list[tuple[str, str | None]]]:
    """The points of each colour scale: what each is, and which number."""
    rules = [rule for _, found in page.conditional_formatting._cf_rules.items() for rule in found if rule.type == "colorScale"]
    return [[(point.type, point.val) for point in rule.colorScale.cfvo] for rule in rules]


@pytest.fixture(scope="module")
def attention(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("eyes")
    return exported(write_attention(folder / "attention.h5"), folder / "book.xlsx", [[1, 5, 3, 0, 7], [2, 2, 1, 1, 0]])


def test_a_colour_is_as_far_from_0_to_both_sides_and_green_begins_at_0(attention: Any) -> None:
    found = scales(page_of(attention, "attention"))
    both = [points for points in found if len(points) == 3]
    assert both and [points for points in found if len(points) == 2]
    for points in both:
        (first, low), (middle, zero), (last, high) = points
        assert (first, middle, last) == ("formula", "num", "formula") and low == f"-{high}" and zero == 0.0
        assert str(high).startswith("MAX(MAX($")
    assert {tuple(points) for points in found if len(points) == 2} == {(("num", 0.0), ("max", None))}


def test_the_largest_share_of_each_row_is_framed_for_each_head(attention: Any) -> None:
    page = page_of(attention, "attention")
    rules = page.conditional_formatting._cf_rules.items()
    framed = {str(area.sqref): rule.formula[0] for area, found in rules for rule in found if "MAX" in "".join(rule.formula)}
    assert len(framed) == 2  # heads
    for area, formula in framed.items():
        first, last = area.split(":")
        left, right, row = first.rstrip("0123456789"), last.rstrip("0123456789"), first.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        assert formula == f"AND(ISNUMBER({first}),{first}=MAX(${left}{row}:${right}{row}))"
    assert "Framed is the largest share of each row." in page["B2"].value


def test_captions_stay_in_view_only_over_their_own_blocks(attention: Any) -> None:
    assert page_of(attention, "attention").freeze_panes == "B3"  # scores stand under the queries
    assert page_of(attention, "out").freeze_panes == "B8"


def test_a_relu6_unit_is_off_where_it_is_0_and_zeros_around_a_picture_are_counted(keras: Any, tmp_path: Path) -> None:
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((8, 8, 2)), layers.ReLU(6.0, name="cut"), layers.DepthwiseConv2D(3, strides=2, padding="same", name="deep")]
    )
    book = exported(weightlens.load(model), tmp_path / "book.xlsx", np.random.default_rng(0).normal(size=(1, 8, 8, 2)))
    assert "grey is exactly 0" in page_of(book, "cut")["B2"].value
    assert "Zeros around its input: 1 row below, 1 column on the right." in page_of(book, "deep")["B2"].value


def test_a_second_recurrent_layer_says_which_half_of_the_first_a_number_is(keras: Any, tmp_path: Path) -> None:
    """And does not call it by a name of the network's input, of which there happen to be as many."""
    layers = keras.layers
    first, second = layers.LSTM(2, return_sequences=True), layers.LSTM(2)
    model = keras.Sequential(
        [keras.Input((3, 4)), layers.Bidirectional(first, name="both"), layers.Bidirectional(second, name="last"), layers.Dense(1)]
    )
    names = ["north", "east", "south", "west"]
    book = exported(weightlens.load(model), tmp_path / "book.xlsx", np.ones((2, 3, 4)), input_labels=names)
    page = texts(page_of(book, "last"))
    assert {"x: both", "forward", "backward", "x0", "x3"} <= set(page) and not set(names) & set(page)
    assert set(names) <= set(texts(page_of(book, "both")))
    assert "last/forward_layer at t=2 and last/backward_layer at t=0: what each has read last" in page
    assert "last/backward_layer: LSTM(2), activation tanh, from the last time step to the first" in page
    assert page.count("backward") > 3 < page.count("forward")  # over the steps that are far from the heading


def test_what_a_layer_without_activation_hands_on_is_called_its_output(tmp_path: Path) -> None:
    page = texts(exported(SAMPLES / "or.h5", tmp_path / "or.xlsx", [[0, 1]])["1 network"])
    assert "pre-activation (output)" in page and "dot product" in page and "dot product (output)" not in page


def test_a_layer_that_reads_a_number_twice_says_so(keras: Any, tmp_path: Path) -> None:
    x = keras.Input((2,), name="x")
    y = keras.layers.Dense(2, name="made")(x)
    book = exported(weightlens.load(keras.Model(x, keras.layers.Multiply(name="squared")([y, y]))), tmp_path / "book.xlsx", [[1.0, 2.0]])
    assert "made (twice)" in texts(book["Summary"])


def test_marks_of_an_exercise_are_not_printed(tmp_path: Path) -> None:
    page = exported(SAMPLES / "or.h5", tmp_path / "or.xlsx", [[0, 1], [1, 1]], exercise=True)["1 network"]
    row = next(cell.row for cells in page.iter_rows() for cell in cells if str(cell.value).startswith("marks:"))
    assert int(page.print_area.rpartition("$")[2]) < row


@pytest.mark.filterwarnings("error")  # one sample spreads nowhere
def test_the_name_of_a_layer_leads_to_its_numbers_where_all_stand_on_one_sheet(tmp_path: Path) -> None:
    book = exported(SAMPLES / "xor_relu.h5", tmp_path / "xor.xlsx", [[0, 1]])
    for sheet in ("Summary", "Network"):
        cells = [cell for row in book[sheet].iter_rows() for cell in row if cell.hyperlink and cell.value in ("hidden", "xor")]
        goals = {cell.value: book["1 network"][cell.hyperlink.location.rpartition("!")[2]] for cell in cells}
        assert set(goals) == {"hidden", "xor"} and goals["hidden"].column < goals["xor"].column
        assert all(str(goal.value).startswith("=") for goal in goals.values())
