"""Operator nodes of functional graphs (``x + y``, ``ops.relu(x)``): one NumPy call each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

OPERATIONS: dict[str, Callable[..., Any]] = {
    "Add": np.add,
    "Subtract": np.subtract,
    "Multiply": np.multiply,
    "Divide": np.divide,
}
