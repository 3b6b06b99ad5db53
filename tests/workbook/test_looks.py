"""What a reader sees: footers, colours of classes, digits, names in every script, what a column of classes is about."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

import weightlens
from tests.conftest import SAMPLES
from tests.formats.build import dense, dense_arrays, functional, given, legacy, node
from tests.tiny import write_tiny
from weightlens.axes.factors import Factor
from weightlens.axes.moves import in_order
from weightlens.workbook.xlsx.book import Book
from weightlens.workbook.xlsx.charts import COLOURS
from weightlens.workbook.xlsx.styles import LOOKS, NEGATIVE, POSITIVE, Styles, short_format, squares_format

ARABIC, JAPANESE = "\u0637\u0628\u0642\u0629", "\u96a0\u308c\u5c64"


@pytest.fixture(scope="module")
def xor(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("looks") / "xor.xlsx"
    weightlens.export(SAMPLES / "xor_relu.h5", path, inputs=[[0, 1], [0, 0], [1, 1]], target=[1, 0, 0])
    return openpyxl.load_workbook(path)


def test_the_footer_lies_within_the_margin(xor: Any) -> None:
    """Else LibreOffice has no room for it, and prints none."""
    for page in xor:
        assert page.oddFooter.right.text and page.page_margins.footer < page.page_margins.bottom, page.title


def test_class_0_is_blue_and_class_1_orange_wherever_classes_are_seen(xor: Any) -> None:
    scales = [rule.colorScale for area in xor["Map"].conditional_formatting for rule in area.rules if rule.type == "colorScale"]
    assert [colour.rgb[-6:] for colour in scales[0].color] == [POSITIVE, "FFFFFF", NEGATIVE]
    assert any("from 0 (blue) to 1 (orange)" in str(cell.value) for cell in xor["Map"][7])
    series = xor["Hidden space"]._charts[0].series  # the first sample is of class 1
    found = [one.marker.graphicalProperties.solidFill.srgbClr for one in series]
    assert [one.tx.v for one in series] == ["no", "yes"] and found == [*COLOURS[:2]]
    page = (Path(weightlens.__file__).parent / "page" / "static" / "colours.js").read_text(encoding="utf-8")
    channels = re.findall(r"\[(\d+), (\d+), (\d+)\]", page.partition("CLASSES")[2])
    assert ["{:02X}{:02X}{:02X}".format(*map(int, colour)) for colour in channels] == [*COLOURS[: len(channels)]]
    assert len({*COLOURS}) == 10, "ten classes are told apart"


def test_a_bar_is_as_long_as_its_share(xor: Any) -> None:
    bars = [rule.dataBar for area in xor["Neuron"].conditional_formatting for rule in area.rules if rule.type == "dataBar"]
    assert bars and {bar.minLength for bar in bars} == {0}


@pytest.mark.parametrize(
    ("values", "shown", "small"),
    [
        ([-1e9, 2.67e-4, -3.3e-4], "0.00E+00", "0.0E+00"),  # masked scores
        ([1234567.25, 1234567.5], "0.00000000E+00", "0.0E+00"),
        ([-0.00099999, -0.001], "0.000000000", "0.0E+00"),
        ([0.25, 0.5], "0.000", "0.00"),
    ],
)
def test_numbers_have_the_digits_in_which_they_differ(values: list[float], shown: str, small: str) -> None:
    assert (short_format(np.array(values)), squares_format(np.array(values))) == (shown, small)


def test_a_mask_is_0_and_1() -> None:
    styles = Styles()
    number = styles.numbers("step", np.array([True, False]))
    assert [look.format for look, known in styles._ids.items() if known == number] == ["0"]


def test_names_in_every_script(tmp_path: Path) -> None:
    """They stand on the left and reach to the right, and are the names of their sheets."""
    weightlens.export(write_tiny(tmp_path / "m.h5", name=ARABIC), tmp_path / "book.xlsx")
    page = openpyxl.load_workbook(tmp_path / "book.xlsx")["Summary"]
    cells = [cell for row in page.iter_rows() for cell in row if str(cell.value).startswith(ARABIC)]
    assert cells and {cell.alignment.horizontal for cell in cells} == {"left"}
    assert {LOOKS[name].align for name in ("title", "section", "caption left", "label left", "math left")} == {"left"}
    book = Book()
    assert [book.sheet(name, numbered=True).title for name in (JAPANESE, "encoder #2/first")] == [f"1 {JAPANESE}", "2 encoder 2 first"]


def test_of_several_outputs_a_column_says_whose_class_it_is(tmp_path: Path) -> None:
    inbound = [["x", 0, 0, {}]]
    layers = [{**given("x", 2), "name": "x", "inbound_nodes": []}]
    layers += [node(dense("same", 1, activation="sigmoid"), inbound), node(dense("score", 3), inbound)]
    config = functional(layers, [["x", 0, 0]], [["same", 0, 0], ["score", 0, 0]])
    legacy(tmp_path / "m.h5", config, {"same": dense_arrays("same/", 2, 1), "score": dense_arrays("score/", 2, 3)})
    weightlens.export(tmp_path / "m.h5", tmp_path / "book.xlsx", inputs=[[0, 1]])
    page = openpyxl.load_workbook(tmp_path / "book.xlsx")["1 network"]
    assert "output of same \u2265 threshold?" in {cell.value for row in page.iter_rows() for cell in row}


def test_the_part_of_what_was_joined_comes_before_the_place_in_it() -> None:
    """Also where the first part is a single number."""
    place, part = Factor("feature", np.array([0, 0, 1, 2, 0, 1])), Factor("part", np.array([0, 1, 1, 1, 2, 2]))
    assert [factor.word for factor in in_order([place, part], 6)] == ["part", "feature"]
