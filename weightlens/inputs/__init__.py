"""What a user gives a network: typed, from a table, from pictures, or nothing; and what the network asks for.

Comes in: texts and files. Goes out: arrays by input name, in the order and dtype that the model wants.
The engine tries a default input. Knows nothing of sheets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np


class Samples(NamedTuple):
    """One array per input of the model, and the titles of the columns of each (empty where the source has no titles)."""

    arrays: list[np.ndarray]
    labels: Sequence[list[str]] = ()
