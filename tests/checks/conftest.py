"""A calculation by hand, written to a file and checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from weightlens.checks import check_by_hand
from weightlens.checks.by_hand.hand_report import HandReport
from weightlens.model import Model


@pytest.fixture
def checked(tmp_path: Path) -> Callable[[Model, np.ndarray, str], HandReport]:
    """A calculation written to a file and checked."""

    def check(model: Model, x: np.ndarray, text: str) -> HandReport:
        file = tmp_path / "mine.csv"
        file.write_text(text)
        return check_by_hand(model, x, file)

    return check
