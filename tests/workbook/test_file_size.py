"""What ``--plan`` says of the file before it is written, beside the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import weightlens
from benchmarks import models
from tests.conftest import SAMPLES
from weightlens import page
from weightlens.errors import WorkbookTooLarge
from weightlens.workbook import exporting, measure
from weightlens.workbook.layout.plan import MAX_CELLS, refuse_too_many
from weightlens.workbook.layout.size import FEW_CELLS, Size


@pytest.mark.parametrize("path", [*sorted(SAMPLES.glob("*.h5")), *sorted(SAMPLES.glob("*.keras"))], ids=lambda path: path.name)
def test_samples(path: Path, tmp_path: Path) -> None:
    model = weightlens.load(path)
    size = measure(model)
    book, html = weightlens.export(model, tmp_path / "a.xlsx"), page.export(model, tmp_path / "a.html")
    assert size.bytes == pytest.approx(book.stat().st_size, rel=0.25)
    about = float(page.measure(size).split("about ")[1].split()[0])
    assert about * 1e3 == pytest.approx(html.stat().st_size, rel=0.25)


@pytest.mark.parametrize(
    "make, arguments", [("convolution", (20,)), ("dense", (400, 64, 10)), ("recurrent", (150, 4, 8))], ids=["convolutions", "dense", "LSTM"]
)
def test_of_larger_ones_some_cells_tell(make: str, arguments: tuple[int, ...], tmp_path: Path) -> None:
    model = weightlens.load(getattr(models, make)(tmp_path / "model.h5", *arguments))
    size = measure(model)
    assert size.cells > FEW_CELLS
    assert size.bytes == pytest.approx(weightlens.export(model, tmp_path / "a.xlsx").stat().st_size, rel=0.25)


def test_areas_are_counted(tmp_path: Path) -> None:
    """Each of the 30 x 30 formulas of a convolution of 9 channels reads two areas; a dense layer's sum reads two as well."""
    config = {"filters": 1, "kernel_size": [3, 3], "strides": [1, 1], "padding": "valid", "activation": "linear", "use_bias": False}
    conv: models.Made = ("Conv2D", config | {"data_format": "channels_last", "dilation_rate": [1, 1]}, {"kernel": (3, 3, 1, 1)})
    size = measure(weightlens.load(models.write(tmp_path / "conv.h5", (32, 32, 1), [conv])), np.zeros((1, 32, 32, 1)))
    assert size.areas == pytest.approx(2 * 30 * 30, rel=0.05)


def test_what_hardly_any_program_opens() -> None:
    small, steps = Size("steps", bytes=5), Size("steps", bytes=120_000_000)
    assert not small.warning
    assert all(words in steps.warning for words in ("120 MB", ".html", "--detail layers", "--layers A..B"))
    assert "--detail" not in Size("layers", bytes=120_000_000).warning


def test_it_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "MANY", 10)
    monkeypatch.setattr("weightlens.workbook.layout.size.MOST_FORMULAS", 10)
    path, told = tmp_path / "a.xlsx", list[tuple[str, bool]]()
    weightlens.export(SAMPLES / "or.h5", path, warn=lambda text: told.append((text, path.exists())))
    [(text, written)] = told
    assert "hardly any program" in text and not written


def test_too_many_weights_are_refused_before_anything_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("all_sheets", "layout.plan"):
        monkeypatch.setattr(f"weightlens.workbook.{module}.MAX_CELLS", 5)
    monkeypatch.setattr("weightlens.workbook.all_sheets.record", lambda *given: pytest.fail("computed"))
    with pytest.raises(WorkbookTooLarge, match=r"at least 6 cells.*--layers A..B.*browse"):
        measure(weightlens.load(SAMPLES / "or.h5"))


@pytest.mark.parametrize(
    "cells, words, others",
    [
        ((9, MAX_CELLS, 1, False), ("--layers A..B", "--detail weights"), ("one sample", "--detail layers", "browse")),
        ((9, MAX_CELLS, 2, True), ("one sample", "--layers A..B", "--detail layers", "--detail weights"), ("browse",)),
        ((9, 3 * MAX_CELLS, 2, True), ("--layers A..B", "--detail layers"), ("one sample",)),
        ((MAX_CELLS + 1, 9, 2, True), ("--layers A..B", "browse"), ("one sample", "--detail")),
    ],
)
def test_only_what_helps_is_offered(cells: tuple[int, int, int, bool], words: tuple[str, ...], others: tuple[str, ...]) -> None:
    with pytest.raises(WorkbookTooLarge) as refusal:
        refuse_too_many(*cells)
    assert all(word in str(refusal.value) for word in words) and not any(word in str(refusal.value) for word in others)
