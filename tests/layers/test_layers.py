"""Every layer case, three ways: NumPy against Keras, recorded against plain, the workbook in real spreadsheet programs.

The workbooks by turns, some of each kind every day; LibreOffice and Gnumeric, which are slow, take fewer than IronCalc.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import weightlens
from tests.cases import CASES, Case, some
from tests.conftest import Built, Recalculated
from weightlens.call_order import refs
from weightlens.checks.workbook import compare_sheet
from weightlens.engine import forward, portions
from weightlens.engine.binding import bind
from weightlens.engine.output_shapes import layer_shapes
from weightlens.engine.portions import samples_are_independent
from weightlens.engine.run import Run
from weightlens.errors import UnsupportedLayer
from weightlens.report import compare

every_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
ENGINES = [(engine, case) for engine, one_in in (("ironcalc", 8), ("libreoffice", 16), ("gnumeric", 16)) for case in some(one_in)]

ACROSS_SAMPLES = {
    "ops, quantile, several",
    "ops, einsum of one",
    "ops, scatter update",
    "ops, slice update",
    "ops, mesh grid",
    "ops, corrcoef",
}  # need samples for a shape


def test_case_names_are_unique() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names))


@every_case
def test_numpy_equals_keras(case: Case, built: Callable[[Case], Built]) -> None:
    assert len(built(case).predicted) == len(built(case).expected)
    for ours, theirs in zip(built(case).predicted, built(case).expected, strict=True):
        row = compare(case.name, "", ours, theirs, "Keras", case.tolerance)
        assert row.ok, row


@every_case
def test_portions_equal_all_samples_at_once(case: Case, built: Callable[[Case], Built], monkeypatch: pytest.MonkeyPatch) -> None:
    """A network whose samples are computed three at a time, and side by side, answers as one that computes all of them together."""
    model = built(case).model
    if not samples_are_independent(model):
        return
    monkeypatch.setattr(forward, "samples_at_once", lambda model, arrays: 3)
    inputs = [x[np.resize(np.arange(len(x)), 11)] for x in built(case).inputs]
    with np.errstate(all="ignore"):
        whole = Run(None, np.float64).network(model, bind(model, inputs))
    on = {}
    for cores in (1, 4):
        monkeypatch.setattr(portions, "cores", lambda cores=cores: cores)
        on[cores] = model.predict(inputs)
    for one, several, expected in zip(on[1], on[4], whole, strict=True):
        np.testing.assert_array_equal(one, several)
        np.testing.assert_allclose(one, expected, rtol=1e-9, atol=1e-12)


@every_case
def test_recorded_equals_plain(case: Case, built: Callable[[Case], Built]) -> None:
    try:
        recorded = built(case).model.trace(built(case).inputs).outputs
    except UnsupportedLayer:
        if case.workbook:
            raise
        return
    for a, b in zip(recorded, built(case).predicted, strict=True):
        np.testing.assert_array_equal(a, b)


@every_case
def test_a_live_model_equals_its_file(case: Case, built: Callable[[Case], Built]) -> None:
    for ours, theirs in zip(built(case).live, built(case).predicted, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("case", [case for case in CASES if case.name not in ACROSS_SAMPLES], ids=lambda case: case.name)
def test_shapes_are_known_without_numbers(case: Case, built: Callable[[Case], Built]) -> None:
    model = weightlens.load(built(case).path)
    found = layer_shapes(model, [x.shape[1:] for x in built(case).inputs])
    outputs = [found[ref.layer + (f" #{ref.call + 1}" if ref.call else "")][ref.index] for ref in refs(model.outputs)]
    assert outputs == [y.shape[1:] for y in built(case).expected]
    assert not any(weight._value is not None for weight in model.weights.values()), "a weight was read"


@pytest.mark.parametrize(("engine", "case"), ENGINES, ids=[f"{case.name}-{engine}" for engine, case in ENGINES])
def test_workbook_equals_numpy(
    case: Case, engine: str, built: Callable[[Case], Built], workbook: Callable[[Case, str], Recalculated]
) -> None:
    book = workbook(case, engine)
    if not case.workbook:
        assert isinstance(book.refusal, UnsupportedLayer), "a layer without formulas has to be refused"
        return
    if book.refusal is not None:
        raise book.refusal
    assert book.stored is not None and book.computed is not None
    assert not book.computed.errors()
    for sheet, formulas in book.stored.formulas.items():
        missing = [ref for ref in formulas if ref not in book.stored.sheets[sheet]]
        assert not missing, f"formulas without a cached value: {sheet} {missing[:3]}"
        row = compare_sheet(sheet, book.stored, book.computed, 1e-12 if engine != "ironcalc" else 1e-10)
        assert row.ok, row
    for number, expected in enumerate(built(case).predicted):
        np.testing.assert_allclose(book.computed.block(f"output_{number}"), expected.ravel(), rtol=1e-10, atol=1e-10)


def test_a_note_says_what_the_file_of_int8_attention_does_not(built: Callable[[Case], Built]) -> None:
    case = next(case for case in CASES if case.name == "heads, int8")
    *_, layer = weightlens.load(built(case).path)
    assert layer.note.startswith("the file does not say how the inputs of its projections are rounded")
