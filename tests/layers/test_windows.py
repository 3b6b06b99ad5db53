"""What is done with windows of bare arrays, beside the one NumPy call that a trace records."""

from __future__ import annotations

import numpy as np
import pytest

from weightlens.layers.convolution.windows import largest, products, products_apart, windows
from weightlens.recording import Recorded

SIZES, STRIDES, RATES = (3, 2, 2), (2, 1, 1), (1, 2, 1)


@pytest.mark.parametrize("lead", [(2,), (2, 3), (0,)], ids=["samples", "samples of samples", "no sample"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_as_in_one_call(rank: int, channels: int, lead: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    x, kernel = random.normal(size=(*lead, *(6, 7, 5)[:rank], channels)), random.normal(size=(*SIZES[:rank], channels, 4))
    seen = windows(x, SIZES[:rank], STRIDES[:rank], RATES[:rank], "valid")
    recorded = windows(Recorded(x), SIZES[:rank], STRIDES[:rank], RATES[:rank], "valid")
    np.testing.assert_allclose(products(seen, kernel), products(recorded, kernel).value, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(largest(seen, rank), largest(recorded, rank).value)


@pytest.mark.parametrize("multiplier", [1, 2])
@pytest.mark.parametrize("strides", [(1, 1, 1), (2, 1, 2)])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_channels_by_themselves_as_in_one_call(rank: int, strides: tuple[int, ...], multiplier: int) -> None:
    random = np.random.default_rng(0)
    x, kernel = random.normal(size=(2, *(6, 7, 5)[:rank], 3)), random.normal(size=(*SIZES[:rank], 3, multiplier))
    for channels in (3, 1):
        seen = windows(x[..., :channels], SIZES[:rank], strides[:rank], RATES[:rank], "same")
        taken = kernel[..., :channels, :]
        apart = products_apart(Recorded(seen), Recorded(taken)).value
        np.testing.assert_allclose(products_apart(seen, taken), apart, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize(("length", "says"), [(5, ""), (6, "in two ways")], ids=["one cell over", "two cells over"])
def test_windows_that_leave_cells_over_are_refused_where_tensorflow_has_two_ways(rank: int, length: int, says: str) -> None:
    """Of 6 cells it takes those at 0 and 3 with oneDNN, those at 1 and 4 without, if the layer is three-dimensional."""
    x = np.arange(float(length**rank)).reshape(1, *(length,) * rank, 1)
    sizes = (1,) * rank, (3,) * rank, (1,) * rank
    if rank == 3 and says:
        with pytest.raises(NotImplementedError, match=says):
            windows(x, *sizes, "same", two_ways=True)
    else:
        assert windows(x, *sizes, "same", two_ways=rank == 3).shape == (1, *(2,) * rank, 1, *(1,) * rank)
