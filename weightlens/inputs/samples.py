"""The samples that a user gives a network."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Samples:
    """One array per input of the model, and the titles of the columns of each (empty where the source has no titles)."""

    arrays: list[np.ndarray]
    labels: list[list[str]] = field(default_factory=list)
