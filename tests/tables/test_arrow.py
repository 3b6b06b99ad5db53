"""Arrays as Parquet: every number exactly, or a refusal."""

from __future__ import annotations

from functools import partial
from io import BytesIO
from typing import Any

import numpy as np
import polars
import pytest

import weightlens
from tests.conftest import SAMPLES
from weightlens.tables.arrow import AT_ONCE, write_matrices

parquet = pytest.importorskip("pyarrow.parquet")


def back(**arrays: np.ndarray) -> Any:
    file = BytesIO()
    write_matrices(file, {name: (array.shape, str(array.dtype), partial(np.asarray, array)) for name, array in arrays.items()})
    return parquet.read_table(file)


def test_every_number_comes_back() -> None:
    values = np.random.default_rng(1).normal(size=(3, 4, 5)).astype(np.float32)
    table = back(a=values, b=np.array([np.nan, -np.inf, -0.0]), c=np.array(7.0), none=np.zeros((0, 2)))
    made = {name: np.full(shape, 9.0) for name, shape in (("a", (3, 4, 5)), ("b", (3,)), ("c", ()))}
    for row in table.to_pylist():
        made[row["matrix"]][tuple(row["index"])] = row["value"]
    assert made["a"].astype(np.float32).tobytes() == values.tobytes() and made["c"] == 7
    assert np.isnan(made["b"][0]) and made["b"][1] == -np.inf and np.signbit(made["b"][2])


def test_whole_numbers_stay_whole() -> None:
    large = np.array([2**62, -(2**62) - 1])
    assert back(large=large)["value"].to_pylist() == large.tolist()
    with pytest.raises(weightlens.BadInput, match=r"large: .*rounded"):
        back(large=large, other=np.ones(2))
    with pytest.raises(weightlens.BadInput, match="rounded"):
        back(large=np.array([2**64 - 1], np.uint64))
    with pytest.raises(weightlens.BadInput, match="complex128"):
        back(z=np.array([1j]))


def test_a_large_array_goes_in_pieces() -> None:
    table = back(a=np.arange(AT_ONCE + 3.0))
    assert len(table) == AT_ONCE + 3 and table["index"][-1].as_py() == [AT_ONCE + 2] and table["value"][-1].as_py() == AT_ONCE + 2


def test_other_libraries_take_a_trace_and_a_summary() -> None:
    """By Arrow's C stream, as polars and DuckDB do."""
    import pyarrow as pa

    model = weightlens.load(SAMPLES / "or.h5")
    trace = model.trace([[0, 1]])
    table = pa.table(trace)
    assert table.column_names == ["layer", "step", "index", "value"] and len(table) == sum(step.value.size for step in trace)
    assert table["index"][1].as_py() == [0, 1] and table["value"][1].as_py() == trace.steps[0].value[0, 1]
    assert pa.table(model.summary())["parameters"].to_pylist() == [6, 0]


def test_polars_takes_them() -> None:
    model = weightlens.load(SAMPLES / "or.h5")
    trace = model.trace([[0, 1]])
    table = polars.DataFrame(trace)
    assert table["index"].to_list()[1] == [0, 1] and table["value"].to_list() == [x for step in trace for x in step.value.ravel().tolist()]
    assert polars.DataFrame(model.summary())["parameters"].to_list() == [6, 0]
