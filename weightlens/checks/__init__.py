"""Checks: the engine against Keras, a workbook against the engine, in a real spreadsheet program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weightlens.model import Model
from weightlens.report import Report, Row

if TYPE_CHECKING:
    from weightlens.checks.by_hand.hand_report import HandReport

__all__ = ["Report", "Row", "check", "check_by_hand", "check_workbook"]


def check(
    model: Model, inputs: Any = None, tolerance: float = 1e-5, float64: bool = True, stage: Callable[[str], None] = lambda title: None
) -> Report:
    """Run the saved file in Keras, in float32 and in float64, and compare every layer's output with ours.

    ``stage`` is called with the name of each stage, for a progress bar: one of ``weightlens.checks.keras.STAGES``.
    """
    from weightlens.checks.keras import check_with_keras

    return check_with_keras(model, inputs, tolerance, float64, stage)


def check_workbook(book: str | Path, model: Model | None = None, engine: str | None = None, tolerance: float = 1e-12) -> Report:
    """Recalculate a workbook in a spreadsheet program and compare every formula's cell with what it should be."""
    from weightlens.checks.workbook import check_workbook as compare

    return compare(book, model, engine, tolerance)


def check_by_hand(model: Model, inputs: Any, given: str | Path, ranges: Sequence[str] = (), steps: Sequence[str] = ()) -> HandReport:
    """Compare a calculation by hand (a .csv, ``-``, or a workbook) with ours, and explain the first step that differs."""
    from weightlens.checks.by_hand.compare import check_by_hand as compare

    return compare(model, inputs, given, ranges, steps)
