"""Checks: the engine against Keras, a workbook against the engine, a calculation by hand against both.

Comes in: a model, inputs, and what is compared with it. Goes out: a ``Report`` with a row for each comparison.
Nothing is printed here.
"""

from weightlens.checks.by_hand.compare import check_by_hand
from weightlens.checks.keras import check
from weightlens.checks.workbook import check_workbook
from weightlens.report import Report, Row

__all__ = ["Report", "Row", "check", "check_by_hand", "check_workbook"]
