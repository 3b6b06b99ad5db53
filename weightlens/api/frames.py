"""Tables for pandas and for what reads Apache Arrow (polars, DuckDB), where these are installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from weightlens.errors import BadInput

if TYPE_CHECKING:
    from pandas import DataFrame

    from weightlens.recording import Trace


def frame(columns: dict[str, Any]) -> DataFrame:
    """The columns as a frame; ``BadInput`` without pandas."""
    try:
        import pandas as pd
    except ImportError:
        raise BadInput("a frame needs pandas, which is not installed: pip install pandas") from None
    return pd.DataFrame(columns)


def stream(columns: dict[str, Any], schema: object) -> object:
    """The columns by Arrow's C stream, which polars, DuckDB and pyarrow read; ``BadInput`` without pyarrow."""
    from weightlens.tables.arrow import pyarrow

    return pyarrow().table(columns).__arrow_c_stream__(schema)


def trace_columns(trace: Trace) -> dict[str, Any]:
    """A row for each number of a trace, in order: its layer, the name of its step, its ``index`` in the step's array, its value."""
    steps = [step for step in trace.steps if step.value.size]
    counts = [step.value.size for step in steps]
    return {
        "layer": np.repeat(np.array([step.layer for step in steps], object), counts),
        "step": np.repeat(np.array([step.name for step in steps], object), counts),
        "index": [index for step in steps for index in np.ndindex(step.value.shape)],
        "value": np.concatenate([step.value.ravel() for step in steps]) if steps else [],
    }
