"""What a workbook is to have, as the user asked for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from weightlens.errors import BadInput
from weightlens.workbook.sheets.exercise import Exercise

DETAILS = ("auto", "steps", "layers", "weights")


@dataclass
class Options:
    """Labels and extras of one workbook; see ``weightlens.workbook.export``."""

    title: str = ""
    labels: tuple[str, ...] = ()
    input_labels: tuple[str, ...] = ()
    detail: str = "auto"
    target: Any = None
    blank: tuple[str, ...] | None = None
    switch: bool = False
    expected: list[np.ndarray] | None = None
    witness: str = "weightlens"
    verified: str = ""
    made_up: bool = False  # nobody gave inputs
    exercise: Exercise | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.detail not in DETAILS:
            raise BadInput(f"detail {self.detail!r}: it is one of {', '.join(DETAILS)}")
        self.renew()

    def renew(self) -> None:
        """Ready for another workbook: an exercise remembers what it laid out."""
        self.exercise = None if self.blank is None else Exercise(self.blank)
