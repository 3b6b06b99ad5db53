"""Matrices of more than two axes at the terminal: a picture for each channel and filter, a matrix for each head."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest

import weightlens
from tests.attention_file import write_attention
from tests.conftest import SAMPLES, sample_input
from weightlens.model import Weight
from weightlens.terminal import Screen
from weightlens.terminal.matrices import order_of, view_of_weight
from weightlens.terminal.matrix_lines import matrix_lines
from weightlens.terminal.print_trace import print_trace

CONVOLUTION = """\
    kernel row down, kernel column across
    [filter 0]
      channel 0                channel 1
       0.0000  4.0000  8.0000   2.0000  6.0000 10.0000
      12.0000 16.0000 20.0000  14.0000 18.0000 22.0000
    [filter 1]
      channel 0                channel 1
       1.0000  5.0000  9.0000   3.0000  7.0000 11.0000
      13.0000 17.0000 21.0000  15.0000 19.0000 23.0000
"""

TRANSPOSED = """\
    kernel row down, kernel column across
    [filter 0]
      channel 0        channel 1        channel 2
       0.0000  6.0000   1.0000  7.0000   2.0000  8.0000
      12.0000 18.0000  13.0000 19.0000  14.0000 20.0000
    [filter 1]
      channel 0        channel 1        channel 2
       3.0000  9.0000   4.0000 10.0000   5.0000 11.0000
      15.0000 21.0000  16.0000 22.0000  17.0000 23.0000
"""

LONG = """\
    kernel time step down, channel across
    filter 0         filter 1         filter 2         filter 3
     0.0000  4.0000   1.0000  5.0000   2.0000  6.0000   3.0000  7.0000
     8.0000 12.0000   9.0000 13.0000  10.0000 14.0000  11.0000 15.0000
"""

VOLUME = """\
    kernel row down, kernel column across
    [filter 0]
      kernel plane 0   kernel plane 1
       0.0000  2.0000   8.0000 10.0000
       4.0000  6.0000  12.0000 14.0000
    [filter 1]
      kernel plane 0   kernel plane 1
       1.0000  3.0000   9.0000 11.0000
       5.0000  7.0000  13.0000 15.0000
"""

HEADS = """\
    input down, key dim across
       head 0              head 1
             0        1          0        1
    0   0.0000   1.0000     2.0000   3.0000
    1   4.0000   5.0000     6.0000   7.0000
    2   8.0000   9.0000    10.0000  11.0000
"""

POINTWISE = """\
               filter 0  filter 1
    channel 0    0.0000    1.0000
    channel 1    2.0000    3.0000
    channel 2    4.0000    5.0000
"""

GATES = """\
             i0       i1       i2       f0       f1       f2
    x0   0.0000   1.0000   2.0000   3.0000   4.0000   5.0000
    x1  12.0000  13.0000  14.0000  15.0000  16.0000  17.0000
             g0       g1       g2       o0       o1       o2
    x0   6.0000   7.0000   8.0000   9.0000  10.0000  11.0000
    x1  18.0000  19.0000  20.0000  21.0000  22.0000  23.0000
"""

SCORES = """\
  scores = query . key * 1/sqrt(3)                                  (1, 2, 5, 5)
    query token down, key token across
       head 0
             0        1        2        3        4
    0   1.5357  -0.1388  -0.2760  -0.3989   1.6456
    1  -1.2944   0.4439  -0.3910   0.6247  -1.1582
    2   0.2150  -0.0393  -0.5348  -0.3761   0.2598
    3  -1.2802  -0.1996   0.3379  -0.2257  -1.5525
    4   0.8253  -0.1278  -0.4708  -0.5017   0.8815
       head 1
             0        1        2        3        4
    0  -5.0349  -2.0737   0.3831   1.8132  -4.2267
    1  -2.2839  -1.6831   0.3954   1.4769  -1.8323
    2  -2.6567  -2.8256   0.5874   2.0257  -2.1897
    3  -1.2575  -1.9357   0.4000   1.2896  -1.0357
    4  -6.4079  -2.8494   0.5679   2.5541  -5.3341
"""

PLANES = """\
  maximum = max of each window of conv                              (3, 4, 4, 6)
    row down, column across
    [sample 0]
      channel 0                    channel 1
      0.0128 0.0000 0.0000 0.0000  0.0313 0.4063 0.6125 0.0000
      0.0128 0.0000 0.1843 0.1460  0.0221 0.8721 0.9399 0.4849
      0.0128 0.0000 0.0000 0.0128  0.0110 0.7379 0.9719 0.2152
      0.0128 0.2069 0.4563 0.0724  0.0222 0.9083 0.9342 0.5473
      …
      channel 4                    channel 5
      0.1599 0.0000 0.1740 0.1020  0.0000 0.3852 0.2988 0.0000
      0.1177 0.0000 0.0000 0.1622  0.1076 0.2229 0.3606 0.0217
      0.1177 0.0000 0.0000 0.1177  0.0000 0.3512 0.2761 0.0000
      0.1304 0.1253 0.0376 0.1177  0.1941 0.2483 0.2660 0.1270
    …
    [sample 2]
      channel 0                    channel 1
      0.0011 0.0000 0.0000 0.0128  0.0237 0.7231 0.5463 0.0000
      0.0128 0.0000 0.0144 0.0128  0.0216 0.9148 0.8299 0.4190
      0.0000 0.0000 0.0000 0.0000  0.0800 0.5750 0.8607 0.5413
      0.0580 0.1000 0.3605 0.3125  0.1245 0.8092 0.6416 0.6829
      …
      channel 4                    channel 5
      0.1271 0.0000 0.1139 0.1177  0.0000 0.2752 0.2733 0.0000
      0.1295 0.0000 0.0000 0.1422  0.1356 0.1917 0.2907 0.0000
      0.1366 0.0000 0.0000 0.0743  0.1946 0.4340 0.2536 0.0690
      0.1258 0.0000 0.1658 0.0685  0.1262 0.1557 0.2791 0.0520
"""


def lines_of(values: np.ndarray, owner: str = "", name: str = "kernel", width: int = 80, full: bool = False) -> str:
    """The lines of a weight of a class of layers."""
    weight = Weight(name, values.shape, str(values.dtype), "", lambda: values, lambda key: values[key], owner=(owner, {}))
    screen = Screen(io.StringIO(), width, False)
    screen.lines(matrix_lines(view_of_weight(weight, full=full), screen))
    return screen.file.getvalue()  # type: ignore[attr-defined]


def counted(*shape: int) -> np.ndarray:
    """An array that tells where each of its numbers stands."""
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


@pytest.mark.parametrize(
    "shape, owner, name, expected",
    [
        ((2, 3, 2, 2), "Conv2D", "kernel", CONVOLUTION),
        ((2, 2, 2, 3), "Conv2DTranspose", "kernel", TRANSPOSED),
        ((2, 2, 4), "Conv1D", "kernel", LONG),
        ((2, 2, 2, 1, 2), "Conv3D", "kernel", VOLUME),
        ((1, 1, 3, 2), "SeparableConv2D", "pointwise_kernel", POINTWISE),
        ((3, 2, 2), "MultiHeadAttention", "query/kernel", HEADS),
        ((2, 12), "LSTM", "kernel", GATES),
    ],
)
def test_a_weight_looks_as_on_its_sheet(shape: tuple[int, ...], owner: str, name: str, expected: str) -> None:
    assert lines_of(counted(*shape), owner, name) == expected


def test_scores_are_a_matrix_of_tokens_for_each_head(tmp_path: Path) -> None:
    trace = weightlens.load(write_attention(tmp_path / "attention.h5")).trace([[1, 5, 3, 0, 7]])
    screen = Screen(io.StringIO(), 80, False)
    print_trace(trace, screen, ("attention",))
    assert SCORES in screen.file.getvalue()  # type: ignore[attr-defined]
    scores = next(step for step in trace["attention"] if step.name == "scores").value
    first = [f"{number:.4f}" for number in scores[0, 0, 0]]
    assert SCORES.splitlines()[4].split() == ["0", *first]


def test_a_feature_map_is_a_picture_for_each_channel() -> None:
    path = SAMPLES / "digits_cnn.keras"
    screen = Screen(io.StringIO(), 80, False)
    trace = weightlens.load(path).trace(sample_input(path))
    print_trace(trace, screen, ("pool",))
    assert PLANES in screen.file.getvalue()  # type: ignore[attr-defined]
    second = trace["pool"][0].value[0, :, :, 1]
    assert [line.split()[4:] for line in PLANES.splitlines()[4:8]] == [[f"{number:.4f}" for number in row] for row in second]


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize(
    "owner, shape", [("Conv2D", (3, 3, 4, 5)), ("Conv2D", (9, 11, 1, 2)), ("MultiHeadAttention", (7, 3, 12)), ("", (2, 3, 4, 5))]
)
def test_every_number_is_printed_once_and_fits(owner: str, shape: tuple[int, ...], width: int) -> None:
    text = lines_of(counted(*shape), owner, "query/kernel" if owner == "MultiHeadAttention" else "kernel", width, full=True)
    numbers = [float(word) for word in text.split() if "." in word]
    assert sorted(numbers) == list(range(int(np.prod(shape)))) and max(map(len, text.splitlines())) <= width


def test_a_large_kernel_shows_whole_pictures_of_its_first_and_last_filters() -> None:
    lines = lines_of(counted(3, 3, 32, 64), "Conv2D").splitlines()
    assert [line.strip() for line in lines if "filter" in line] == ["[filter 0]", "[filter 63]"]
    assert re.findall(r"channel \d+", "".join(lines)) == 2 * ["channel 0", "channel 1", "channel 30", "channel 31"]
    values = counted(3, 3, 32, 64)
    assert f"{values[2, 1, 31, 63]:.4f}" in "".join(lines)


def test_axes_without_such_names_keep_the_order_of_the_file() -> None:
    assert order_of(["in", "piece", "in"], [2, 3, 4]).axes == [0, 1, 2]
    assert order_of(["sample", "row", "row", "channel"], [2, 3, 4, 5]).picture is False
    assert order_of(["channel", "row", "column"], [2, 3, 4]) == ([0, 1, 2], True, True)
    assert order_of(["head", "filter", "channel"], [2, 3, 4]) == ([0, 1, 2], True, False)
