"""The samples that a user gives a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Samples(NamedTuple):
    """One array per input of the model, and the titles of the columns of each (empty where the source has no titles)."""

    arrays: list[np.ndarray]
    labels: Sequence[list[str]] = ()
