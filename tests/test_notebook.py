"""What a notebook shows: well-formed tables, with nothing from the file taken as markup."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import numpy as np

import weightlens
from tests.conftest import INPUTS, sample_input
from weightlens.checks import check_by_hand
from weightlens.checks.by_hand.hand_report import HandReport
from weightlens.report import Report, compare

OR = next(path for path in INPUTS if path.stem == "or")


def cells(thing: Any) -> list[str]:
    """The text of every cell, of what parses as XML."""
    return ["".join(cell.itertext()) for cell in ET.fromstring(f"<div>{thing._repr_html_()}</div>").iter("td")]


def test_model_and_trace() -> None:
    model = weightlens.load(OR)
    assert "kernel 2 x 2, bias 2" in cells(model)
    steps = cells(model.trace(sample_input(OR)))
    assert "pre-activation = dot product + bias" in steps
    assert len(steps) == 5 * 6


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
