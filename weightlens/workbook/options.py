"""What a workbook is to have, as the user asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from weightlens.workbook.exercise import Exercise

DETAILS = ("auto", "steps", "layers", "weights")


@dataclass
class Options:
    """Labels and extras of one workbook; see ``weightlens.workbook.export``."""

    title: str = ""
    labels: tuple[str, ...] = ()
    input_labels: tuple[str, ...] = ()
    target: np.ndarray | None = None
    exercise: Exercise | None = None
    expected: list[np.ndarray] | None = None
    witness: str = "weightlens"
    verified: str = ""
