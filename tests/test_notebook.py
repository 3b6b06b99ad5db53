"""What a notebook shows: well-formed tables, with nothing from the file taken as markup."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import weightlens
from tests.conftest import INPUTS, sample_input
from weightlens.api.notebook import heat_map
from weightlens.checks import check_by_hand
from weightlens.checks.by_hand.hand_report import HandReport
from weightlens.report import Report, compare

OR = next(path for path in INPUTS if path.stem == "or")


def cells(thing: Any) -> list[str]:
    """The text of every cell, of what parses as XML."""
    return ["".join(cell.itertext()) for cell in ET.fromstring(f"<div>{thing._repr_html_()}</div>").iter("td")]


def parts(thing: Any) -> dict[str, ET.Element]:
    """What opens with a click, by its title."""
    return {part[0].text or "": part for part in ET.fromstring(f"<div>{thing._repr_html_()}</div>").iter("details")}


def test_model_and_trace() -> None:
    model = weightlens.load(OR)
    assert "kernel 2 x 2, bias 2" in cells(model)
    [weights] = parts(model).values()
    assert weights[0].text == "dense: 6 numbers" and len([*weights.iter("td")]) == 6
    trace = model.trace(sample_input(OR))
    steps = parts(trace)
    assert [*steps] == ["dense: 2 steps, output 4 x 2", f"softmax: {len(trace['softmax'])} steps, output 4 x 2"]
    assert [part.get("open") for part in steps.values()] == [None, "open"]
    assert "pre-activation = dot product + bias" in "".join(steps["dense: 2 steps, output 4 x 2"].itertext())


def test_rows_and_columns_have_names() -> None:
    model = weightlens.load(OR)
    [weights] = parts(model).values()
    assert [name.text for name in weights.iter("th")][:5] == [None, "unit 0", "unit 1", "input 0", "input 1"]
    softmax = parts(model.trace([[0, 1]]))["softmax: 4 steps, output 1 x 2"]
    assert [name.text for name in softmax.iter("th")][-4:] == [None, "unit 0", "unit 1", "sample 0"]
    assert [cell.text for cell in softmax.iter("td")][3] == "1.002", "what is not 1 is not shown as 1"


def test_heat_maps() -> None:
    map_of = ET.fromstring(f"<div>{heat_map(np.array([[-2.0, 1.0, np.nan]]))}</div>")
    assert [(cell.text, cell.get("style")) for cell in map_of.iter("td")] == [
        ("-2", "color:#222;background:rgb(242,180,140)"), ("1", "color:#222;background:rgb(199,222,240)"), ("nan", None),
    ]  # fmt: skip
    large = heat_map(np.zeros((5, 40, 30)))
    assert large.count("<tr>") == 16 and large.count("<td") == 256 and "the first 256 of 6,000" in large
    assert heat_map(np.array(3)).count("<td") == 1 and "no numbers" in heat_map(np.zeros((0, 3)))
    assert "&lt;b&gt;" in heat_map(np.array(["<b>"])) and heat_map(np.array([np.inf, 1e308])).count("rgb") == 1


@pytest.mark.parametrize("shape", [(3000, 700), (3, 3, 40, 20), (7, 3, 5), (20, 2), (50,)])
def test_of_a_weight_only_what_is_shown_is_read(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).normal(size=shape)
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["a/kernel"] = numbers
    model, read = weightlens.load(tmp_path / "w.h5"), [0]
    whole = h5py.Dataset.__getitem__

    def counted(dataset: h5py.Dataset, key: Any) -> Any:
        values = whole(dataset, key)
        read[0] += values.size
        return values

    monkeypatch.setattr(h5py.Dataset, "__getitem__", counted)
    [shown] = parts(model).values()
    expected = numbers.reshape(-1, numbers.shape[-1])[:16, :16].ravel()
    assert [cell.text for cell in shown.iter("td")] == [f"{number:.4g}" for number in expected]
    assert read[0] <= 512


def test_a_closed_model_says_so() -> None:
    with weightlens.load(OR) as model:
        pass
    assert "before the model was closed" in model._repr_html_()


def test_names_are_text() -> None:
    model = weightlens.load(OR)
    model.layers[1].name = "<script>alert(1)</script>&"
    assert "<script>alert(1)</script>&" in cells(model)
    assert "<script>" not in model._repr_html_()


def test_reports(tmp_path: Any) -> None:
    report = Report("or.h5", [compare("a<b", "Dense", np.ones(2), np.zeros(2), "Keras", 1e-5)])
    assert {"a<b", "DIFFERS"} <= set(cells(report))
    report = replace(report, rows=[replace(report.rows[0], worst_relative=0.0)] * 300)
    assert "100 more" in report._repr_html_()
    file = tmp_path / "mine.csv"
    file.write_text("0.99,0.01\n0,1\n0.5,0.5\n0,1")
    found = check_by_hand(weightlens.load(OR), sample_input(OR), file)
    assert isinstance(found, HandReport)
    assert "softmax/activation, sample 2" in found._repr_html_()
